import '../../base/scopes.js';
import { createReadStream } from 'node:fs';
import { conflict, invalid } from '../../base/errors.js';
import { requireRoom } from '../../base/room.js';
import type {
  BackupSchedule,
  VolumeBackup,
  VolumeCloned,
  VolumeCompression,
  VolumeImported,
  VolumeRestored,
} from '../../contract/volume-data.js';
import type { Unpacked } from '../helper/index.js';
import { checkVolume, type Loan, type Stage } from '../volumes/index.js';
import { Archives } from './archives.js';
import type { BackupsOptions, Caller } from './rooms.js';
import { Schedules } from './schedules.js';
import { checkReplaceable, openSource, sourceOf } from './source.js';
import { Tasks } from './tasks.js';
import { Writers } from './writers.js';

export type { BackupsOptions } from './rooms.js';

type Bytes = AsyncIterable<Uint8Array>;

const LONGEST_NOTE = 1000;
/** Of a volume, what its archive takes for as long as a client fetches it. */
const SPOOLED_SHARE = 0.5;

/** Volumes as a whole: out as a tar, in from one, cloned, backed up by hand or by the clock, and put back. What is new is there whole, or not at all. */
export class Backups {
  static readonly tables = [Archives.table, Writers.table, Schedules.table];
  readonly #options: BackupsOptions;
  readonly #tasks: Tasks;
  readonly #writers: Writers;
  readonly #archives: Archives;
  readonly #schedules: Schedules;

  static async open(options: BackupsOptions): Promise<Backups> {
    const backups = new Backups(options);
    await backups.#writers.release();
    await backups.#archives.open();
    return backups;
  }

