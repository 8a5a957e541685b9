/** Volumes between the engine and this machine's disk, as tars; nothing of them stays in memory. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { invalid } from '../../main/base/errors.js';
import type { Client } from '../../main/client/index.js';
import type { VolumeArchive } from '../../main/contract/bridge.js';
import type { VolumeProgress } from '../../main/contract/volume-data.js';
import { save, watched, type Watch } from './copies.js';

/** As it is now, or as a backup has it. */
export const saveVolume = (client: Client, what: VolumeArchive, to: string, watch: Watch): Promise<void> =>
  save(
    async () => {
      const { signal } = watch;
      watch.tell(0); // a task from here on, which can be cancelled: who writes may have to be paused, and all of it be packed first
      if ('volume' in what) {
        const { volume, compress, pause } = what;
        return { bytes: await client.backups.exportTar(volume, { compress, pause }, { signal }) };
      }
      const { body, headers } = await client.backups.download(what.backup, { signal });
      const length = headers['content-length'];
      return { bytes: body, ...(length !== undefined && { total: Number(length) }) };
    },
    to,
    watch,
  );

/** Gives a tar to the engine, and passes on how far it is. */
export async function fillVolume(
  client: Client,
  file: string,
  { volume, replace }: { volume: string; replace: boolean },
  watch: Watch & { stage(progress: VolumeProgress): void },
): Promise<void> {
  const found = await stat(file);
  if (!found.isFile()) throw invalid(`${basename(file)} is a folder: pack it into a tar first`);
  const bytes = watched(createReadStream(file, { highWaterMark: 512 * 1024 }), watch, found.size);
  await client.backups.importTar(volume, bytes, {
    replace,
    signal: watch.signal,
    onProgress: (progress) => watch.stage(progress),
  });
}
