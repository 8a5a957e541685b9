import type { VolumeUser } from '../../contract/volume-data.js';
import type { Ledger } from './ledger.js';
import { volumesOf, type ContainerRecord, type MountPoint } from './record.js';
import type { VolumesRoom } from './rooms.js';

/** A container that runs and has a volume. */
export interface VolumeUse {
  id: string;
  name: string;
  paused: boolean;
  /** It may write to it. */
  writes: boolean;
}

/** Those that run and have a volume. One that is about to start or end, or to get it, is waited for. */
export async function runningWith(
  volume: string,
  ledger: Pick<Ledger, 'get' | 'locks'>,
  volumes: Pick<VolumesRoom, 'holdersOf'>,
): Promise<VolumeUse[]> {
  // Whoever is just getting it holds it already, and has it mounted once its lock is free.
  const holders = volumes.holdersOf(volume);
  for (const id of holders) (await ledger.locks.take(id))[Symbol.dispose]();
  return holders.flatMap((holder) => {
    const container = ledger.get(holder);
    if (!container?.live || !volumesOf(container.record).includes(volume)) return [];
    const { id, record } = container;
    const writes = record.mounts.some(({ Type, Name, RW }) => Type === 'volume' && Name === volume && RW);
    return [{ id, name: record.name, paused: record.paused, writes }];
  });
}

type Known = Pick<ContainerRecord, 'id' | 'name' | 'mounts' | 'hostConfig'>;

/** Who has which volume and where, by volume; those in the bin last. */
export function volumeUsers(
  containers: { record: Known; running: boolean }[],
  binned: Known[],
): Map<string, VolumeUser[]> {
  const all = [
    ...containers.map(({ record, running }) => ({ record, running, binned: false })),
    ...binned.map((record) => ({ record, running: false, binned: true })),
  ];
  const known = new Map<string, Known>();
  // A name is first of all that of one that is there.
  for (const { record } of [...all].reverse()) known.set(record.id, record).set(record.name, record);
  const users = new Map<string, VolumeUser[]>();
  for (const { record, running, binned: Binned } of all)
    for (const mount of record.mounts) {
      if (mount.Type !== 'volume' || mount.Name === undefined) continue;
      // Older records do not say where a mount is from.
      const from = mount.own?.from
        ? (known.get(mount.own.from.id) ?? mount.own.from)
        : sourceOf(record, mount, (reference) => known.get(reference) ?? byBeginning(all, reference));
      const user: VolumeUser = {
        ...{ Id: record.id, Name: record.name, Running: running, Binned },
        ...{ Destination: mount.Destination, ReadOnly: !mount.RW },
        From: from ? { Id: from.id, Name: from.name } : null,
      };
      users.set(mount.Name, [...(users.get(mount.Name) ?? []), user]);
    }
  return users;
}

/** The container that a mount came from by `--volumes-from`: the last of them that has it, unless it was asked for by itself. */
function sourceOf(
  { hostConfig }: Known,
  mount: MountPoint,
  find: (reference: string) => Known | undefined,
): Known | undefined {
  if (!hostConfig.VolumesFrom?.length || isOwn(hostConfig, mount)) return undefined;
  const has = ({ mounts }: Known) =>
    mounts.some(({ Type, Name, Destination }) => {
      return Type === 'volume' && Name === mount.Name && Destination === mount.Destination;
    });
  return hostConfig.VolumesFrom.map((spec) => find(spec.split(':', 1)[0] as string))
    .reverse()
    .find((source) => source !== undefined && has(source));
}

function isOwn({ Binds, Mounts }: ContainerRecord['hostConfig'], { Destination }: MountPoint): boolean {
  const places = [
    ...(Binds ?? []).map((spec) => spec.split(':')[1] ?? spec),
    ...((Mounts ?? []) as { Target?: string }[]).map(({ Target = '' }) => Target),
  ];
  return places.some((place) => place.replace(/(?<=.)\/+$/, '') === Destination);
}

function byBeginning(all: { record: Known }[], reference: string): Known | undefined {
  return /^[0-9a-f]{4,}$/.test(reference)
    ? all.find(({ record }) => record.id.startsWith(reference))?.record
    : undefined;
}
