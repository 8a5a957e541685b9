/** One blob from where it comes, attempt after attempt, each going on where the one before stopped. */
import { createHash, type Hash } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { codeOf, invalid, messageOf, unavailable } from '../../base/errors.js';
import { shortId } from '../../base/ids.js';
import { Arrival } from './arrival.js';
import { appendBehind, explained, mismatch } from './writing.js';

export interface BlobProgress {
  stage: 'downloading' | 'retrying' | 'verifying';
  current: number;
  total: number;
  /** Seconds until the next attempt, while retrying. */
  seconds?: number;
}

/** Where a blob comes from: its bytes from `offset` on. The source may begin earlier (at 0) when it cannot skip. */
export type BlobSource = (
  offset: number,
  signal: AbortSignal,
) => Promise<{ offset: number; body: AsyncIterable<Uint8Array> }>;

export interface Download {
  digest: string;
  size: number;
  /** Where it lies until it is whole; what an earlier attempt left there is taken up. */
  path: string;
  source: BlobSource;
  signal: AbortSignal;
  report: (progress: BlobProgress) => void;
  /** Time between attempts. */
  backOffMs: number;
  /** For whoever works with its bytes before the last one is there; undefined: it is over. */
  onArrival: (arrival: Arrival | undefined) => void;
  /** All of it is there, and it is what its digest says. */
  commit: (file: FileHandle) => Promise<void>;
}

const ATTEMPTS = 5;

export async function download(wish: Download): Promise<void> {
  const { digest, size, path, source, signal, report, commit, onArrival } = wish;
  const file = await open(path, 'a+', 0o600).catch((error: unknown) => {
    throw explained(error);
  });
  const arrival = new Arrival(path, 0);
  try {
    let { offset, hash } = await resumed(file, size);
    let inherited = offset > 0;
    arrival.grow(offset);
    onArrival(arrival);
    report({ stage: 'downloading', current: offset, total: size });
    for (let failures = 0; ;) {
      const before = offset;
      try {
        while (offset < size) {
          const from = await source(offset, signal);
          if (from.offset !== offset) {
            if (from.offset !== 0) throw unavailable(`the source answered from byte ${from.offset}, not ${offset}`);
            await file.truncate(0);
            arrival.startOver();
            ({ offset, hash } = { offset: 0, hash: createHash('sha256') });
          }
          offset = await appendBehind(file, hash, offset, from.body, (current) => {
            if (current > size)
              throw invalid(`the layer ${shortId(digest)} is longer than its manifest says (${size} bytes)`);
            offset = current;
            arrival.grow(current);
            report({ stage: 'downloading', current, total: size });
          });
          if (offset < size) throw unavailable(`the connection ended after ${offset} of ${size} bytes`);
        }
      } catch (error) {
        signal.throwIfAborted();
        if (codeOf(error) === 'ENOSPC' || !isTransient(error)) {
          await rm(path, { force: true });
          throw error;
        }
        failures = offset > before ? 1 : failures + 1;
        if (failures >= ATTEMPTS) throw error;
        await pause(failures, { ...wish, offset });
        continue;
      }
      report({ stage: 'verifying', current: size, total: size });
      const found = `sha256:${hash.digest('hex')}`;
      if (found === digest) break;
      await file.truncate(0);
      if (!inherited) {
        await rm(path, { force: true });
        throw mismatch(digest, found);
      }
      // What a power cut left of an earlier attempt may be zeros: once more, from the first byte.
      inherited = false;
      arrival.startOver();
      ({ offset, hash } = { offset: 0, hash: createHash('sha256') });
    }
    await commit(file);
    arrival.end('whole');
  } catch (error) {
    const why = explained(error) as Error;
    arrival.end(why);
    throw why;
  } finally {
    onArrival(undefined);
    await file.close();
  }
}

/** How far an earlier attempt came, and the hash of that. */
async function resumed(file: FileHandle, size: number): Promise<{ offset: number; hash: Hash }> {
  const hash = createHash('sha256');
  const there = (await file.stat()).size;
  if (there === 0) return { offset: 0, hash };
  if (there > size) {
    await file.truncate(0);
    return { offset: 0, hash };
  }
  const chunk = Buffer.allocUnsafe(1024 * 1024);
  let offset = 0;
  while (offset < there) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, offset);
    if (bytesRead === 0) break;
    hash.update(chunk.subarray(0, bytesRead));
    offset += bytesRead;
  }
  return { offset, hash };
}

async function pause(
  failures: number,
  { offset: current, size: total, signal, report, backOffMs }: Download & { offset: number },
): Promise<void> {
  for (let seconds = 2 ** (failures - 1); seconds > 0; seconds--) {
    report({ stage: 'retrying', current, total, seconds });
    await new Promise<void>((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', stop);
        resolve();
      }, backOffMs);
      signal.addEventListener('abort', stop, { once: true });
    });
  }
}

/** A failure that another attempt may not meet: the network's, not the disk's and not the registry's considered answer. */
function isTransient(error: unknown): boolean {
  const kind = (error as { kind?: string }).kind;
  if (kind) return kind === 'unavailable';
  return (
    /^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|EAI|ERR_STREAM_PREMATURE)/.test(codeOf(error) ?? '') ||
    /aborted|terminated|socket hang up/.test(messageOf(error))
  );
}
