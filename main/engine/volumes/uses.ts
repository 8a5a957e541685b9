/** A volume's files, held for one use; disposed of when that is over. */
export interface HeldVolume extends Disposable {
  readonly name: string;
  /** Where the helper finds them. */
  readonly place: { directory: string; readonly: boolean };
  /** Aborted when the volume goes. */
  readonly signal: AbortSignal;
  /** They are changed until it is disposed. */
  writing(): Disposable;
}

/** Who looks at volumes' files or writes to them at this moment, from outside of containers. */
export class Uses {
  readonly #uses = new Map<string, Set<AbortController>>();
  readonly #editing: (name: string) => Disposable;

  constructor(editing: (name: string) => Disposable) {
    this.#editing = editing;
  }

  /** `over`: called when it is. */
  take(name: string, place: HeldVolume['place'], over?: () => void): HeldVolume {
    const control = new AbortController();
    const uses = this.#uses.get(name) ?? new Set();
    this.#uses.set(name, uses.add(control));
    return {
      ...{ name, place, signal: control.signal },
      writing: () => this.#editing(name),
      [Symbol.dispose]: () => {
        if (uses.delete(control)) over?.();
        if (uses.size === 0 && this.#uses.get(name) === uses) this.#uses.delete(name);
      },
    };
  }

  /** Cuts them off. A reader that takes its time keeps nobody waiting. */
  end(name: string): void {
    for (const control of this.#uses.get(name) ?? []) control.abort();
    this.#uses.delete(name);
  }
}
