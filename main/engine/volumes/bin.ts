import { mkdir, open, readdir, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf, messageOf, notFound } from '../../base/errors.js';
import { newId } from '../../base/ids.js';
import { Locks } from '../../base/locks.js';
import { createLog } from '../../base/log.js';
import type { Change } from '../../base/store.js';
import type { Bin, Binned, BinPart } from '../bin/index.js';
import type { BinnedVolume } from '../../contract/volume-data.js';
import type { VolumeRecord } from './record.js';
import type { VolumesOptions } from './rooms.js';

/** A volume that was removed, as it was, and when it goes for good. */
interface BinnedRecord {
  record: VolumeRecord;
  removed: string;
  until: string;
  /** Bytes of its files; absent until they are counted. */
  size?: number;
}

type Options = Pick<VolumesOptions, 'root' | 'store' | 'helper' | 'usage' | 'events'> & { bin: Bin };

const log = createLog('volumes');

/**
 * Removed volumes that can be brought back for a day. One that is in here has a directory of its own, so that its name is free. Its row says first where
 * that is to be; whoever finds the directory still at the other place, or already at this one, goes on from there.
 */
export class VolumeBin {
  static readonly table = 'volume_bin';

  readonly #options: Options;
  readonly #binned: Map<string, BinnedRecord>;
  readonly #locks = new Locks();

  constructor(options: Options) {
    this.#options = options;
    this.#binned = options.store.rows<BinnedRecord>(VolumeBin.table);
  }

  /** Ends the moves that an engine was killed in the middle of. `volumes`: those that are there, and the directory of each. */
  async recover(volumes: ReadonlyMap<string, VolumeRecord>, pathOf: (name: string) => string): Promise<void> {
    for (const { name, binned: id } of volumes.values())
      if (id !== undefined && !(await exists(pathOf(name)))) await move(this.#path(id), pathOf(name));
    for (const [id, { record }] of this.#binned) {
      if (volumes.has(record.name) || (await exists(this.#path(id)))) continue;
      await move(pathOf(record.name), this.#path(id));
    }
    // A database that was set aside knows nothing of what is still good.
    if (this.#options.store.warnings?.length) return;
    for (const id of await readdir(this.#path('')).catch(() => []))
      if (!this.#binned.has(id)) await this.#options.helper.discard(this.#path(id));
  }

  /** How much those take that nobody has counted yet. */
  open(part: BinPart): void {
    this.#options.bin.add(part);
    for (const [id, { size }] of this.#binned) if (size === undefined) this.#weigh(id);
  }

  binned(): Binned[] {
    return [...this.#binned].map(([id, { record, removed, until, size }]) => {
      return { id, name: record.name, removed, until, size };
    });
  }

  /** Newest first. */
  contents(): BinnedVolume[] {
    return [...this.#binned]
      .sort(([, a], [, b]) => (a.removed < b.removed ? 1 : -1))
      .map(([Id, { record, removed, until, size }]) => ({
        ...{ Id, Name: record.name, Created: record.created },
        ...{ Removed: removed, Until: until, Size: size ?? null },
      }));
  }

  find(id: string): BinnedRecord {
    const binned = this.#binned.get(id);
    if (!binned) throw notFound(`No such volume in the bin: ${id}`);
    return binned;
  }

  /** The caller has the lock of its name. `leave` takes its row away, `stay` puts it back. */
  async put(
    record: VolumeRecord,
    from: string,
    { leave, stay }: { leave: (change: Change) => void; stay: (change: Change) => void },
  ): Promise<{ id: string; until: string }> {
    const { bin, store } = this.#options;
    const id = newId();
    const removed = new Date();
    const until = bin.untilFrom(removed);
    const { binned: _before, ...rest } = record;
    const binned = { record: rest, removed: removed.toISOString(), until };
    using _ = await this.#locks.take(id);
    await store.commit((change) => {
      change.urgent();
      leave(change);
      this.#binned.set(id, binned);
      change.undo(() => this.#binned.delete(id));
      change.put(VolumeBin.table, id, binned);
    });
    try {
      await move(from, this.#path(id));
    } catch (error) {
      await store.commit((change) => {
        change.urgent();
        this.#drop(change, id, binned);
        stay(change);
      });
      throw error;
    }
    this.#announce(id, record.name, 'discarded');
    this.#weigh(id);
    bin.wind();
    return { id, until };
  }

  /** The caller has the lock of the name that it comes back under. `come` puts its row where it belongs, `go` takes it away again. */
  async takeOut(
    id: string,
    to: string,
    { come, go }: { come: (change: Change, record: VolumeRecord) => void; go: (change: Change) => void },
  ): Promise<void> {
    const { bin, store, usage } = this.#options;
    using _ = await this.#locks.take(id);
    const binned = this.find(id);
    await store.commit((change) => {
      this.#drop(change, id, binned);
      come(change, { ...binned.record, binned: id });
    });
    try {
      await move(this.#path(id), to);
    } catch (error) {
      await store.commit((change) => {
        go(change);
        this.#binned.set(id, binned);
        change.put(VolumeBin.table, id, binned);
      });
      throw error;
    }
    await usage.forget([this.#path(id)]);
    this.#announce(id, binned.record.name, 'restored');
    bin.wind();
  }

  /** Whether it was still here. `quiet`: or else nothing is wrong. */
  async purge(id: string, quiet = false): Promise<boolean> {
    const { bin, store, usage, helper } = this.#options;
    using _ = await this.#locks.take(id);
    if (quiet && !this.#binned.has(id)) return false;
    const binned = this.find(id);
    await store.commit((change) => {
      change.urgent();
      this.#drop(change, id, binned);
    });
    // Row before data: what a crash leaves without a row goes when the next engine opens.
    await usage.forget([this.#path(id)]);
    await helper.discard(this.#path(id));
    this.#announce(id, binned.record.name, 'deleted');
    bin.wind();
    return true;
  }

  #drop(change: Change, id: string, binned: BinnedRecord): void {
    this.#binned.delete(id);
    change.undo(() => this.#binned.set(id, binned));
    change.remove(VolumeBin.table, id);
  }

  /** Counted behind everybody's back. */
  #weigh(id: string): void {
    const { usage, store, bin } = this.#options;
    const work = async (): Promise<void> => {
      const { bytes } = await usage.measure(this.#path(id));
      await usage.forget([this.#path(id)]);
      {
        using _ = await this.#locks.take(id);
        const binned = this.#binned.get(id);
        if (!binned || bin.closed) return; // it is another's by now
        const counted = { ...binned, size: bytes };
        this.#binned.set(id, counted);
        await store.commit((change) => change.put(VolumeBin.table, id, counted));
      }
      await bin.trim();
    };
    // Somebody may bring it back or have it deleted while it is counted.
    const counted = work().catch((error: unknown) => {
      if (this.#binned.has(id) && !bin.closed) log.warn(`the volume ${id} in the bin: ${messageOf(error)}`);
    });
    bin.inBackground(counted);
  }

  #announce(id: string, name: string, what: string): void {
    this.#options.events.publish('daemon', 'bin', id, { name, change: what, type: 'volume' });
  }

  #path(id: string): string {
    return join(this.#options.root, 'volume-bin', id);
  }
}

/** On the disk when it returns: a name that was left is another's the next moment. What is not there needs no moving. */
async function move(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o711 });
  try {
    await rename(from, to);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' && !(await exists(from))) return;
    throw error;
  }
  for (const directory of [dirname(to), dirname(from)]) {
    const handle = await open(directory);
    await handle.sync().finally(() => handle.close());
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
