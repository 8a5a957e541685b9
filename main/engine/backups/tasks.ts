import '../../base/scopes.js';
import { constants } from 'node:os';
import { EngineError, system, unavailable } from '../../base/errors.js';
import { Locks } from '../../base/locks.js';
import { guardRoom } from '../../base/room.js';
import type { Caller } from './rooms.js';

const OVER = 'the engine ends: try again with the next one';

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
    for (const control of this.#controls) control.abort(unavailable(OVER));
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
      using control = this.#control(signal);
      control.signal.throwIfAborted();
      using guard = reads
        ? undefined
        : guardRoom(this.#root, `what was begun with the volume ${volumes[0]}`, control.signal);
      return await work({ signal: guard?.signal ?? control.signal, report });
    } catch (error) {
      throw isFull(error) ? this.#full() : error;
    } finally {
      for (const name of volumes) {
        const others = (this.#busy.get(name) ?? 1) - 1;
        if (others > 0) this.#busy.set(name, others);
        else this.#busy.delete(name);
      }
    }
  }

  /** Aborted with the caller's, and with the engine. */
  #control(signal: AbortSignal): { signal: AbortSignal } & Disposable {
    const control = new AbortController();
    const leave = () => control.abort(unavailable('the client has gone'));
    if (this.#closed) control.abort(unavailable(OVER));
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    this.#controls.add(control);
    return {
      signal: control.signal,
      [Symbol.dispose]: () => {
        signal.removeEventListener('abort', leave);
        this.#controls.delete(control);
      },
    };
  }

  #full(): Error {
    return system(
      `no space left on device: the disk that holds ${this.#root} is full, nothing was changed: empty the bin, or remove images, containers, volumes or backups that nobody needs, then try again`,
    );
  }
}

/** The helper came to the end of the disk before anybody looked. */
function isFull(error: unknown): boolean {
  const cause = error instanceof EngineError ? (error.cause as { errno?: number } | undefined) : undefined;
  return cause?.errno === constants.errno.ENOSPC || cause?.errno === constants.errno.EDQUOT;
}
