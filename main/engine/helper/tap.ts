import { connect, type Socket } from 'node:net';
import { NotListening } from './call.js';

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

  private constructor(
    readonly socket: Socket,
    private readonly buffer: Buffer,
  ) {}

  static open(path: string): Promise<Tap> {
    return new Promise((resolve, reject) => {
      const buffer = spare.pop() ?? Buffer.allocUnsafeSlow(SIZE);
      const socket: Socket = connect({
        path,
        allowHalfOpen: true,
        onread: { buffer, callback: (count) => tap.#hold(buffer.subarray(0, count)) },
      });
      const tap = new Tap(socket, buffer);
      socket.once('connect', () => {
        socket.off('error', reject);
        // From here on a failure shows as the end of input; without a listener it would end the process.
        socket.on('error', () => undefined);
        resolve(tap);
      });
      socket.once('error', (error: NodeJS.ErrnoException) => {
        const absent = error.code === 'ENOENT' || error.code === 'ECONNREFUSED';
        reject(absent ? new NotListening(error.message, { cause: error }) : error);
      });
      for (const name of ['end', 'close']) socket.on(name, () => tap.#end());
    });
  }

  /** The first line, without its newline; undefined where the end comes first. What follows it is for `rest`. */
  async line(): Promise<string | undefined> {
    let seen = '';
    for (;;) {
      const chunk = await this.#next();
      if (!chunk) return undefined;
      const end = chunk.indexOf(0x0a);
      seen += chunk.toString('latin1', 0, end < 0 ? undefined : end);
      if (end < 0) continue;
      if (end + 1 < chunk.length) this.#held = chunk.subarray(end + 1);
      return seen;
    }
  }

  /** Everything after it. A chunk is good until the next is asked for. Ending the iteration closes the connection. */
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
