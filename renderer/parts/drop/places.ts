/** Where in a container something goes. */
import type { FolderFacts } from '../../../main/contract/mounts.js';
import { joined, type Inside } from '../mounts/inside.js';
import { nameOfFolder, type Way } from './ways.js';

/** A name that needs no care in a path. */
const plain = (name: string): string => name.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-').replaceAll(/^-|-$/g, '') || 'data';

/**
 * The path to begin with. One folder is mounted as the directory of that path, several things below it; copies go below it. What is dropped on a directory is beside what is in
 * there, whatever is done with it.
 */
export function firstPlace(way: Way, facts: FolderFacts[], inside: Inside): string {
  const { dropped, volumes, taken = [] } = inside;
  const workdir = inside.workdir && inside.workdir !== '/' ? inside.workdir : undefined;
  const free = workdir !== undefined && !taken.includes(workdir);
  const only = facts.length === 1 ? facts[0] : undefined;
  // Programs look for a socket where it usually is.
  if (only?.Kind === 'socket' && dropped === undefined) return only.Path;
  const name = plain(nameOfFolder(only?.Path ?? ''));
  switch (way) {
    case 'copy':
      return dropped ?? workdir ?? '/';
    case 'mount':
      if (dropped !== undefined) return only ? joined(dropped, nameOfFolder(only.Path)) : dropped;
      return only?.Kind === 'directory' && free ? workdir : only ? `/mnt/${name}` : '/mnt';
    case 'run':
      if (only?.Kind === 'directory') return volumes[0] ?? workdir ?? `/mnt/${name}`;
      return only ? `/mnt/${name}` : '/mnt';
    default:
      return '/';
  }
}

/** Where each of them is mounted: a single one as the path itself. */
export const mountTargets = (facts: Pick<FolderFacts, 'Path'>[], path: string): string[] =>
  facts.length === 1 ? [path] : facts.map(({ Path }) => joined(path, nameOfFolder(Path)));

/** A name for a new volume, of a folder's; `data` where nothing of that can be in one. */
export function volumeNameOf(path: string): string {
  const name = nameOfFolder(path)
    .toLowerCase()
    .replace(/\.(?:tar(?:\.\w+)?|tgz|tzst|txz)$/, '')
    .normalize('NFKD')
    .replaceAll(/[^a-z0-9_.-]+/g, '-')
    .replaceAll(/^[^a-z0-9]+|-+$/g, '')
    .slice(0, 60);
  return isVolumeName(name) ? name : 'data';
}

/** A name for an image that is built of a folder. */
export function imageNameOf(path: string): string {
  const name = nameOfFolder(path)
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/[^a-z0-9]+/g, (between) => (/^(?:\.|__?|-+)$/.test(between) ? between : '-'))
    .replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
    .slice(0, 100)
    .replace(/[^a-z0-9]+$/, '');
  return name === '' ? 'image' : name;
}

/** Docker's rule. */
export const isVolumeName = (name: string): boolean => /^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}$/.test(name);
