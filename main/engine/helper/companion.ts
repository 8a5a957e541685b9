import type { Socket } from 'node:net';
import { join } from 'node:path';
import { unavailable } from '../../base/errors.js';
import { failure, LineInput } from './call.js';
import { open } from './connect.js';
import type { Helper } from './helper.js';

export interface CompanionOptions {
  helper: Pick<Helper, 'companion'>;
  runDir: string;
  name: 'forwarder' | 'resolver';
  /** It was killed and another one is there, which knows nothing: what it has to know is asked of it here. */
  onReopened: () => Promise<void>;
}

interface Reply {
  ok?: unknown;
  error?: unknown;
}

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (reason: unknown) => void;
}

/** A long-lived process beside the helper, which outlives both of us: one connection, a line each way for each request. */
export class Companion {
  readonly #waiting: Waiting[] = [];
  #socket: Socket | undefined;
  #reopening: Promise<void> | undefined;
  #closed = false;

  private constructor(private readonly options: CompanionOptions) {}

  static async open(options: CompanionOptions): Promise<Companion> {
    const companion = new Companion(options);
    await companion.#connect();
    return companion;
  }

  /** Replies come in the order of the requests. Where it dies meanwhile, that is said as `unavailable`. */
  ask<Answer>(request: object): Promise<Answer> {
    const socket = this.#socket;
    if (!socket) return Promise.reject(unavailable(`the ${this.options.name} was killed or crashed: try again`));
    return new Promise<Answer>((resolve, reject) => {
      this.#waiting.push({ resolve: resolve as Waiting['resolve'], reject });
      socket.write(`${JSON.stringify(request)}\n`);
    });
  }

  /** Lets go of it; with `end` it goes too. */
  async close({ end }: { end: boolean }): Promise<void> {
    this.#closed = true;
    await this.#reopening?.catch(() => undefined);
    const socket = this.#socket;
    if (!socket) return;
    if (end) {
      const gone = new Promise<void>((resolve) => socket.once('close', resolve));
      await this.ask({ op: 'close' });
      await gone;
    }
    socket.destroy();
  }

  async #connect(): Promise<void> {
    const { helper, runDir, name } = this.options;
    await helper.companion(name);
    const socket = await open(join(runDir, `${name}.sock`));
    this.#socket = socket;
    void this.#read(socket);
  }

  async #read(socket: Socket): Promise<void> {
    const input = new LineInput(socket);
    for (let line = await input.line(); line !== undefined; line = await input.line()) {
      const reply = JSON.parse(line) as Reply;
      const waiting = this.#waiting.shift();
      if (reply.error !== undefined) waiting?.reject(failure(reply.error));
      else waiting?.resolve(reply.ok);
    }
    socket.destroy();
    this.#socket = undefined;
    const lost = unavailable(`the ${this.options.name} was killed or crashed in the middle of this: try again`);
    for (const { reject } of this.#waiting.splice(0)) reject(lost);
    if (!this.#closed) this.#reopening = this.#connect().then(this.options.onReopened);
    this.#reopening?.catch(() => undefined);
  }
}
