import { conflict, EngineError, invalid, messageOf, notFound } from '../../base/errors.js';
import { shortId } from '../../base/ids.js';
import { createLog } from '../../base/log.js';
import type { Change } from '../../base/store.js';
import type { Bin as Contents, BinEmptied, BinnedContainer, Discarded, Restored } from '../../contract/bin.js';
import { Container } from './container.js';
import { TABLE, type Ledger } from './ledger.js';
import { checkedName } from './names.js';
import { anonymousOf, volumesOf, type ContainerRecord } from './record.js';
import type { Removal } from './removal.js';
import type { ContainersOptions } from './rooms.js';

type BinOptions = Pick<ContainersOptions, 'store' | 'helper' | 'events' | 'images' | 'volumes' | 'bin'>;

/** A container that was removed, as it was, and when it goes for good. */
interface Binned {
  record: ContainerRecord;
  removed: string;
  until: string;
  /** The volumes whose names nobody chose go with it. */
  volumes: boolean;
  /** Bytes that it takes; absent until they are counted. */
  size?: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const LIMIT = 2 * 2 ** 30;
/** The longest that a timer can wait. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

const log = createLog('bin');

/**
 * Removed containers that can be brought back for a day. One that is in here has no name, no address and no process; its files, its image and its
 * volumes are kept for it.
 */
export class Bin {
  static readonly table = 'container_bin';

  readonly #options: BinOptions;
  readonly #ledger: Ledger;
  readonly #removal: Removal;
  readonly #keepMs: number;
  readonly #limit: number;
  readonly #binned: Map<string, Binned>;
  /** Of what was put in here by this engine: nothing is left of its last run. */
  readonly #cleared = new Map<string, Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: BinOptions, ledger: Ledger, removal: Removal) {
    this.#options = options;
    this.#ledger = ledger;
    this.#removal = removal;
    this.#keepMs = options.bin?.keepMs ?? DAY_MS;
    this.#limit = options.bin?.limit ?? LIMIT;
    this.#binned = options.store.rows<Binned>(Bin.table);
    for (const [id, { record }] of this.#binned) {
      options.volumes.hold(volumesOf(record), id);
      this.#mark(id, record);
    }
  }

