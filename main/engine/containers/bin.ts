import { conflict, EngineError, notFound } from '../../base/errors.js';
import { shortId } from '../../base/ids.js';
import type { Change } from '../../base/store.js';
import type { BinnedContainer, Discarded, Restored } from '../../contract/bin.js';
import type { Bin as Whole, Binned as Item, BinPart } from '../bin/index.js';
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

/**
 * Removed containers that can be brought back for a day. One that is in here has no name, no address and no process; its files, its image and its
 * volumes are kept for it.
 */
export class Bin {
  static readonly table = 'container_bin';

  readonly #options: BinOptions;
  readonly #ledger: Ledger;
  readonly #removal: Removal;
  /** With what other rooms have removed. */
  readonly #whole: Whole;
  readonly #binned: Map<string, Binned>;
  /** Of what was put in here by this engine: nothing is left of its last run. */
  readonly #cleared = new Map<string, Promise<void>>();

  constructor(options: BinOptions, ledger: Ledger, removal: Removal) {
    this.#options = options;
    this.#ledger = ledger;
    this.#removal = removal;
    this.#whole = options.bin;
    this.#binned = options.store.rows<Binned>(Bin.table);
    for (const [id, { record }] of this.#binned) {
      options.volumes.hold(volumesOf(record), id);
      this.#mark(id, record);
    }
  }

  /** From here on what is due goes by itself. */
  open(): void {
    this.#whole.add(this.#part());
    for (const [id, { size }] of this.#binned) if (size === undefined) this.#weigh(id);
    this.#whole.open();
  }

  close(): void {
    this.#whole.close();
  }

  has(id: string): boolean {
    return this.#binned.has(id);
  }

  /** What is in here has ids of its own that nobody else is given. */
  records(): ContainerRecord[] {
    return [...this.#binned.values()].map(({ record }) => record);
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
        until: this.#whole.untilFrom(removed),
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
    this.#whole.wind();
    return { Id: id, Name: record.name, Until: binned.until };
  }

  /** Back as it was, not running; `wanted`: under another name. */
  async #restore(id: string, wanted?: string): Promise<Restored> {
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
    this.#whole.wind();
    return { Id: id, Name: record.name, Warnings: this.#warningsOf(before) };
  }

  /** For good. */
  async remove(id: string): Promise<void> {
    await this.#purge(id);
  }

  #part(): BinPart {
    return {
      binned: () => this.#items(),
      contents: () => ({ Containers: this.#contents() }),
      restore: (id, name) => this.#restore(id, name),
      purge: (id, quiet) => this.#purge(id, quiet),
    };
  }

  #items(): Item[] {
    return [...this.#binned].map(([id, { record, removed, until, size }]) => {
      return { id, name: record.name, removed, until, size };
    });
  }

  /** Newest first. */
  #contents(): BinnedContainer[] {
    return [...this.#binned.values()].sort((a, b) => (a.removed < b.removed ? 1 : -1)).map(described);
  }

  #find(id: string): Binned {
    const binned = this.#binned.get(id);
    if (!binned) throw notFound(`No such container in the bin: ${id}`);
    return binned;
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
    this.#whole.wind();
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
        if (this.#whole.closed || this.#binned.get(id) !== binned) return; // it is another's by now
        binned.size = own.bytes + others;
        await store.commit((change) => change.put(Bin.table, id, binned));
      }
      await this.#whole.trim();
    };
    // Somebody may bring it back or have it deleted while it is counted.
    const counted = work().catch((error: unknown) => {
      if (this.#binned.has(id)) throw error;
    });
    this.#whole.inBackground(counted);
  }
}

function described({ record, removed, until, volumes, size }: Binned): BinnedContainer {
  const { id, name, image, created } = record;
  return {
    ...{ Id: id, Name: name, Image: image.reference, ImageID: image.id },
    ...{ Created: created, Removed: removed, Until: until, Size: size ?? null },
    ...{ Volumes: volumesOf(record), RemoveVolumes: volumes },
  };
}
