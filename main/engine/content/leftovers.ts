import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface Leftover {
  /** Undefined: its name is none of ours. */
  digest: string | undefined;
  path: string;
  /** Among the blobs, not on its way there. */
  whole: boolean;
  bytes: number;
  writtenMs: number;
}

export interface LeftoverQuestion {
  /** The directories of blobs, and of those on their way. */
  blobs: string;
  ingest: string;
  /** Somebody works with it. */
  isPinned: (digest: string) => boolean;
  /** An image has it. */
  isNeeded: (digest: string) => boolean;
}

const HEX = /^[a-f0-9]{64}$/;

/** Blobs that nobody needs or works with, unfinished downloads, and what has no business here. */
export async function* leftovers({ blobs, ingest, isPinned, isNeeded }: LeftoverQuestion): AsyncGenerator<Leftover> {
  for (const directory of [blobs, ingest]) {
    for (const name of await readdir(directory)) {
      const digest = HEX.test(name) ? `sha256:${name}` : undefined;
      const whole = directory === blobs;
      // A download under way is pinned.
      if (digest !== undefined && (isPinned(digest) || (whole && isNeeded(digest)))) continue;
      const path = join(directory, name);
      const found = await stat(path).catch(() => undefined); // it may have gone meanwhile
      if (found) yield { digest, path, whole, bytes: found.size, writtenMs: found.mtimeMs };
    }
  }
}
