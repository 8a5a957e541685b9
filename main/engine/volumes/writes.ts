/** Who may write to volumes: those that begin to are counted, those that are at it are known. A container that runs counts where it begins. */
export class Writes {
  #last = 0;
  readonly #volumes = new Map<string, { last: number; now: number }>();

  /** Somebody may write to these until it is disposed. */
  begin(names: Iterable<string>): Disposable {
    const begun = [...new Set(names)].map((name) => {
      const writes = this.#volumes.get(name) ?? { last: 0, now: 0 };
      writes.last = ++this.#last;
      writes.now += 1;
      this.#volumes.set(name, writes);
      return writes;
    });
    return { [Symbol.dispose]: () => begun.splice(0).forEach((writes) => (writes.now -= 1)) };
  }

  /** The same number as long as nobody has begun; undefined: somebody is at it. */
  of(name: string): number | undefined {
    const { last, now } = this.#volumes.get(name) ?? { last: 0, now: 0 };
    return now > 0 ? undefined : last;
  }

  forget(name: string): void {
    this.#volumes.delete(name);
  }
}
