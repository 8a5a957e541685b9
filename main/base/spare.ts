import { rm, stat } from 'node:fs/promises';

/** Room on the disk that is kept beside a database, for what must be written when there is none left. */
export const spareOf = (database: string): string => `${database}-spare`;

/** Gives the room back. False: there was none. The database's own thread does the same for itself. */
export async function releaseSpare(database: string): Promise<boolean> {
  const kept = await stat(spareOf(database)).then(
    () => true,
    () => false,
  );
  if (kept) await rm(spareOf(database), { force: true });
  return kept;
}
