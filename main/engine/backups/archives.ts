import '../../base/scopes.js';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, conflict, EngineError, notFound, system } from '../../base/errors.js';
import { newId, shortId } from '../../base/ids.js';
import { requireRoom } from '../../base/room.js';
import type { VolumeBackup } from '../../contract/volume-data.js';
import type { Loan, Stage } from '../volumes/index.js';
import type { BackupsOptions, Caller } from './rooms.js';
import { openSource } from './source.js';
import type { Writers } from './writers.js';

const TABLE = 'backups';
/** What has this ending is not a backup yet. */
const PART = '.part';
const ARCHIVE = '.tar.zst';
/** What the files of a volume come to in an archive, where none of it was made yet. */
const USUAL_SHARE = 0.5;
/** The file system's own, for each file: nobody knows better. */
const PER_FILE = 4096;

/** What we keep of a backup beside its archive. */
export interface BackupRecord extends VolumeBackup {
  labels: Record<string, string> | null;
  /** When its volume was made: another one of that name is not it. Older engines did not write it down. */
  volumeMade?: string;
  /** Grows from one to the next, whatever the clock says. Those of older engines have none, and come before all others. */
  turn?: number;
}

/** Archives of volumes below the data root, each with a row: they outlive the volumes. */
export class Archives {
  static readonly table = TABLE;
  readonly #options: BackupsOptions;
  readonly #writers: Writers;
  readonly #folder: string;
  readonly #records: Map<string, BackupRecord>;
  /** Those that are read: they are not removed meanwhile. */
  readonly #used = new Map<string, number>();

  constructor(options: BackupsOptions, writers: Writers) {
    this.#options = options;
    this.#writers = writers;
    this.#folder = join(options.root, 'backups');
    this.#records = options.store.rows<BackupRecord>(TABLE);
  }

