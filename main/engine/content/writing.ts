/** Bytes into files, hashed on their way. */
import type { Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { diskError, invalid } from '../../base/errors.js';

export async function append(
  file: FileHandle,
  hash: Hash,
  start: number,
  body: AsyncIterable<Uint8Array>,
  onBytes: (current: number) => void = () => undefined,
): Promise<number> {
  let offset = start;
  for await (const chunk of body) {
    hash.update(chunk);
    for (let written = 0; written < chunk.length;) {
      written += (await file.write(chunk, written, chunk.length - written)).bytesWritten;
    }
    offset += chunk.length;
    onBytes(offset);
  }
  return offset;
}

/** More than this is not taken from the network before it is on its way to the disk. */
const MOST_WAITING = 2 * 1024 * 1024;

/** After so much of one body everybody else has their turn: a network as fast as the memory would keep the event loop for itself. */
const TURN = 256 * 1024;

/** The same for chunks that stay as they are: while some are written, the next ones gather, and go in one piece. Whatever has come is written, also where the rest does not. */
export async function appendBehind(
  file: FileHandle,
  hash: Hash,
  start: number,
  body: AsyncIterable<Uint8Array>,
  onBytes: (current: number) => void,
): Promise<number> {
  let offset = start;
  let waiting: Uint8Array[] = [];
  let size = 0;
  let writing: Promise<void> | undefined;
  let failure: { error: unknown } | undefined;
  let taken = 0;
  const write = async () => {
    while (waiting.length > 0) {
      const [chunks, bytes] = [waiting, size];
      [waiting, size] = [[], 0];
      if ((await file.writev(chunks)).bytesWritten < bytes) throw codedError('ENOSPC', 'the disk took only a part');
      offset += bytes;
      onBytes(offset);
    }
  };
  try {
    for await (const chunk of body) {
      if (failure) break;
      hash.update(chunk);
      waiting.push(chunk);
      size += chunk.length;
      writing ??= write()
        .catch((error: unknown) => void (failure = { error }))
        .finally(() => (writing = undefined));
      if (size >= MOST_WAITING) await writing;
      taken += chunk.length;
      if (taken < TURN) continue;
      taken = 0;
      await nextTurn();
    }
  } finally {
    await writing;
    // What came while the last ones were being written.
    if (!failure) await write();
  }
  if (failure) throw failure.error;
  return offset;
}

const codedError = (code: string, message: string): Error => Object.assign(new Error(message), { code });

export const mismatch = (expected: string, found: string) =>
  invalid(`the content does not match its digest and was refused: expected ${expected}, got ${found}`);

export const explained = (error: unknown): unknown => diskError(error, 'the images');
