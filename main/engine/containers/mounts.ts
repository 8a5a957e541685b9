import { stat } from 'node:fs/promises';
import { posix } from 'node:path';
import { codeOf, invalid, reasonOf } from '../../base/errors.js';
import { newId } from '../../base/ids.js';
import type { MountPoint } from './record.js';
import { checkTmpfs, tmpfsOptionsOf, type TmpfsWish } from './tmpfs.js';

const PROPAGATIONS = new Set(['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave']);
/** Podman's words: files keep their owners' numbers inside a container whose user ids are its own. */
export const ID_MAPPED = new Set(['idmap', 'ridmap']);
const CONSISTENCIES = new Set(['', 'default', 'consistent', 'cached', 'delegated']);
/** The words of a mode, by what they are about; of each kind one may be said. */
const MODE_WORDS = [
  new Set(['ro', 'rw']),
  new Set(['z', 'Z']),
  PROPAGATIONS,
  new Set(['nocopy']),
  new Set(['consistent', 'cached', 'delegated']),
  ID_MAPPED,
];

/** An element of `HostConfig.Mounts`. */
export interface MountRequest {
  Type?: string;
  Source?: string;
  Target?: string;
  ReadOnly?: boolean;
  /** Of another platform; here a mount is always consistent. */
  Consistency?: string;
  BindOptions?: BindWish | null;
  VolumeOptions?: {
    NoCopy?: boolean;
    Labels?: Record<string, string> | null;
    DriverConfig?: { Name?: string; Options?: Record<string, string> | null } | null;
    Subpath?: string;
  } | null;
  TmpfsOptions?: TmpfsWish | null;
  ImageOptions?: { Subpath?: string } | null;
}

interface BindWish {
  Propagation?: string;
  CreateMountpoint?: boolean;
  NonRecursive?: boolean;
  ReadOnlyNonRecursive?: boolean;
  ReadOnlyForceRecursive?: boolean;
}

export interface MountWishes {
  Binds?: string[] | null;
  Mounts?: unknown;
  Tmpfs?: Record<string, string> | null;
  VolumesFrom?: string[] | null;
  VolumeDriver?: unknown;
}

/** Who knows what a mount is of. */
export interface MountSources {
  /** What another container has mounted. */
  mountsOf(container: string): MountPoint[];
  imageOf(reference: string): { id: string; chainId: string };
}

/** A mount of a container that is being made; a volume has no place on this machine yet. */
export interface PlannedMount extends MountPoint {
  volume?: { labels: Record<string, string> | null; options: Record<string, string> | null; copy: boolean };
}

/**
 * What is mounted where: `--volumes-from`, then `-v`, then `--mount`, the later in the place of the earlier; then the volumes of the image and of
 * `-v /path`, where nothing is yet.
 */
export async function planMounts(
  wishes: MountWishes,
  volumes: Record<string, unknown>,
  { mountsOf, imageOf }: MountSources,
): Promise<PlannedMount[]> {
  const driver = typeof wishes.VolumeDriver === 'string' ? wishes.VolumeDriver : '';
  const places = new Map<string, PlannedMount>();
  for (const source of wishes.VolumesFrom ?? [])
    for (const mount of inherited(source, mountsOf)) places.set(mount.Destination, mount);
  const tmpfs = Object.entries(wishes.Tmpfs ?? {}).map(([destination, options]) => {
    checkTmpfs(options);
    return destinationOf(destination);
  });
  const taken = new Set(tmpfs);
  const take = (mount: PlannedMount): void => {
    if (taken.has(mount.Destination)) throw invalid(`Duplicate mount point: ${mount.Destination}`);
    taken.add(mount.Destination);
    places.set(mount.Destination, mount);
  };
  for (const spec of wishes.Binds ?? []) take(parseBind(spec, driver));
  for (const request of (wishes.Mounts ?? []) as MountRequest[]) take(await parseMount(request, imageOf));
  for (const path of Object.keys(volumes)) {
    const destination = destinationOf(posix.resolve('/', path), 'volume');
    if (!places.has(destination) && !taken.has(destination)) places.set(destination, volumeAt(destination, '', driver));
  }
  // What `--tmpfs` puts there hides what would be there otherwise.
  return [...places.values()].filter(({ Destination }) => !tmpfs.includes(Destination));
}

