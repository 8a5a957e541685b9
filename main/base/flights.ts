import './scopes.js';

interface Flight<Result, Report> {
  readonly outcome: Promise<Result>;
  readonly control: AbortController;
  readonly passengers: Set<(report: Report) => void>;
  last?: Report;
}

/**
 * Work that several callers want at once is done once. Everybody hears its reports (who comes later, the last one first) and gets its
 * outcome. It is aborted when the last one who waits for it has gone.
 */
export class Flights<Result, Report = never> {
  readonly #flights = new Map<string, Flight<Result, Report>>();

  async join(
    key: string,
    run: (signal: AbortSignal, report: (report: Report) => void) => Promise<Result>,
    { signal, onReport }: { signal?: AbortSignal | undefined; onReport?: ((report: Report) => void) | undefined } = {},
  ): Promise<Result> {
    signal?.throwIfAborted();
    // One that nobody waits for any more is on its way down: its files must be let go of before the next one starts.
    for (let old = this.#flights.get(key); old?.control.signal.aborted; old = this.#flights.get(key)) {
      await old.outcome.catch(() => undefined);
      signal?.throwIfAborted();
    }
    const flight = this.#flights.get(key) ?? this.#start(key, run);
    const hear = (report: Report) => onReport?.(report);
    if (flight.last !== undefined) hear(flight.last);
    flight.passengers.add(hear);
    let leave = () => undefined as void;
    try {
      const left = new Promise<never>((_, reject) => {
        leave = () => reject(signal?.reason as Error);
        signal?.addEventListener('abort', leave, { once: true });
      });
      return await Promise.race([flight.outcome, left]);
    } finally {
      signal?.removeEventListener('abort', leave);
      flight.passengers.delete(hear);
      if (flight.passengers.size === 0) {
        flight.control.abort(signal?.reason);
        if (signal?.aborted) await flight.outcome.catch(() => undefined);
      }
    }
  }

  #start(
    key: string,
    run: (signal: AbortSignal, report: (report: Report) => void) => Promise<Result>,
  ): Flight<Result, Report> {
    const control = new AbortController();
    const flight: Flight<Result, Report> = {
      control,
      passengers: new Set(),
      outcome: run(control.signal, (report) => {
        flight.last = report;
        for (const hear of [...flight.passengers]) hear(report);
      }).finally(() => this.#flights.delete(key)),
    };
    flight.outcome.catch(() => undefined);
    this.#flights.set(key, flight);
    return flight;
  }
}
