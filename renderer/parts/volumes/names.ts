import type { TFunction } from 'i18next';
import type { VolumeOverview, VolumeUser } from '../../../main/contract/volume-data.js';
import { shortId } from '../../ui/format.js';

/** A name that nobody chose is 64 digits long. */
export const nameOfVolume = ({ Name, Anonymous }: Pick<VolumeOverview, 'Name' | 'Anonymous'>): string =>
  Anonymous && /^[0-9a-f]{64}$/.test(Name) ? shortId(Name) : Name;

/** The project that compose made it for. */
export const projectOfVolume = ({ Labels }: Pick<VolumeOverview, 'Labels'>): string | undefined =>
  Labels?.['com.docker.compose.project'];

/** How a volume is used. `binned`: only by containers that were removed and can be brought back. */
export type VolumeUse = 'running' | 'stopped' | 'binned' | 'unused';
export const volumeUses: readonly VolumeUse[] = ['running', 'stopped', 'binned', 'unused'];

export function usageOf({ Users }: Pick<VolumeOverview, 'Users'>): VolumeUse {
  if (Users.some(({ Running }) => Running)) return 'running';
  if (Users.some(({ Binned }) => !Binned)) return 'stopped';
  return Users.length > 0 ? 'binned' : 'unused';
}

/** Each container once, however often it has the volume; those that run first. */
export function holdersOf({ Users }: Pick<VolumeOverview, 'Users'>): VolumeUser[] {
  const holders = new Map<string, VolumeUser>();
  for (const user of Users) if (!holders.has(user.Id)) holders.set(user.Id, user);
  return [...holders.values()].sort(
    (a, b) => Number(b.Running) - Number(a.Running) || Number(a.Binned) - Number(b.Binned),
  );
}

/** Where its files are, where that is no directory of the engine's own: a path, a server, `64m`. */
export function deviceOfVolume({ Kind, Options }: Pick<VolumeOverview, 'Kind' | 'Options'>): string | undefined {
  if (Kind === 'local') return undefined;
  if (Kind === 'tmpfs') return /(?:^|,)size=([^,]+)/.exec(Options?.['o'] ?? '')?.[1];
  return Options?.['device'];
}

/** Whether its files are on the engine's disk, to be copied: those in memory or on another machine are not. */
export const isCopyable = ({ Kind }: Pick<VolumeOverview, 'Kind'>): boolean => Kind === 'local' || Kind === 'folder';

/** Whether all that is in it can be replaced at once: a folder of this machine is not. */
export const isReplaceable = ({ Kind }: Pick<VolumeOverview, 'Kind'>): boolean => Kind === 'local';

/** Docker's rule for a name. */
export const isVolumeName = (name: string): boolean => /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name) && name.length <= 255;

/** What is wrong with a name for a new volume. */
export function newVolumeProblem(
  t: TFunction,
  name: string,
  volumes: Pick<VolumeOverview, 'Name'>[] | undefined,
): string | undefined {
  if (!isVolumeName(name)) return t('volumes.name.invalid');
  return volumes?.some(({ Name }) => Name === name) ? t('volumes.name.taken', { name }) : undefined;
}

/** NAME-2, or the first of its kind that nobody has. */
export function freeVolumeName(name: string, volumes: Pick<VolumeOverview, 'Name'>[] | undefined): string {
  const taken = new Set(volumes?.map(({ Name }) => Name));
  for (let number = 2; ; number += 1) if (!taken.has(`${name}-${number}`)) return `${name}-${number}`;
}

/** A name to begin with, of an archive's: `shop-data.tar.gz` is `shop-data`. */
export const volumeNameOfFile = (file: string): string =>
  file
    .replace(/\.(?:tar(?:\.\w+)?|tgz|tzst)$/i, '')
    .replaceAll(/[^\w.-]+/g, '-')
    .replaceAll(/^[^a-zA-Z0-9]+|-+$/g, '');
