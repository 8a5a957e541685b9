import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError, messageOf, system, unavailable } from '../../base/errors.js';
import { createLog } from '../../base/log.js';
import { ask, call, LineInput, Lost, type CallOptions, type Outcome } from './call.js';
import { NotListening, open } from './connect.js';

/** The command that the helper starts when an engine dies without a goodbye. */
export interface Headless {
  argv: string[];
  env: Record<string, string>;
}

export interface LinkOptions {
  /** The `slipway-helper` program. */
  binary: string;
  runDir: string;
  dataRoot: string;
}

const log = createLog('helper');

/** So many helpers in a row may be gone before they are asked. */
const STARTS = 3;

/** How long a previous owner may take to let go. */
const OWNER_PATIENCE_MS = 3000;

/** The way to the helper. Starts it when it is not there, and again when it was killed. */
export class Link {
  readonly #options: LinkOptions;
  readonly #onLarge: (socket: Socket) => void;
  readonly #socketPath: string;
  #starting: Promise<void> | undefined;
  #owner: { headless: Headless | null; socket: Socket } | undefined;
  #closed = false;

  /** `onLarge`: called with a connection once much has been written to it. */
  constructor(options: LinkOptions, onLarge: (socket: Socket) => void) {
    this.#options = options;
    this.#onLarge = onLarge;
    this.#socketPath = join(options.runDir, 'helper.sock');
  }

  /** Becomes the engine the helper serves. Its connection is our life line: should we die, `headless` is started. */
  async own(headless: Headless | null): Promise<void> {
    const deadline = Date.now() + OWNER_PATIENCE_MS;
    for (;;) {
      try {
        return await this.#takeOwnership(headless);
      } catch (error) {
        const taken = error instanceof EngineError && error.kind === 'conflict';
        if (!(taken || error instanceof Lost) || Date.now() > deadline) throw error;
        await sleep(20); // an engine that has just died or handed over is still being noticed
      }
    }
  }

  /** Lets go of it: with `end` it exits too, once nothing is left to do. */
  async goodbye({ end }: { end: boolean }): Promise<void> {
    this.#closed = true;
    const socket = this.#owner?.socket;
    this.#owner = undefined;
    if (!socket || socket.destroyed) return;
    const gone = new Promise<void>((resolve) => socket.once('close', resolve));
    socket.end(JSON.stringify({ op: 'goodbye', end }) + '\n');
    await Promise.race([gone, sleep(1000, undefined, { ref: false })]);
    socket.destroy();
  }

  /** A request, and the bytes that follow its answer. */
  call(request: object, options?: CallOptions): Promise<Outcome> {
    return this.#retrying(() => call(this.#socketPath, request, this.#widening(options)));
  }

  ask<Answer>(request: object, options?: CallOptions): Promise<Answer> {
    return this.#retrying(() => ask<Answer>(this.#socketPath, request, this.#widening(options)));
  }

  /** For what may be done twice: should the helper go in the middle, the next one is asked the same. */
  askAgain<Answer>(request: object, signal?: AbortSignal): Promise<Answer> {
    return this.onceMore(
      () => this.ask<Answer>(request, signal && { signal }),
      () => Promise.resolve(),
    );
  }

  /** A helper that went in the middle may have done some of it: what it left is cleared away, then the next one is asked. */
  async onceMore<Result>(attempt: () => Promise<Result>, clear: () => Promise<void>): Promise<Result> {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
    }
    await clear();
    return attempt();
  }

  #widening(options: CallOptions = {}): CallOptions {
    return { onLarge: this.#onLarge, ...options };
  }

  /** A helper that is not there has not taken the request: start it and ask again, also where that one was killed before it was asked. */
  async #retrying<Result>(attempt: () => Promise<Result>): Promise<Result> {
    for (let starts = 0; ; starts++) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof NotListening)) throw error;
        if (starts === STARTS) throw new Lost();
      }
      await this.#start();
      await this.#moveIn();
    }
  }

  #start(): Promise<void> {
    this.#starting ??= startHelper(this.#options).finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  /** A helper whose socket was deleted still has our life line, and nobody can ask it anything: the new one gets it. */
  async #moveIn(): Promise<void> {
    const before = this.#owner;
    if (!before) return;
    this.#owner = undefined;
    before.socket.end(JSON.stringify({ op: 'goodbye', end: true }) + '\n');
    await this.own(before.headless);
  }

  async #takeOwnership(headless: Headless | null): Promise<void> {
    const socket = await this.#retrying(() => open(this.#socketPath));
    socket.write(JSON.stringify({ op: 'own', headless }) + '\n');
    const input = new LineInput(socket);
    const line = await input.line();
    const answer = line === undefined ? undefined : (JSON.parse(line) as { error?: { kind: string; message: string } });
    if (!answer || answer.error) {
      socket.destroy();
      if (answer?.error?.kind === 'conflict') throw new EngineError('conflict', answer.error.message);
      throw answer?.error ? unavailable(answer.error.message) : new Lost();
    }
    const owner = { headless, socket };
    this.#owner = owner;
    void input.line().then(() => this.#lost(owner));
  }

  /** The life line ended from the other side: the helper was killed. Another takes its place, monitors never noticed. */
  async #lost(owner: { headless: Headless | null; socket: Socket }): Promise<void> {
    owner.socket.destroy();
    if (this.#closed || this.#owner !== owner) return;
    this.#owner = undefined;
    log.warn('the helper has gone; starting another');
    try {
      await this.own(owner.headless);
    } catch (error) {
      log.error(`the helper cannot be started again: ${messageOf(error)}`);
    }
  }
}

/** Starts the helper apart from us, and waits until it listens. Of two that start at once, one finds the other there. */
async function startHelper({ binary, runDir, dataRoot }: LinkOptions): Promise<void> {
  const child = spawn(binary, ['serve', '--run-dir', runDir, '--data-root', dataRoot], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  await new Promise<void>((resolve, reject) => {
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('ready\n')) resolve();
    });
    child.once('error', (error) => reject(system(`the helper ${binary} cannot be started: ${error.message}`)));
    child.once('close', (code, signal) => {
      const why = complaint.trim() || `it ended with ${signal ?? `status ${code}`}`;
      // Somebody else's helper may have taken the socket in the meantime: whoever asks next finds out.
      open(join(runDir, 'helper.sock')).then(
        (socket) => (socket.destroy(), resolve()),
        () => reject(signal === 'SIGKILL' ? new Lost() : system(`the helper ${binary} did not start: ${why}`)),
      );
    });
  });
  child.stdout.destroy();
  child.stderr.destroy();
  child.unref();
}
