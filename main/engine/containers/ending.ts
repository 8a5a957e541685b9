import { system } from '../../base/errors.js';
import type { Container } from './container.js';
import type { Ledger } from './ledger.js';
import { endsWithin, type Live } from './live.js';
import type { ContainersOptions } from './rooms.js';
import { signalNumber } from './signals.js';

const DEFAULT_STOP_TIMEOUT_S = 10;
/** How long the kernel may take to end what was sent SIGKILL. */
const KILL_PATIENCE_MS = 10_000;
const SIGKILL = 9;
/** INT, QUIT, TERM: whoever sends one of these wants it to end. */
const ENDING = [2, 3, 15];

/** Ends runs because somebody asks for it: signals, patience, force. */
export class Ending {
  readonly #helper: ContainersOptions['helper'];
  readonly #ledger: Ledger;

  constructor({ helper }: Pick<ContainersOptions, 'helper'>, ledger: Ledger) {
    this.#helper = helper;
    this.#ledger = ledger;
  }

  /** The stop signal, then after a while SIGKILL; a negative time waits for ever. Resolves once the end is recorded. */
  async stop(container: Container, wanted?: number, seconds?: number): Promise<void> {
    const live = await this.#liveOf(container);
    if (live) await this.#stopLive(container, live, wanted, seconds);
    this.#ledger.publish(container, 'stop');
  }

  /** Any signal. Those that ask for its end are a stop; another is a message, and its restart policy stays in force. */
  async signal(container: Container, number: number): Promise<void> {
    const live = await this.#liveOf(container);
    if (!live) return;
    if (number === SIGKILL) return this.kill(container, live);
    if (number === stopSignalOf(container) || ENDING.includes(number)) await this.#markStopped(container, live);
    await this.#signal(container, live, number);
  }

  /** SIGKILL, and what follows of it. */
  async kill(container: Container, live: Live): Promise<void> {
    await this.#markStopped(container, live);
    this.#ledger.publish(container, 'kill', { signal: String(SIGKILL) });
    const { record } = container;
    // A frozen process does not die, and without a pid namespace of its own its children would not either.
    const everything = record.paused || record.hostConfig.PidMode !== '';
    await (everything ? this.#helper.signalAll(container.id) : live.monitor.signal(SIGKILL)).catch(() => undefined);
    if (await endsWithin(live, KILL_PATIENCE_MS / 2)) return;
    await this.#helper.signalAll(container.id);
    if (await endsWithin(live, KILL_PATIENCE_MS / 2)) return;
    throw system(`tried to kill container ${container.id}, but its process has not ended: it hangs in the kernel`);
  }

  async #stopLive(container: Container, live: Live, wanted?: number, seconds?: number): Promise<void> {
    const { config } = container.record;
    const timeout = seconds ?? config.StopTimeout ?? DEFAULT_STOP_TIMEOUT_S;
    await this.#markStopped(container, live);
    // It may have ended on its own just now.
    await this.#signal(container, live, wanted ?? stopSignalOf(container)).catch(() => undefined);
    if (await endsWithin(live, timeout < 0 ? undefined : timeout * 1000)) return;
    await this.kill(container, live);
  }

  /** What is frozen hears nothing: one that is to end is let go for it. */
  async #signal(container: Container, live: Live, signal: number): Promise<void> {
    this.#ledger.publish(container, 'kill', { signal: String(signal) });
    await live.monitor.signal(signal);
    if (!live.stopping) return;
    // Its end, which may come at once, waits until this is told.
    using _ = await this.#ledger.locks.take(container.id);
    if (container.live !== live || !container.record.paused) return;
    await this.#helper.thaw(container.id);
    container.record.paused = false;
    await this.#ledger.save(container);
    this.#ledger.publish(container, 'unpause');
  }

  /** On disk before the signal goes out: an engine killed in between must not bring back what was stopped. */
  async #markStopped(container: Container, live: Live): Promise<void> {
    live.stopping = true;
    if (container.record.stoppedByHand) return;
    container.record.stoppedByHand = true;
    if (container.record.hostConfig.RestartPolicy.Name !== 'no') await this.#ledger.saveStopped(container);
  }

  /** The run to end. Between two runs of its policy there is none: then the next one is called off. */
  async #liveOf(container: Container): Promise<Live | undefined> {
    if (container.live) return container.live;
    using _ = await this.#ledger.lock(container);
    if (container.live) return container.live;
    container.restarting?.cancel();
    Object.assign(container.record, { stoppedByHand: true, restartPending: false });
    await this.#ledger.saveStopped(container);
    container.wake(['not-running', 'next-exit']);
    return undefined;
  }
}

/** SIGTERM, unless the image or the container says otherwise. */
const stopSignalOf = ({ record }: Container): number => signalNumber(record.config.StopSignal ?? 'TERM');
