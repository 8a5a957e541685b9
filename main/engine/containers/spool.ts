import { randomBytes } from 'node:crypto';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface SpoolOptions {
  /** Where the overflow goes, as a file without a name. */
  directory: string;
  /** Bytes kept in memory before the reader counts as slow. */
  memory: number;
  /** How long the source is held back before the overflow is used (ms). */
  patience: number;
  /** Bytes in the overflow; past it the source is held back for as long as it takes. */
  cap: number;
}

const DISK_FULL_PAUSE_MS = 200;
const BLOCK = 256 * 1024;

/** Bytes between a source that must not wait and a reader that takes its time. Nothing is lost, nothing piles up in memory. */
export class Spool implements AsyncIterable<Uint8Array> {
  readonly #queue: Uint8Array[] = [];
  #queued = 0;
  #overflow: { file: FileHandle; written: number; read: number; writing: boolean } | undefined;
  #finished = false;
  #closed = false;
  /** Something came or ended since the reader last looked. */
  #news = false;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  constructor(private readonly options: SpoolOptions) {}

  /** Takes a chunk; resolves when the next may come. False: nobody reads any more. */
  async push(chunk: Uint8Array): Promise<boolean> {
    if (!this.#overflow && this.#queued >= this.options.memory) await this.#room(this.options.patience);
    while (this.#overflow && this.#overflow.written - this.#overflow.read >= this.options.cap) await this.#room();
    if (this.#closed) return false;
    await this.#take(chunk);
    this.#tellReader();
    return !this.#closed;
  }

  /** The source has ended: the reader ends once it has taken everything. */
  finish(): void {
    this.#finished = true;
    this.#tellReader();
  }

  /** The reader has gone: what is left is dropped, the source is told so at its next chunk. */
  close(): void {
    this.#closed = true;
    this.#queue.length = this.#queued = 0;
    this.finish();
    this.#wakeWriter?.();
    if (!this.#overflow?.writing) this.#dropOverflow();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        this.#news = false;
        const chunk = this.#shift() ?? (await this.#unspill());
        if (chunk) yield chunk;
        else if (this.#queue.length > 0 || this.#news) continue;
        else if (this.#finished) return;
        else await new Promise<void>((resolve) => (this.#wakeReader = resolve));
      }
    } finally {
      this.close();
    }
  }

  #shift(): Uint8Array | undefined {
    const chunk = this.#queue.shift();
    if (!chunk) return undefined;
    this.#queued -= chunk.length;
    if (this.#queued < this.options.memory / 2) this.#wakeWriter?.();
    return chunk;
  }

  #tellReader(): void {
    this.#news = true;
    this.#wakeReader?.();
    this.#wakeReader = undefined;
  }

  /** Waits until the reader has made room, or for so long. */
  #room(patience?: number): Promise<void> {
    if (patience === 0 || this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = patience === undefined ? undefined : setTimeout(() => this.#wakeWriter?.(), patience);
      this.#wakeWriter = () => {
        this.#wakeWriter = undefined;
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #dropOverflow(): void {
    const overflow = this.#overflow;
    this.#overflow = undefined;
    void overflow?.file.close().catch(() => undefined);
  }

  async #take(chunk: Uint8Array): Promise<void> {
    for (let rest = chunk; rest.length > 0 && !this.#closed;) {
      if (!this.#overflow && this.#queued < this.options.memory) {
        this.#queue.push(rest);
        this.#queued += rest.length;
        return;
      }
      try {
        rest = rest.subarray(await this.#spill(rest));
      } catch {
        await sleep(DISK_FULL_PAUSE_MS); // no room on the disk: the source is held back until there is some, here or there
      }
    }
  }

  /** Writes to the overflow and says how much of the chunk went there. */
  async #spill(chunk: Uint8Array): Promise<number> {
    if (!this.#overflow) {
      const path = join(this.options.directory, `.spool-${randomBytes(8).toString('hex')}`);
      const file = await open(path, 'wx+', 0o600);
      await unlink(path);
      this.#overflow = { file, written: 0, read: 0, writing: false };
    }
    const overflow = this.#overflow;
    overflow.writing = true;
    try {
      const { bytesWritten } = await overflow.file.write(chunk, 0, chunk.length, overflow.written);
      overflow.written += bytesWritten;
      return bytesWritten;
    } finally {
      overflow.writing = false;
      if (this.#closed) this.#dropOverflow();
    }
  }

  async #unspill(): Promise<Uint8Array | undefined> {
    const overflow = this.#overflow;
    if (!overflow) return undefined;
    if (overflow.read === overflow.written) {
      // Caught up: from here on memory is enough again.
      if (!overflow.writing) this.#dropOverflow();
      return undefined;
    }
    const buffer = Buffer.allocUnsafeSlow(Math.min(BLOCK, overflow.written - overflow.read));
    const { bytesRead } = await overflow.file.read(buffer, 0, buffer.length, overflow.read);
    overflow.read += bytesRead;
    this.#wakeWriter?.();
    return buffer.subarray(0, bytesRead);
  }
}
