import '../../base/scopes.js';
import { messageOf } from '../../base/errors.js';
import type { Locks } from '../../base/locks.js';
import { createLog } from '../../base/log.js';
import type { Change } from '../../base/store.js';
import type { VolumeCreate } from '../../contract/volumes.js';
import type { Directories } from './directories.js';
import type { Holders } from './holders.js';
import { deviceOf, folderWordsOf, recordOf, type VolumeRecord } from './record.js';

const log = createLog('volumes');

/** A volume that a new container is to have, checked; it is made where it is not there. */
export interface VolumeWish extends VolumeCreate {
  Name: string;
  /** Its name was invented for this container. */
  anonymous: boolean;
  /** Who it is made for. */
  createdBy?: { id: string; name: string };
  /** Where in the image its first content is; undefined: it begins empty. */
  path?: string | undefined;
  /** The part of it that is wanted, and filled. */
  subpath?: string | undefined;
}

/** Volumes that a container is to have, until it is disposed. */
export interface Reservation extends AsyncDisposable {
  /** Those that were not there before. */
  readonly made: readonly string[];
  /** Where a volume's files are on this machine. */
  sourceOf(name: string): string;
  /** The directory of this machine that it stands for, where it is no directory of ours, and how that is bound. */
  folderOf(name: string): { device: string; words: string[] } | undefined;
  /** The new ones are written down with the container. */
  hold(change: Change): void;
  /** They are there to stay. */
  announce(): void;
}

interface ReservationsParts {
  locks: Locks;
  holders: Holders;
  directories: Directories;
  has(name: string): boolean;
  find(name: string): VolumeRecord;
  put(change: Change, record: VolumeRecord): void;
  discard(record: VolumeRecord): Promise<void>;
  editing(name: string): Disposable;
  created(name: string): void;
}

/** Volumes for containers that are being made. */
export class Reservations {
  readonly #parts: ReservationsParts;

  constructor(parts: ReservationsParts) {
    this.#parts = parts;
  }

  /** Made where they are not there, filled where they are empty. What was made for a container that never came to be goes with the disposal. */
  async take(wishes: VolumeWish[], holder: string, lower: string[]): Promise<Reservation> {
    const { locks, holders, directories } = this.#parts;
    const wanted = wishes.map(({ Name }) => Name);
    holders.checkFree(wanted);
    const lock = await locks.take(...wanted);
    const made: VolumeRecord[] = [];
    const held: string[] = [];
    try {
      holders.checkFree(wanted); // lent while it was waited for
      // All of them at once: who borrows one from here on sees its holder.
      for (const name of wanted) {
        holders.add(name, holder);
        held.push(name);
      }
      for (const wish of wishes) await this.#make(wish, made, lower);
    } catch (error) {
      await this.#giveUp(made, held, holder).catch((failure: unknown) => {
        log.warn(`what was made of volumes is left over: ${messageOf(failure)}`);
      });
      lock[Symbol.dispose]();
      throw error;
    }
    let settled = false;
    return {
      made: made.map(({ name }) => name),
      sourceOf: (name) => directories.data(name),
      folderOf: (name) => {
        const record = this.#recordOf(name, made);
        const words = folderWordsOf(record);
        return words && { device: deviceOf(record) as string, words };
      },
      hold: (change) => {
        for (const record of made) this.#parts.put(change, record);
      },
      announce: () => {
        settled = true;
        for (const { name } of made) this.#parts.created(name);
      },
      [Symbol.asyncDispose]: async () => {
        using _ = lock;
        if (!settled) await this.#giveUp(made, held, holder);
      },
    };
  }

  async #make(wish: VolumeWish, made: VolumeRecord[], lower: string[]): Promise<void> {
    const { directories } = this.#parts;
    const { Name, path, subpath } = wish;
    if (!this.#parts.has(Name) && !made.some(({ name }) => name === Name)) {
      made.push(recordOf(wish));
      await directories.make(Name);
    }
    if (path === undefined) return;
    using _ = this.#parts.editing(Name);
    await directories.fill(this.#recordOf(Name, made), { path, lower, subpath });
  }

  #recordOf(name: string, made: VolumeRecord[]): VolumeRecord {
    return made.find((one) => one.name === name) ?? this.#parts.find(name);
  }

  async #giveUp(made: VolumeRecord[], held: string[], holder: string): Promise<void> {
    for (const name of held) this.#parts.holders.drop(name, holder);
    const failures = (await Promise.allSettled(made.map((record) => this.#parts.discard(record)))).filter(
      (each) => each.status === 'rejected',
    );
    if (failures[0]) throw failures[0].reason;
  }
}
