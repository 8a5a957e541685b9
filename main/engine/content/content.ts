import '../../base/scopes.js';
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { codeOf, invalid, notFound } from '../../base/errors.js';
import { Flights } from '../../base/flights.js';
import { newId } from '../../base/ids.js';
import { guardRoom, requireRoom, type Need } from '../../base/room.js';
import type { Arrival } from './arrival.js';
import { checkedDigest, digestOf } from './digest.js';
import { download, type BlobProgress, type BlobSource, type Download } from './download.js';
import { leftovers, type Leftover } from './leftovers.js';
import { append, explained, mismatch } from './writing.js';

/** Bytes that blobs take, and what of them nobody needs: blobs without an image, downloads that were cut off. */
export interface ContentUsage {
  blobs: number;
  bytes: number;
  leftover: { blobs: number; bytes: number };
}

/** Blobs that must stay while something still works with them. */
export interface ContentLease extends Disposable {
  pin(digest: string): void;
}

/** A blob that comes in pieces; nothing is left of it unless it was committed. */
export interface Ingest extends AsyncDisposable {
  /** Bytes that are here so far. */
  readonly size: number;
  /** What came before a failure stays, and is counted. */
  append(body: AsyncIterable<Uint8Array>): Promise<void>;
  /** Refused where the bytes have another digest. */
  commit(digest: string): Promise<void>;
}

/** Unfinished or unreferenced content is kept this long, so a pull can go on where it stopped. */
const PATIENCE_MS = 24 * 3600 * 1000;
/** Files that are looked at together. */
const AT_ONCE = 64;
/** After so much that nobody has announced it is asked whether there is still room. */
const LOOK_BYTES = 32 * 1024 * 1024;
/** What has more bytes is no manifest and no configuration. */
export const LARGEST_DOCUMENT = 8 * 1024 * 1024;
/** What is read at a time of a blob that is passed on. */
const PIECE = 256 * 1024;

/** Blobs by digest, as an OCI image layout keeps them: verified while they stream in, immutable once there. */
export class Content {
  readonly #root: string;
  readonly #blobs: string;
  readonly #ingest: string;
  readonly #flights = new Flights<void, BlobProgress>();
  readonly #arriving = new Map<string, Arrival>();
  readonly #pins = new Map<string, Set<{ until: number }>>();
  readonly #removing = new Map<string, Promise<void>>();
  /** Blobs that are made and not stored yet, and where they lie. */
  readonly #fresh = new Map<string, string>();
  /** Time between attempts; tests shorten it. */
  readonly #backOffMs: number;