/** What another container has mounted; `:ro` takes writing away, nothing gives it. */
function inherited(spec: string, mountsOf: (container: string) => MountPoint[]): PlannedMount[] {
  if (spec === '') throw invalid('volumes-from specification cannot be an empty string');
  const [container = '', ...rest] = spec.split(':');
  const mode = rest.join(':');
  const words = mode === '' ? [] : mode.split(',');
  if (!validMode(mode) || words.some((word) => PROPAGATIONS.has(word) || word === 'nocopy')) throw invalidMode(mode);
  return mountsOf(container).map((mount) => ({ ...mount, Mode: '', RW: mount.RW && !words.includes('ro') }));
}

function parseBind(spec: string, driver: string): PlannedMount {
  const parts = spec.split(':');
  const [first = '', second, mode = ''] = parts;
  if (parts.length > 3 || first === '') throw invalidSpec(spec);
  if (second === undefined) return { ...volumeAt(destinationOf(first, 'volume', spec), '', driver), Mode: 'z' };
  // `/dst:ro` names no source.
  if (parts.length === 2 && validMode(second)) throw invalidSpec(spec);
  if (!validMode(mode)) throw invalidMode(mode);
  const words = mode.split(',');
  const RW = !words.includes('ro');
  const propagation = words.find((word) => PROPAGATIONS.has(word));
  const noCopy = words.includes('nocopy');
  if (!first.startsWith('/')) {
    const volume = volumeAt(destinationOf(second, 'volume', spec), first, driver);
    if (propagation !== undefined) throw foreignField(spec, 'volume', 'BindOptions');
    if (noCopy && volume.volume) volume.volume.copy = false;
    return { ...volume, Mode: mode || 'z', RW };
  }
  const Destination = destinationOf(second, 'bind', spec);
  if (noCopy) throw foreignField(spec, 'bind', 'VolumeOptions');
  const Propagation = propagation ?? 'rprivate';
  return { Type: 'bind', Source: normalized(first), Destination, Mode: mode, RW, Propagation };
}

/** A word of a mode that is for mounts of another type, as the field of a `--mount` that it stands for. */
const foreignField = (spec: string, type: string, field: string) =>
  invalid(
    `invalid volume specification: '${spec}': invalid mount config for type "${type}": field ${field} must not be specified`,
  );

const invalidSpec = (spec: string) => invalid(`invalid volume specification: '${spec}'`);
const invalidMode = (mode: string) => invalid(`invalid mode: ${mode}`);

function validMode(mode: string): boolean {
  if (mode === '') return true;
  const kinds = mode.split(',').map((word) => MODE_WORDS.findIndex((words) => words.has(word)));
  return kinds.every((kind) => kind >= 0) && new Set(kinds).size === kinds.length;
}

function volumeAt(destination: string, name: string, driver = ''): PlannedMount {
  return {
    Type: 'volume',
    Name: name || newId(),
    Source: '',
    Destination: destination,
    Driver: driver || 'local',
    Mode: '',
    RW: true,
    Propagation: '',
    ...(name === '' && { own: { anonymous: true } }),
    volume: { labels: null, options: null, copy: true },
  };
}

