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
    if (!live) return;
    const { record } = container;
    const signal = wanted ?? signalNumber(record.config.StopSignal ?? 'TERM');
    const timeout = seconds ?? record.config.StopTimeout ?? DEFAULT_STOP_TIMEOUT_S;
    await this.#markStopped(container, live);
    await this.#signal(container, live, signal).catch(() => undefined); // it may have ended on its own just now
    if (record.paused) await this.#thaw(container);
    if (await endsWithin(live, timeout < 0 ? undefined : timeout * 1000)) return;
    await this.kill(container, live);
  }

  /** Any signal. The one that ends the container by its own wish counts as a stop. */
  async signal(container: Container, number: number): Promise<void> {
    const live = await this.#liveOf(container);
    if (!live) return;
    if (number === SIGKILL) return this.kill(container, live);
    const { StopSignal } = container.record.config;
    const stops = !StopSignal || signalNumber(StopSignal) === number;
    await this.#markStopped(container, stops ? live : undefined);
    await this.#signal(container, live, number);
    if (stops && container.record.paused) await this.#thaw(container);
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

  async #signal(container: Container, live: Live, signal: number): Promise<void> {
    this.#ledger.publish(container, 'kill', { signal: String(signal) });
    await live.monitor.signal(signal);
  }

  /** On disk before the signal goes out: an engine killed in between must not bring back what was stopped. */
  async #markStopped(container: Container, live: Live | undefined): Promise<void> {
    if (live) live.stopping = true;
    if (container.record.stoppedByHand) return;
    container.record.stoppedByHand = true;
    if (container.record.hostConfig.RestartPolicy.Name !== 'no') await this.#ledger.save(container);
  }

  /** The run to end. Between two runs of its policy there is none: then the next one is called off. */
  async #liveOf(container: Container): Promise<Live | undefined> {
    if (container.live) return container.live;
    using _ = await this.#ledger.locks.take(container.id);
    if (container.live) return container.live;
    container.restarting?.cancel();
    container.record.stoppedByHand = true;
    await this.#ledger.save(container);
    container.wake('not-running', 'next-exit');
    return undefined;
  }

  async #thaw(container: Container): Promise<void> {
    container.record.paused = false;
    await this.#helper.thaw(container.id).catch(() => undefined);
  }
}
