import type { Client } from '../../main/client/index.js';
import type { VolumeArchive } from '../../main/contract/bridge.js';
import type { VolumeBackup, VolumeProgress } from '../../main/contract/volume-data.js';
import { fileDesk } from '../ui/desktop.js';
import { handedOf, type Archive } from './desk.js';
import type { Store } from './index.js';
import type { Reporter, TaskKind, TaskResult } from './tasks-slice.js';
import { turns } from './turns.js';

/** Each reads a whole volume. */
const BACKUPS_AT_ONCE = 4;

export interface VolumeTasks {
  /** Asks where to; a task from the first byte on. Never rejects. `volume`: the one that it is of. */
  saveVolume(volume: string, what: VolumeArchive): Promise<void>;
  /** Undefined where the file is not on this machine's disk. */
  fillVolume(archive: Archive, into: { volume: string; replace: boolean }): number | undefined;
  cloneVolume(name: string, as: { Name: string; Pause: boolean }): number;
  /** A few at a time. `then`: once it has gone well, after having been tried again as well. */
  backUpVolume(name: string, how: { Pause: boolean; Note: string }, then?: () => void): number;
  /** Into the volume that it was made of, or one of that name. */
  restoreBackup(backup: Pick<VolumeBackup, 'Id' | 'Volume'>, as?: string): number;
}

/** What the list of tasks does for those about volumes. */
interface Hands {
  add(kind: TaskKind, reference: string, again: () => void): number;
  onCancel(id: number, cancel: () => void): void;
  /** Runs it to its end; `true`: it was cancelled. */
  run(id: number, work: (say: Reporter) => Promise<boolean | TaskResult>, after: () => Promise<void>): Promise<void>;
  /** Where to is asked first; a task from the first byte on. */
  save(kind: TaskKind, reference: string, start: (desk: number) => void, again: () => void): Promise<void>;
  /** From a file of this machine. Undefined where it is on no disk. */
  fill(
    kind: TaskKind,
    archive: Archive,
    reference: string,
    start: (desk: number) => boolean,
    again: () => void,
    after: () => Promise<void>,
  ): number | undefined;
}

/** Copies of volumes, as tasks. */
export function volumeTasks(client: Client, get: () => Store, hands: Hands): VolumeTasks {
  /** The engine's lines come through the window. */
  const follow = (
    kind: TaskKind,
    reference: string,
    work: (follow: { signal: AbortSignal; onProgress(progress: VolumeProgress): void }) => Promise<TaskResult>,
    again: () => void,
    then?: () => void,
  ): number => {
    const id = hands.add(kind, reference, again);
    const abort = new AbortController();
    hands.onCancel(id, () => abort.abort());
    const watched = async (say: Reporter) => {
      try {
        return await work({ signal: abort.signal, onProgress: (progress) => say.stage(progress) });
      } catch (error) {
        if (!abort.signal.aborted) throw error;
        return true;
      }
    };
    void hands.run(id, watched, async () => {
      await get()
        .loadVolumes()
        .catch(() => undefined);
      then?.();
    });
    return id;
  };
  const backupTurn = turns(BACKUPS_AT_ONCE);

  return {
    saveVolume: (volume, what) =>
      hands.save(
        'backup' in what ? 'fetch-backup' : 'export',
        volume,
        (desk) => fileDesk().saveVolume(desk, what),
        () => void get().saveVolume(volume, what),
      ),
    fillVolume: (archive, into) =>
      hands.fill(
        'fill',
        archive,
        into.volume,
        (desk) => fileDesk().fillVolume(desk, handedOf(archive), into),
        () => get().fillVolume(archive, into),
        () => get().loadVolumes(),
      ),
    cloneVolume: (name, as) =>
      follow(
        'clone',
        as.Name,
        async (watch) => {
          const { How, Size } = await client.backups.clone(name, as, watch);
          return { size: Size, how: How };
        },
        () => get().cloneVolume(name, as),
      ),
    backUpVolume: (name, how, then) =>
      follow(
        'backup',
        name,
        async (watch) => {
          const { Size, Compressed } = await backupTurn(
            () => client.backups.create(name, how, watch),
            watch.signal,
            () => watch.onProgress({ Stage: 'waiting' }),
          );
          return { size: Size, compressed: Compressed };
        },
        () => get().backUpVolume(name, how, then),
        then,
      ),
    restoreBackup: (backup, as) =>
      follow(
        'restore',
        as ?? backup.Volume,
        async (watch) => {
          const done = await client.backups.restore(backup.Id, as === undefined ? {} : { Name: as }, watch);
          return { size: done.Size, before: done.Before !== null };
        },
        () => get().restoreBackup(backup, as),
      ),
  };
}