async function parseMount(request: MountRequest, imageOf: MountSources['imageOf']): Promise<PlannedMount> {
  const { Type: type = '', Target: target = '', Source: source = '', ReadOnly: readOnly = false } = request;
  const wrong = (why: string) => invalid(`invalid mount config for type "${type}": ${why}`);
  if (target === '') throw wrong('field Target must not be empty');
  const Destination = destinationOf(target, type);
  const extra = (['BindOptions', 'VolumeOptions', 'TmpfsOptions', 'ImageOptions'] as const).find(
    (field) => request[field] && !field.toLowerCase().startsWith(type),
  );
  if (extra) throw wrong(`field ${extra} must not be specified`);
  const { Consistency: consistency = '' } = request;
  if (!CONSISTENCIES.has(consistency)) throw wrong(`invalid consistency: ${consistency}`);
  if (type === 'tmpfs') {
    if (source !== '') throw wrong('field Source must not be specified');
    const own = { options: tmpfsOptionsOf(request.TmpfsOptions ?? {}, readOnly) };
    return { Type: 'tmpfs', Source: '', Destination, Mode: '', RW: !readOnly, Propagation: '', own };
  }
  if (type === 'volume') return parseVolume(request, Destination, wrong);
  if (type !== 'bind' && type !== 'image') throw wrong('mount type unknown');
  if (source === '') throw wrong('field Source must not be empty');
  if (type === 'image') {
    const subpath = request.ImageOptions?.Subpath ?? '';
    checkSubpath(subpath, wrong);
    const image = imageOf(source);
    const own = { image, ...(subpath !== '' && { subpath }) };
    const about = { Mode: '', RW: false, Propagation: 'rprivate', own };
    return { Type: 'image', Name: source, Source: image.id, Destination, ...about };
  }
  const bind = request.BindOptions ?? {};
  const propagation = bind.Propagation || 'rprivate';
  if (!PROPAGATIONS.has(propagation)) throw wrong(`invalid propagation mode: ${propagation}`);
  if (!source.startsWith('/')) throw wrong(`invalid mount path: '${source}' mount path must be absolute`);
  if (bind.ReadOnlyNonRecursive && bind.ReadOnlyForceRecursive) {
    throw wrong('ReadOnlyForceRecursive and ReadOnlyNonRecursive cannot both be set');
  }
  for (const field of ['ReadOnlyNonRecursive', 'ReadOnlyForceRecursive'] as const)
    if (bind[field] && !readOnly) throw wrong(`${field} is of mounts with ReadOnly`);
  const problem = bind.CreateMountpoint ? undefined : await problemOf(source);
  if (problem !== undefined) throw wrong(problem);
  const own = {
    ...(!bind.CreateMountpoint && { strict: true }),
    ...(bind.NonRecursive && { nonRecursive: true }),
    ...(bind.ReadOnlyNonRecursive && { readOnlyNonRecursive: true }),
  };
  return {
    ...{ Type: 'bind', Source: normalized(source), Destination, Mode: '', RW: !readOnly, Propagation: propagation },
    ...(Object.keys(own).length > 0 && { own }),
  };
}

function parseVolume(
  { Source: source = '', ReadOnly: readOnly = false, VolumeOptions }: MountRequest,
  destination: string,
  wrong: (why: string) => Error,
): PlannedMount {
  if (source === '' && readOnly) throw wrong('must not set ReadOnly mode when using anonymous volumes');
  const { NoCopy, Labels, DriverConfig, Subpath: subpath = '' } = VolumeOptions ?? {};
  if (subpath !== '' && source === '') throw wrong('must not set Subpath when using anonymous volumes');
  checkSubpath(subpath, wrong);
  const volume = { labels: Labels ?? null, options: DriverConfig?.Options ?? null, copy: !NoCopy };
  const mount = { ...volumeAt(destination, source, DriverConfig?.Name), Mode: 'z', RW: !readOnly, volume };
  return subpath === '' ? mount : { ...mount, own: { ...mount.own, subpath } };
}

/** It must read as a path that stays inside; what links make of it is seen when it is mounted. */
function checkSubpath(subpath: string, wrong: (why: string) => Error): void {
  if (subpath === '') return;
  const inside = posix.normalize(subpath);
  if (subpath.startsWith('/') || inside === '..' || inside.startsWith('../'))
    throw wrong('subpath must be a relative path within the volume');
}

function destinationOf(path: string, type?: string, spec?: string): string {
  const problem =
    normalized(path) === '/'
      ? `invalid specification: destination can't be '/'`
      : !path.startsWith('/')
        ? `invalid mount path: '${path}' mount path must be absolute`
        : undefined;
  if (problem === undefined) return normalized(path);
  const where = spec ? `invalid volume specification: '${spec}': ` : '';
  const what = type === undefined ? '' : `invalid mount config for type "${type}": `;
  throw invalid(`${where}${what}${problem}`);
}

const normalized = (path: string): string => posix.normalize(path).replace(/(?<=.)\/$/, '');

/** Why it cannot be mounted as it is. */
async function problemOf(path: string): Promise<string | undefined> {
  try {
    await stat(path);
    return undefined;
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? `bind source path does not exist: ${path}` : `stat ${path}: ${reasonOf(error)}`;
  }
}
