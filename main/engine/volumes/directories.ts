import { chmod, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../../base/errors.js';
import { newId, shortId } from '../../base/ids.js';
import type { Mounts } from './mounts.js';
import { deviceOf, fileSystemOf, kindOf, type VolumeRecord } from './record.js';
import type { VolumesOptions } from './rooms.js';

/** What an interrupted filling leaves beside the files, and in a directory that is not ours. */
const LEFT = ['_copying', '_copied'];
const LEFT_WITHIN = ['.slipway-copying', '.slipway-copied'];
/** Who has a volume mounted while it is filled. */
const FILLING = 'filling';

/** What an image has at a path: where its first content comes from. */
export interface FirstContent {
  path: string;
  /** Layers, top first. */
  lower: string[];
  /** The part of the volume that it goes to. */
  subpath: string | undefined;
}

/** Where volumes are on this machine's disk. */
export class Directories {
  readonly #root: string;
  readonly #helper: Pick<VolumesOptions['helper'], 'populate' | 'discard'>;
  readonly #mounts: Mounts;

  constructor({ root, helper }: Pick<VolumesOptions, 'root' | 'helper'>, mounts: Mounts) {
    this.#root = join(root, 'volumes');
    this.#helper = helper;
    this.#mounts = mounts;
  }

  get root(): string {
    return this.#root;
  }

  of(name: string): string {
    return join(this.#root, name);
  }

  /** Where its files are, unless it stands for another directory. */
  data(name: string): string {
    return join(this.of(name), '_data');
  }

  async open(): Promise<void> {
    await mkdir(this.#root, { recursive: true, mode: 0o711 });
  }

  list(): Promise<string[]> {
    return readdir(this.#root);
  }

  async make(name: string): Promise<void> {
    await mkdir(this.data(name), { recursive: true, mode: 0o711 });
    await chmod(this.data(name), 0o755); // whatever our umask says
  }

  /** One that is no volume's yet. No volume has a name that begins with a dot: what is left of it goes when the next engine starts. */
  async makeStage(): Promise<string> {
    const path = this.of(`.${shortId(newId())}`);
    await mkdir(path, { mode: 0o711 });
    return path;
  }

  /** Takes what the image has in its place, where it is empty. */
  async fill(record: VolumeRecord, { path, lower, subpath }: FirstContent): Promise<void> {
    const volume = this.of(record.name);
    const place = { volume, lower, path, ...(subpath !== undefined && { subpath }) };
    const device = deviceOf(record);
    if (device !== undefined) await this.#helper.populate({ ...place, device });
    // What is in memory ends with who has it: nobody has it yet.
    else if (kindOf(record) === 'tmpfs') return;
    else if (fileSystemOf(record)) {
      await this.#mounts.hold(record, volume, FILLING);
      try {
        await this.#helper.populate({ ...place, within: true });
      } finally {
        await this.#mounts.release(FILLING);
      }
    } else await this.#helper.populate(place);
  }

  /** Ends a filling that an engine was killed in the middle of. */
  async finish(record: VolumeRecord): Promise<void> {
    const volume = this.of(record.name);
    const device = deviceOf(record);
    const places =
      device === undefined ? LEFT.map((left) => join(volume, left)) : LEFT_WITHIN.map((left) => join(device, left));
    const found = await Promise.all(places.map(exists));
    if (found.includes(true)) await this.#helper.populate({ volume, ...(device !== undefined && { device }) });
  }

  /** `record` undefined: there is no telling what it was. */
  async discard(name: string, record?: VolumeRecord): Promise<void> {
    // What an engine has left mounted that was killed is not deleted with the volume.
    if (!record || fileSystemOf(record)) await this.#mounts.drop(this.of(name));
    await this.#helper.discard(this.of(name));
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return false;
      throw error;
    },
  );