  /** What became due while no engine ran goes now; from here on what is due goes by itself. */
  open(): void {
    for (const [id, { size }] of this.#binned) if (size === undefined) this.#weigh(id);
    this.#wind();
  }

  /** Nothing goes any more: that is for the next engine to see to. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  has(id: string): boolean {
    return this.#binned.has(id);
  }

  /** What is in here has ids of its own that nobody else is given. */
  records(): ContainerRecord[] {
    return [...this.#binned.values()].map(({ record }) => record);
  }

  list(): Contents {
    const all = this.#oldestFirst().map(([, binned]) => binned);
    return { Containers: all.reverse().map(described), Size: sizeOf(all), Limit: this.#limit };
  }

  /** Of two at once the second is told that it is under way. */
  async discard(container: Container, { force = false, volumes = false } = {}): Promise<Discarded> {
    const { id, record } = container;
    if (record.trial) throw conflict(`container ${record.name} is being changed: wait until that is done`);
    const removed = new Date();
    let binned!: Binned;
    const away = this.#removal.putAway(container, force, (change) => {
      binned = {
        record: { ...record, restartPending: false, stoppedByHand: true },
        removed: removed.toISOString(),
        until: new Date(removed.getTime() + this.#keepMs).toISOString(),
        volumes: volumes || record.hostConfig.AutoRemove,
      };
      change.put(Bin.table, id, binned);
      this.#ledger.history.put(change, id, { Kind: 'discarded' });
      this.#binned.set(id, binned);
      change.undo(() => this.#binned.delete(id));
    });
    container.discarding = away;
    await away.catch((error: unknown) => {
      container.discarding = undefined;
      throw error;
    });
    this.#cleared.set(id, container.settled());
    this.#mark(id, record);
    this.#announce(id, record, 'discarded');
    this.#weigh(id);
    this.#wind();
    return { Id: id, Name: record.name, Until: binned.until };
  }

  /** Back as it was, not running; `wanted`: under another name. */
  async restore(reference: string, wanted?: string): Promise<Restored> {
    const id = this.#resolve(reference);
    const name = wanted ? checkedName(wanted) : undefined;
    using _ = await this.#ledger.locks.take(id);
    const binned = this.#find(id);
    const before = binned.record;
    const record: ContainerRecord = {
      ...before,
      name: this.#takeName(id, name ?? before.name),
      // It would go with the next engine, and this time for good.
      hostConfig: { ...before.hostConfig, AutoRemove: false },
    };
    try {
      await this.#options.store.commit((change) => {
        this.#drop(change, id, binned);
        change.put(TABLE, id, record);
        this.#ledger.history.put(change, id, { Kind: 'restored' });
      });
    } catch (error) {
      this.#ledger.freeName(record.name);
      throw error;
    }
    const container = new Container(record);
    container.cleanup = this.#cleared.get(id) ?? Promise.resolve();
    this.#forget(id);
    this.#ledger.add(container);
    this.#ledger.publish(container, 'create');
    this.#announce(id, record, 'restored');
    this.#wind();
    return { Id: id, Name: record.name, Warnings: this.#warningsOf(before) };
  }

  /** For good. */
  async remove(reference: string): Promise<void> {
    await this.#purge(this.#resolve(reference));
  }

  async empty(): Promise<BinEmptied> {
    const emptied: BinEmptied = { Deleted: [], SpaceReclaimed: 0 };
    for (const [id, binned] of [...this.#binned]) {
      const { size = 0 } = binned;
      if (!(await this.#purge(id, true))) continue;
      emptied.Deleted.push(id);
      emptied.SpaceReclaimed += size;
    }
    return emptied;
  }

  /** By full id, by an unambiguous beginning of it, or by a name that only one had. */
  #resolve(reference: string): string {
    if (this.#binned.has(reference)) return reference;
    const ids = [...this.#binned.keys()];
    const byId = /^[0-9a-f]{1,64}$/.test(reference) ? ids.filter((id) => id.startsWith(reference)) : [];
    const found = byId.length > 0 ? byId : ids.filter((id) => this.#binned.get(id)?.record.name === reference);
    if (found.length > 1) throw invalid(`more than one container in the bin is called ${reference}: say its id`);
    return found[0] ?? this.#missing(reference);
  }

  #find(id: string): Binned {
    return this.#binned.get(id) ?? this.#missing(id);
  }

  #missing(reference: string): never {
    throw notFound(`No such container in the bin: ${reference}`);
  }

  #takeName(id: string, name: string): string {
    const holder = this.#ledger.holderOf(name);
    if (!holder) return this.#ledger.takeName(id, name);
    throw conflict(
      `the name "${name}" is taken by container ${shortId(holder.id)} (/${holder.record.name}) meanwhile: restore it under another name, or rename that one`,
    );
  }

  #warningsOf({ image, hostConfig }: ContainerRecord): string[] {
    const warnings: string[] = [];
    if (hostConfig.AutoRemove) warnings.push('It was made with --rm; from now on it stays when it ends.');
    try {
      this.#options.images.resolve(image.id);
    } catch (error) {
      if (!(error instanceof EngineError && error.kind === 'not-found')) throw error;
      warnings.push(
        `Its image ${image.reference} was removed meanwhile: it runs as before, but no other can be made from it.`,
      );
    }
    return warnings;
  }

  /** Whether it was still here. `quiet`: or else nothing is wrong. */
  async #purge(id: string, quiet = false): Promise<boolean> {
    using _ = await this.#ledger.locks.take(id);
    if (quiet && !this.#binned.has(id)) return false;
    const binned = this.#find(id);
    const { record, volumes } = binned;
    await this.#removal.erase(record, {
      ...{ volumes, cleared: () => this.#cleared.get(id) ?? Promise.resolve() },
      row: (change) => this.#drop(change, id, binned),
    });
    this.#forget(id);
    this.#announce(id, record, 'deleted');
    this.#wind();
    return true;
  }

  #drop(change: Change, id: string, binned: Binned): void {
    this.#binned.delete(id);
    change.undo(() => this.#binned.set(id, binned));
    change.remove(Bin.table, id);
  }

  /** Those who hold something and are in here: whoever is refused because of them is told where to look. */
  #mark(id: string, { name }: ContainerRecord): void {
    this.#options.volumes.setAside(id, name);
    this.#options.images.setAside(id, true);
  }

  #forget(id: string): void {
    this.#cleared.delete(id);
    this.#options.volumes.setAside(id, undefined);
    this.#options.images.setAside(id, false);
  }

