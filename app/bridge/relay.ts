/**
 * Carries one request of the window to the engine and its answer back, over a port of its own. Bytes to the window leave in frames and only against
 * credit: at none, the source is not read, so a slow screen holds the container back instead of piling up here.
 */
import { z } from 'zod';
import {
  STREAM_WINDOW,
  type ApiRequest,
  type ByteDuplex,
  type ByteStream,
  type Transport,
} from '../../main/contract/bridge.js';
import type { ErrorKind } from '../../main/contract/error.js';
import { EngineError, codeOf, messageOf } from '../../main/base/errors.js';
import type { PortAnswer, PortMessage } from './port.js';

/** What the relay needs of a message port; Electron's and Node's both fit behind it. */
export interface Port<Answer = PortAnswer> {
  post(answer: Answer): void;
  onMessage(listener: (message: unknown) => void): void;
  onClose(listener: () => void): void;
  close(): void;
}

const FRAME = 64 * 1024;
const FLUSH_MS = 8;

/** Headers that belong to the connection itself, and so to the transport. */
const RESERVED = new Set([
  'host',
  'connection',
  'upgrade',
  'transfer-encoding',
  'content-length',
  'expect',
  'te',
  'trailer',
]);

const requestSchema = z.strictObject({
  method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'DELETE']),
  path: z
    .string()
    .max(64 * 1024)
    .regex(/^\/(?!\/)[\x21-\x7e]*$/, 'the path has to start with one / and be percent-encoded'),
  headers: z
    .record(
      z
        .string()
        .regex(/^[A-Za-z0-9-]+$/)
        .refine((name) => !RESERVED.has(name.toLowerCase()), 'this header is not the window’s to set'),
      z.string().regex(/^[\t\x20-\x7e]*$/),
    )
    .optional(),
  body: z.union([z.string(), z.instanceof(Uint8Array)]).optional(),
  upgrade: z.boolean().optional(),
});

const messageSchema: z.ZodType<PortMessage> = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('write'), bytes: z.instanceof(Uint8Array) }),
  z.strictObject({ type: z.literal('end') }),
  z.strictObject({ type: z.literal('cancel') }),
  z.strictObject({ type: z.literal('credit'), bytes: z.number().int().positive() }),
]);

/** Serves one port until its request is answered, cancelled, or the window is gone. `connection` fails while no engine answers. */
export async function relay(port: Port, request: unknown, connection: () => Transport): Promise<void> {
  const stream = new RelayedStream(port);
  try {
    const { upgrade, ...wanted } = parse(request);
    if (upgrade) await stream.join(await connection().upgrade(wanted));
    else await stream.answer(connection(), wanted);
    stream.finish({ type: 'end' });
  } catch (error) {
    stream.finish({ type: 'error', kind: kindOf(error), message: messageOf(error) });
  }
}

/** The port's side of a stream: credit, frames, input in order, and one end. */
class RelayedStream {
  readonly #port: Port;
  readonly #abort = new AbortController();
  #credit = STREAM_WINDOW;
  #wake: () => void = () => {};
  #frame: Uint8Array[] = [];
  #framed = 0;
  #flushed = 0;
  #timer: NodeJS.Timeout | undefined;
  #duplex: ByteDuplex | undefined;
  #joined: () => void = () => {};
  /** What the window wrote before the connection stood waits for it. */
  #input = new Promise<void>((resolve) => (this.#joined = resolve));
  #over = false;

