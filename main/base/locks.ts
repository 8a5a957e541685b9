import './scopes.js';

/** Mutual exclusion by name, first come first served. Several names are taken in one order, so two takers never deadlock. */
export class Locks {
  readonly #tails = new Map<string, Promise<void>>();

  async take(...keys: string[]): Promise<Disposable> {
    const releases: (() => void)[] = [];
    for (const key of [...new Set(keys)].sort()) releases.push(await this.#takeOne(key));
    return { [Symbol.dispose]: () => releases.splice(0).forEach((release) => release()) };
  }

  async #takeOne(key: string): Promise<() => void> {
    const before = this.#tails.get(key);
    let release!: () => void;
    const mine = new Promise<void>((resolve) => (release = resolve));
    this.#tails.set(key, mine);
    await before;
    return () => {
      if (this.#tails.get(key) === mine) this.#tails.delete(key);
      release();
    };
  }
}