  /** Takes away what an engine has left that was killed while it made or removed one. */
  async open(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    // A database that was set aside knows nothing of what is still good.
    const forgetful = (this.#options.store.warnings?.length ?? 0) > 0;
    for (const name of await readdir(this.#folder)) {
      const known = name.endsWith(ARCHIVE) && this.#records.has(name.slice(0, -ARCHIVE.length));
      if (known || (forgetful && !name.endsWith(PART))) continue;
      await rm(join(this.#folder, name), { recursive: true, force: true });
    }
  }

  /** Newest first. */
  list(volume?: string): VolumeBackup[] {
    return [...this.#records.values()]
      .filter((record) => volume === undefined || record.Volume === volume)
      .sort((a, b) => Date.parse(b.Created) - Date.parse(a.Created))
      .map(described);
  }

  /** What the clock had made of a volume, the one that was made last first. */
  scheduled(volume: string, volumeMade: string): VolumeBackup[] {
    return scheduledOf([...this.#records.values()], volume, volumeMade);
  }

  get(id: string): BackupRecord {
    const record = this.#records.get(id);
    if (!record) throw notFound(`there is no backup ${id}`);
    return record;
  }

  usage(): { Count: number; Size: number } {
    const sizes = [...this.#records.values()].map(({ Compressed }) => Compressed);
    return { Count: sizes.length, Size: sizes.reduce((sum, size) => sum + size, 0) };
  }

  async make(
    loan: Loan,
    { pause, note, by }: { pause: boolean; note: string; by: VolumeBackup['By'] },
    caller: Caller,
  ): Promise<VolumeBackup> {
    const { store, volumes, helper } = this.#options;
    const { name, labels, created } = loan.record;
    const id = shortId(newId());
    const part = join(this.#folder, id + PART);
    const need = (size: number) => this.#needOf(name, size);
    try {
      await using source = await openSource(this.#options, this.#writers, loan, { caller, pause, briefly: true, need });
      const size = source.size === undefined ? {} : { Total: source.size };
      caller.report({ Stage: 'compressing', Bytes: 0, ...size });
      const packed = await helper.volumePack(
        { path: source.path, compress: 'zstd', into: part },
        {
          signal: caller.signal,
          onProgress: ({ bytes }) => caller.report({ Stage: 'compressing', Bytes: bytes, ...size }),
        },
      );
      caller.signal.throwIfAborted();
      const record: BackupRecord = {
        ...{ Id: id, Volume: name, Created: new Date(this.#now()).toISOString(), Size: packed.bytes },
        ...{ Compressed: packed.written, Files: packed.files, Digest: packed.digest, By: by },
        ...{ Consistent: await source.consistent(), Note: note, labels },
        ...{ volumeMade: created, turn: this.#nextTurn() },
      };
      await this.#publish(part, this.#pathOf(id));
      await store.commit((change) => {
        change.put(TABLE, id, record);
        this.#records.set(id, record);
        change.undo(() => this.#records.delete(id));
      });
      volumes.announce('backup', name, { backup: id });
      return described(record);
    } catch (error) {
      await rm(part, { force: true });
      if (!this.#records.has(id)) await rm(this.#pathOf(id), { force: true });
      throw error;
    }
  }

  /** Unpacks it, and makes sure that it is what was packed. */
  async unpack({ Id, Digest, Files, Size, Compressed }: BackupRecord, stage: Stage, caller: Caller): Promise<void> {
    using _ = this.#use(Id);
    const blob = this.#pathOf(Id);
    await this.#checkThere(Id);
    await requireRoom(this.#options.root, { bytes: Size, files: Files }, `what backup ${Id} has in it`);
    caller.report({ Stage: 'unpacking', Bytes: 0, Total: Compressed });
    const onProgress = ({ bytes }: { bytes: number }) =>
      caller.report({ Stage: 'unpacking', Bytes: bytes, Total: Compressed });
    const found = await this.#options.helper
      .unpack({ blob, target: stage.data, volume: true }, { signal: caller.signal, onProgress })
      .catch((error: unknown) => {
        throw error instanceof EngineError && error.kind === 'invalid' ? damaged(Id, error) : error;
      });
    caller.report({ Stage: 'checking' });
    if (found.diffId !== Digest || found.files !== Files) throw damaged(Id);
  }

  /** The archive. */
  async read(id: string): Promise<{ record: VolumeBackup; size: number; bytes: AsyncIterable<Uint8Array> }> {
    const record = this.get(id);
    const size = await this.#checkThere(id);
    return { record: described(record), size, bytes: createReadStream(this.#pathOf(id)) };
  }

  async remove(id: string): Promise<void> {
    const record = this.get(id);
    if (this.#used.has(id)) throw conflict(`backup ${id} is being restored: wait until that is done, or cancel it`);
    await this.#options.store.commit((change) => {
      change.urgent();
      change.remove(TABLE, id);
      this.#records.delete(id);
      change.undo(() => this.#records.set(id, record));
    });
    // Row before archive: a crash in between leaves a file without a row, which the next engine takes away.
    await rm(this.#pathOf(id), { force: true });
    this.#options.volumes.announce('backup-remove', record.Volume, { backup: id });
  }

  /** A file for an archive that goes on to somebody else. */
  spool(): { path: string } & AsyncDisposable {
    const path = join(this.#folder, shortId(newId()) + PART);
    return { path, [Symbol.asyncDispose]: () => rm(path, { force: true }) };
  }

  /** As much of the disk as its last backup had of its files then. */
  #needOf(volume: string, size: number): number {
    const last = this.list(volume)[0];
    const share = last && last.Size > 0 ? last.Compressed / last.Size : USUAL_SHARE;
    return Math.ceil(size * Math.min(share, 1)) + PER_FILE;
  }

  #use(id: string): Disposable {
    this.#used.set(id, (this.#used.get(id) ?? 0) + 1);
    return {
      [Symbol.dispose]: () => {
        const others = (this.#used.get(id) ?? 1) - 1;
        if (others > 0) this.#used.set(id, others);
        else this.#used.delete(id);
      },
    };
  }

  async #checkThere(id: string): Promise<number> {
    try {
      return (await stat(this.#pathOf(id))).size;
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      throw notFound(`the archive of backup ${id} is not there any more: somebody removed ${this.#pathOf(id)}`);
    }
  }

  async #publish(part: string, path: string): Promise<void> {
    await rename(part, path);
    const folder = await open(this.#folder);
    await folder.sync().finally(() => folder.close());
  }

  #nextTurn(): number {
    return 1 + [...this.#records.values()].reduce((last, { turn = 0 }) => Math.max(last, turn), 0);
  }

  #now(): number {
    return this.#options.now?.() ?? Date.now();
  }

  #pathOf(id: string): string {
    return join(this.#folder, id + ARCHIVE);
  }
}

const damaged = (id: string, cause?: Error): EngineError =>
  system(
    `backup ${id} is damaged: its archive is not what was written on this disk. Nothing was changed; take another backup`,
    { cause },
  );

/** Without what is only ours. */
const described = ({ labels: _, volumeMade: _made, turn: _turn, ...backup }: BackupRecord): VolumeBackup => backup;

export function scheduledOf(records: BackupRecord[], volume: string, volumeMade: string): VolumeBackup[] {
  return records
    .filter(({ By, Volume, ...record }) => {
      return By === 'schedule' && Volume === volume && (record.volumeMade ?? volumeMade) === volumeMade;
    })
    .sort((a, b) => (b.turn ?? 0) - (a.turn ?? 0) || Date.parse(b.Created) - Date.parse(a.Created))
    .map(described);
}
