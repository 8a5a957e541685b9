/** The same with docker, to be copied. */
import type { FolderFacts } from '../../../main/contract/mounts.js';
import { joinCommand } from '../command-line.js';
import { mountText } from '../form/mounts.js';
import { joined } from '../mounts/inside.js';
import { mountTargets } from './places.js';
import { nameOfFolder } from './ways.js';

type Items = Pick<FolderFacts, 'Path' | 'Kind' | 'Archive'>[];

/** Of a container that is there no mount can be added with docker: the line makes one with it. */
export const mountLine = (items: Items, path: string, readOnly: boolean, image: string, kept: string[] = []): string =>
  joinCommand([
    'docker',
    'run',
    '-it',
    ...mountFlags(items, path, readOnly),
    ...kept.flatMap((at) => ['-v', at]),
    image,
  ]);

export const mountFlags = (items: Items, path: string, readOnly: boolean): string[] =>
  mountTargets(items, path).flatMap((target, at) => {
    const source = items[at]?.Path ?? '';
    // A colon ends a path in the short form.
    if (/:/.test(source + target))
      return ['--mount', mountText({ source, target, readOnly, options: '', strict: true })];
    return ['-v', `${source}:${target}${readOnly ? ':ro' : ''}`];
  });

export const copyLine = (items: Items, container: string, path: string, content: boolean, archive: boolean): string =>
  items
    .map(({ Path, Kind }) =>
      joinCommand([
        ...['docker', 'cp', ...(archive ? ['-a'] : [])],
        content && Kind === 'directory' ? joined(Path, '.') : Path,
        `${container}:${path}`,
      ]),
    )
    .join('\n');

/** By way of a container that has the volume, since docker copies into nothing else. */
export const volumeLine = (items: Items, volume: string, content: boolean): string =>
  joinCommand([
    ...['docker', 'run', '--rm', '-v', `${volume}:/volume`],
    ...items.flatMap(({ Path }) =>
      mountFlags([{ Path, Kind: 'directory', Archive: null }], joined('/from', nameOfFolder(Path)), true),
    ),
    ...['busybox', 'cp', '-a'],
    ...items.map(
      ({ Path, Kind }) => joined('/from', nameOfFolder(Path)) + (content && Kind === 'directory' ? '/.' : ''),
    ),
    '/volume/',
  ]);

/** Docker looks for a `Dockerfile` by itself. */
export const buildLine = (path: string, dockerfile: string, reference: string): string =>
  joinCommand([
    ...['docker', 'build', '-t', reference],
    ...(dockerfile === 'Dockerfile' ? [] : ['-f', joined(path, dockerfile)]),
    path,
  ]);

export const importLine = (items: Items): string =>
  items
    .map(({ Path, Archive }) =>
      Archive === 'tar'
        ? joinCommand(['docker', 'import', Path, nameOfFolder(Path).replace(/\..*$/, '').toLowerCase() || 'image'])
        : joinCommand(['docker', 'load', '-i', Path]),
    )
    .join('\n');

export const restoreLine = (path: string, volume: string): string =>
  joinCommand([
    ...['docker', 'run', '--rm', '-v', `${volume}:/volume`],
    ...mountFlags([{ Path: path, Kind: 'file', Archive: 'tar' }], '/archive', true),
    ...['busybox', 'tar', '-xf', '/archive', '-C', '/volume'],
  ]);
