import { useSyncExternalStore } from 'react';

/** One timer per pace, whoever looks; it stands still while the window cannot be seen. */
class Ticker {
  #now = Date.now();
  #timer: ReturnType<typeof setInterval> | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(private readonly every: number) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (!this.#timer) {
      this.#timer = setInterval(this.#tick, this.every);
      document.addEventListener('visibilitychange', this.#tick);
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
      document.removeEventListener('visibilitychange', this.#tick);
    };
  };

  readonly now = (): number => {
    // Nobody has looked for a while: what was known is stale.
    if (!this.#timer && Date.now() - this.#now >= this.every) this.#now = Date.now();
    return this.#now;
  };

  readonly #tick = (): void => {
    if (document.hidden) return;
    this.#now = Date.now();
    for (const listener of this.#listeners) listener();
  };
}

const tickers = new Map<number, Ticker>();

/** The time now, renewed every `every` milliseconds; the same for everybody who asks for the same pace. */
export function useNow(every: number): number {
  let ticker = tickers.get(every);
  if (!ticker) tickers.set(every, (ticker = new Ticker(every)));
  return useSyncExternalStore(ticker.subscribe, ticker.now);
}
