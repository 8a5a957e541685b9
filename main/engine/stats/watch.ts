import '../../base/scopes.js';

/** Samples of one thing at a steady pace, for as many as join. The first is taken at once; with the last who leaves it stops. */
export class Watch<Sample> implements Disposable {
  /** The newest; undefined before the first. */
  latest: Sample | undefined;
  readonly #take: () => Promise<Sample | undefined>;
  readonly #period: number;
  readonly #over: () => void;
  #watchers = 0;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;
  #waiting = new Set<(sample: Sample | undefined) => void>();

  /** `take` says undefined when there is nothing to look at any more; `over` is called when nobody watches, or then. */
  constructor(take: () => Promise<Sample | undefined>, period: number, over: () => void) {
    this.#take = take;
    this.#period = period;
    this.#over = over;
  }

  /** Given back with `using`. */
  join(): this {
    if (++this.#watchers === 1) void this.#tick(Date.now());
    return this;
  }

  [Symbol.dispose](): void {
    if (--this.#watchers === 0) this.#end();
  }

  /** The next sample; undefined when there will be none, or once `signal` is aborted. */
  next(signal?: AbortSignal): Promise<Sample | undefined> {
    if (this.#ended || signal?.aborted) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const done = (sample: Sample | undefined): void => {
        this.#waiting.delete(done);
        signal?.removeEventListener('abort', gone);
        resolve(sample);
      };
      const gone = (): void => done(undefined);
      signal?.addEventListener('abort', gone, { once: true });
      this.#waiting.add(done);
    });
  }

  async #tick(due: number): Promise<void> {
    const sample = await this.#take();
    if (this.#ended) return;
    if (sample === undefined) return this.#end();
    this.latest = sample;
    for (const tell of [...this.#waiting]) tell(sample);
    // Measured from when it was due, so that the pace is steady; what was missed is not made up for.
    const next = Math.max(due + this.#period, Date.now() + this.#period / 2);
    this.#timer = setTimeout(() => void this.#tick(next), next - Date.now());
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    for (const tell of [...this.#waiting]) tell(undefined);
    this.#over();
  }
}
