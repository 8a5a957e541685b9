import '../../base/scopes.js';
import { EngineError, messageOf } from '../../base/errors.js';
import { shortId } from '../../base/ids.js';
import { Locks } from '../../base/locks.js';
import { createLog } from '../../base/log.js';
import type { BackupsOptions, Caller } from './rooms.js';

const TABLE = 'paused_writers';

const log = createLog('backups');

/** How still a volume is while it is copied. */
export interface Stillness extends AsyncDisposable {
  /** Whether it was changed by nobody so far: who might was paused, or did not run. */
  check(): Promise<boolean>;
  /** Somebody stands still for it. */
  readonly paused: boolean;
}

/** Has the containers that write to a volume stand still while it is copied. Who was paused is written down first: the next engine lets go of them. */
export class Writers {
  static readonly table = TABLE;
  readonly #options: Pick<BackupsOptions, 'store' | 'containers' | 'volumes'>;
  /** By container: for how many tasks it stands still. */
  readonly #paused = new Map<string, number>();
  /** Pausing a container and letting go of it, one after the other. */
  readonly #locks = new Locks();
  readonly #left: string[];

  constructor(options: Pick<BackupsOptions, 'store' | 'containers' | 'volumes'>) {
    this.#options = options;
    this.#left = [...options.store.rows<object>(TABLE).keys()];
  }

  /** Those that an engine has left standing that did not live to let go of them. */
  async release(): Promise<void> {
    for (const id of this.#left.splice(0)) await this.#unpause(id);
  }

  /** With `pause` they stand still until it is disposed, whatever happens. */
  async still(volume: string, pause: boolean, { report }: Pick<Caller, 'report'>): Promise<Stillness> {
    const { containers, volumes } = this.#options;
    const mine: string[] = [];
    const allStand = async () =>
      (await containers.runningWith(volume)).every(({ writes, paused }) => !writes || paused);
    const letGo = async () => {
      for (const id of mine.splice(0)) await this.#giveUp(id);
    };
    try {
      const writers = (await containers.runningWith(volume)).filter(({ writes }) => writes);
      const pausing = () => mine.length === 0 && report({ Stage: 'pausing' });
      for (const { id } of pause ? writers : []) if (await this.#take(id, volume, pausing)) mine.push(id);
      const before = volumes.writesOf(volume);
      const still = before !== undefined && (await allStand());
      return {
        paused: mine.length > 0,
        // Who came and went meanwhile has written all the same.
        check: async () => still && (await allStand()) && volumes.writesOf(volume) === before,
        [Symbol.asyncDispose]: letGo,
      };
    } catch (error) {
      await letGo();
      throw error;
    }
  }

  /** Whether it is ours to let go of; it stands still either way, or has ended. */
  async #take(id: string, volume: string, pausing: () => void): Promise<boolean> {
    using _ = await this.#locks.take(id);
    const before = this.#paused.get(id) ?? 0;
    if (before === 0) {
      const use = (await this.#options.containers.runningWith(volume)).find((one) => one.id === id);
      if (!use || use.paused) return false; // by a person, and stays so
      pausing();
      if (!(await this.#pause(id))) return false;
    }
    this.#paused.set(id, before + 1);
    return true;
  }

  async #giveUp(id: string): Promise<void> {
    using _ = await this.#locks.take(id);
    const others = (this.#paused.get(id) ?? 1) - 1;
    if (others > 0) return void this.#paused.set(id, others);
    this.#paused.delete(id);
    await this.#unpause(id);
  }

  /** Whether it was us who paused it. */
  async #pause(id: string): Promise<boolean> {
    const { store, containers } = this.#options;
    await store.commit((change) => change.put(TABLE, id, {}));
    try {
      await containers.pause(id);
      return true;
    } catch (error) {
      await this.#forget(id);
      // It ended, or was paused by somebody else, just now.
      if (error instanceof EngineError && /^(conflict|not-found)$/.test(error.kind)) return false;
      throw error;
    }
  }

  async #unpause(id: string): Promise<void> {
    try {
      await this.#options.containers.unpause(id);
    } catch (error) {
      // It ended, or somebody else was quicker.
      if (!(error instanceof EngineError && /^(conflict|not-found)$/.test(error.kind)))
        log.warn(`container ${shortId(id)} could not be let go: ${messageOf(error)}`);
    }
    await this.#forget(id);
  }

  async #forget(id: string): Promise<void> {
    try {
      await this.#options.store.commit((change) => {
        change.urgent();
        change.remove(TABLE, id);
      });
    } catch (error) {
      log.warn(messageOf(error));
    }
  }
}
