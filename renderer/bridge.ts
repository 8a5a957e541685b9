import { ApiError, errorOf } from '../main/client/errors.js';
import { readText } from '../main/client/streams.js';
import { STREAM_WINDOW } from '../main/contract/bridge.js';
import type {
  ApiRequest,
  ApiResponse,
  Bridge,
  BridgeMessage,
  ByteDuplex,
  ByteStream,
  Transport,
} from '../main/contract/bridge.js';

declare global {
  interface Window {
    slipway: Bridge;
  }
}

/** Reaches the engine through the window's doorway. Bytes are credited when their consumer comes back for more. */
export function bridgeTransport(bridge: Bridge): Transport {
  const calls = new Map<number, Call>();
  let lastId = 0;
  bridge.on((message) => calls.get(message.id)?.take(message));

  const start = (request: ApiRequest & { upgrade?: boolean }, signal?: AbortSignal): Call => {
    signal?.throwIfAborted();
    const id = (lastId += 1);
    const call = new Call(bridge, id, () => calls.delete(id));
    calls.set(id, call);
    signal?.addEventListener('abort', () => call.cancel(new DOMException('cancelled', 'AbortError')), { once: true });
    bridge.open(id, request);
    return call;
  };

  return {
    async send(request, { signal } = {}): Promise<ApiResponse> {
      const call = start(request, signal);
      const { status, headers } = await call.head;
      return { status, headers, body: Object.assign(call.body(), { cancel: () => call.cancel() }) };
    },
    async upgrade(request): Promise<ByteDuplex> {
      const call = start({ ...request, upgrade: true });
      const { status } = await call.head;
      // An engine that needs no ceremony answers 200 and goes on in raw bytes, as dockerd does without an Upgrade header.
      if (status !== 101 && status !== 200) throw errorOf(status, await readText(call.body()));
      return {
        readable: call.body(),
        write: (bytes) => call.write(bytes),
        end: () => call.endInput(),
        close: () => call.cancel(),
      };
    },
    async close() {
      for (const call of calls.values()) call.cancel();
    },
  };
}

/** What one message of input carries at most. */
const pieceSize = 64 * 1024;

interface Waiter {
  resolve(result: IteratorResult<Uint8Array>): void;
  reject(error: unknown): void;
}

/** One request and all that comes back for it. */
class Call {
  readonly head: Promise<{ status: number; headers: Record<string, string> }>;
  #answer!: (head: { status: number; headers: Record<string, string> }) => void;
  #refuse!: (error: unknown) => void;
  readonly #chunks: Uint8Array[] = [];
  #reader: Waiter | undefined;
  /** Given to the reader, not yet credited. */
  #held = 0;
  #end: { error?: unknown } | undefined;
  readonly #writes: { left: number; resolve(): void; reject(error: unknown): void }[] = [];
  /** Handed over or waiting for room in the window, oldest first. */
  readonly #outbox: Uint8Array[] = [];
  #underWay = 0;

  constructor(
    private readonly bridge: Bridge,
    readonly id: number,
    private readonly forget: () => void,
  ) {
    this.head = new Promise((resolve, reject) => {
      this.#answer = resolve;
      this.#refuse = reject;
    });
    this.head.catch(() => undefined);
  }

  take(message: BridgeMessage): void {
    if (message.type === 'head') this.#answer(message);
    else if (message.type === 'data') this.#receive(message.bytes);
    else if (message.type === 'written') this.#written(message.bytes);
    else if (message.type === 'end') this.#finish({});
    else this.#finish({ error: new ApiError(message.kind, message.message) });
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#end) return Promise.reject(new ApiError('unavailable', 'the stream has ended'));
    if (bytes.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#writes.push({ left: bytes.length, resolve, reject });
      for (let at = 0; at < bytes.length; at += pieceSize) this.#outbox.push(bytes.subarray(at, at + pieceSize));
      this.#post();
    });
  }

  /** Half-closes once everything written has been handed over. */
  endInput(): void {
    if (this.#outbox.length > 0) this.#endAsked = true;
    else this.bridge.end(this.id);
  }

  #endAsked = false;

  #post(): void {
    for (;;) {
      const piece = this.#outbox[0];
      if (!piece || this.#underWay + piece.length > STREAM_WINDOW) return;
      this.#outbox.shift();
      this.#underWay += piece.length;
      this.bridge.write(this.id, piece);
      if (this.#outbox.length === 0 && this.#endAsked) this.bridge.end(this.id);
    }
  }

  cancel(error: unknown = new DOMException('cancelled', 'AbortError')): void {
    if (this.#end) return;
    this.bridge.cancel(this.id);
    this.#chunks.length = 0;
    this.#finish({ error });
  }

  body(): ByteStream & AsyncIterator<Uint8Array> {
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      next: () => this.#next(),
      return: async () => {
        this.cancel();
        return { done: true, value: undefined };
      },
    };
  }

  #next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#held > 0) this.bridge.credit(this.id, this.#held);
    this.#held = 0;
    const chunk = this.#chunks.shift();
    if (chunk) {
      this.#held = chunk.length;
      return Promise.resolve({ done: false, value: chunk });
    }
    if (this.#end)
      return this.#end.error === undefined
        ? Promise.resolve({ done: true, value: undefined })
        : Promise.reject(this.#end.error as Error);
    return new Promise((resolve, reject) => (this.#reader = { resolve, reject }));
  }

  #receive(bytes: Uint8Array): void {
    if (this.#end || bytes.length === 0) return;
    const reader = this.#reader;
    if (!reader) {
      this.#chunks.push(bytes);
      return;
    }
    this.#reader = undefined;
    this.#held = bytes.length;
    reader.resolve({ done: false, value: bytes });
  }

  #written(bytes: number): void {
    this.#underWay -= bytes;
    let taken = bytes;
    while (taken > 0) {
      const first = this.#writes[0];
      if (!first) break;
      const part = Math.min(first.left, taken);
      first.left -= part;
      taken -= part;
      if (first.left > 0) break;
      this.#writes.shift();
      first.resolve();
    }
    this.#post();
  }

  #finish(end: { error?: unknown }): void {
    if (this.#end) return;
    this.#end = end;
    this.forget();
    this.#outbox.length = 0;
    const failure = end.error ?? new ApiError('unavailable', 'the engine ended the answer before it began');
    this.#refuse(failure);
    for (const write of this.#writes.splice(0))
      write.reject(end.error ?? new ApiError('unavailable', 'the stream has ended'));
    const reader = this.#reader;
    this.#reader = undefined;
    if (end.error === undefined) reader?.resolve({ done: true, value: undefined });
    else reader?.reject(end.error);
  }
}
