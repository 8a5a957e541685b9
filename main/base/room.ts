import { statfs } from 'node:fs/promises';
import { system } from './errors.js';

/** What is left on a disk. */
export interface Room {
  /** Bytes: of the whole disk, and what may still be written by this user. */
  size: number;
  free: number;
  /** Files; null where the file system has no such limit. */
  inodes: { total: number; free: number } | null;
  /** Bytes that are left alone: nothing big is begun that would take them. */
  keep: number;
}

export interface Need {
  bytes: number;
  /** How many files and directories. */
  files?: number;
}

const MOST_KEPT = 256 * 2 ** 20;
/** A fiftieth of a small disk. */
const KEPT_PART = 50;
const KEPT_FILES = 256;

export async function roomOn(path: string): Promise<Room> {
  const { bsize, blocks, bavail, files, ffree } = await statfs(path);
  const size = blocks * bsize;
  return {
    size,
    free: bavail * bsize,
    inodes: files > 0 ? { total: files, free: ffree } : null,
    keep: Math.min(MOST_KEPT, Math.floor(size / KEPT_PART)),
  };
}

/** Refuses with numbers what the disk at `path` cannot hold, before anything of it is written. `what`: how the sentence begins. */
export async function requireRoom(path: string, { bytes, files = 0 }: Need, what: string): Promise<void> {
  const { free, keep, inodes } = await roomOn(path);
  const way = 'remove images, containers or volumes that nobody needs, then try again';
  if (bytes > free - keep)
    throw system(
      `no space left on device: ${what} needs about ${inWords(bytes)}, ${inWords(free)} free on the disk that holds ${path} (${inWords(keep)} of it are left alone): ${way}`,
    );
  if (inodes && files > inodes.free - Math.min(KEPT_FILES, inodes.total / KEPT_PART))
    throw system(
      `no space left on device: ${what} needs about ${files} files, ${inodes.free} more fit on the disk that holds ${path}: ${way}`,
    );
}

/** Decimal units, as Docker writes sizes: `1.2 GB`. */
export function inWords(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let unit = 0;
  while (bytes >= 1000 && unit < units.length - 1) {
    bytes /= 1000;
    unit++;
  }
  return `${bytes < 10 && unit > 0 ? bytes.toFixed(1) : Math.round(bytes)} ${units[unit]}`;
}