  private constructor(options: BackupsOptions) {
    this.#options = options;
    this.#tasks = new Tasks(options.root);
    this.#writers = new Writers(options);
    this.#archives = new Archives(options, this.#writers);
    this.#schedules = new Schedules(options, {
      make: (name, pause) => this.#make(name, { pause, note: '', by: 'schedule' }),
      made: (name, volumeMade) => this.#archives.scheduled(name, volumeMade),
      remove: (id) => this.#archives.remove(id),
    });
  }

  /** From here on what is due is made. */
  start(): void {
    this.#schedules.start();
  }

  async close(): Promise<void> {
    const turned = this.#schedules.close();
    await this.#tasks.close();
    await turned;
  }

  /** A volume as a tar. */
  async export(
    name: string,
    { compress, pause }: { compress: VolumeCompression; pause: boolean },
    signal: AbortSignal,
  ): Promise<Bytes> {
    const { volumes } = this.#options;
    sourceOf(volumes.look(name));
    // Until the last byte has gone its task goes on.
    let begun!: (bytes: Bytes) => void;
    let failed!: (error: unknown) => void;
    const bytes = new Promise<Bytes>((resolve, reject) => ([begun, failed] = [resolve, reject]));
    let sent!: () => void;
    const gone = new Promise<void>((resolve) => (sent = resolve));
    signal.addEventListener('abort', () => sent(), { once: true });
    this.#tasks
      .run([name], { signal, report: () => undefined, reads: !pause }, async (caller) => {
        using loan = volumes.lend(name, `the volume ${name} is being exported`);
        await using spool = this.#archives.spool();
        let tar: Bytes;
        {
          await using source = await openSource(this.#options, this.#writers, loan, {
            ...{ caller, pause, briefly: true },
            ...(pause && { need: (size) => size * SPOOLED_SHARE }),
          });
          const request = { path: source.path, compress };
          if (!source.paused) {
            begun(until(await this.#options.helper.volumeTar(request, caller.signal), sent));
            return await gone;
          }
          // Whoever stands still does not wait for a client.
          await this.#options.helper.volumePack(
            { ...request, into: spool.path },
            { signal: caller.signal, onProgress: () => undefined },
          );
          tar = createReadStream(spool.path);
        }
        begun(until(tar, sent));
        return await gone;
      })
      .catch(failed);
    return bytes;
  }

  /** A tar, compressed or not, becomes a new volume, or with `replace` all that a volume has. */
  async import(
    name: string,
    { replace, size, body }: { replace: boolean; size: number | undefined; body: Bytes },
    caller: Caller,
  ): Promise<VolumeImported> {
    const { volumes, root } = this.#options;
    checkNew(name);
    if (!replace && volumes.has(name))
      throw conflict(`there is a volume ${name} already: choose another name, or replace all that is in it`);
    return this.#tasks.run([name], caller, async (task) => {
      using taken = await this.#alone(name, 'being replaced by an import');
      if (size !== undefined) await requireRoom(root, { bytes: size }, `what is imported into the volume ${name}`);
      await using stage = await volumes.stage();
      const total = size === undefined ? {} : { Total: size };
      task.report({ Stage: 'unpacking', Bytes: 0, ...total });
      const found = await this.#options.helper.unpack(
        { body, target: stage.data, volume: true, digest: false },
        {
          signal: task.signal,
          onProgress: ({ bytes }) => task.report({ Stage: 'unpacking', Bytes: bytes, ...total }),
        },
      );
      task.signal.throwIfAborted();
      await this.#put(stage, name, { taken, found, labels: null }, task);
      if (taken) volumes.announce('import', name);
      return { Name: name, Files: found.files, Size: found.size };
    });
  }

  async clone(name: string, { to, pause }: { to: string; pause: boolean }, caller: Caller): Promise<VolumeCloned> {
    const { volumes, helper } = this.#options;
    checkNew(to);
    sourceOf(volumes.look(name));
    if (volumes.has(to)) throw conflict(`there is a volume ${to} already: choose another name`);
    return this.#tasks.run([name, to], caller, async (task) => {
      using loan = volumes.lend(name, `the volume ${name} is being cloned`);
      await using stage = await volumes.stage();
      const shared = await helper.reflinks({ path: sourceOf(loan), target: stage.path });
      const need = (size: number) => (shared ? 0 : size);
      await using source = await openSource(this.#options, this.#writers, loan, {
        ...{ caller: task, pause, briefly: false, need },
      });
      const total = source.size === undefined ? {} : { Total: source.size };
      task.report({ Stage: 'copying', Bytes: 0, ...total });
      const copied = await helper.volumeCopy(
        { path: source.path, target: stage.data },
        {
          signal: task.signal,
          onProgress: ({ bytes }) => task.report({ Stage: 'copying', Bytes: bytes, ...total }),
        },
      );
      task.signal.throwIfAborted();
      await stage.become({ Name: to, Labels: ownLabels(loan.record.labels) });
      return { Name: to, How: copied.reflink ? 'reflink' : 'copy', Files: copied.files, Size: copied.bytes };
    });
  }

  /** Newest first; of one volume, or of all. */
  list(volume?: string): VolumeBackup[] {
    return this.#archives.list(volume);
  }

  async create(name: string, { pause, note }: { pause: boolean; note: string }, caller: Caller): Promise<VolumeBackup> {
    if (note.length > LONGEST_NOTE) throw invalid(`a note has at most ${LONGEST_NOTE} characters`);
    return this.#make(name, { pause, note, by: 'hand' }, caller);
  }

  /** Its archive. */
  read(id: string): Promise<{ record: VolumeBackup; size: number; bytes: Bytes }> {
    return this.#archives.read(id);
  }

  remove(id: string): Promise<void> {
    return this.#archives.remove(id);
  }

  /** Into the volume that it was made of, of which a backup is made first; or into a new one. */
  async restore(id: string, to: string | undefined, caller: Caller): Promise<VolumeRestored> {
    const { volumes } = this.#options;
    const record = this.#archives.get(id);
    const name = to || record.Volume;
    if (name !== record.Volume) {
      checkNew(name);
      if (volumes.has(name))
        throw conflict(
          `there is a volume ${name} already: a backup of ${record.Volume} is restored into that, or into a new one`,
        );
    }
    return this.#tasks.run([name], caller, async (task) => {
      using taken = await this.#alone(name, 'being restored');
      await using stage = await volumes.stage();
      await this.#archives.unpack(record, stage, task);
      const Before = taken && (await this.#before(taken, id, task));
      task.signal.throwIfAborted();
      await this.#put(stage, name, { taken, labels: record.labels }, task);
      if (taken) volumes.announce('restore', name, { backup: id });
      return { Name: name, Files: record.Files, Size: record.Size, Before: Before?.Id ?? null };
    });
  }

  /** How many backups there are of a volume. */
  countOf(name: string): number {
    return this.#archives.list(name).length;
  }

  scheduleOf(name: string): BackupSchedule | null {
    return this.#schedules.of(name);
  }

  setSchedule(name: string, schedule: BackupSchedule): Promise<BackupSchedule> {
    sourceOf(this.#options.volumes.look(name));
    return this.#schedules.set(name, schedule);
  }

  removeSchedule(name: string): Promise<void> {
    return this.#schedules.remove(name);
  }

  /** What the archives take. */
  usage(): { Count: number; Size: number } {
    return this.#archives.usage();
  }

  #make(
    name: string,
    request: { pause: boolean; note: string; by: VolumeBackup['By'] },
    caller: Caller = { signal: new AbortController().signal, report: () => undefined },
  ): Promise<VolumeBackup> {
    sourceOf(this.#options.volumes.look(name));
    return this.#tasks.run([name], caller, async (task) => {
      using loan = this.#options.volumes.lend(name, `a backup of the volume ${name} is being made`);
      return await this.#archives.make(loan, request, task);
    });
  }

  /** Of what a restore is about to replace; nothing where there is nothing. */
  async #before(taken: Loan, id: string, task: Caller): Promise<VolumeBackup | undefined> {
    const { entries } = await this.#options.usage.measure(taken.data);
    if (entries === 0) return undefined;
    return this.#archives.make(taken, { pause: false, note: `before ${id} was restored`, by: 'restore' }, task);
  }

  /** A volume that is there, with nobody else at it until it is given back: its directory is about to be another one, which who runs would not see. */
  async #alone(name: string, task: string): Promise<Loan | undefined> {
    const { volumes, containers } = this.#options;
    if (!volumes.has(name)) return undefined;
    const loan = volumes.lend(name, `the volume ${name} is ${task}`, { alone: true });
    try {
      checkReplaceable(loan);
      const running = await containers.runningWith(name);
      if (running.length > 0)
        throw conflict(
          `the volume ${name} is in use by ${running.map((user) => user.name).join(', ')}: stop what runs with it, then try again`,
        );
      return loan;
    } catch (error) {
      loan[Symbol.dispose]();
      throw error;
    }
  }

  /** In one step. */
  async #put(
    stage: Stage,
    name: string,
    { taken, found, labels }: { taken: Loan | undefined; found?: Unpacked; labels: Record<string, string> | null },
    { report }: Caller,
  ): Promise<void> {
    report({ Stage: 'swapping' });
    if (taken) await stage.replace(name, { alike: found?.implied.includes('.') ?? false });
    else await stage.become({ Name: name, Labels: labels });
  }
}

function checkNew(name: string): void {
  if (name === '') throw invalid('the new volume needs a name');
  checkVolume({ Name: name });
}

/** Those that say whose the volume is are not the clone's. */
function ownLabels(labels: Record<string, string> | null): Record<string, string> | null {
  const own = Object.entries(labels ?? {}).filter(([key]) => !key.startsWith('com.docker.'));
  return own.length > 0 ? Object.fromEntries(own) : null;
}

async function* until(bytes: Bytes, sent: () => void): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes;
  } finally {
    sent();
  }
}
