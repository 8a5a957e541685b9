import type { StateCreator } from 'zustand';
import type { Client } from '../../main/client/index.js';
import type { ContainerSummary } from '../../main/contract/containers.js';
import type { VolumeDiscarded, VolumeKind, VolumeOverview, VolumeUser } from '../../main/contract/volume-data.js';
import type { Volume, VolumeCreate } from '../../main/contract/volumes.js';
import { coalesced } from './coalesce.js';
import type { Store } from './index.js';

export interface VolumesSlice {
  /** `undefined` until the engine has told. Sizes, users and what was written are of the last look at them: see `watchVolumes`. */
  volumes: VolumeOverview[] | undefined;
  /** Who uses them is as the engine told since somebody looks; else they may stand there without users. */
  volumesTold: boolean;
  loadVolumes(): Promise<void>;
  /** Reads again who uses them, where somebody looks. */
  loadVolumeUsers(): Promise<void>;
  /** Files in one have changed: it is counted anew, where somebody looks. */
  touchVolumes(): void;
  /** Keeps all of `volumes` level while somebody looks at it. Returns the way to stop. */
  watchVolumes(): () => void;
  createVolume(wish: VolumeCreate): Promise<Volume>;
  /** To the bin, or for good where the engine has none (or `forGood`). The bin's entry, where there is one. */
  removeVolume(name: string, options?: { forGood?: boolean }): Promise<VolumeDiscarded | undefined>;
}

/** Whether this engine knows more of volumes than Docker's API says: what is in them, whose they are; and has a bin for them. */
export const knowsVolumes = ({ features }: Pick<Store, 'features'>): boolean =>
  features?.can?.includes('volumes') ?? false;

/** Whether it is known who uses them: the engine has told, or on another one its containers are there. */
export const usersAreTold = (state: Pick<Store, 'features' | 'volumesTold' | 'containers'>): boolean =>
  knowsVolumes(state) ? state.volumesTold : state.containers !== undefined;

/** Whether it copies them: archives, clones, backups. */
export const copiesVolumes = ({ features }: Pick<Store, 'features'>): boolean =>
  features?.can?.includes('volume-backups') ?? false;

/** What is being counted behind an answer is asked for again: no event tells when it is done. */
const RECOUNT_MS = 1500;

export const volumesSlice =
  (client: Client): StateCreator<Store, [], [], VolumesSlice> =>
  (set, get) => {
    let watchers = 0;
    let recount: ReturnType<typeof setTimeout> | undefined;
    /** Names and what Docker's API tells: enough where nobody looks, and all that there is on another engine. */
    const plain = async (): Promise<VolumeOverview[]> => {
      const known = new Map((get().volumes ?? []).map((volume) => [volume.Name, volume]));
      return ((await client.volumes.list()).Volumes ?? []).map((volume) => {
        const before = known.get(volume.Name);
        return before?.Created === volume.CreatedAt ? before : overviewOf(volume);
      });
    };
    const read = coalesced(async () => {
      clearTimeout(recount);
      if (!knowsVolumes(get()) || watchers === 0) return set({ volumes: await plain(), volumesTold: false });
      const { Volumes, Counting } = await client.volumes.overviews();
      set({ volumes: Volumes, volumesTold: watchers > 0 });
      if (Counting && watchers > 0) recount = setTimeout(() => void read().catch(() => undefined), RECOUNT_MS);
    });
    return {
      volumes: undefined,
      volumesTold: false,
      loadVolumes: read,
      loadVolumeUsers: () => (watchers > 0 && knowsVolumes(get()) ? read() : Promise.resolve()),
      touchVolumes() {
        void get()
          .loadVolumeUsers()
          .catch(() => undefined);
      },
      watchVolumes() {
        watchers++;
        // What the engine can do may still be unknown: then everything is read soon.
        if (get().features !== undefined) void read().catch(() => undefined);
        return () => {
          watchers--;
          if (watchers > 0) return;
          clearTimeout(recount);
          set({ volumesTold: false });
        };
      },
      async createVolume(wish) {
        const volume = await client.volumes.create(wish);
        await read().catch(() => undefined);
        return volume;
      },
      async removeVolume(name, { forGood = false } = {}) {
        // The list follows from the engine's event.
        if (!forGood && knowsVolumes(get())) return client.volumes.discard(name);
        await client.volumes.remove(name);
        return undefined;
      },
    };
  };

export function kindOfVolume(options: Record<string, string> | null): VolumeKind {
  const { type = '', device, o = '' } = options ?? {};
  if (/^nfs/.test(type)) return 'nfs';
  if (type === 'tmpfs') return 'tmpfs';
  return device !== undefined && o.split(',').some((word) => word === 'bind' || word === 'rbind') ? 'folder' : 'local';
}

const overviewOf = (volume: Volume): VolumeOverview => ({
  Name: volume.Name,
  Kind: kindOfVolume(volume.Options),
  Created: volume.CreatedAt,
  CreatedBy: null,
  Anonymous: volume.Labels?.['com.docker.volume.anonymous'] !== undefined || /^[0-9a-f]{64}$/.test(volume.Name),
  Labels: volume.Labels,
  Options: volume.Options,
  Mountpoint: volume.Mountpoint,
  Size: volume.UsageData && volume.UsageData.Size >= 0 ? volume.UsageData.Size : null,
  At: null,
  LastWrite: null,
  Owner: null,
  Users: [],
  Backups: 0,
  Schedule: null,
});

interface Mounted {
  Type: string;
  Name?: string;
  Destination: string;
  RW: boolean;
}

/** Who has which volume, by the volume's name, as far as lists of containers tell. */
export function usersByVolume(containers: ContainerSummary[] | undefined): ReadonlyMap<string, VolumeUser[]> {
  const users = new Map<string, VolumeUser[]>();
  for (const { Id, Names, State, Mounts } of containers ?? [])
    for (const { Type, Name, Destination, RW } of (Mounts ?? []) as Mounted[]) {
      if (Type !== 'volume' || Name === undefined) continue;
      const user: VolumeUser = {
        Id,
        Name: Names[0]?.replace(/^\//, '') ?? Id.slice(0, 12),
        Running: State === 'running' || State === 'paused' || State === 'restarting',
        Binned: false,
        Destination,
        ReadOnly: !RW,
        From: null,
      };
      const others = users.get(Name);
      if (others) others.push(user);
      else users.set(Name, [user]);
    }
  return users;
}
