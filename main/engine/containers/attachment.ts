import type { Socket } from 'node:net';
import type { AttachStream, Outlet } from '../../contract/streams.js';
import { attachMonitor, type MonitorAttachment } from '../helper/index.js';
import { DetachKeys } from './detach-keys.js';
import type { HelperRoom } from './rooms.js';

export interface AttachmentOptions {
  lend: HelperRoom['lend'];
  tty: boolean;
  /** Whether the client gets Docker's frames: of an exec, its start says so. */
  framed: boolean;
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  /** Typing them leaves the process; undefined: they are input like any other. */
  detachKeys?: Uint8Array;
  onDetach?: () => void;
}

/** Output up to this size, of a process that nobody types to, comes through the engine: passing a connection on would cost more. Bytes. */
const SMALL = 64 * 1024;

/**
 * An attach, from before the process is there until it or the client leaves. Nothing is kept here: a client that reads slowly is waited for, and what
 * it has not taken lies with the monitor.
 */
export class Attachment implements AttachStream {
  readonly framed: boolean;
  readonly #options: AttachmentOptions;
  readonly #keys: DetachKeys | undefined;
  readonly #connected: Promise<Socket | undefined>;
  #connect!: (socket: Socket | undefined | Promise<Socket | undefined>) => void;
  /** Tells the monitor where the output goes, once; input may follow then. */
  #begin: (() => Promise<void>) | undefined;
  /** Somebody has typed, or has said that nobody will. */
  #spoken = false;
  #ready: ((socket: Socket | undefined) => void) | undefined;
  #socket: Socket | undefined;
  #outlet: Outlet | undefined;
  /** What the client reads, part by part: stored output, then the process's own, or an error. */
  readonly #parts: AsyncIterable<Uint8Array>[] = [];
  #finished = false;
  #wake: (() => void) | undefined;
  /** Writes and the half-close reach the process in the order they came, also those from before it was there. */
  #input: Promise<void> = Promise.resolve();
  #inputEnded = false;
  #closed = false;

  constructor(options: AttachmentOptions) {
    this.#options = options;
    this.framed = options.framed;
    this.#keys = options.detachKeys && options.tty ? new DetachKeys(options.detachKeys) : undefined;
    this.#connected = new Promise((resolve) => (this.#connect = resolve));
  }

  get closed(): boolean {
    return this.#closed;
  }

  get readable(): AsyncIterable<Uint8Array> {
    return this.#read();
  }

  /** Joins a container's streams: every byte from this point on, none twice. */
  async connect(stateDir: string): Promise<void> {
    await this.join(stateDir);
    this.finish();
  }

  /** Joins the streams of a container or of one of its execs; there may be more to tell the client afterwards. */
  async join(stateDir: string, exec?: string): Promise<void> {
    await this.connectAfter(stateDir, () => Promise.resolve(nothing()), exec);
  }

  /** The same, with what came before sent first. `before` says undefined where it cannot tell: then nothing has happened. */
  async connectAfter(
    stateDir: string,
    before: (from: { log: number; seq: number }) => Promise<AsyncIterable<Uint8Array> | undefined>,
    exec?: string,
  ): Promise<boolean> {
    if (this.#closed) return true;
    const { framed, stdin, stdout, stderr } = this.#options;
    const joined = await attachMonitor(stateDir, { stdin, stdout, stderr }, { exec, framed, outletAfter: SMALL });
    const { log, seq, socket } = joined;
    const history = await before({ log, seq });
    if (!history || this.#closed) {
      socket.destroy();
      return this.#closed;
    }
    this.#socket = socket;
    this.#connect(new Promise((resolve) => (this.#ready = resolve)));
    let begun: Promise<void> | undefined;
    this.#begin = () => (begun ??= this.#claim(joined));
    this.send(history);
    this.send(this.#outputOf(joined));
    this.#beginForInput();
    return true;
  }

  direct(outlet: Outlet): void {
    this.#outlet = outlet;
  }

  /** Has the client read this after what it has been given so far. */
  send(part: AsyncIterable<Uint8Array>): void {
    this.#parts.push(part);
    this.#wake?.();
  }

  /** Nothing more comes: the client reads what is left. */
  finish(): void {
    this.#finished = true;
    this.#connect(undefined);
    this.#wake?.();
  }

  write(bytes: Uint8Array): Promise<void> {
    if (!this.#options.stdin || this.#inputEnded || this.#closed) return Promise.resolve();
    this.#speak();
    const { input, detached } = this.#keys?.filter(bytes) ?? { input: bytes, detached: false };
    this.#input = this.#input.then(async () => {
      const socket = await this.#connected;
      if (socket && !socket.destroyed && input.length > 0 && !socket.write(input)) await drained(socket);
    });
    if (detached) this.#detach();
    return this.#input;
  }

  end(): void {
    if (this.#inputEnded) return;
    this.#inputEnded = true;
    if (!this.#options.stdin) return;
    this.#speak();
    this.#input = this.#input.then(async () => void (await this.#connected)?.end());
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ready?.(undefined);
    this.#socket?.destroy();
    this.finish();
  }

  #speak(): void {
    this.#spoken = true;
    this.#beginForInput();
  }

  /** Who writes need not read. A client whose own connection gets the output does, and what it is to have before has to be out first. */
  #beginForInput(): void {
    if (this.#spoken && !this.#outlet) this.#begin?.().catch(() => undefined); // told to who reads
  }

  async #claim({ outletAfter, socket }: MonitorAttachment): Promise<void> {
    try {
      await this.#outlet?.flushed();
      if (outletAfter !== undefined) await this.#options.lend(socket, this.#outlet?.socket);
      // Only now: what the client types comes after the word of where its output goes.
      if (!this.#options.stdin) socket.end();
      this.#ready?.(socket);
    } catch (error) {
      this.#ready?.(undefined);
      throw error;
    }
  }

  /** The monitor writes to the client itself, and `output` says only when that is over; what is small comes through here, as all does without a connection to write to. */
  async *#outputOf({ output, outletAfter = 0 }: MonitorAttachment): AsyncGenerator<Uint8Array> {
    let left = outletAfter;
    if (left === 0) await this.#begin?.();
    for await (const chunk of output) {
      yield chunk;
      if (left > 0 && (left -= chunk.length) === 0) await this.#begin?.();
    }
  }

  /** The process goes on, its client leaves. */
  #detach(): void {
    this.#inputEnded = true;
    this.#options.onDetach?.();
    void this.#input.then(() => {
      this.#socket?.destroy();
      this.finish();
    });
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    try {
      while (!this.#closed) {
        const part = this.#parts.shift();
        if (part) yield* part;
        else if (this.#finished) return;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      this.close();
    }
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      socket.off('drain', go).off('close', go);
      resolve();
    };
    socket.on('drain', go).on('close', go);
  });
}
