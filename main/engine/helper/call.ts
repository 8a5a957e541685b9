import type { Socket } from 'node:net';
import { EngineError, unavailable } from '../../base/errors.js';
import type { ErrorKind } from '../../contract/error.js';
import { Tap } from './tap.js';

export interface CallOptions {
  /** Body bytes that follow the request; the request is half-closed after them. */
  body?: AsyncIterable<Uint8Array>;
  onProgress?: (progress: unknown) => void;
  /** Called with the connection once much has been written to it. */
  onLarge?: (socket: Socket) => void;
  signal?: AbortSignal;
}

/** What a request came to: the final line, then the bytes that follow it for the few requests that have some. */
export interface Outcome {
  answer: Record<string, unknown>;
  /** Each chunk is good until the next is asked for. */
  output: AsyncIterable<Uint8Array>;
}

const KINDS = new Set<string>([
  'not-modified',
  'invalid',
  'unauthorized',
  'forbidden',
  'not-found',
  'conflict',
  'system',
  'not-implemented',
  'unavailable',
] satisfies ErrorKind[]);

/** The helper took the request, or was about to, and went without an answer. */
export class Lost extends EngineError {
  constructor() {
    super(
      'unavailable',
      'the helper was killed or crashed in the middle of this: try again; if it stays so, helper.log in the run directory says why',
    );
  }
}

/** One request is one connection; closing it cancels the work. */
export async function call(path: string, request: object, options: CallOptions = {}): Promise<Outcome> {
  options.signal?.throwIfAborted();
  const tap = await Tap.open(path);
  const { socket } = tap;
  const abort = () => socket.destroy(reasonOf(options.signal));
  options.signal?.addEventListener('abort', abort, { once: true });
  socket.once('close', () => options.signal?.removeEventListener('abort', abort));
  try {
    // Who left while the connection was made is not heard of by the listener.
    options.signal?.throwIfAborted();
    socket.write(JSON.stringify(request) + '\n');
    let broken: { reason: unknown } | undefined;
    // A worker that refuses early answers before the body is through; its answer says more than our broken pipe. A body that breaks off takes
    // the request with it.
    if (options.body)
      send(socket, options.body, options.onLarge).catch((reason: unknown) => {
        broken = { reason };
        socket.destroy();
      });
    for (;;) {
      const line = await tap.line();
      if (line === undefined) {
        options.signal?.throwIfAborted();
        throw broken ? broken.reason : new Lost();
      }
      const message = parse(line);
      if ('progress' in message) {
        options.onProgress?.(message['progress']);
        continue;
      }
      if ('error' in message) throw failure(message['error']);
      return { answer: message, output: tap.rest() };
    }
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** A request whose answer has no bytes after it. */
export async function ask<Answer>(path: string, request: object, options?: CallOptions): Promise<Answer> {
  const { answer, output } = await call(path, request, options);
  void toItsEnd(output);
  return answer as Answer;
}

/** A worker may still be busy with what it has answered; the connection ends with it. An iteration that never began would not close it. */
export async function toItsEnd(output: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of output);
}

/** A protocol of lines, read from a socket. */
export class LineInput {
  #left: Buffer = Buffer.alloc(0);
  #over = false;
  #wake: (() => void) | undefined;

  constructor(private readonly socket: Socket) {
    // A stream's own iterator makes an error, with its trace, of every connection that is closed before its end.
    const over = () => {
      this.#over = true;
      this.#wake?.();
    };
    socket.on('readable', () => this.#wake?.());
    socket.once('end', over).once('close', over);
  }

  /** The next line without its newline; undefined at the end of input. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#left.indexOf(0x0a);
      if (end >= 0) {
        const line = this.#left.toString('utf8', 0, end);
        this.#left = this.#left.subarray(end + 1);
        return line;
      }
      const more = await this.#next();
      if (!more) return undefined;
      this.#left = this.#left.length === 0 ? more : Buffer.concat([this.#left, more]);
    }
  }

  /** Undefined at the end, also where the other side reset the connection: the end, as far as lines go. */
  async #next(): Promise<Buffer | undefined> {
    for (;;) {
      const chunk = this.socket.read() as Buffer | null;
      if (chunk) return chunk;
      if (this.#over) return undefined;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

const LARGE = 1024 * 1024;

async function send(
  socket: Socket,
  body: AsyncIterable<Uint8Array>,
  onLarge?: (socket: Socket) => void,
): Promise<void> {
  let sent = 0;
  for await (const chunk of body) {
    if (socket.destroyed) return;
    if (sent < LARGE && (sent += chunk.length) >= LARGE) onLarge?.(socket);
    // Most of what Node calls full has gone to the kernel by now, and needs no drain.
    if (!socket.write(chunk) && socket.writableLength > 0) {
      await new Promise<void>((resolve) => {
        const go = () => {
          socket.off('drain', go).off('close', go);
          resolve();
        };
        socket.on('drain', go).on('close', go);
      });
    }
  }
  socket.end();
}

function parse(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch (error) {
    throw unavailable(`the helper answered something that is not its protocol: ${line.slice(0, 200)}`, {
      cause: error,
    });
  }
}

/** What a program of ours said went wrong. */
export function failure(error: unknown): EngineError {
  const { kind, message, step, errno } = error as { kind?: string; message?: string; step?: string; errno?: number };
  return new EngineError(KINDS.has(kind ?? '') ? (kind as ErrorKind) : 'system', message ?? 'the helper failed', {
    cause: { step, errno },
  });
}

const reasonOf = (signal?: AbortSignal): Error | undefined =>
  signal?.reason instanceof Error ? signal.reason : undefined;
