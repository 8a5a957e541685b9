/**
 * The engine of this computer. One engine runs per data directory: when nobody answers on the socket this app hosts it; a standby engine, left by an earlier
 * quit or crash, is taken back from; of any other the app is a client, until that one ends.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionInfo, Transport } from '../../main/contract/bridge.js';
import type { SlipwayFeatures } from '../../main/contract/system.js';
import { conflict, messageOf, unavailable } from '../../main/base/errors.js';
import { ApiError, createClient, type Client } from '../../main/client/index.js';

/** An engine that lives in this process. */
export interface HostedEngine {
  /** Lets go of data and socket. `handover`: containers go on, another engine comes. */
  close(options: { handover: boolean }): Promise<void>;
}

export interface LocalOptions {
  /** The DOCKER_HOST value. */
  host: string;
  transport: Transport;
  /** Starts the engine in this process; undefined: only ever be a client. */
  openEngine: (() => Promise<HostedEngine>) | undefined;
  /** Starts the headless engine that goes on after us, and waits until it answers. */
  startStandby: () => Promise<void>;
}

const RETRY_MS = 1000;
const LET_GO_MS = 15_000;

export class LocalConnection {
  readonly #options: LocalOptions;
  readonly #client: Client;
  readonly #listeners = new Set<(info: ConnectionInfo) => void>();
  #info: ConnectionInfo;
  #hosted: HostedEngine | undefined;
  #closing = new AbortController();
  #keeping: Promise<void> | undefined;

  constructor(options: LocalOptions) {
    this.#options = options;
    this.#client = createClient(options.transport);
    this.#info = { name: 'local', state: 'starting', host: options.host };
  }

  get info(): ConnectionInfo {
    return this.#info;
  }

  subscribe(listener: (info: ConnectionInfo) => void): void {
    this.#listeners.add(listener);
  }

  /** The way to the engine, while there is one. */
  transport(): Transport {
    if (this.#info.state === 'ready') return this.#options.transport;
    throw unavailable(this.#info.problem ?? 'The engine is starting. Try again in a moment.');
  }

  /** Begins, and keeps at it: an engine that goes is waited for or replaced. */
  open(): void {
    this.#keeping ??= this.#keep();
  }

  /** Lets go of the engine. Where containers run, or its images are served, a headless engine goes on with that. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#keeping;
    const hosted = this.#hosted;
    if (hosted) {
      // Where it cannot be asked, somebody had better look after whatever runs.
      const handover = await Promise.all([this.#client.containers.list(), this.#client.slipway.serve.state()]).then(
        ([running, { serving }]) => running.length > 0 || serving !== null,
        () => true,
      );
      this.#tell('gone');
      this.#hosted = undefined;
      await hosted.close({ handover });
      if (handover) await this.#options.startStandby();
    }
    await this.#options.transport.close();
  }

  async #keep(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#settle();
        if (signal.aborted) return;
        this.#tell('ready');
        await this.#end(signal);
        if (!signal.aborted) this.#tell('gone', 'The engine has ended. Waiting for it, or starting another.');
      } catch (error) {
        if (signal.aborted) return;
        this.#tell(this.#info.state === 'ready' ? 'gone' : this.#info.state, messageOf(error));
        await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
      }
    }
  }

  /** Returns once an engine answers, whoever hosts it. */
  async #settle(): Promise<void> {
    const there = await this.#whoAnswers();
    if (there === 'nobody') return this.#host();
    if (there === 'foreign' || there.host === 'app' || !this.#options.openEngine) return;
    if (await this.#takeBack()) await this.#host();
  }

  async #host(): Promise<void> {
    if (!this.#options.openEngine) throw unavailable(`No engine answers at ${this.#options.host}.`);
    this.#hosted = await this.#options.openEngine();
  }

  /** Asks a standby engine to end; false when it is somebody's own and goes on. */
  async #takeBack(): Promise<boolean> {
    const answer = await this.#client.slipway.handover().catch((error: unknown) => {
      if (error instanceof ApiError && error.kind === 'conflict') return undefined;
      throw error;
    });
    if (!answer) return false;
    for (const until = Date.now() + LET_GO_MS; await isAlive(answer.pid); await sleep(10))
      if (Date.now() > until)
        throw conflict(`The engine in the background (process ${answer.pid}) does not let go of the data.`);
    return true;
  }

  /** Resolves when the engine is no longer there: its event stream ends with it. An engine of our own ends with us. */
  async #end(signal: AbortSignal): Promise<void> {
    if (this.#hosted)
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    const events = await this.#client.events.subscribe({}, { signal });
    try {
      for await (const _ of events);
    } catch {
      // Ended the hard way: it is gone all the same.
    }
  }

  async #whoAnswers(): Promise<SlipwayFeatures | 'foreign' | 'nobody'> {
    try {
      return (await this.#client.slipway.features()) ?? 'foreign';
    } catch (error) {
      if (error instanceof ApiError && error.kind === 'unavailable') return 'nobody';
      throw error;
    }
  }

  #tell(state: ConnectionInfo['state'], problem?: string): void {
    const { name, host } = this.#info;
    // Said once in the log too: the window may not be there to show it.
    if (problem && problem !== this.#info.problem) console.error(problem);
    this.#info = { name, host, state, ...(problem && { problem }) };
    for (const listener of this.#listeners) listener(this.#info);
  }
}

/** A process that has ended and whose parent has not asked yet is gone, too. */
async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const state = stat.slice(stat.lastIndexOf(')') + 2)[0];
  return state !== undefined && state !== 'Z' && state !== 'X';
}
