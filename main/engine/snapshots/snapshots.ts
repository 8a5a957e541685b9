import '../../base/scopes.js';
import { chmod, mkdir, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, notFound, notImplemented } from '../../base/errors.js';
import { Flights } from '../../base/flights.js';
import type { Change, Store } from '../../base/store.js';
import type { Driver } from './driver.js';

/** A committed snapshot: what a stack of layers comes to, bottom to here. The stack below is its parent's. */
export interface SnapshotRecord {
  chainId: string;
  parent: string | null;
  diffId: string;
  /** Its directory below `layers/`: small, so that many fit in one mount. */
  number: number;
  /** Bytes of file content that this layer adds. */
  size: number;
  /** When it became visible, in Unix milliseconds; absent from earlier versions. */
  made?: number;
  /** What its directory looked like to the helper when it was last found to be what its blob says. */
  print?: string;
}

/** Taken out of the records; `flat`: with the directory that had the whole stack. */
export interface Collected extends SnapshotRecord {
  flat?: number;
}

/** A whole stack in one directory, which containers are copied from with `vfs`. */
export interface Whole {
  /** Its directory below `layers/`. */
  number: number;
  /** What it looked like to the helper when it was last found to be what its layers come to. */
  print?: string;
}

/** A snapshot being made; invisible until committed. */
export interface SnapshotDraft {
  readonly number: number;
  /** Not there yet: whoever unpacks makes it. */
  readonly path: string;
}

/** What an overlay is made of, `lower` top first. */
export interface Mounts {
  lower: string[];
  upper: string;
  work: string;
  /** Who puts them together, where that is not the kernel; with `vfs` the upper directory has everything. */
  driver?: 'fuse-overlayfs' | 'vfs';
}

export interface SnapshotsHelper {
  discard(path: string): Promise<void>;
  flatten(request: { lower: string[]; target: string; whole: boolean }): Promise<void>;
}

const COMMITTED = 'snapshots';
const ACTIVE = 'active_snapshots';
/** Chain ID to the directory that has the whole stack; a number alone in the rows of earlier versions. */
const FLAT = 'flat_snapshots';
/** The containers whose own layer has everything. */
const WHOLE = 'whole_snapshots';

/** Filesystem states: committed ones by chain ID, and an active one per container on top of one of them. */
export class Snapshots {
  static readonly tables = [COMMITTED, ACTIVE, FLAT, WHOLE];
  /** By which new containers get their file system. */
  readonly driver: Driver;
  readonly #root: string;
  readonly #store: Store;
  readonly #helper: SnapshotsHelper;
  readonly #committed: Map<string, SnapshotRecord>;
  /** Container ID to the chain ID below it. */
  readonly #active: Map<string, string>;
  readonly #flat: Map<string, Whole>;
  readonly #whole: Map<string, true>;
  readonly #flattening = new Flights<void>();
  readonly #holders = new Map<string, Set<string>>();
  /** Directories that somebody sees to: being made, or replaced and perhaps still in use. */
  readonly #minded = new Set<number>();
  #next: number;

  /** `root` is the data root: committed snapshots live in `layers/`, active ones with their containers. */
  static async open({
    root,
    store,
    helper,
    driver = 'overlay2',
  }: {
    root: string;
    store: Store;
    helper: SnapshotsHelper;
    driver?: Driver;
  }): Promise<Snapshots> {
    await mkdir(join(root, 'layers'), { recursive: true, mode: 0o711 });
    const numbers = (await readdir(join(root, 'layers'))).map(Number).filter(Number.isSafeInteger);
    const snapshots = new Snapshots(
      root,
      store,
      helper,
      driver,
      1 + numbers.reduce((most, number) => Math.max(most, number), 0),
    );
    await makeDirectory(join(root, EMPTY));
    await mkdir(join(root, 'containers'), { recursive: true, mode: 0o711 });
    // What an interrupted pull left has no record. A database that was set aside knows nothing of what is still good.
    if (!store.warnings.length) for (const stray of await snapshots.strays()) await helper.discard(join(root, stray));
    return snapshots;
  }

