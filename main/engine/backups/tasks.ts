import '../../base/scopes.js';
import { constants } from 'node:os';
import { EngineError, messageOf, system, unavailable } from '../../base/errors.js';
import { Locks } from '../../base/locks.js';
import { createLog } from '../../base/log.js';
import { inWords, roomOn } from '../../base/room.js';
import type { Caller } from './rooms.js';

/** How often a task looks at what is left on the disk. */
const LOOK_EVERY_MS = 250;

const log = createLog('backups');

/** What takes its time: one task at a volume at a time, none takes the last of the disk, and none outlives the engine. */
export class Tasks {
  readonly #root: string;
  readonly #locks = new Locks();
  readonly #busy = new Map<string, number>();
  readonly #controls = new Set<AbortController>();
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  constructor(root: string) {
    this.#root = root;
  }

  /** Runs `work` when it is the turn of all these volumes. `reads`: it writes nothing, so that it may go on with a full disk. */
  run<Result>(
    volumes: string[],
    caller: Caller & { reads?: boolean },
    work: (caller: Caller) => Promise<Result>,
  ): Promise<Result> {
    const running = this.#run(volumes, caller, work);
    this.#running.add(running);
    void running.catch(() => undefined).then(() => this.#running.delete(running));
    return running;
  }

  /** Ends all of them, and waits until they have cleared up behind themselves. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const control of this.#controls) control.abort(unavailable('the engine ends: try again with the next one'));
    await Promise.allSettled(this.#running);
  }

  async #run<Result>(
    volumes: string[],
    { signal, report, reads = false }: Caller & { reads?: boolean },
    work: (caller: Caller) => Promise<Result>,
  ): Promise<Result> {
    if (volumes.some((name) => this.#busy.has(name))) report({ Stage: 'waiting' });
    for (const name of volumes) this.#busy.set(name, (this.#busy.get(name) ?? 0) + 1);
    try {
      using _ = await this.#locks.take(...volumes);
      using control = this.#control(signal, reads);
      control.signal.throwIfAborted();
      return await work({ signal: control.signal, report });
    } catch (error) {
      throw isFull(error) ? await this.#full() : error;
    } finally {
      for (const name of volumes) {
        const others = (this.#busy.get(name) ?? 1) - 1;
        if (others > 0) this.#busy.set(name, others);
        else this.#busy.delete(name);
      }
    }
  }

  /** Aborted with the caller's, with the engine, and before the disk is full. */
  #control(signal: AbortSignal, reads: boolean): { signal: AbortSignal } & Disposable {
    const control = new AbortController();
    const leave = () => control.abort(unavailable('the client has gone'));
    if (this.#closed) control.abort(unavailable('the engine ends: try again with the next one'));
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    const timer = reads ? undefined : setInterval(() => void this.#look(control), LOOK_EVERY_MS);
    timer?.unref();
    this.#controls.add(control);
    return {
      signal: control.signal,
      [Symbol.dispose]: () => {
        clearInterval(timer);
        signal.removeEventListener('abort', leave);
        this.#controls.delete(control);
      },
    };
  }

  async #look(control: AbortController): Promise<void> {
    try {
      const { free, keep } = await roomOn(this.#root);
      if (free < keep) control.abort(await this.#full());
    } catch (error) {
      log.debug(messageOf(error));
    }
  }

  async #full(): Promise<Error> {
    const { free, keep } = await roomOn(this.#root);
    return system(
      `no space left on device: ${inWords(free)} are left on the disk that holds ${this.#root}, and ${inWords(keep)} are left alone. Nothing was changed: remove images, containers, volumes or backups that nobody needs, then try again`,
    );
  }
}

/** The helper came to the end of the disk before anybody looked. */
function isFull(error: unknown): boolean {
  const cause = error instanceof EngineError ? (error.cause as { errno?: number } | undefined) : undefined;
  return cause?.errno === constants.errno.ENOSPC || cause?.errno === constants.errno.EDQUOT;
}
