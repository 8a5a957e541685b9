import { posix } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { conflict, invalid, notFound } from '../../base/errors.js';
import type { ContainerChange } from '../../contract/changes.js';
import type { MountWish } from '../../contract/mounts.js';
import { planMounts, type MountRequest, type MountSources, type PlannedMount } from './mounts.js';
import type { ContainerRecord, FullConfig, FullHostConfig, MountPoint } from './record.js';

/** The fields of a configuration that say what is mounted. */
export const MOUNT_FIELDS: ReadonlySet<string> = new Set(
  ['Binds', 'Mounts', 'VolumesFrom', 'Tmpfs'].map((name) => `HostConfig.${name}`).concat('Config.Volumes'),
);

type Configuration = Pick<ContainerRecord, 'config' | 'hostConfig'>;

/** What is mounted after a change, beside what is mounted before it. */
export interface MountDifference {
  /** All of them in their order; those that stay are what they were. */
  after: PlannedMount[];
  added: PlannedMount[];
  removed: MountPoint[];
}

/** What another container has mounted, as it is handed on: how it came there is that one's story. */
export function inheritedFrom({ id, name, mounts }: Pick<ContainerRecord, 'id' | 'name' | 'mounts'>): MountPoint[] {
  return mounts.map(({ own: { live: _, added: __, ...own } = {}, ...mount }) => ({
    ...mount,
    own: { ...own, from: { id, name } },
  }));
}

/**
 * What a container is to have mounted with another configuration. A source of `--volumes-from` that it had before is not asked again: that one may
 * have changed since, or be gone. An anonymous volume stays the same one, and one that was taken away comes back as long as it is there.
 */
export async function differentMounts(
  record: ContainerRecord,
  next: Configuration,
  { mountsOf, imageOf }: MountSources,
): Promise<MountDifference> {
  const before = new Set(record.hostConfig.VolumesFrom?.map(sourceIn));
  const wishes = { ...next.hostConfig, VolumesFrom: next.hostConfig.VolumesFrom?.map(withId(record)) ?? null };
  const planned = await planMounts(wishes, next.config.Volumes ?? {}, {
    mountsOf: (container) =>
      before.has(container) ? inheritedBefore(record, container, mountsOf) : mountsOf(container),
    imageOf,
  });
  const after = planned.map((mount) => {
    const now = record.mounts.find((one) => one.Destination === mount.Destination && isSame(one, mount));
    if (now) return now;
    const former = mount.own?.anonymous && record.former?.find(({ Destination }) => Destination === mount.Destination);
    const added = { ...mount, own: { ...mount.own, added: true } };
    return former ? { ...added, Name: former.Name as string, volume: undefined } : added;
  });
  return {
    after,
    added: after.filter((mount) => !record.mounts.includes(mount)),
    removed: record.mounts.filter((mount) => !after.includes(mount)),
  };
}

/** The anonymous volumes that are not mounted any more, the last one of each place. */
export function formerVolumes({ former = [], mounts }: ContainerRecord, after: MountPoint[]): MountPoint[] {
  const places = new Map([...former, ...mounts].map((mount) => [mount.Destination, mount]));
  for (const { Destination } of after) places.delete(Destination);
  return [...places.values()].filter(({ own }) => own?.anonymous && !own.from);
}

/** The container that an entry of `VolumesFrom` names. */
export const sourceIn = (entry: string): string => entry.split(':', 1)[0] as string;

/** Nobody inherits from himself. */
const withId =
  ({ id, name }: ContainerRecord) =>
  (entry: string): string => {
    const source = sourceIn(entry);
    if (source === id || source === name) throw invalid(`container ${name} cannot have its own mounts from itself`);
    return entry;
  };

/** What it has from there; of one that was made before that was written down, what nothing else of its configuration explains. */
function inheritedBefore(
  record: ContainerRecord,
  source: string,
  mountsOf: (container: string) => MountPoint[],
): MountPoint[] {
  const known = record.mounts.filter(({ own }) => own?.from && [own.from.id, own.from.name].includes(source));
  const unexplained = record.mounts.filter(({ own, Destination }) => !own?.from && !isSaid(record, Destination));
  if (known.length + unexplained.length > 0) return [...known, ...unexplained];
  try {
    return mountsOf(source).filter(({ Destination }) => record.mounts.some((one) => one.Destination === Destination));
  } catch {
    return []; // gone, and it has nothing from there
  }
}

/** What is found out when it is mounted. */
const OURS = new Set(['live', 'added', 'from', 'device', 'words', 'image']);

