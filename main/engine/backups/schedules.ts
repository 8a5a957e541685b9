import { invalid, messageOf } from '../../base/errors.js';
import { createLog } from '../../base/log.js';
import type { BackupSchedule, VolumeBackup } from '../../contract/volume-data.js';
import type { BackupsOptions } from './rooms.js';

const TABLE = 'backup_schedules';
const HOUR_MS = 3600_000;
const LONGEST_EVERY = 8760;
const MOST_KEPT = 1000;
/** Clocks are set, and machines sleep: it looks again at least so often. */
const LOOK_EVERY_MS = 60_000;

interface ScheduleRecord {
  volume: string;
  /** When the volume was made: another one of its name has no schedule. */
  made: string;
  every: number;
  keep: number;
  pause: boolean;
  /** Unix milliseconds. */
  next: number;
  problem: string | null;
}

export interface ScheduledWork {
  make(volume: string, pause: boolean): Promise<VolumeBackup>;
  /** Those that were made by the clock of the volume of that name that was made then; the one that was made last first. */
  made(volume: string, volumeMade: string): VolumeBackup[];
  remove(id: string): Promise<void>;
}

const log = createLog('backups');

/** Which volumes are backed up by themselves, and when. What was missed is made once, when there is an engine again. */
export class Schedules {
  static readonly table = TABLE;
  readonly #options: Pick<BackupsOptions, 'store' | 'volumes' | 'now'>;
  readonly #work: ScheduledWork;
  readonly #records: Map<string, ScheduleRecord>;
  #timer: NodeJS.Timeout | undefined;
  #turning: Promise<void> | undefined;
  #closed = false;

  constructor(options: Pick<BackupsOptions, 'store' | 'volumes' | 'now'>, work: ScheduledWork) {
    this.#options = options;
    this.#work = work;
    this.#records = options.store.rows<ScheduleRecord>(TABLE);
  }

  start(): void {
    this.#timer = setInterval(() => void this.turn(), LOOK_EVERY_MS);
    this.#timer.unref();
    void this.turn();
  }

  /** Resolves once what is being made is made or was called off, and written down. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#turning;
  }

  of(volume: string): BackupSchedule | null {
    const record = this.#records.get(volume);
    return record && this.#madeOf(volume) === record.made ? described(record) : null;
  }

  async set(volume: string, { Every, Keep, Pause }: BackupSchedule): Promise<BackupSchedule> {
    checkNumber('Every', Every, LONGEST_EVERY);
    checkNumber('Keep', Keep, MOST_KEPT);
    const made = this.#madeOf(volume) ?? '';
    const before = this.#records.get(volume);
    // What was due stays so: changing how many are kept puts nothing off.
    const next = before?.made === made && before.every === Every ? before.next : this.#now() + Every * HOUR_MS;
    const record = { volume, made, every: Every, keep: Keep, pause: Pause, next, problem: null };
    await this.#save(record);
    this.#options.volumes.announce('schedule', volume);
    return described(record);
  }

  async remove(volume: string): Promise<void> {
    const record = this.#records.get(volume);
    if (!record) return;
    await this.#drop(record);
    this.#options.volumes.announce('schedule', volume);
  }

  /** Makes what is due, one after the other. */
  turn(): Promise<void> {
    return (this.#turning ??= this.#turn().finally(() => (this.#turning = undefined)));
  }

  async #turn(): Promise<void> {
    const due = [...this.#records.values()].filter((record) => this.#isDue(record)).sort((a, b) => a.next - b.next);
    for (const record of due) {
      if (this.#closed) return;
      try {
        await this.#run(record);
      } catch (error) {
        log.warn(`the schedule of the volume ${record.volume}: ${messageOf(error)}`);
      }
    }
  }

  /** What is further off than it can be was put there by a clock that was ahead. */
  #isDue({ next, every }: ScheduleRecord): boolean {
    const now = this.#now();
    return next <= now || next > now + every * HOUR_MS;
  }

  async #run(record: ScheduleRecord): Promise<void> {
    const { volume } = record;
    const made = this.#madeOf(volume);
    // In the bin it waits; another one of that name is none of ours.
    if (made === undefined) return;
    if (made !== record.made) return this.#drop(record);
    let problem: string | null = null;
    try {
      await this.#work.make(volume, record.pause);
    } catch (error) {
      if (this.#closed) return; // it is still due when the next engine comes
      problem = messageOf(error);
      log.warn(`the backup of the volume ${volume} that was due: ${problem}`);
    }
    await this.#thin(record);
    // It may have been changed or removed meanwhile.
    if (this.#records.get(volume) !== record) return;
    const now = this.#now();
    const from = Math.min(record.next, now);
    const missed = Math.floor((now - from) / (record.every * HOUR_MS));
    await this.#save({ ...record, next: from + (missed + 1) * record.every * HOUR_MS, problem });
    this.#options.volumes.announce('schedule', volume);
  }

  /** One that cannot go now, because it is being restored, goes with the next. */
  async #thin({ volume, made, keep }: ScheduleRecord): Promise<void> {
    for (const { Id } of this.#work.made(volume, made).slice(keep)) {
      await this.#work
        .remove(Id)
        .catch((error: unknown) => log.warn(`backup ${Id} of the volume ${volume} stays: ${messageOf(error)}`));
    }
  }

  async #save(record: ScheduleRecord): Promise<void> {
    const before = this.#records.get(record.volume);
    await this.#options.store.commit((change) => {
      change.put(TABLE, record.volume, record);
      this.#records.set(record.volume, record);
      change.undo(() => (before ? this.#records.set(record.volume, before) : this.#records.delete(record.volume)));
    });
  }

  async #drop(record: ScheduleRecord): Promise<void> {
    await this.#options.store.commit((change) => {
      change.urgent();
      change.remove(TABLE, record.volume);
      this.#records.delete(record.volume);
      change.undo(() => this.#records.set(record.volume, record));
    });
  }

  #madeOf(volume: string): string | undefined {
    const { volumes } = this.#options;
    return volumes.has(volume) ? volumes.look(volume).record.created : undefined;
  }

  #now(): number {
    return this.#options.now?.() ?? Date.now();
  }
}

function checkNumber(name: string, value: number, most: number): void {
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw invalid(`${name} must be a whole number from 1 to ${most}`);
}

const described = ({ every, keep, pause, next, problem }: ScheduleRecord): BackupSchedule => ({
  ...{ Every: every, Keep: keep, Pause: pause },
  ...{ Next: new Date(next).toISOString(), Problem: problem },
});
