import type { Socket } from 'node:net';
import { open } from './connect.js';

/** What one read may bring: a busy monitor has as much on the way, and the next socket takes it in one write. */
const SIZE = 192 * 1024;
/** Up to here a copy costs less than making everybody wait for the writing of it. */
const SMALL = 64 * 1024;

/** Buffers of connections that have ended, for those that come. */
const spare: Buffer[] = [];
const SPARE = 8;

/** A connection whose bytes all come through one buffer: nothing is allocated for them, and nobody reads ahead of who takes them. */
export class Tap {
  #held: Buffer | undefined;
  #ended = false;
  #wake: (() => void) | undefined;
  #socket!: Socket;

  private constructor(private readonly buffer: Buffer) {}

  static async open(path: string): Promise<Tap> {
    const tap = new Tap(spare.pop() ?? Buffer.allocUnsafeSlow(SIZE));
    const { buffer } = tap;
    tap.#socket = await open(path, { onread: { buffer, callback: (count) => tap.#hold(buffer.subarray(0, count)) } });
    for (const name of ['end', 'close']) tap.socket.on(name, () => tap.#end());
    return tap;
  }

  get socket(): Socket {
    return this.#socket;
  }

  /** The next line, without its newline; undefined where the end comes first. What follows the last one that is asked for is for `rest`. */
  async line(): Promise<string | undefined> {
    let seen: Buffer = Buffer.alloc(0);
    for (;;) {
      const chunk = await this.#next();
      if (!chunk) return undefined;
      const end = chunk.indexOf(0x0a);
      seen = Buffer.concat([seen, end < 0 ? chunk : chunk.subarray(0, end)]);
      if (end < 0) continue;
      if (end + 1 < chunk.length) this.#held = chunk.subarray(end + 1);
      return seen.toString();
    }
  }

  /** Everything after the lines. A chunk is good until the next is asked for. Ending the iteration closes the connection. */
  async *rest(): AsyncGenerator<Uint8Array> {
    try {
      for (let chunk = await this.#next(); chunk; chunk = await this.#next())
        yield chunk.length > SMALL ? chunk : Buffer.from(chunk);
    } finally {
      this.socket.destroy();
      if (spare.length < SPARE) spare.push(this.buffer);
    }
  }

  /** False: no more for now. */
  #hold(chunk: Buffer): boolean {
    this.#held = chunk;
    this.#wake?.();
    return false;
  }

  #end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async #next(): Promise<Buffer | undefined> {
    while (!this.#held && !this.#ended) {
      this.socket.resume();
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const chunk = this.#held;
    this.#held = undefined;
    return chunk;
  }
}
