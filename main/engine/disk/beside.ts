import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../base/errors.js';
import { createLog } from '../../base/log.js';
import type { Beside as BesideSizes } from '../../contract/disk.js';

export interface BesideOptions {
  /** The data root. */
  root: string;
  usage: { recall(path: string): Promise<{ bytes: number; at: number } | undefined> };
}

interface Measured {
  indexes: number;
  containers: number;
  files: number;
  /** Further directories of the data root, which are counted as trees. */
  trees: string[];
  at: number;
}

/** So old may be what is told without being counted again behind the answer. */
const FRESH_MS = 15_000;
/** Directories that are looked at together. */
const AT_ONCE = 32;
/** Of the data root: what is told of by itself. */
const TOLD = /^(?:blobs|ingest|layers|containers|volumes|trash|backups|volume-bin|slipway\.db.*)$/;
const COMPARED = 'compared';

const log = createLog('disk');

/** What lies beside layers, containers and volumes: indexes of layers, small files of containers, settings. By reading directories, behind the answer. */
export class Beside {
  readonly #options: BesideOptions;
  #measured: Measured | undefined;
  #counting: Promise<void> | undefined;

  constructor(options: BesideOptions) {
    this.#options = options;
  }

  /** Not waited for: asked for again, it is there. */
  get counting(): boolean {
    return this.#counting !== undefined;
  }

  async recall(): Promise<BesideSizes> {
    const known = this.#measured;
    if (!known || Date.now() - known.at > FRESH_MS)
      this.#counting ??= this.#count()
        .catch((error: unknown) => log.debug(messageOf(error)))
        .finally(() => (this.#counting = undefined));
    if (!known) return { Indexes: null, Containers: null, Others: null };
    const sizes = await Promise.all(
      known.trees.map(async (name) => ({
        name,
        size: (await this.#options.usage.recall(this.#path(name)))?.bytes ?? 0,
      })),
    );
    const sum = (wanted: (name: string) => boolean) =>
      sizes.reduce((total, { name, size }) => total + (wanted(name) ? size : 0), 0);
    return {
      Indexes: known.indexes + sum((name) => name === COMPARED),
      Containers: known.containers,
      Others: known.files + sum((name) => name !== COMPARED),
    };
  }

  /** Whether a path that was counted is one of these trees. */
  owns(path: string): boolean {
    return this.#measured?.trees.some((name) => this.#path(name) === path) ?? true;
  }

  async #count(): Promise<void> {
    const { root } = this.#options;
    let files = 0;
    const trees: string[] = [];
    for (const entry of await readdir(root, { withFileTypes: true })) {
      if (TOLD.test(entry.name)) continue;
      if (entry.isDirectory()) trees.push(entry.name);
      else files += await sizeOf(this.#path(entry.name));
    }
    const indexes = await sumOf(this.#path('layers'), (name) => name !== 'fs');
    const containers = await sumOf(this.#path('containers'), (name) => name !== 'upper' && !name.includes('-json.log'));
    this.#measured = { ...{ files, trees, indexes, containers }, at: Date.now() };
  }

  #path(name: string): string {
    return join(this.#options.root, name);
  }
}

/** Of the files that are `wanted` in each directory of this one, and one level further down. */
async function sumOf(folder: string, wanted: (name: string) => boolean): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  let sum = 0;
  for (let at = 0; at < names.length; at += AT_ONCE)
    for (const bytes of await Promise.all(
      names.slice(at, at + AT_ONCE).map((name) => filesIn(join(folder, name), wanted, 1)),
    ))
      sum += bytes;
  return sum;
}

/** What has gone meanwhile, or may not be looked at, is nothing. */
async function filesIn(folder: string, wanted: (name: string) => boolean, deeper: number): Promise<number> {
  let sum = 0;
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (!wanted(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isFile()) sum += await sizeOf(path);
    else if (entry.isDirectory() && deeper > 0) sum += await filesIn(path, wanted, deeper - 1);
  }
  return sum;
}

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );
