import '../../base/scopes.js';
import { conflict, EngineError, messageOf, notFound } from '../../base/errors.js';
import { newId } from '../../base/ids.js';
import { Locks } from '../../base/locks.js';
import { createLog } from '../../base/log.js';
import { forEachOf } from '../../base/slots.js';
import type { Change } from '../../base/store.js';
import type { Filters } from '../../contract/filters.js';
import type { Restored } from '../../contract/bin.js';
import type { VolumeDiscarded, VolumeKind } from '../../contract/volume-data.js';
import type { Volume, VolumeCreate, VolumesPruned } from '../../contract/volumes.js';
import { Bin, type BinPart } from '../bin/index.js';
import { VolumeBin } from './bin.js';
import { Directories } from './directories.js';
import { pruneFilter, volumeFilter } from './filters.js';
import { Holders } from './holders.js';
import type { Loan, VolumePlace } from './loans.js';
import { Mounts } from './mounts.js';
import { checkVolume, deviceOf, fileSystemOf, kindOf, recordOf, renamed, type VolumeRecord } from './record.js';
import { Reservations, type Reservation, type VolumeWish } from './reservations.js';
import type { Counted, VolumesOptions } from './rooms.js';
import { Stages, type Stage } from './stage.js';
import { Uses, type HeldVolume } from './uses.js';
import { Writes } from './writes.js';

const TABLE = 'volumes';
/** A disk flushes several removals as fast as one. */
const PRUNED_AT_ONCE = 16;
const log = createLog('volumes');

/** Named directories that outlive the containers using them. */
export class Volumes {
  static readonly tables = [TABLE, VolumeBin.table];
  readonly #options: VolumesOptions;
  readonly #volumes: Map<string, VolumeRecord>;
  readonly #holders = new Holders();
  readonly #locks = new Locks();
  readonly #mounts: Mounts;
  readonly #directories: Directories;
  readonly #writes = new Writes();
  readonly #uses = new Uses((name) => this.editing([name]));
  readonly #reservations: Reservations;
  readonly #stages: Stages;
  readonly #bin: VolumeBin;

  static async open(options: VolumesOptions): Promise<Volumes> {
    const volumes = new Volumes(options);
    await volumes.#directories.open();
    await volumes.#bin.recover(volumes.#volumes, (name) => volumes.#path(name));
    await volumes.#sweep();
    volumes.#bin.open(volumes.#binPart());
    return volumes;
  }

