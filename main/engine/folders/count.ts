/** How much a folder holds, as far as the time goes. */
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';

export interface Tally {
  files: number;
  /** Bytes, of what is in files. */
  size: number;
  /** False: there is more, for which there was no time or no right. */
  whole: boolean;
}

/** Directories read at once: a few of the threads that read files, not all of them. */
const AT_ONCE = 2;

/** Adds up what is below, into `tally` as it goes. Links count as one file each and lead nowhere. */
export async function tallyUp(folder: string, tally: Tally, signal: AbortSignal): Promise<void> {
  const waiting = [folder];
  const one = async (directory: string) => {
    try {
      for await (const entry of await opendir(directory, { bufferSize: 128 })) {
        if (signal.aborted) return;
        const path = join(directory, entry.name);
        if (entry.isDirectory()) waiting.push(path);
        else {
          tally.files += 1;
          if (entry.isFile()) tally.size += (await lstat(path)).size;
        }
      }
    } catch {
      tally.whole = false;
    }
  };
  while (waiting.length > 0 && !signal.aborted) await Promise.all(waiting.splice(-AT_ONCE).map(one));
  if (signal.aborted) tally.whole = false;
}