  static async open({ root, backOffMs = 1000 }: { root: string; backOffMs?: number }): Promise<Content> {
    const content = new Content(root, backOffMs);
    await mkdir(content.#blobs, { recursive: true, mode: 0o700 });
    await mkdir(content.#ingest, { recursive: true, mode: 0o700 });
    for (const name of await readdir(content.#ingest)) {
      const path = join(content.#ingest, name);
      const expected = /^[a-f0-9]{64}$/.test(name);
      if (!expected || Date.now() - (await stat(path)).mtimeMs > PATIENCE_MS) await rm(path, { force: true });
    }
    return content;
  }

  private constructor(root: string, backOffMs: number) {
    this.#root = root;
    this.#blobs = join(root, 'blobs', 'sha256');
    this.#ingest = join(root, 'ingest');
    this.#backOffMs = backOffMs;
  }

  /** Refuses with numbers what the disk cannot hold. `what`: how the sentence begins. */
  requireRoom(need: Need, what: string): Promise<void> {
    return requireRoom(this.#root, need, what);
  }

  /** Ends work that turns out to take more than the disk has. */
  guardRoom(what: string, signal?: AbortSignal): ReturnType<typeof guardRoom> {
    return guardRoom(this.#root, what, signal);
  }

  path(digest: string): string {
    return join(this.#blobs, checkedDigest(digest).slice('sha256:'.length));
  }

  /** A blob's size, or undefined when it is not here. */
  async size(digest: string): Promise<number | undefined> {
    await this.#removing.get(digest);
    try {
      return (await stat(this.path(digest))).size;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** A document (manifest, config) in one piece. */
  async read(digest: string, limit = LARGEST_DOCUMENT): Promise<Buffer> {
    const size = await this.size(digest);
    if (size === undefined) throw missing(digest);
    if (size > limit) throw invalid(`content ${digest} has ${size} bytes: too many for a document (at most ${limit})`);
    return readFile(this.path(digest)).catch((error: unknown) => {
      throw whyNotOpened(digest, error);
    });
  }

  /** A blob that is being fetched at this moment. */
  arriving(digest: string): Arrival | undefined {
    return this.#arriving.get(digest);
  }

  /**
   * A blob's bytes from an offset on, for who passes them on: each chunk is good until the next one is asked for, while that one is already
   * being read. Of a blob that `make` has just made also before it is stored.
   */
  async *chunks(digest: string, offset = 0, end = Infinity): AsyncGenerator<Uint8Array> {
    const file = await this.#openBlob(digest);
    const buffers = [Buffer.allocUnsafeSlow(PIECE), Buffer.allocUnsafeSlow(PIECE)];
    const read = (turn: number, at: number) => {
      const length = Math.min(PIECE, end - at);
      return length > 0 ? file.read(buffers[turn % 2] as Buffer, 0, length, at) : undefined;
    };
    let next = read(0, offset);
    try {
      for (let turn = 0; ; turn++) {
        const piece = await next;
        if (!piece?.bytesRead) return;
        offset += piece.bytesRead;
        next = read(turn + 1, offset);
        next?.catch(() => undefined);
        yield piece.buffer.subarray(0, piece.bytesRead);
      }
    } finally {
      await next?.catch(() => undefined);
      await file.close();
    }
  }

  async #openBlob(digest: string): Promise<FileHandle> {
    const fresh = this.#fresh.get(digest);
    const opened = fresh && (await open(fresh).catch(() => undefined)); // it may have got its name meanwhile
    if (opened) return opened;
    return open(this.path(digest)).catch((error: unknown) => {
      throw whyNotOpened(digest, error);
    });
  }

  /**
   * Stores what `make` writes to the path that it is given. Its bytes can be had at once (`chunks`); `stored` settles when it is there for good.
   */
  async make<Made extends { digest: string; size: number }>(
    make: (path: string) => Promise<Made>,
  ): Promise<Made & { stored: Promise<void> }> {
    const path = join(this.#ingest, `receive-${newId().slice(0, 16)}`);
    try {
      const made = await make(path);
      const stored = this.#keep(path, made.digest);
      stored.catch(() => undefined);
      return { ...made, stored };
    } catch (error) {
      await rm(path, { force: true });
      throw explained(error);
    }
  }

  /** An upload in pieces: what comes is hashed and written, and becomes a blob at its end. */
  async ingest(): Promise<Ingest> {
    const path = join(this.#ingest, `receive-${newId().slice(0, 16)}`);
    const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
      throw explained(error);
    });
    const hash = createHash('sha256');
    let size = 0;
    let over = false;
    const end = async () => {
      if (over) return;
      over = true;
      await file.close();
      await rm(path, { force: true });
    };
    return {
      get size() {
        return size;
      },
      append: async (body) => {
        try {
          await append(file, hash, size, this.#whileRoom(body), (written) => (size = written));
        } catch (error) {
          throw explained(error);
        }
      },
      commit: async (digest) => {
        try {
          const found = `sha256:${hash.digest('hex')}`;
          if (found !== digest) throw mismatch(digest, found);
          if ((await this.size(digest)) === undefined) await this.#commit(file, path, digest);
        } catch (error) {
          throw explained(error);
        } finally {
          await end();
        }
      },
      [Symbol.asyncDispose]: end,
    };
  }

  /** What a client brings without saying how much. */
  async *#whileRoom(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let since = 0;
    for await (const chunk of body) {
      yield chunk;
      if ((since += chunk.length) < LOOK_BYTES) continue;
      since = 0;
      await this.requireRoom({ bytes: 0 }, 'the upload');
    }
  }

  async #keep(path: string, digest: string): Promise<void> {
    this.#fresh.set(digest, path);
    try {
      if ((await this.size(digest)) !== undefined) return;
      const file = await open(path, 'r');
      try {
        await this.#commit(file, path, digest);
      } finally {
        await file.close();
      }
    } catch (error) {
      throw explained(error);
    } finally {
      this.#fresh.delete(digest);
      await rm(path, { force: true });
    }
  }

  /** What it pins stays until it is disposed of, or a day after it pinned something last: one that hangs does not keep a disk full for ever. */
  lease(): ContentLease {
    const mine = new Set<string>();
    const holder = { until: 0 };
    return {
      pin: (digest) => {
        holder.until = Date.now() + PATIENCE_MS;
        mine.add(digest);
        const holders = this.#pins.get(digest) ?? new Set();
        this.#pins.set(digest, holders.add(holder));
      },
      [Symbol.dispose]: () => {
        for (const digest of mine) {
          const holders = this.#pins.get(digest);
          holders?.delete(holder);
          if (holders?.size === 0) this.#pins.delete(digest);
        }
        mine.clear();
      },
    };
  }

  /** Stores a document and returns its digest. */
  async write(bytes: Uint8Array): Promise<string> {
    const digest = digestOf(bytes);
    if ((await this.size(digest)) === undefined) await this.receive(once(bytes), digest);
    return digest;
  }

  /** How the paths begin where the helper may put files that `take` makes blobs of. */
  room(): string {
    return join(this.#ingest, `receive-${newId().slice(0, 16)}`);
  }

  /** What was put there and is no blob goes. */
  async clear(room: string): Promise<void> {
    for (const name of await readdir(this.#ingest))
      if (name.startsWith(`${basename(room)}-`)) await rm(join(this.#ingest, name), { force: true });
  }

  /** A file that was made there is a blob from now on, and its path is free. Its digest is taken on trust. */
  take(path: string, digest: string): Promise<void> {
    return this.#keep(path, digest);
  }

  /** Stores bytes whose digest is known only at their end. `expected`: refused when it is another. */
  async receive(body: AsyncIterable<Uint8Array>, expected?: string): Promise<{ digest: string; size: number }> {
    const path = join(this.#ingest, `receive-${newId().slice(0, 16)}`);
    const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
      throw explained(error);
    });
    try {
      const hash = createHash('sha256');
      const size = await append(file, hash, 0, body);
      const digest = `sha256:${hash.digest('hex')}`;
      if (expected && digest !== expected) throw mismatch(expected, digest);
      if ((await this.size(digest)) === undefined) await this.#commit(file, path, digest);
      return { digest, size };
    } catch (error) {
      throw explained(error);
    } finally {
      await file.close();
      await rm(path, { force: true });
    }
  }

  /**
   * Brings a blob in, once for everybody who wants it now. What an earlier attempt left is taken up where it stopped, after reading it
   * again: its hash is never taken on trust.
   */
  async fetch(
    { digest, size }: { digest: string; size: number },
    source: BlobSource,
    options: { onProgress?: (progress: BlobProgress) => void; signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    for (let ours = false; !ours && (await this.size(digest)) === undefined;) {
      const fetch = (signal: AbortSignal, report: (progress: BlobProgress) => void) => {
        ours = true;
        return this.#fetch({ digest, size, source, signal, report });
      };
      try {
        return await this.#flights.join(digest, fetch, { signal: options.signal, onReport: options.onProgress });
      } catch (error) {
        options.signal?.throwIfAborted();
        // That somebody else's source failed says nothing about ours.
        if (ours) throw error;
      }
    }
  }

  async #fetch(wish: Pick<Download, 'digest' | 'size' | 'source' | 'signal' | 'report'>): Promise<void> {
    const { digest } = wish;
    if ((await this.size(digest)) !== undefined) return;
    const path = this.#part(digest);
    await download({
      ...{ ...wish, path, backOffMs: this.#backOffMs },
      onArrival: (arrival) => void (arrival ? this.#arriving.set(digest, arrival) : this.#arriving.delete(digest)),
      commit: (file) => this.#commit(file, path, digest),
    });
  }

  /**
   * Removes blobs, and what has arrived of them, that nobody works with at this moment. `unless` is asked of each just before: one that was nobody's
   * when the list was made may be somebody's by now.
   */
  async remove(
    digests: Iterable<string>,
    { unless = () => false }: { unless?: (digest: string) => boolean } = {},
  ): Promise<void> {
    for (const digest of digests) {
      if (this.#isPinned(digest) || unless(digest)) continue;
      const places = [this.path(digest), this.#part(digest)];
      const removal = Promise.all(places.map((path) => rm(path, { force: true })))
        .then(() => undefined)
        .finally(() => this.#removing.delete(digest));
      this.#removing.set(digest, removal);
      await removal;
    }
  }

  /**
   * Removes what no record names any more and nobody has come back for: blobs that are nobody's, downloads that were not gone on with. `graceMs`
   * after they were written last; as many at a time as the loop can bear. Bytes given back.
   */
  async collect(
    isNeeded: (digest: string) => boolean,
    graceMs = PATIENCE_MS,
  ): Promise<{ blobs: number; bytes: number }> {
    const collected = { blobs: 0, bytes: 0 };
    for await (const { digest, path, bytes, writtenMs } of this.#leftovers(isNeeded)) {
      // What has no digest yet may still be on its way, however slowly.
      if (Date.now() - writtenMs <= (digest === undefined ? PATIENCE_MS : graceMs)) continue;
      // It may have become somebody's while we looked.
      if (digest === undefined) await rm(path, { force: true });
      else await this.remove([digest], { unless: isNeeded });
      collected.blobs++;
      collected.bytes += bytes;
    }
    return collected;
  }

  /** What lies here, by whether somebody needs it. `sizeOf`: what is recorded of a blob need not be looked up. */
  async usage(
    isNeeded: (digest: string) => boolean,
    sizeOf: (digest: string) => number | undefined = () => undefined,
  ): Promise<ContentUsage> {
    const usage: ContentUsage = { blobs: 0, bytes: 0, leftover: { blobs: 0, bytes: 0 } };
    const names = await readdir(this.#blobs);
    const size = async (name: string) =>
      sizeOf(`sha256:${name}`) ?? (await stat(join(this.#blobs, name)).catch(() => undefined))?.size;
    for (let at = 0; at < names.length; at += AT_ONCE) {
      for (const bytes of await Promise.all(names.slice(at, at + AT_ONCE).map(size))) {
        if (bytes === undefined) continue; // it went meanwhile
        usage.blobs++;
        usage.bytes += bytes;
      }
    }
    for await (const { bytes, whole } of this.#leftovers(isNeeded)) {
      if (!whole) usage.bytes += bytes;
      usage.leftover.blobs++;
      usage.leftover.bytes += bytes;
    }
    return usage;
  }

  #leftovers(isNeeded: (digest: string) => boolean): AsyncGenerator<Leftover> {
    const isPinned = (digest: string) => this.#isPinned(digest);
    return leftovers({ blobs: this.#blobs, ingest: this.#ingest, isPinned, isNeeded });
  }

  #isPinned(digest: string): boolean {
    const now = Date.now();
    return [...(this.#pins.get(digest) ?? [])].some(({ until }) => until > now);
  }

  /** Where a blob lies until it is whole. */
  #part(digest: string): string {
    return join(this.#ingest, digest.slice('sha256:'.length));
  }

  /** Bytes before name: a name in `blobs` always has its whole content, also after a power cut. */
  async #commit(file: FileHandle, path: string, digest: string): Promise<void> {
    await file.chmod(0o444);
    await file.sync();
    await rename(path, this.path(digest));
    const directory = await open(this.#blobs);
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }
}

const missing = (digest: string) => notFound(`content ${digest} is not in the store`);

/** Why a blob could not be opened: it may have gone just now. */
const whyNotOpened = (digest: string, error: unknown): unknown =>
  codeOf(error) === 'ENOENT' ? missing(digest) : error;

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