  private constructor(options: VolumesOptions) {
    this.#options = options;
    this.#mounts = new Mounts(options.helper);
    this.#directories = new Directories(options, this.#mounts);
    this.#volumes = options.store.rows<VolumeRecord>(TABLE);
    this.#bin = new VolumeBin({ ...options, bin: options.bin ?? new Bin() });
    this.#reservations = new Reservations({
      ...{ locks: this.#locks, holders: this.#holders, directories: this.#directories },
      editing: (name) => this.editing([name]),
      has: (name) => this.#volumes.has(name),
      find: (name) => this.#find('get', name),
      put: (change, record) => this.#put(change, record),
      discard: (record) => this.#discard(record.name, record),
      created: (name) => this.#announce('create', name),
    });
    this.#stages = new Stages(options, {
      ...{ locks: this.#locks, directories: this.#directories, uses: this.#uses },
      has: (name) => this.#volumes.has(name),
      find: (name) => this.#find('get', name),
      put: (change, record) => this.#put(change, record),
      discard: (name) => this.#discard(name),
      created: (name) => this.#announce('create', name),
    });
  }

  /** One of that name that is there already is the answer too, whatever it was made with. */
  async create(request: VolumeCreate): Promise<Volume> {
    checkVolume(request);
    const name = request.Name || newId();
    using _ = await this.#locks.take(name);
    const known = this.#volumes.get(name);
    if (known) return this.#describe(known);
    const record = recordOf({ ...request, Name: name, anonymous: !request.Name });
    await this.#directories.make(record.name);
    try {
      await this.#options.store.commit((change) => this.#put(change, record));
    } catch (error) {
      await this.#discard(name, record);
      throw error;
    }
    this.#announce('create', name);
    return this.#describe(record);
  }

  list(filters: Filters = {}): Volume[] {
    const test = volumeFilter(filters, (name) => this.holdersOf(name).length > 0);
    return [...this.#volumes.values()].filter(test).map((record) => this.#describe(record));
  }

  inspect(name: string): Volume {
    return this.#describe(this.#find('get', name));
  }

  async remove(name: string, { force = false } = {}): Promise<void> {
    using _ = await this.#locks.take(name); // no container may take it in between
    if (force && !this.#volumes.has(name)) return;
    await this.#remove(this.#unused(name));
  }

  /** Removes it so that it can be brought back; its name is free at once. */
  async discard(name: string): Promise<VolumeDiscarded> {
    using _ = await this.#locks.take(name);
    const record = this.#unused(name);
    if (fileSystemOf(record)) await this.#mounts.drop(this.#path(name));
    const { id, until } = await this.#bin.put(record, this.#path(name), {
      leave: (change) => this.#drop(change, name),
      stay: (change) => this.#put(change, record),
    });
    this.#uses.end(name);
    await this.#options.usage.forget([this.#data(name)]);
    this.#announce('destroy', name);
    return { Id: id, Name: name, Until: until };
  }

  /** Back from the bin, with what is in it; `wanted`: under another name. */
  async restore(id: string, wanted?: string): Promise<Restored> {
    const before = this.#bin.find(id).record.name;
    if (wanted) checkVolume({ Name: wanted });
    const name = wanted || before;
    using _ = await this.#locks.take(name);
    if (this.#volumes.has(name))
      throw conflict(
        `the name "${name}" is taken by another volume meanwhile: restore it under another name, or remove that one`,
      );
    await this.#bin.takeOut(id, this.#path(name), {
      come: (change, record) => this.#put(change, name === before ? record : renamed(record, name)),
      go: (change) => this.#drop(change, name),
    });
    this.#announce('create', name);
    return { Id: id, Name: name, Warnings: [] };
  }

  /** Removes what no container uses: of the anonymous ones, and with `all` of the others too. */
  async prune(filters: Filters = {}): Promise<VolumesPruned> {
    const test = pruneFilter(filters);
    const pruned = { VolumesDeleted: new Array<string>(), SpaceReclaimed: 0 };
    await forEachOf([...this.#volumes.values()].filter(test), PRUNED_AT_ONCE, async (record) => {
      using _ = await this.#locks.take(record.name);
      if (this.#holders.of(record.name).size > 0 || !this.#volumes.has(record.name)) return;
      const { bytes } = await this.#usageOf(record);
      await this.#remove(record);
      pruned.VolumesDeleted.push(record.name);
      pruned.SpaceReclaimed += bytes;
    });
    this.#options.events.publish('volume', 'prune', '', { reclaimed: String(pruned.SpaceReclaimed) });
    return pruned;
  }

  /** All of them, with what they took when they were counted last (-1: not counted, or not on this disk) and how many use them. */
  diskUsage(): Promise<Volume[]> {
    return Promise.all(
      [...this.#volumes.values()].map(async (record) => {
        // Of what is not on this disk docker knows no size either.
        const elsewhere = ['folder', 'nfs'].includes(kindOf(record));
        const UsageData = {
          Size: elsewhere ? -1 : ((await this.recall(record.name))?.bytes ?? -1),
          RefCount: this.holdersOf(record.name).length,
        };
        return { ...this.#describe(record), UsageData };
      }),
    );
  }

  /** What a volume took when it was counted last, and when that was; `patience` (ms): for what has to be counted first. What is elsewhere or in memory takes nothing here. */
  async recall(name: string, patience?: number): Promise<Counted | undefined> {
    const record = this.#find('get', name);
    if (kindOf(record) !== 'local') return { bytes: 0, at: Date.now() };
    return this.#options.usage.recall(this.#data(name), patience);
  }

  /** What it is, with what Docker has no word for. */
  about(name: string): VolumeAbout {
    const record = this.#find('get', name);
    const { anonymous, createdBy } = record;
    return { ...this.#describe(record), kind: kindOf(record), anonymous, createdBy, device: deviceOf(record) };
  }

  /**
   * Its files, for one use: whoever removes it cuts that off. A file system of its own is mounted for it; what is in memory is there only while a
   * container has it.
   */
  async holdFiles(name: string): Promise<HeldVolume> {
    const record = this.#volumes.get(name);
    if (!record) throw notFound(`No such volume: ${name}`);
    const readonly = (record.options?.['o'] ?? '').split(',').includes('ro');
    const place = { directory: deviceOf(record) ?? this.#data(name), readonly };
    if (!fileSystemOf(record)) return this.#uses.take(name, place);
    const user = `files ${newId()}`;
    if (kindOf(record) !== 'tmpfs') await this.#mounts.hold(record, this.#path(name), user);
    else if (!(await this.#mounts.join(this.#path(name), user)))
      throw conflict(`the files of volume ${name} are in memory: they are there while a container that has it runs`);
    return this.#uses.take(name, place, () => this.#letGo(user));
  }

  #letGo(user: string): void {
    this.#mounts.release(user).catch((error: unknown) => log.warn(messageOf(error)));
  }

  /** The containers that have it, those in the bin too. */
  holdersOf(name: string): string[] {
    return this.#holders.containersOf(name);
  }

  /**
   * For a task that works with all of its files; until the loan is disposed it is not removed. `task`: what is done, for whoever is refused because of
   * it. `alone`: no container that has it is started meanwhile, and none is made with it.
   */
  lend(name: string, task: string, { alone = false } = {}): Loan {
    const place = this.look(name);
    return { ...place, ...this.#holders.lend(name, task, alone) };
  }

  look(name: string): VolumePlace {
    const record = this.#find('get', name);
    return { record, data: this.#data(name), device: deviceOf(record), fileSystem: fileSystemOf(record)?.type };
  }

  /** Refuses where one of them is lent to a task that has to be alone with it. */
  checkFree(names: Iterable<string>): void {
    this.#holders.checkFree(names);
  }

  /** Somebody may write to these until it is disposed. */
  writing(names: Iterable<string>): Disposable {
    return this.#writes.begin(names);
  }

  /** The same, and that it came from us: what they take is counted anew after that. */
  editing(names: Iterable<string>): Disposable {
    const edited = [...names];
    const writing = this.#writes.begin(edited);
    return {
      [Symbol.dispose]: () => {
        writing[Symbol.dispose]();
        this.#options.usage.outdate(edited.map((name) => this.#data(name)));
      },
    };
  }

  /** The same number as long as nobody has begun to write to it, or a container that may; undefined: somebody is at it from outside of containers. */
  writesOf(name: string): number | undefined {
    return this.#writes.of(name);
  }

  has(name: string): boolean {
    return this.#volumes.has(name);
  }

  /** A directory that is no volume's yet. What is made in its `data` becomes one in one step, or takes the place of what one has; else it goes with the disposal. */
  stage(): Promise<Stage> {
    return this.#stages.make();
  }

  /**
   * Volumes for a container that is being made: made where they are not there, filled where they are empty. They are its own in `hold`, inside
   * the transaction that writes the container down; what was made for one that never came to be goes with the disposal.
   */
  reserve(wishes: VolumeWish[], holder: string, lower: string[]): Promise<Reservation> {
    return this.#reservations.take(wishes, holder, lower);
  }

  /** Where a volume's files are; undefined where there is none of that name. */
  sourceOf(name: string): string | undefined {
    const record = this.#volumes.get(name);
    return record && (deviceOf(record) ?? this.#data(name));
  }

  /** A container that was there before this engine has them. */
  hold(names: Iterable<string>, holder: string): void {
    for (const name of names) this.#holders.add(name, holder);
  }

  /** A container is no more, or (`only`) these are not its own any more. Of `goners` those that nobody else has go with it, in its transaction; returns how to delete what is in them. `locked`: by who has their locks. */
  release(
    change: Change,
    holder: string,
    goners: Iterable<string> = [],
    only?: ReadonlySet<string>,
  ): (how?: { locked: boolean }) => Promise<void> {
    for (const name of this.#holders.held()) {
      if (only && !only.has(name)) continue;
      if (!this.#holders.drop(name, holder)) continue;
      change.undo(() => this.#holders.add(name, holder));
    }
    const gone = [...new Set(goners)]
      .flatMap((name) => this.#volumes.get(name) ?? [])
      .filter(({ name }) => this.#holders.of(name).size === 0);
    for (const { name } of gone) this.#drop(change, name);
    return async ({ locked } = { locked: false }) => {
      await Promise.all(gone.map((record) => this.#dropFiles(record, locked)));
    };
  }

  /** Of one that has no row any more. `locked`: the caller has its lock. */
  async #dropFiles(record: VolumeRecord, locked: boolean): Promise<void> {
    using _ = locked ? undefined : await this.#locks.take(record.name);
    if (this.#volumes.has(record.name)) return; // another container was made with it meanwhile
    this.#announce('destroy', record.name);
    await this.#discard(record.name, record).catch((error: unknown) => {
      // It was made and removed once more.
      if (!(error instanceof EngineError && error.kind === 'not-found')) throw error;
    });
  }

  /** Those of a container that is about to run, or whose files are about to be seen, have their files. False: none of them is mounted for that. */
  async mount(names: Iterable<string>, user: string): Promise<boolean> {
    const records = [...new Set(names)].map((name) => this.#find('get', name)).filter((one) => fileSystemOf(one));
    const taken: string[] = [];
    try {
      for (const record of records) {
        const path = this.#path(record.name);
        if (await this.#mounts.hold(record, path, user)) taken.push(path);
      }
    } catch (error) {
      // What it had before stays as it is.
      await this.#mounts.release(user, taken);
      throw error;
    }
    return records.length > 0;
  }

  /** Those of a run that another engine began. */
  adoptMounts(names: Iterable<string>, user: string): void {
    for (const name of names) {
      const record = this.#volumes.get(name);
      if (record && fileSystemOf(record)) this.#mounts.adopt(this.#path(name), user);
    }
  }

  /** It does not use them any more (of all that it has, or of these); what nobody uses is unmounted. */
  async unmount(user: string, names?: Iterable<string>): Promise<void> {
    await this.#mounts.release(user, names && [...names].map((name) => this.#path(name)));
  }

  /** Of what was mounted before this engine, that which nobody has is unmounted. */
  async unmountIdle(): Promise<void> {
    for (const record of this.#volumes.values()) {
      if (!fileSystemOf(record)) continue;
      await this.#mounts.tidy(this.#path(record.name)).catch((error: unknown) => {
        log.warn(`the volume ${record.name} stays mounted: ${messageOf(error)}`);
      });
    }
  }

  /** A holder that is in the bin, by its name: whoever is refused because of it is told so. Undefined: not any more. */
  setAside(holder: string, name: string | undefined): void {
    this.#holders.setAside(holder, name);
  }

  /** Bytes that they take. */
  async sizeOf(names: Iterable<string>): Promise<number> {
    const records = [...names].flatMap((name) => this.#volumes.get(name) ?? []);
    const sizes = await Promise.all(records.map((record) => this.#usageOf(record)));
    return sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Its files are in a container's, or not any more. */
  announce(action: string, name: string, attributes: Record<string, string> = {}): void {
    this.#options.events.publish('volume', action, name, { driver: 'local', ...attributes });
  }

  #binPart(): BinPart {
    return {
      binned: () => this.#bin.binned(),
      contents: () => ({ Volumes: this.#bin.contents() }),
      restore: (id, name) => this.restore(id, name),
      purge: (id, quiet) => this.#bin.purge(id, quiet),
    };
  }

  #unused(name: string): VolumeRecord {
    const record = this.#find('get', name);
    this.#holders.checkUnused(name);
    return record;
  }

  #find(said: string, name: string): VolumeRecord {
    const record = this.#volumes.get(name);
    if (!record) throw notFound(`${said} ${name}: no such volume`);
    return record;
  }

  #path(name: string): string {
    return this.#directories.of(name);
  }

  #data(name: string): string {
    return this.#directories.data(name);
  }

  #put(change: Change, record: VolumeRecord): void {
    this.#volumes.set(record.name, record);
    change.undo(() => this.#volumes.delete(record.name));
    change.put(TABLE, record.name, record);
  }

  #drop(change: Change, name: string): void {
    const record = this.#find('remove', name);
    this.#volumes.delete(name);
    this.#writes.forget(name);
    change.undo(() => this.#volumes.set(name, record));
    change.remove(TABLE, name);
  }

  async #remove(record: VolumeRecord): Promise<void> {
    const { name } = record;
    await this.#options.store.commit((change) => {
      change.urgent();
      this.#drop(change, name);
    });
    this.#announce('destroy', name);
    // Row before data: a crash in between leaves a directory without a row, which the sweep at start gives to the trash.
    await this.#discard(name, record);
  }

  async #discard(name: string, record?: VolumeRecord): Promise<void> {
    this.#uses.end(name);
    await this.#options.usage.forget([this.#data(name)]);
    await this.#directories.discard(name, record);
  }

  async #usageOf(record: VolumeRecord): Promise<{ bytes: number }> {
    if (kindOf(record) !== 'local') return { bytes: 0 };
    return this.#options.usage.measure(this.#data(record.name));
  }

  #announce(action: string, name: string): void {
    this.#options.events.publish('volume', action, name, { driver: 'local' });
  }

  #describe({ name, created, labels, options }: VolumeRecord): Volume {
    return {
      CreatedAt: created,
      Driver: 'local',
      Labels: labels,
      Mountpoint: this.#data(name),
      Name: name,
      Options: options,
      Scope: 'local',
    };
  }

  /** Directories that are in no row were made or removed while an engine was killed; a copy that it began is finished. */
  async #sweep(): Promise<void> {
    const warn = (name: string) => (error: unknown) => log.warn(`the volume ${name}: ${messageOf(error)}`);
    for (const name of await this.#directories.list()) {
      const record = this.#volumes.get(name);
      // A database that was set aside knows nothing of what is still good.
      if (!record && this.#options.store.warnings?.length) continue;
      const done = (record ? this.#finish(record) : this.#discard(name)).catch(warn(name));
      // A folder may be on a disk that does not answer: nobody waits for that but who wants the folder.
      if (!record || deviceOf(record) === undefined) await done;
    }
  }

  async #finish(record: VolumeRecord): Promise<void> {
    using _ = await this.#locks.take(record.name);
    await this.#directories.finish(record);
  }
}

/** A volume, and what is known of it beyond Docker's words. */
export interface VolumeAbout extends Volume {
  kind: VolumeKind;
  anonymous: boolean;
  createdBy: VolumeRecord['createdBy'];
  /** The directory of this machine that it stands for. */
  device: string | undefined;
}
