import { stat } from 'node:fs/promises';
import { normalize } from 'node:path';
import { invalid, notImplemented } from '../../base/errors.js';
import type { MountPoint } from './record.js';

const PROPAGATIONS = new Set(['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave']);
/** Podman's words: files keep their owners' numbers inside a container whose user ids are its own. */
export const ID_MAPPED = new Set(['idmap', 'ridmap']);
/** Accepted for what other platforms or security modules make of them; nothing to do here. */
const WITHOUT_EFFECT = new Set(['z', 'Z', 'cached', 'delegated', 'consistent', 'default']);

/** An element of `HostConfig.Mounts`. */
interface MountRequest {
  Type?: string;
  Source?: string;
  Target?: string;
  ReadOnly?: boolean;
  BindOptions?: { Propagation?: string; CreateMountpoint?: boolean } | null;
  TmpfsOptions?: { SizeBytes?: number; Mode?: number } | null;
}

export interface MountWishes {
  Binds?: string[] | null;
  Mounts?: unknown;
  Tmpfs?: Record<string, string> | null;
}

export interface MountPlan {
  mounts: MountPoint[];
  /** Destination to options, as `--tmpfs` has them. */
  tmpfs: Record<string, string>;
}

/** `-v`, `--mount` and `--tmpfs`, checked. */
export async function planMounts({ Binds, Mounts, Tmpfs }: MountWishes): Promise<MountPlan> {
  const mounts = (Binds ?? []).map(parseBind);
  const tmpfs: Record<string, string> = {};
  for (const [destination, options] of Object.entries(Tmpfs ?? {})) {
    if (!destination.startsWith('/')) throw invalid(`invalid mount path: '${destination}' mount path must be absolute`);
    tmpfs[destinationOf(destination, 'tmpfs')] = options;
  }
  for (const request of (Mounts ?? []) as MountRequest[]) mounts.push(await parseMount(request, tmpfs));
  const taken = new Set<string>();
  for (const place of [...mounts.map(({ Destination }) => Destination), ...Object.keys(Tmpfs ?? {}).map(normalized)]) {
    if (taken.has(place)) throw invalid(`Duplicate mount point: ${place}`);
    taken.add(place);
  }
  return { mounts, tmpfs };
}

function parseBind(spec: string): MountPoint {
  const parts = spec.split(':');
  const [source = '', target, mode = ''] = parts;
  if (parts.length > 3 || source === '' || target === '') throw invalid(`invalid volume specification: '${spec}'`);
  if (target === undefined) {
    throw notImplemented(
      `anonymous volumes are not available in this version: give ${spec} a directory of this machine`,
    );
  }
  if (!source.startsWith('/')) {
    throw notImplemented(
      `named volumes are not available in this version: "${source}" in ${spec} is not a path of this machine`,
    );
  }
  const options = mode === '' ? [] : mode.split(',');
  if (options.includes('ro') && options.includes('rw')) throw invalid(`invalid mode: ${mode}`);
  let propagation = 'rprivate';
  for (const option of options) {
    if (PROPAGATIONS.has(option)) propagation = option;
    else if (!WITHOUT_EFFECT.has(option) && !ID_MAPPED.has(option) && option !== 'ro' && option !== 'rw')
      throw invalid(`invalid mode: ${mode}`);
  }
  return {
    Type: 'bind',
    Source: normalized(source),
    Destination: destinationOf(target, 'bind', spec),
    Mode: mode,
    RW: !options.includes('ro'),
    Propagation: propagation,
  };
}

async function parseMount(request: MountRequest, tmpfs: Record<string, string>): Promise<MountPoint> {
  const { Type: type = '', Source: source = '', Target: target = '', ReadOnly: readOnly = false } = request;
  if (type === 'volume')
    throw notImplemented('named volumes are not available in this version: use type=bind or tmpfs');
  if (type !== 'bind' && type !== 'tmpfs') throw invalid(`invalid mount config for type "${type}": mount type unknown`);
  if (target === '') throw invalid(`invalid mount config for type "${type}": field Target must not be empty`);
  if (type === 'bind' && source === '')
    throw invalid('invalid mount config for type "bind": field Source must not be empty');
  const destination = destinationOf(target, type);
  if (type === 'tmpfs') {
    if (source !== '') throw invalid('invalid mount config for type "tmpfs": field Source must not be specified');
    const { SizeBytes, Mode } = request.TmpfsOptions ?? {};
    const options = [readOnly && 'ro', SizeBytes && `size=${SizeBytes}`, Mode && `mode=${Mode.toString(8)}`];
    tmpfs[destination] = options.filter(Boolean).join(',');
    return { Type: 'tmpfs', Source: '', Destination: destination, Mode: '', RW: !readOnly, Propagation: '' };
  }
  if (!source.startsWith('/')) {
    throw invalid(`invalid mount config for type "bind": invalid mount path: '${source}' mount path must be absolute`);
  }
  if (!request.BindOptions?.CreateMountpoint && !(await exists(source))) {
    throw invalid(`invalid mount config for type "bind": bind source path does not exist: ${source}`);
  }
  const propagation = request.BindOptions?.Propagation || 'rprivate';
  if (!PROPAGATIONS.has(propagation)) throw invalid(`invalid propagation mode: ${propagation}`);
  return {
    Type: 'bind',
    Source: normalized(source),
    Destination: destination,
    Mode: '',
    RW: !readOnly,
    Propagation: propagation,
  };
}

function destinationOf(path: string, type: string, spec?: string): string {
  const problem = !path.startsWith('/')
    ? `invalid mount path: '${path}' mount path must be absolute`
    : normalized(path) === '/'
      ? `invalid specification: destination can't be '/'`
      : undefined;
  if (problem === undefined) return normalized(path);
  throw invalid(
    `${spec ? `invalid volume specification: '${spec}': ` : ''}invalid mount config for type "${type}": ${problem}`,
  );
}

const normalized = (path: string): string => normalize(path).replace(/(?<=.)\/$/, '');

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
