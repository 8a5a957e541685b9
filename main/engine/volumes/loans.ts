import { conflict } from '../../base/errors.js';
import type { VolumeRecord } from './record.js';

/** What a volume is, and where. */
export interface VolumePlace {
  readonly record: Readonly<VolumeRecord>;
  /** Where its files are, unless it stands for another directory. */
  readonly data: string;
  /** The directory of this machine that it stands for. */
  readonly device: string | undefined;
  /** The type of the file system that is there only while somebody has it. */
  readonly fileSystem: string | undefined;
}

/** A volume in the hands of a task, until it is disposed. */
export interface Loan extends VolumePlace, Disposable {}

/** Which volumes tasks work with. Each task counts as a holder under a name that no container has. */
export class Loans {
  readonly #tasks = new Map<string, { volume: string; task: string; alone: boolean }>();
  #last = 0;

  take(volume: string, task: string, alone: boolean): { holder: string; giveBack: () => void } {
    const holder = `task ${++this.#last}`;
    this.#tasks.set(holder, { volume, task, alone });
    return { holder, giveBack: () => this.#tasks.delete(holder) };
  }

  has(holder: string): boolean {
    return this.#tasks.has(holder);
  }

  /** What is done. */
  taskOf(holder: string): string | undefined {
    return this.#tasks.get(holder)?.task;
  }

  /** Refuses where a task has to be alone with the volume. */
  checkFree(name: string): void {
    for (const { volume, task, alone } of this.#tasks.values()) {
      if (alone && volume === name)
        throw conflict(`the volume ${name} cannot be used now: ${task}. Wait until that is done, or cancel it`);
    }
  }
}
