import { watch } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { codeOf } from '../../base/errors.js';
import { BLOCK, giveBlock, ROOM, takeBlock } from './block.js';
import { LogFormat, type LogView } from './format.js';
import { LogFile } from './log-file.js';

export interface LogRequest extends LogView {
  /** Only the last so many entries; undefined: all. */
  tail?: number | undefined;
  /** Go on with what is being written until this resolves, and what is written by then. */
  follow?: Promise<unknown>;
}

/** Below this a copy costs less than making the reader say when it is done. */
const SMALL = 64 * 1024;
/** The last lines of a log are most often in here. */
const GLANCE = 16 * 1024;
const NEWLINE = 0x0a;
const NOTHING = Buffer.alloc(0);
const WHOLE = { offset: 0, found: 0 };

/** So many files missing in a row mean that there are no older ones; a single one may be on its way to its next name. */
const GAP = 2;

/** One file of a log, open: it stays readable when rotation renames or removes it. */
interface Part {
  handle: LogFile;
  inode: number;
  /** When it was opened. */
  size: number;
}

/** The log's output as it is sent, oldest entry first, each chunk good until the next is asked for. Ending the iteration closes the files. */
export async function* readLog(path: string, request: LogRequest): AsyncGenerator<Uint8Array> {
  const format = new LogFormat(request);
  // Watching starts before the first byte is read: what is written in between shows as a change.
  const changes = request.follow ? new Changes(path, request.follow) : undefined;
  let parts: Part[] = [];
  try {
    let wanted = request.tail ?? Infinity;
    let offset = 0;
    let ready: Buffer = NOTHING;
    // Counted from the end: what is older than the wanted entries is not even opened.
    const enough = async ({ handle, size }: Part): Promise<boolean> => {
      const tail = await tailOf(handle, size, wanted);
      ({ offset, bytes: ready } = tail);
      wanted -= tail.found;
      return wanted === 0;
    };
    parts = await openParts(path, request.tail === undefined ? undefined : enough);
    if (parts.length === 0 && changes) parts = await firstPart(path, changes);
    for (;;) {
      const part = parts[0];
      if (!part) return;
      for (;;) {
        // Asked before reading: what was written until then is read below.
        const over = !changes || parts.length > 1 || changes.ended;
        const next = !changes || parts.length > 1 ? undefined : await successorOf(path, part.inode);
        if (next) parts.push(next); // whoever leaves from here on leaves it to be closed
        // Without following, what there was when it was asked for is the answer.
        const end = changes ? Infinity : part.size;
        for await (const { bytes, room } of readFrom(part.handle, { from: offset, end, ready })) {
          offset += bytes.length;
          const output = format.push(bytes, room);
          if (output.length > 0) yield lasting(output);
          if (format.finished) return;
        }
        ready = NOTHING;
        if (over || next) break;
        await changes.next();
      }
      parts.shift();
      letGo(part);
      offset = 0;
    }
  } finally {
    changes?.close();
    parts.forEach(letGo);
  }
}

/** A log's files, held open so that reading may start at a point that is only known later. */
export interface History extends AsyncDisposable {
  /** Nothing was rotated since it was opened. */
  current(): Promise<boolean>;
  /** Everything up to `end` bytes of the newest file, or the last `tail` entries of it, each chunk good until the next is asked for; the files are closed after it. */
  read(end: number, view: LogView, tail?: number): AsyncGenerator<Uint8Array>;
}

export async function openHistory(path: string): Promise<History> {
  const parts = await openParts(path);
  const newest = parts.at(-1)?.inode;
  let closed: Promise<unknown> | undefined;
  const close = (): Promise<unknown> => (closed ??= Promise.all(parts.map(({ handle }) => handle.close())));
  return {
    current: async () => (await inodeOf(path)) === newest,
    async *read(end, view, tail = Infinity) {
      const format = new LogFormat(view);
      const wanted: { handle: LogFile; from: number; end: number }[] = [];
      let missing = tail;
      try {
        for (const { handle, size } of [...parts].reverse()) {
          if (missing === 0) break;
          const limit = wanted.length === 0 ? end : size;
          const { offset, found } = tail === Infinity ? WHOLE : await tailOf(handle, limit, missing);
          missing -= found;
          wanted.unshift({ handle, from: offset, end: limit });
        }
        for (const { handle, ...range } of wanted) {
          for await (const { bytes, room } of readFrom(handle, range)) {
            const output = format.push(bytes, room);
            if (output.length > 0) yield lasting(output);
          }
        }
      } finally {
        await close();
      }
    },
    [Symbol.asyncDispose]: async () => {
      await close();
    },
  };
}

/**
 * The files of the log, oldest first. Opened newest first: what rotates meanwhile shows up again under an older name. `enough` says
 * when older ones are not wanted.
 */
async function openParts(path: string, enough?: (part: Part) => Promise<boolean>): Promise<Part[]> {
  const parts: Part[] = [];
  for (let age = 0, missing = 0; missing < GAP; age++) {
    const part = await openPart(nameOf(path, age));
    if (!part) {
      missing++;
      continue;
    }
    if (parts.some(({ inode }) => inode === part.inode)) {
      await part.handle.close();
      continue;
    }
    parts.unshift(part);
    if (await enough?.(part)) break;
  }
  return parts;
}