/** Everything but what only we keep in mind. */
function isSame(now: MountPoint, planned: PlannedMount): boolean {
  const what = ({ Type, Name, Source, Destination, Driver, Mode, RW, Propagation, own = {} }: PlannedMount) => {
    const rest = Object.fromEntries(Object.entries(own).filter(([name]) => !OURS.has(name)));
    const said = Type === 'volume' ? { Name: own.anonymous ? '' : Name } : { Source };
    return { Type, Destination, Driver, Mode, RW, Propagation, ...said, ...rest };
  };
  return isDeepStrictEqual(what(now), what(planned));
}

/* ---- one mount more, one less ---- */

const normalized = (path: string): string => posix.normalize(path).replace(/(?<=.)\/$/, '');

const targetOfBind = (spec: string): string => {
  const [first = '', second] = spec.split(':');
  return normalized(second ?? first);
};

/** Whether the container's own configuration puts something there. */
function isSaid({ config, hostConfig }: Configuration, destination: string): boolean {
  const places = [
    ...(hostConfig.Binds ?? []).map(targetOfBind),
    ...requestsIn(hostConfig).map(({ Target = '' }) => normalized(Target)),
    ...[hostConfig['Tmpfs'], config.Volumes].flatMap((map) => Object.keys(map ?? {}).map(normalized)),
  ];
  return places.includes(destination);
}

const requestsIn = (hostConfig: FullHostConfig): MountRequest[] => (hostConfig['Mounts'] ?? []) as MountRequest[];

const withRequests = (Mounts: MountRequest[]) => ({ Mounts }) as NonNullable<ContainerChange['HostConfig']>;

/** `mapped`: the container's user ids are its own. */
export function withMount({ hostConfig }: Configuration, wish: MountWish, mapped: boolean): ContainerChange {
  const { Type, Source, Target, ReadOnly = false, IdMap = false } = wish;
  const modes = [...(ReadOnly ? ['ro'] : []), ...(IdMap && mapped && Type === 'bind' ? ['idmap'] : [])];
  if (!`${Source}${Target}`.includes(':')) {
    const spec = [Source, normalized(Target), ...(modes.length > 0 ? [modes.join(',')] : [])].join(':');
    return { HostConfig: { Binds: [...(hostConfig.Binds ?? []), spec] } };
  }
  if (modes.includes('idmap'))
    throw invalid(
      'a path with a colon in it cannot be mounted with the owners’ own numbers: there is no word for that',
    );
  const request = { Type, Source, Target: normalized(Target), ReadOnly };
  return { HostConfig: withRequests([...requestsIn(hostConfig), request]) };
}

/** The change that takes it away. */
export function withoutMount(record: ContainerRecord, target: string): { mount: MountPoint; change: ContainerChange } {
  const { config, hostConfig } = record;
  const place = normalized(target);
  const mount = record.mounts.find(({ Destination }) => Destination === place);
  const isThere = (other: string): boolean => normalized(other) === place;
  if (!mount) {
    const memory = Object.keys((hostConfig['Tmpfs'] as object | undefined) ?? {}).some(isThere);
    throw memory ? conflict(OF_MEMORY) : notFound(`container ${record.name} has nothing mounted on ${target}`);
  }
  if (mount.Type === 'tmpfs') throw conflict(OF_MEMORY);
  const Binds = (hostConfig.Binds ?? []).filter((spec) => !isThere(targetOfBind(spec)));
  if (Binds.length < (hostConfig.Binds?.length ?? 0)) return { mount, change: { HostConfig: { Binds } } };
  const Mounts = requestsIn(hostConfig).filter(({ Target = '' }) => !isThere(Target));
  if (Mounts.length < requestsIn(hostConfig).length) return { mount, change: { HostConfig: withRequests(Mounts) } };
  const volumes = Object.entries(config.Volumes ?? {});
  const Volumes = Object.fromEntries(volumes.filter(([path]) => !isThere(path))) as FullConfig['Volumes'] & object;
  if (!mount.own?.from && Object.keys(Volumes).length < volumes.length)
    return { mount, change: { Config: { Volumes } } };
  const from = mount.own?.from?.name ?? hostConfig.VolumesFrom?.map(sourceIn).join(', ');
  throw conflict(
    `${target} comes from container ${from}, with all that is mounted there: take that container out of its volumes-from to be rid of it`,
  );
}

const OF_MEMORY =
  'what is in memory (tmpfs) ends with its mount: change HostConfig.Tmpfs or Mounts, which takes a restart';
