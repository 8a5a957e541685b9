import '../../base/scopes.js';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { conflict } from '../../base/errors.js';
import type { Locks } from '../../base/locks.js';
import type { Change } from '../../base/store.js';
import type { VolumeCreate } from '../../contract/volumes.js';
import type { Directories } from './directories.js';
import { checkVolume, recordOf, type VolumeRecord } from './record.js';
import type { VolumesOptions } from './rooms.js';
import type { Uses } from './uses.js';

/** A directory beside the volumes that is made ready to be one. */
export interface Stage extends AsyncDisposable {
  readonly path: string;
  /** Where in it the files go; it is not there yet. */
  readonly data: string;
  /** From now on it is a new volume. */
  become(wish: VolumeCreate & { Name: string }): Promise<void>;
  /** Takes the place of what the volume had, which goes. `alike`: the volume's own directory keeps its looks. */
  replace(name: string, how: { alike: boolean }): Promise<void>;
}

interface StagesParts {
  locks: Locks;
  directories: Directories;
  uses: Uses;
  has(name: string): boolean;
  find(name: string): VolumeRecord;
  put(change: Change, record: VolumeRecord): void;
  discard(name: string): Promise<void>;
  created(name: string): void;
}

/** Makes what volumes are to have, beside them, so that it comes there in one step or not at all. */
export class Stages {
  readonly #options: Pick<VolumesOptions, 'helper' | 'store' | 'usage'>;
  readonly #parts: StagesParts;

  constructor(options: Pick<VolumesOptions, 'helper' | 'store' | 'usage'>, parts: StagesParts) {
    this.#options = options;
    this.#parts = parts;
  }

  async make(): Promise<Stage> {
    const path = await this.#parts.directories.makeStage();
    const data = join(path, '_data');
    return {
      ...{ path, data },
      become: (wish) => this.#become(path, wish),
      replace: (name, how) => this.#replace(data, name, how),
      [Symbol.asyncDispose]: () => this.#options.helper.discard(path),
    };
  }

  async #become(stage: string, wish: VolumeCreate & { Name: string }): Promise<void> {
    const { locks, directories, has, put, discard, created } = this.#parts;
    const { Name: name } = wish;
    checkVolume(wish);
    using _ = await locks.take(name);
    if (has(name)) throw conflict(`there is a volume ${name} already`);
    await rename(stage, directories.of(name));
    try {
      const volumes = await open(directories.root);
      await volumes.sync().finally(() => volumes.close());
      await this.#options.store.commit((change) => put(change, recordOf({ ...wish, anonymous: false })));
    } catch (error) {
      await discard(name);
      throw error;
    }
    created(name);
  }

  async #replace(stagedData: string, name: string, { alike }: { alike: boolean }): Promise<void> {
    const { locks, directories, uses, find } = this.#parts;
    using _ = await locks.take(name);
    find(name);
    const data = directories.data(name);
    await this.#options.helper.swap({ path: data, with: stagedData, alike });
    uses.end(name); // who reads or writes what it had does not go on with that
    await this.#options.usage.forget([data]);
  }
}
