import { conflict } from '../../base/errors.js';
import { shortId } from '../../base/ids.js';
import { Loans } from './loans.js';

const NOBODY: ReadonlySet<string> = new Set();

/** Who has volumes: containers, those in the bin too, and tasks that volumes are lent to. In memory first, so that whoever checks sees also who is about to have one. */
export class Holders {
  readonly #holders = new Map<string, Set<string>>();
  /** Holders in the bin, by id, and their names. */
  readonly #aside = new Map<string, string>();
  readonly #loans = new Loans();

  /** Everybody. */
  of(volume: string): ReadonlySet<string> {
    return this.#holders.get(volume) ?? NOBODY;
  }

  containersOf(volume: string): string[] {
    return [...this.of(volume)].filter((holder) => !this.#loans.has(holder));
  }

  /** All that somebody has. */
  held(): string[] {
    return [...this.#holders.keys()];
  }

  add(volume: string, holder: string): void {
    const holders = this.#holders.get(volume);
    if (holders) holders.add(holder);
    else this.#holders.set(volume, new Set([holder]));
  }

  /** Whether it had it. */
  drop(volume: string, holder: string): boolean {
    const holders = this.#holders.get(volume);
    const had = holders?.delete(holder) ?? false;
    if (holders?.size === 0) this.#holders.delete(volume);
    return had;
  }

  /** To a task, until it is disposed. `alone`: no container may take it meanwhile. */
  lend(volume: string, task: string, alone: boolean): Disposable {
    const { holder, giveBack } = this.#loans.take(volume, task, alone);
    this.add(volume, holder);
    return {
      [Symbol.dispose]: () => {
        giveBack();
        this.drop(volume, holder);
      },
    };
  }

  /** Refuses where one of them is lent to a task that has to be alone with it. */
  checkFree(volumes: Iterable<string>): void {
    for (const volume of volumes) this.#loans.checkFree(volume);
  }

  /** Refuses where anybody has it. */
  checkUnused(volume: string): void {
    const holders = [...this.of(volume)];
    if (holders.length > 0) throw conflict(`remove ${volume}: ${this.#inWords(holders)}`);
  }

  /** One that is in the bin, by its name: whoever is refused because of it is told so. Undefined: not any more. */
  setAside(holder: string, name: string | undefined): void {
    if (name === undefined) this.#aside.delete(holder);
    else this.#aside.set(holder, name);
  }

  #inWords(all: string[]): string {
    const holders = all.filter((holder) => !this.#loans.has(holder));
    const [task] = all.flatMap((holder) => this.#loans.taskOf(holder) ?? []);
    if (holders.length === 0 && task !== undefined) return `${task}: wait until that is done, or cancel it`;
    if (!holders.every((id) => this.#aside.has(id))) return `volume is in use - [${holders.join(', ')}]`;
    const binned = holders.map((id) => `${this.#aside.get(id)} (${shortId(id)})`).join(', ');
    return `volume is kept for what is in the bin: ${binned}. Restore it, or delete it there for good`;
  }
}