  constructor(port: Port) {
    this.#port = port;
    port.onMessage((message) => this.#take(message));
    port.onClose(() => this.#cancel());
  }

  /** A plain request: head, body, end. */
  async answer(transport: Transport, request: ApiRequest): Promise<void> {
    const response = await transport.send(request, { signal: this.#abort.signal });
    this.#onCancel(() => response.body.cancel());
    this.#post({ type: 'head', status: response.status, headers: response.headers });
    await this.#pump(response.body);
  }

  /** A connection that became bytes both ways. */
  async join(duplex: ByteDuplex): Promise<void> {
    this.#duplex = duplex;
    this.#onCancel(() => duplex.close());
    this.#post({ type: 'head', status: 101, headers: {} });
    this.#joined();
    await this.#pump(duplex.readable);
  }

  finish(last: PortAnswer): void {
    if (this.#over) return;
    this.#post(last);
    this.#over = true;
    clearTimeout(this.#timer);
    this.#wake();
    // The other side closes the port when it has read the last word; closing here could overtake it.
    this.#duplex?.close();
  }

  async #pump(source: ByteStream): Promise<void> {
    for await (const chunk of source) {
      for (let at = 0; at < chunk.length && !this.#over;) {
        const room = Math.min(FRAME - this.#framed, chunk.length - at);
        this.#frame.push(chunk.subarray(at, at + room));
        this.#framed += room;
        at += room;
        if (this.#framed === FRAME) await this.#flush();
      }
      if (this.#over) return;
      if (this.#framed > 0) this.#schedule();
      if (this.#credit <= this.#framed) await this.#flush();
    }
    if (!this.#over) await this.#flush();
  }

  /** The first bytes after a pause go at once, a torrent in frames. */
  #schedule(): void {
    if (this.#timer) return;
    const wait = Math.max(0, this.#flushed + FLUSH_MS - Date.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#credit >= this.#framed) this.#send();
    }, wait);
  }

  async #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#framed > 0 && this.#credit < this.#framed && !this.#over)
      await new Promise<void>((resolve) => (this.#wake = resolve));
    if (!this.#over) this.#send();
  }

  #send(): void {
    if (this.#framed === 0) return;
    // A buffer of its own: posting a view would copy the whole pool behind it.
    const bytes = new Uint8Array(this.#framed);
    let at = 0;
    for (const part of this.#frame) {
      bytes.set(part, at);
      at += part.length;
    }
    this.#frame = [];
    this.#framed = 0;
    this.#credit -= bytes.length;
    this.#flushed = Date.now();
    this.#post({ type: 'data', bytes });
  }

  #take(unknown: unknown): void {
    const message = messageSchema.safeParse(unknown);
    if (!message.success) {
      this.finish({ type: 'error', kind: 'invalid', message: reasonOf(message.error) });
      return this.#abort.abort();
    }
    switch (message.data.type) {
      case 'credit':
        this.#credit = Math.min(STREAM_WINDOW, this.#credit + message.data.bytes);
        this.#wake();
        return;
      case 'cancel':
        return this.#cancel();
      case 'end':
        this.#feed((duplex) => duplex.end());
        return;
      case 'write': {
        const { bytes } = message.data;
        this.#feed(async (duplex) => {
          await duplex.write(bytes);
          this.#post({ type: 'written', bytes: bytes.length });
        });
      }
    }
  }

  /** Input goes in the order it came. Where it cannot be delivered the output's end says why. */
  #feed(act: (duplex: ByteDuplex) => void | Promise<void>): void {
    this.#input = this.#input.then(() => (this.#duplex && !this.#over ? act(this.#duplex) : undefined)).catch(() => {});
  }

  #onCancel(act: () => void): void {
    if (this.#abort.signal.aborted) act();
    else this.#abort.signal.addEventListener('abort', act, { once: true });
  }

  #cancel(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#abort.abort();
    this.#wake();
    this.#port.close();
  }

  #post(answer: PortAnswer): void {
    if (!this.#over) this.#port.post(answer);
  }
}

function parse(request: unknown): ApiRequest & { upgrade?: boolean | undefined } {
  const parsed = requestSchema.safeParse(request);
  if (!parsed.success) throw new EngineError('invalid', reasonOf(parsed.error));
  const { headers, body, ...rest } = parsed.data;
  return { ...rest, ...(headers && { headers }), ...(body !== undefined && { body }) };
}

export const reasonOf = ({ issues: [first] }: z.ZodError) =>
  `the window asked for something the app does not do: ${first?.path.join('.')} ${first?.message}`;

export function kindOf(error: unknown): ErrorKind {
  if (error instanceof EngineError) return error.kind;
  if (error instanceof Error && 'kind' in error && typeof error.kind === 'string') return error.kind as ErrorKind;
  return ['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE'].includes(codeOf(error) ?? '') ? 'unavailable' : 'system';
}
