import '../../base/scopes.js';

/** A blob begins to come in anew, from its first byte. */
export class StartsOver extends Error {}

/** A blob on its way in, for whoever works with its bytes before the last one is there. Nothing of it is verified until it is whole. */
export class Arrival {
  #there: number;
  /** Undefined while it comes. */
  #end: 'whole' | Error | undefined;
  /** How often it has begun anew. */
  #beginnings = 0;
  readonly #waiting = new Set<() => void>();

  constructor(
    /** Where the bytes lie until all are there. */
    readonly path: string,
    there: number,
  ) {
    this.#there = there;
  }

  grow(there: number): void {
    this.#there = there;
    this.#wake();
  }

  /** Whoever follows has to do the same. */
  startOver(): void {
    this.#beginnings++;
    this.grow(0);
  }

  /** All of it is there, and it is what its digest says; or it does not come. */
  end(how: 'whole' | Error): void {
    this.#end ??= how;
    this.#wake();
  }

  /** How many bytes are there, whenever there are more, until it is whole. Throws why it does not come. */
  async *growth(): AsyncGenerator<number> {
    const beginning = this.#beginnings;
    let told = -1;
    while (beginning === this.#beginnings) {
      if (this.#there > told) {
        told = this.#there;
        yield told;
      } else if (this.#end === 'whole') {
        return;
      } else if (this.#end) {
        throw this.#end;
      } else {
        await new Promise<void>((resolve) => this.#waiting.add(resolve));
      }
    }
    throw new StartsOver('the blob begins to come in anew');
  }

  #wake(): void {
    for (const go of this.#waiting) go();
    this.#waiting.clear();
  }
}
