import '../../base/scopes.js';
import { EngineError, messageOf } from '../../base/errors.js';
import { shortId } from '../../base/ids.js';
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
  readonly #options: Pick<BackupsOptions, 'store' | 'containers'>;
  /** By container: for how many tasks it stands still. */
  readonly #paused = new Map<string, number>();
  readonly #left: string[];

  constructor(options: Pick<BackupsOptions, 'store' | 'containers'>) {
    this.#options = options;
    this.#left = [...options.store.rows<object>(TABLE).keys()];
  }

  /** Those that an engine has left standing that did not live to let go of them. */
  async release(): Promise<void> {
    for (const id of this.#left.splice(0)) await this.#unpause(id);
  }

  /** With `pause` they stand still until it is disposed, whatever happens. */
  async still(volume: string, pause: boolean, { report }: Pick<Caller, 'report'>): Promise<Stillness> {
    const { containers } = this.#options;
    const mine: string[] = [];
    const letGo = async () => {
      for (const id of mine.splice(0)) await this.#giveUp(id);
    };
    try {
      const writers = (await containers.runningWith(volume)).filter(({ writes }) => writes);
      for (const { id, paused } of pause ? writers : []) {
        if (paused && !this.#paused.has(id)) continue; // by a person, and stays so
        if (mine.length === 0) report({ Stage: 'pausing' });
        mine.push(id);
        await this.#take(id);
      }
    } catch (error) {
      await letGo();
      throw error;
    }
    return {
      paused: mine.length > 0,
      check: async () => (await containers.runningWith(volume)).every(({ writes, paused }) => !writes || paused),
      [Symbol.asyncDispose]: letGo,
    };
  }

  async #take(id: string): Promise<void> {
    const { store, containers } = this.#options;
    const before = this.#paused.get(id) ?? 0;
    this.#paused.set(id, before + 1);
    if (before > 0) return;
    await store.commit((change) => change.put(TABLE, id, {}));
    try {
      await containers.pause(id);
    } catch (error) {
      // It ended, or was paused by somebody else, just now: it stands still either way.
      if (!(error instanceof EngineError && /^(conflict|not-found)$/.test(error.kind))) throw error;
    }
  }

  async #giveUp(id: string): Promise<void> {
    const others = (this.#paused.get(id) ?? 1) - 1;
    if (others > 0) return void this.#paused.set(id, others);
    await this.#unpause(id);
    this.#paused.delete(id);
  }

  async #unpause(id: string): Promise<void> {
    const { store, containers } = this.#options;
    try {
      await containers.unpause(id);
    } catch (error) {
      // It ended, or somebody else was quicker.
      if (!(error instanceof EngineError && /^(conflict|not-found)$/.test(error.kind)))
        log.warn(`container ${shortId(id)} could not be let go: ${messageOf(error)}`);
    }
    try {
      await store.commit((change) => {
        change.urgent();
        change.remove(TABLE, id);
      });
    } catch (error) {
      log.warn(messageOf(error));
    }
  }
}
