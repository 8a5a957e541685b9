import { messageOf } from '../../base/errors.js';
import { shortId } from '../../base/ids.js';
import { createLog } from '../../base/log.js';
import type { Container } from './container.js';
import type { Ledger } from './ledger.js';
import { nextDelay, wantsRestart } from './restart-policy.js';

const log = createLog('containers');

/** Brings containers back as their restart policies ask, each time after a longer while. */
export class Restarts {
  readonly #ledger: Ledger;
  /** Lets a container go; called with its lock held. */
  readonly #launch: (container: Container) => Promise<void>;
  #closed = false;

  constructor(ledger: Ledger, launch: (container: Container) => Promise<void>) {
    this.#ledger = ledger;
    this.#launch = launch;
  }

  /** Nothing comes back any more: that is for the next engine to see to. */
  close(): void {
    this.#closed = true;
    for (const container of this.#ledger.all()) container.restarting?.cancel();
  }

  wanted({ record }: Container): boolean {
    return !this.#closed && wantsRestart(record.hostConfig.RestartPolicy, record);
  }

  /** Promises one more run, in a record that the caller saves. `lifetime`: for how long it ran, in milliseconds. */
  promise(container: Container, lifetime: number): void {
    container.record.restartPending = true;
    container.record.restartCount++;
    this.keepPromise(container, lifetime);
  }

  /** What this engine or the one before has promised. */
  keepPromise(container: Container, lifetime: number): void {
    container.backoff = nextDelay(container.backoff, lifetime);
    const timer = setTimeout(() => void this.#restart(container), container.backoff);
    container.restarting = {
      cancel: () => {
        clearTimeout(timer);
        container.restarting = undefined;
      },
    };
  }

  /** Somebody wants it otherwise. The record is the caller's to save. */
  callOff(container: Container): void {
    container.restarting?.cancel();
    container.record.restartPending = false;
  }

  async #restart(container: Container): Promise<void> {
    using _ = await this.#ledger.locks.take(container.id);
    if (!container.restarting || container.removal || this.#closed) return;
    try {
      await this.#launch(container);
    } catch (error) {
      log.warn(`container ${shortId(container.id)} could not be restarted: ${messageOf(error)}`);
      await this.#tryAgain(container);
    }
  }

  /** What it needs may come back: a mount, the container whose network it shares. */
  async #tryAgain(container: Container): Promise<void> {
    this.callOff(container);
    if (this.wanted(container)) this.promise(container, 0);
    try {
      await this.#ledger.save(container);
    } catch (error) {
      log.error(`the restarts of container ${shortId(container.id)} could not be recorded: ${messageOf(error)}`);
    }
    if (!container.running) container.wake(['not-running', 'next-exit']);
  }
}