  #announce(id: string, { name }: ContainerRecord, what: string): void {
    this.#options.events.publish('daemon', 'bin', id, { name, change: what });
  }

  /** One timer, for what is due next. */
  #wind(): void {
    clearTimeout(this.#timer);
    const next = Math.min(...[...this.#binned.values()].map(({ until }) => Date.parse(until)));
    if (this.#closed || next === Infinity) return;
    const wait = Math.min(Math.max(0, next - Date.now()), LONGEST_WAIT_MS);
    this.#timer = setTimeout(() => this.#inBackground(this.#expire()), wait);
    this.#timer.unref();
  }

  async #expire(): Promise<void> {
    const due = [...this.#binned].filter(([, { until }]) => Date.parse(until) <= Date.now());
    for (const [id] of due) await this.#purge(id, true);
    this.#wind();
  }

  /** How much it takes is counted behind everybody's back, and is what the limit is about. */
  #weigh(id: string): void {
    const work = async (): Promise<void> => {
      await this.#cleared.get(id);
      const binned = this.#binned.get(id);
      if (!binned) return;
      const { helper, volumes, store } = this.#options;
      const goners = binned.volumes ? anonymousOf(binned.record) : [];
      const [own, others] = await Promise.all([
        helper.usage(this.#ledger.pathsOf(id).directory),
        volumes.sizeOf(goners),
      ]);
      {
        using _ = await this.#ledger.locks.take(id);
        if (this.#closed || this.#binned.get(id) !== binned) return; // it is another's by now
        binned.size = own.bytes + others;
        await store.commit((change) => change.put(Bin.table, id, binned));
      }
      await this.#trim();
    };
    // Somebody may bring it back or have it deleted while it is counted.
    const counted = work().catch((error: unknown) => {
      if (this.#binned.has(id)) throw error;
    });
    this.#inBackground(counted);
  }

  /** Above the limit the oldest go; what was removed last can always be brought back. */
  async #trim(): Promise<void> {
    for (const [id] of this.#oldestFirst().slice(0, -1)) {
      if (sizeOf(this.#binned.values()) <= this.#limit) return;
      await this.#purge(id, true);
    }
  }

  #oldestFirst(): [string, Binned][] {
    return [...this.#binned].sort(([, a], [, b]) => (a.removed < b.removed ? -1 : 1));
  }

  #inBackground(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!this.#closed) log.warn(`the bin: ${messageOf(error)}`);
    });
  }
}

const sizeOf = (all: Iterable<Binned>): number => [...all].reduce((sum, { size = 0 }) => sum + size, 0);

function described({ record, removed, until, volumes, size }: Binned): BinnedContainer {
  const { id, name, image, created } = record;
  return {
    ...{ Id: id, Name: name, Image: image.reference, ImageID: image.id },
    ...{ Created: created, Removed: removed, Until: until, Size: size ?? null },
    ...{ Volumes: volumesOf(record), RemoveVolumes: volumes },
  };
}