async function openPart(path: string): Promise<Part | undefined> {
  try {
    const handle = await LogFile.open(path);
    const { ino, size } = await handle.stat();
    return { handle, inode: ino, size };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** A container that has just been let go may not have written yet. */
async function firstPart(path: string, changes: Changes): Promise<Part[]> {
  for (;;) {
    const over = changes.ended;
    const parts = await openParts(path);
    if (parts.length > 0 || over) return parts;
    await changes.next();
  }
}

/** The file that took over from the given one; undefined while that is still the newest. */
async function successorOf(path: string, inode: number): Promise<Part | undefined> {
  for (;;) {
    const age = await ageOf(path, inode);
    if (age === 0) return undefined;
    // Rotated away and removed: the oldest that is left goes on.
    const next = age === undefined ? await oldestAge(path) : age - 1;
    const part = next === undefined ? undefined : await openPart(nameOf(path, next));
    if (!part) return undefined; // not made yet: its making is a change that wakes us again
    // Still in the same place afterwards: no rotation slipped in between.
    if ((await ageOf(path, inode)) === age) return part;
    await part.handle.close();
  }
}

async function ageOf(path: string, inode: number): Promise<number | undefined> {
  for (let age = 0, missing = 0; missing < GAP; age++) {
    const found = await inodeOf(nameOf(path, age));
    if (found === inode) return age;
    if (found === undefined) missing++;
  }
  return undefined;
}

async function oldestAge(path: string): Promise<number | undefined> {
  const name = basename(path);
  const ages = (await readdir(dirname(path)))
    .map((entry) => (entry === name ? 0 : entry.startsWith(`${name}.`) ? Number(entry.slice(name.length + 1)) : NaN))
    .filter((age) => Number.isInteger(age));
  return ages.length === 0 ? undefined : Math.max(...ages);
}

async function inodeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).ino;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

const nameOf = (path: string, age: number): string => (age === 0 ? path : `${path}.${age}`);

/** Nobody waits for the closing of a file that was read. */
const letGo = ({ handle }: Part): void => void handle.close().catch(() => undefined);

/** Who takes a small chunk may keep it for a while. */
const lasting = (output: Buffer): Buffer => (output.length > SMALL ? output : Buffer.from(output));

/**
 * A file's bytes; `ready` are those at `from` that were read before. Reads ahead by one block: the disk and whoever formats work side by side.
 * A block and the `room` in front of it are the caller's until it asks for the next.
 */
async function* readFrom(
  handle: LogFile,
  { from = 0, end = Infinity, ready = NOTHING }: { from?: number; end?: number; ready?: Buffer },
): AsyncGenerator<{ bytes: Buffer; room: number }> {
  const blocks: Buffer[] = [];
  const readAt = async (offset: number, block: Buffer): Promise<Buffer> => {
    const wanted = block.subarray(ROOM, ROOM + Math.min(BLOCK, end - offset));
    return wanted.subarray(0, await handle.read(wanted, offset));
  };
  const blockAt = (offset: number, turn: number): Promise<Buffer> =>
    offset >= end ? Promise.resolve(NOTHING) : readAt(offset, (blocks[turn % 2] ??= takeBlock()));
  let offset = from + ready.length;
  if (ready.length > 0) yield { bytes: ready, room: 0 };
  let reading = blockAt(offset, 0);
  try {
    for (let turn = 1; ; turn++) {
      const bytes = await reading;
      if (bytes.length === 0) return;
      offset += bytes.length;
      const full = bytes.length === BLOCK;
      if (full) reading = blockAt(offset, turn);
      reading.catch(() => undefined); // thrown where it is awaited
      yield { bytes, room: ROOM };
      if (!full) reading = blockAt(offset, turn);
    }
  } finally {
    await reading.catch(() => undefined); // the file is closed after us
    blocks.forEach(giveBlock);
  }
}

/** Where the last `wanted` lines of a file begin; `found` is less when it has fewer. `bytes` are those lines where one look was enough. */
async function tailOf(
  handle: LogFile,
  size: number,
  wanted: number,
): Promise<{ offset: number; found: number; bytes: Buffer }> {
  if (wanted === 0) return { offset: size, found: 0, bytes: NOTHING };
  let found = 0;
  for (let end = size, length = GLANCE; end > 0; length = BLOCK) {
    const start = Math.max(0, end - length);
    const buffer = Buffer.allocUnsafeSlow(end - start);
    const bytesRead = await handle.read(buffer, start);
    const from = (at: number) => (end === size ? buffer.subarray(at, bytesRead) : NOTHING);
    let at = bytesRead;
    while (at > 0 && (at = buffer.lastIndexOf(NEWLINE, at - 1)) >= 0) {
      // The newline before the first wanted line is the one that says where it begins.
      if (found === wanted) return { offset: start + at + 1, found, bytes: from(at + 1) };
      found++;
    }
    if (start === 0) return { offset: 0, found, bytes: from(0) };
    end = start;
  }
  return { offset: 0, found, bytes: NOTHING };
}

/** Wakes a follower when the log's directory changes or the container ends. */
class Changes {
  ended = false;
  #changed = false;
  #wake: (() => void) | undefined;
  readonly #watcher;

  constructor(path: string, end: Promise<unknown>) {
    const name = basename(path);
    this.#watcher = watch(join(dirname(path)), { persistent: false }, (_, file) => {
      if (file === null || file.startsWith(name)) this.#poke();
    });
    this.#watcher.on('error', () => this.#poke());
    const over = () => {
      this.ended = true;
      this.#poke();
    };
    end.then(over, over);
  }

  async next(): Promise<void> {
    if (!this.#changed) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#changed = false;
  }

  close(): void {
    this.#watcher.close();
    this.#poke();
  }

  #poke(): void {
    this.#changed = true;
    this.#wake?.();
    this.#wake = undefined;
  }
}
