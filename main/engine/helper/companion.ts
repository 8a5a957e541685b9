import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, unavailable } from '../../base/errors.js';
import { createLog } from '../../base/log.js';
import { failure, LineInput } from './call.js';
import { NotListening, open } from './connect.js';
import type { Helper } from './helper.js';

/** The companions that the helper can start. */
export type CompanionName = 'forwarder' | 'resolver';

/** Asks a companion one thing: its reply's fields, or an `EngineError` of the kind it says. */
export type Ask = <Answer>(request: object) => Promise<Answer>;

export interface CompanionOptions {
  helper: Pick<Helper, 'companion'>;
  runDir: string;
  name: CompanionName;
  /** It died and another has taken its place, which knows nothing: what is asked here comes before everything that waits. */
  onReopened?: (ask: Ask) => Promise<void>;
  /** It died and does not come back. What is asked later tries again. */
  onLost?: (error: unknown) => void;
}

const VERSION = 1;

/** So many may end within so long: then it is told instead of tried again. */
const MOST_ENDS = 5;
const ENDS_WITHIN_MS = 10_000;

/** How long one that was told to close may take. */
const CLOSING_MS = 2000;

/** The connection was gone before the reply. */
class Gone extends Error {}

/**
 * The way to a process beside the helper that outlives us both. Starts it where it is not there, and again when it was killed: requests wait for that, and one
 * that it died over is asked again, so each must be fine to be asked twice.
 */
export class Companion {
  readonly #options: CompanionOptions;
  #current: Promise<Connection> | undefined;
  #opened = false;
  #closed = false;
  #ends: number[] = [];

  private constructor(options: CompanionOptions) {
    this.#options = options;
  }

  /** Connects to the companion of a run directory, which is started where none is there. */
  static async open(options: CompanionOptions): Promise<Companion> {
    const companion = new Companion(options);
    await companion.#connected();
    return companion;
  }

  /** Replies come in the order of the requests. */
  async ask<Answer>(request: object): Promise<Answer> {
    for (;;) {
      const current = this.#connected();
      const connection = await current;
      try {
        return await connection.ask<Answer>(request);
      } catch (error) {
        if (!(error instanceof Gone)) throw error;
        this.#drop(current);
      }
    }
  }

  /** Lets go of it: with `end` it exits. */
  async close({ end }: { end: boolean }): Promise<void> {
    this.#closed = true;
    const connection = await this.#current?.catch(() => undefined);
    const last = connection ?? (end ? await this.#reach() : undefined);
    if (!last) return;
    if (end) {
      await last.ask({ op: 'close' }).catch(() => undefined);
      await Promise.race([last.gone, sleep(CLOSING_MS, undefined, { ref: false })]);
    }
    last.end();
  }

  #connected(): Promise<Connection> {
    if (this.#closed) return Promise.reject(unavailable(`the ${this.#options.name} was let go of`));
    if (this.#current) return this.#current;
    const current = this.#connect();
    this.#current = current;
    current.then(
      (connection) => void connection.gone.then(() => this.#lost(current)),
      () => this.#drop(current),
    );
    return current;
  }

  #drop(current: Promise<Connection>): void {
    if (this.#current === current) this.#current = undefined;
  }

  async #connect(): Promise<Connection> {
    const { name, onReopened } = this.#options;
    for (;;) {
      this.#throttle();
      const connection = await this.#start();
      try {
        const { version, pid } = await connection.ask<{ version: number; pid: number }>({ op: 'hello' });
        if (version !== VERSION)
          throw unavailable(
            `the ${name} that runs (pid ${pid}) speaks version ${version} of our protocol, this engine version ${VERSION}: end it and start again`,
          );
        if (this.#opened) await onReopened?.((request) => connection.ask(request));
        this.#opened = true;
        return connection;
      } catch (error) {
        connection.end();
        if (!(error instanceof Gone)) throw error;
        this.#ends.push(Date.now());
      }
    }
  }

  /** One that ends again and again would keep us busy for good. */
  #throttle(): void {
    const { name, runDir } = this.#options;
    this.#ends = this.#ends.filter((when) => when > Date.now() - ENDS_WITHIN_MS);
    if (this.#ends.length >= MOST_ENDS)
      throw unavailable(
        `the ${name} was killed or crashed ${this.#ends.length} times within ${ENDS_WITHIN_MS / 1000} seconds: ${join(runDir, `${name}.log`)} may say why`,
      );
  }

  async #start(): Promise<Connection> {
    const { helper, name } = this.#options;
    for (let starts = 0; starts < MOST_ENDS; starts++) {
      const connection = await this.#reach();
      if (connection) return connection;
      await helper.companion(name);
    }
    throw unavailable(`the ${name} starts, and is gone before it can be asked anything`);
  }

  /** Undefined where nobody is there. */
  async #reach(): Promise<Connection | undefined> {
    try {
      return new Connection(await open(join(this.#options.runDir, `${this.#options.name}.sock`)));
    } catch (error) {
      if (error instanceof NotListening) return undefined;
      throw error;
    }
  }

  /** Another takes its place at once: nobody may ask for long, and what it did is missing. */
  #lost(current: Promise<Connection>): void {
    this.#ends.push(Date.now());
    this.#drop(current);
    if (this.#closed) return;
    const { name, onLost } = this.#options;
    const log = createLog(name);
    log.warn(`the ${name} has gone; starting another`);
    this.#connected().catch((error: unknown) => {
      if (this.#closed) return;
      log.error(`the ${name} cannot be started again: ${messageOf(error)}`);
      onLost?.(error);
    });
  }
}

/** One connection; what waits for a reply fails with it. */
class Connection {
  readonly #socket: Socket;
  readonly #waiting: { resolve: (line: string) => void; reject: (error: Gone) => void }[] = [];
  #over = false;
  readonly gone: Promise<void>;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.gone = this.#listen(new LineInput(socket));
  }

  async ask<Answer>(request: object): Promise<Answer> {
    const line = await new Promise<string>((resolve, reject) => {
      if (this.#over || this.#socket.destroyed) return reject(new Gone());
      this.#waiting.push({ resolve, reject });
      this.#socket.write(`${JSON.stringify(request)}\n`);
    });
    const { ok, error } = JSON.parse(line) as { ok?: Answer; error?: unknown };
    if (ok === undefined) throw failure(error);
    return ok;
  }

  end(): void {
    this.#socket.destroy();
  }

  async #listen(input: LineInput): Promise<void> {
    for (let line = await input.line(); line !== undefined; line = await input.line())
      this.#waiting.shift()?.resolve(line);
    this.#over = true;
    this.#socket.destroy();
    for (const { reject } of this.#waiting.splice(0)) reject(new Gone());
  }
}
