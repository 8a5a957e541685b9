import './scopes.js';
import { statfs } from 'node:fs/promises';
import { EngineError, system } from './errors.js';

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

const WAY = 'empty the bin, or remove images, containers or volumes that nobody needs, then try again';

/** Refuses with numbers what the disk at `path` cannot hold, before anything of it is written. `what`: how the sentence begins. */
export async function requireRoom(path: string, { bytes, files = 0 }: Need, what: string): Promise<void> {
  const { free, keep, inodes } = await roomOn(path);
  if (bytes > free - keep)
    throw system(
      `no space left on device: ${what} needs about ${inWords(bytes)}, ${inWords(free)} free on the disk that holds ${path} (${inWords(keep)} of it are left alone): ${WAY}`,
    );
  if (inodes && files > inodes.free - keptFiles(inodes))
    throw system(
      `no space left on device: ${what} needs about ${files} files, ${inodes.free} more fit on the disk that holds ${path}: ${WAY}`,
    );
}

const keptFiles = ({ total }: { total: number }): number => Math.min(KEPT_FILES, total / KEPT_PART);

/** Why guarded work was ended. */
export class NoRoom extends EngineError {}

const LOOK_MS = 200;

/**
 * For work of which nobody knows beforehand what it comes to (an archive that unfolds): its signal ends it, with the reason, once what is always left
 * alone on the disk at `path` is touched, or when `signal` does. `what`: how the sentence begins.
 */
export function guardRoom(path: string, what: string, signal?: AbortSignal): Disposable & { signal: AbortSignal } {
  const control = new AbortController();
  const pass = () => control.abort(signal?.reason);
  if (signal?.aborted) pass();
  signal?.addEventListener('abort', pass, { once: true });
  const look = async () => {
    const { free, keep, inodes } = await roomOn(path);
    const full = free < keep || (inodes && inodes.free < keptFiles(inodes));
    if (!full) return;
    const left = free < keep ? `${inWords(free)} are left` : `${inodes?.free} more files fit`;
    const sentence = `${what} was given up when the disk that holds ${path} had hardly any room (${left}): ${WAY}`;
    control.abort(new NoRoom('system', `no space left on device: ${sentence}`));
  };
  const timer = setInterval(() => void look().catch(() => undefined), LOOK_MS).unref();
  return {
    signal: control.signal,
    [Symbol.dispose]() {
      clearInterval(timer);
      signal?.removeEventListener('abort', pass);
    },
  };
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