  private constructor(root: string, store: Store, helper: SnapshotsHelper, driver: Driver, first: number) {
    this.driver = driver;
    this.#root = root;
    this.#store = store;
    this.#helper = helper;
    this.#committed = store.rows<SnapshotRecord>(COMMITTED);
    this.#active = store.rows<string>(ACTIVE);
    const flat = store.rows<Whole | number>(FLAT);
    this.#flat = new Map([...flat].map(([top, row]) => [top, typeof row === 'number' ? { number: row } : row]));
    this.#whole = store.rows<true>(WHOLE);
    const numbers = [...this.#committed.values(), ...this.#flat.values()].map(({ number }) => number);
    this.#next = numbers.reduce((most, number) => Math.max(most, number + 1), first);
  }

  get(chainId: string): SnapshotRecord | undefined {
    return this.#committed.get(chainId);
  }

  /** The directories of a stack, top first. */
  lowers(chainId: string): string[] {
    return this.#stack(chainId).map(({ number }) => this.#fs(number));
  }

  /** Bytes of file content in the whole stack. */
  size(chainId: string): number {
    return this.#stack(chainId).reduce((sum, { size }) => sum + size, 0);
  }

  /** Bytes of file content below a container's own files. */
  sizeBelow(containerId: string): number {
    return this.size(this.#active.get(containerId) ?? '');
  }

  /** All committed snapshots. */
  all(): SnapshotRecord[] {
    return [...this.#committed.values()];
  }

  /** Directories with a whole stack each, and the bytes of file content in them. */
  copies(): { Count: number; Size: number } {
    const sizes = [...this.#flat.keys()].map((top) => this.size(top));
    return { Count: sizes.length, Size: sizes.reduce((sum, size) => sum + size, 0) };
  }

  /** Room for a snapshot that is about to be unpacked. */
  async draft(): Promise<SnapshotDraft> {
    const number = this.#next++;
    this.#minded.add(number);
    await mkdir(join(this.#root, 'layers', String(number)), { mode: 0o711 });
    return { number, path: this.#fs(number) };
  }

  async drop({ number }: SnapshotDraft): Promise<void> {
    this.#minded.delete(number);
    await this.#helper.discard(join(this.#root, 'layers', String(number)));
  }

  /** The names of finished drafts reach the disk; their content is synced by who unpacked them. */
  async syncNames(drafts: Iterable<SnapshotDraft>): Promise<void> {
    for (const { number } of drafts) await syncDirectory(join(this.#root, 'layers', String(number)));
    await syncDirectory(join(this.#root, 'layers'));
  }

  /** Makes a synced draft visible, in the caller's transaction. */
  commit(change: Change, record: SnapshotRecord): void {
    const before = this.#committed.get(record.chainId);
    const made = { ...record, made: Date.now() };
    this.#committed.set(record.chainId, made);
    change.undo(() => (before ? this.#committed.set(record.chainId, before) : this.#committed.delete(record.chainId)));
    change.put(COMMITTED, record.chainId, made);
  }

  /** What was found out about a snapshot, or that it is in another directory now, in the caller's transaction. False: it is not there any more. */
  amend(change: Change, chainId: string, amended: Pick<SnapshotRecord, 'number'> & { print: string }): boolean {
    const before = this.#committed.get(chainId);
    if (!before) return false;
    const record = { ...before, ...amended };
    this.#committed.set(chainId, record);
    if (before.number !== record.number) this.#minded.add(before.number);
    change.undo(() => this.#committed.set(chainId, before));
    change.put(COMMITTED, chainId, record);
    return true;
  }

  /**
   * Takes whole stacks that were copied from a layer out of the records, in the caller's transaction: they are copied again when they are wanted. Those
   * that a container is compared with stay. Returns how to delete them.
   */
  forgetFlat(change: Change, chainId: string): () => Promise<void> {
    const used = new Set([...this.#whole.keys()].map((containerId) => this.#active.get(containerId)));
    const gone = [...this.#flat].filter(([top]) => !used.has(top) && this.#chain(top).includes(chainId));
    for (const [top, whole] of gone) {
      this.#flat.delete(top);
      change.undo(() => this.#flat.set(top, whole));
      change.remove(FLAT, top);
    }
    return async () => {
      for (const [, { number }] of gone) await this.drop({ number, path: this.#fs(number) });
    };
  }

  /** The directory of one layer alone. */
  pathOf({ number }: Pick<SnapshotRecord, 'number'>): string {
    return this.#fs(number);
  }

  /** The layers of a stack by chain ID, the top first. */
  chainOf(top: string): string[] {
    return this.#chain(top);
  }

  /** The containers whose files stand on a layer; those that are copies stand on nothing. */
  standingOn(chainId: string): string[] {
    const standing = [...this.#active].filter(
      ([id, top]) => !this.#whole.has(id) && this.#chain(top).includes(chainId),
    );
    return standing.map(([id]) => id);
  }

  /** Directories that are no layer's, and none in the making: below the data root. */
  async strays(): Promise<string[]> {
    const numbers = [...this.#committed.values(), ...this.#flat.values()].map(({ number }) => number);
    const known = new Set(numbers.map(String));
    const names = await readdir(join(this.#root, 'layers'));
    return names
      .filter((name) => !known.has(name) && !this.#minded.has(Number(name)))
      .map((name) => join('layers', name));
  }

  /** Keeps a stack while somebody (an image, a pull) needs it. Holds live in memory: each holder takes them again when it opens. */
  hold(chainId: string, holder: string): void {
    const holders = this.#holders.get(chainId) ?? new Set();
    this.#holders.set(chainId, holders.add(holder));
  }

  release(chainId: string, holder: string): void {
    const holders = this.#holders.get(chainId);
    holders?.delete(holder);
    if (holders?.size === 0) this.#holders.delete(chainId);
  }

  /** Takes the stacks that nobody holds out of the records, from the top. Their directories go after the commit, by `drop`. */
  collect(change: Change): Collected[] {
    const needed = new Set<string>();
    for (const top of [...this.#holders.keys(), ...this.#active.values()]) {
      for (let id: string | null | undefined = top; id && !needed.has(id); id = this.#committed.get(id)?.parent) {
        needed.add(id);
      }
    }
    const gone = [...this.#committed.values()].filter(({ chainId }) => !needed.has(chainId)).reverse();
    for (const record of gone) {
      this.#committed.delete(record.chainId);
      change.undo(() => this.#committed.set(record.chainId, record));
      change.remove(COMMITTED, record.chainId);
    }
    return gone.map((record) => {
      const flat = this.#flat.get(record.chainId);
      if (flat === undefined) return record;
      this.#flat.delete(record.chainId);
      change.undo(() => this.#flat.set(record.chainId, flat));
      change.remove(FLAT, record.chainId);
      return { ...record, flat: flat.number };
    });
  }

  /** Removes the directories of collected snapshots. */
  async dropAll(records: Iterable<Collected>): Promise<void> {
    for (const { number, flat } of records) {
      await this.drop({ number, path: this.#fs(number) });
      if (flat !== undefined) await this.drop({ number: flat, path: this.#fs(flat) });
    }
  }

  /** An active snapshot for a container: from now on nothing collects what it stands on. `keep` makes it last. */
  async prepare(containerId: string, chainId: string): Promise<Mounts> {
    this.#stack(chainId);
    this.#active.set(containerId, chainId);
    const whole = this.driver === 'vfs';
    if (whole) {
      // Until it is copied, nothing takes the stack away.
      await this.#flatten(chainId);
      this.#whole.set(containerId, true);
    }
    const mounts = this.mountsOf(containerId);
    await mkdir(join(this.#root, 'containers', containerId), { mode: 0o711 });
    if (whole) await this.#helper.flatten({ lower: mounts.lower, target: mounts.upper, whole });
    await Promise.all([...(whole ? [] : [mounts.upper]), mounts.work].map(makeDirectory));
    return mounts;
  }

  /** The whole stack in one directory, once for all containers. */
  async #flatten(chainId: string): Promise<void> {
    if (chainId === '' || this.#flat.has(chainId)) return;
    await this.#flattening.join(chainId, async () => {
      await this.#makeFlat(chainId);
    });
  }

  async #makeFlat(chainId: string): Promise<void> {
    const { number } = await this.copyAgain(chainId, async (draft) => {
      await this.#store.commit((change) => change.put(FLAT, chainId, { number: draft.number }));
    });
    this.#flat.set(chainId, { number });
  }

  /** A whole stack, copied once more; dropped where `then` fails. */
  async copyAgain(chainId: string, then: (draft: SnapshotDraft) => Promise<void>): Promise<SnapshotDraft> {
    const draft = await this.draft();
    try {
      await this.#helper.flatten({ lower: this.lowers(chainId), target: draft.path, whole: false });
      await this.syncNames([draft]);
      await then(draft);
      return draft;
    } catch (error) {
      await this.drop(draft);
      throw error;
    }
  }

  /** The whole stacks that are copied, by chain ID. */
  wholes(): [chainId: string, whole: Whole][] {
    return [...this.#flat];
  }

  /**
   * What was found out about a whole stack, or that it is in another directory now, in the caller's transaction. False: it is not there any more. The
   * old directory stays until the next start: a container may just be copied from it.
   */
  amendWhole(change: Change, chainId: string, whole: Whole): boolean {
    const before = this.#flat.get(chainId);
    if (!before) return false;
    if (before.number !== whole.number) this.#minded.add(before.number);
    this.#flat.set(chainId, whole);
    change.undo(() => this.#flat.set(chainId, before));
    change.put(FLAT, chainId, whole);
    return true;
  }

  /** What was copied of a layer is copied again: it is another now. The old copy goes with the next start: a container may just be copied from it. */
  async flattenAgain(chainId: string): Promise<void> {
    for (const [top, { number }] of [...this.#flat]) {
      if (!this.#chain(top).includes(chainId)) continue;
      await this.#makeFlat(top);
      this.#minded.add(number);
    }
  }

  /** Writes down what was prepared, in the caller's transaction. */
  keep(change: Change, containerId: string): void {
    change.put(ACTIVE, containerId, this.#active.get(containerId));
    if (this.#whole.has(containerId)) change.put(WHOLE, containerId, true);
  }

  /** Throws for a container whose files cannot be put on another stack. */
  checkRebase(containerId: string): void {
    if (!this.#whole.has(containerId)) return;
    throw notImplemented(
      'the image of this container cannot be changed: its files are a copy of their own (storage driver vfs). Make a new container of the other image',
    );
  }

  /** Puts a container's own files on another stack, in the caller's transaction. */
  rebase(change: Change, containerId: string, chainId: string): void {
    this.#stack(chainId);
    const before = this.#active.get(containerId);
    if (before === undefined) throw notFound(`there is no file system of a container ${containerId}`);
    this.#active.set(containerId, chainId);
    change.undo(() => this.#active.set(containerId, before));
    change.put(ACTIVE, containerId, chainId);
  }

  mountsOf(containerId: string): Mounts {
    const chainId = this.#active.get(containerId);
    if (chainId === undefined) throw notFound(`there is no file system of a container ${containerId}`);
    const directory = join(this.#root, 'containers', containerId);
    const own = { upper: join(directory, 'upper'), work: join(directory, 'work') };
    const empty = [join(this.#root, EMPTY)];
    if (this.#whole.has(containerId)) {
      const flat = this.#flat.get(chainId);
      return { lower: flat === undefined ? empty : [this.#fs(flat.number)], ...own, driver: 'vfs' };
    }
    const lower = chainId === '' ? empty : this.lowers(chainId);
    return { lower, ...own, ...(this.driver === 'fuse-overlayfs' && { driver: this.driver }) };
  }

  /** A stack as it is mounted by itself, read-only. */
  async layersOf(chainId: string): Promise<{ lower: string[]; driver?: 'fuse-overlayfs' }> {
    if (chainId === '') return { lower: [join(this.#root, EMPTY)] };
    if (this.driver === 'vfs') {
      await this.#flatten(chainId);
      return { lower: [this.#fs((this.#flat.get(chainId) as Whole).number)] };
    }
    return { lower: this.lowers(chainId), ...(this.driver === 'fuse-overlayfs' && { driver: this.driver }) };
  }

  /** The containers that have an active snapshot. */
  active(): string[] {
    return [...this.#active.keys()];
  }

  /**
   * Takes a container's snapshot out of the records, in the caller's transaction, and with it the layers that nobody else needs; returns how to
   * delete those. The container's own directory goes with the container.
   */
  discard(change: Change, containerId: string): () => Promise<void> {
    const chainId = this.#active.get(containerId);
    if (chainId === undefined) return () => Promise.resolve();
    this.#active.delete(containerId);
    change.undo(() => this.#active.set(containerId, chainId));
    change.remove(ACTIVE, containerId);
    if (this.#whole.delete(containerId)) {
      change.undo(() => this.#whole.set(containerId, true));
      change.remove(WHOLE, containerId);
    }
    const gone = this.collect(change);
    return () => this.dropAll(gone);
  }

  /** Chain IDs from `top` down, as far as they are known. */
  #chain(top: string): string[] {
    const chain: string[] = [];
    for (let id: string | null | undefined = top; id; id = this.#committed.get(id)?.parent) chain.push(id);
    return chain;
  }

  #stack(chainId: string): SnapshotRecord[] {
    const stack: SnapshotRecord[] = [];
    for (let id: string | null = chainId || null; id;) {
      const record = this.#committed.get(id);
      if (!record) throw notFound(`the layer ${id} is not in the store`);
      stack.push(record);
      id = record.parent;
    }
    return stack;
  }

  #fs(number: number): string {
    return join(this.#root, 'layers', String(number), 'fs');
  }
}

/** What an image without layers stands on: overlay wants at least one directory below. */
const EMPTY = 'empty';

const ROOT_MODE = 0o755;

/** The container's root directory takes this one's mode, whatever our umask says. */
async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: ROOT_MODE });
  if ((process.umask() & ROOT_MODE) !== 0) await chmod(path, ROOT_MODE);
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path);
  try {
    await directory.sync();
  } catch (error) {
    if (codeOf(error) !== 'EINVAL') throw error;
  } finally {
    await directory.close();
  }
}
