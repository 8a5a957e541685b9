/** `--mount type=bind,source=…,target=…`: comma-separated, a field with a comma in quotes. */
import { parseMemory } from '../sizes.js';
import { isPath, type MountRow, type Pair } from './value.js';

/** An element of `HostConfig.Mounts`. */
export interface Mount {
  Type: string;
  Source?: string;
  Target?: string;
  ReadOnly?: boolean;
  Consistency?: string;
  BindOptions?: Record<string, unknown>;
  VolumeOptions?: {
    NoCopy?: boolean;
    Subpath?: string;
    Labels?: Record<string, string>;
    DriverConfig?: { Name?: string; Options?: Record<string, string> };
  };
  TmpfsOptions?: { SizeBytes?: number; Mode?: number };
  ImageOptions?: { Subpath?: string };
}

function fieldsOf(text: string): string[] {
  return (text.match(/(?:"(?:[^"]|"")*"|[^,"])+/g) ?? []).map((field) =>
    field.startsWith('"') && field.endsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field,
  );
}

/** Undefined: Docker would not take it either. */
export function mountOf(text: string): Mount | undefined {
  const mount: Mount = { Type: 'volume' };
  for (const field of fieldsOf(text)) {
    const at = field.indexOf('=');
    const key = (at < 0 ? field : field.slice(0, at)).trim().toLowerCase();
    const value = at < 0 ? 'true' : field.slice(at + 1);
    if (!take(mount, key, value, at < 0)) return undefined;
  }
  return mount.Target === undefined ? undefined : mount;
}

function take(mount: Mount, key: string, value: string, bare: boolean): boolean {
  const yes = /^(?:true|1)$/.test(value);
  const bind = (part: object) => void (mount.BindOptions = { ...mount.BindOptions, ...part });
  const volume = (part: Mount['VolumeOptions']) => void (mount.VolumeOptions = { ...mount.VolumeOptions, ...part });
  const driver = (part: object) => volume({ DriverConfig: { ...mount.VolumeOptions?.DriverConfig, ...part } });
  const tmpfs = (part: Mount['TmpfsOptions']) => void (mount.TmpfsOptions = { ...mount.TmpfsOptions, ...part });
  const pair = { [value.split('=')[0] ?? '']: value.split('=').slice(1).join('=') };
  if (bare && !/^(?:readonly|ro|volume-nocopy|bind-nonrecursive)$/.test(key)) return false;
  switch (key) {
    case 'type':
      mount.Type = value.toLowerCase();
      return /^(?:bind|volume|tmpfs|image)$/.test(mount.Type);
    case 'source':
    case 'src':
      mount.Source = value;
      return true;
    case 'target':
    case 'dst':
    case 'destination':
      mount.Target = value;
      return true;
    case 'readonly':
    case 'ro':
      if (yes) mount.ReadOnly = true;
      return true;
    case 'consistency':
      mount.Consistency = value;
      return true;
    case 'bind-propagation':
      bind({ Propagation: value });
      return true;
    case 'bind-nonrecursive':
      if (yes) bind({ NonRecursive: true });
      return true;
    case 'bind-recursive':
      if (value === 'disabled') bind({ NonRecursive: true });
      if (value === 'writable') bind({ ReadOnlyNonRecursive: true });
      if (value === 'readonly') bind({ ReadOnlyForceRecursive: true });
      return /^(?:enabled|disabled|writable|readonly)$/.test(value);
    case 'volume-nocopy':
      if (yes) volume({ NoCopy: true });
      return true;
    case 'volume-subpath':
      volume({ Subpath: value });
      return true;
    case 'image-subpath':
      mount.ImageOptions = { Subpath: value };
      return true;
    case 'volume-driver':
      driver({ Name: value });
      return true;
    case 'volume-opt':
      driver({ Options: { ...mount.VolumeOptions?.DriverConfig?.Options, ...pair } });
      return true;
    case 'volume-label':
      volume({ Labels: { ...mount.VolumeOptions?.Labels, ...pair } });
      return true;
    case 'tmpfs-size': {
      const size = parseMemory(value);
      if (size !== undefined) tmpfs({ SizeBytes: size });
      return size !== undefined;
    }
    case 'tmpfs-mode':
      tmpfs({ Mode: parseInt(value, 8) });
      return /^[0-7]+$/.test(value);
    default:
      return false;
  }
}

/** The form's row for it, where the row can say all of it. */
export function mountRow(mount: Mount): MountRow | Pair | undefined {
  const { Type, Source = '', Target = '', ReadOnly = false } = mount;
  const { Subpath, ...further } = mount.VolumeOptions ?? {};
  if (mount.BindOptions || mount.Consistency !== undefined || Object.keys(further).length > 0) return undefined;
  const subpath = Subpath ?? mount.ImageOptions?.Subpath;
  const part = subpath !== undefined && { subpath };
  if (Type === 'image')
    return { source: Source, target: Target, readOnly: true, options: '', strict: true, image: true, ...part };
  if (Type === 'tmpfs') {
    const { SizeBytes, Mode } = mount.TmpfsOptions ?? {};
    const options = [
      ...(ReadOnly ? ['ro'] : []),
      ...(SizeBytes === undefined ? [] : [`size=${SizeBytes}`]),
      ...(Mode === undefined ? [] : [`mode=${Mode.toString(8)}`]),
    ];
    return { key: Target, value: options.join(',') };
  }
  if (mount.TmpfsOptions) return undefined;
  const strict = Type === 'bind' || part !== false;
  return { source: Source, target: Target, readOnly: ReadOnly, options: '', strict, ...part };
}

/** What `-v` has no word for. */
export const needsMount = ({ strict, image, subpath = '' }: MountRow): boolean =>
  strict || image === true || subpath.trim() !== '';

/** A row as an element of `HostConfig.Mounts`. */
export function mountBody({ source, target, readOnly, image, subpath = '' }: MountRow): Mount {
  const about = { Source: source.trim(), Target: target.trim() };
  const part = subpath.trim() !== '' && { Subpath: subpath.trim() };
  if (image) return { Type: 'image', ...about, ...(part && { ImageOptions: part }) };
  const Type = isPath(source) ? 'bind' : 'volume';
  return { Type, ...about, ...(readOnly && { ReadOnly: true }), ...(part && { VolumeOptions: part }) };
}

const field = (key: string, value: string) =>
  /[,"]/.test(value) ? `"${key}=${value.replaceAll('"', '""')}"` : `${key}=${value}`;

export const mountText = (row: MountRow): string => {
  const { Type, Source = '', Target = '', ReadOnly, VolumeOptions, ImageOptions } = mountBody(row);
  return [
    `type=${Type}`,
    field('source', Source),
    field('target', Target),
    ...(ReadOnly ? ['readonly'] : []),
    ...(VolumeOptions?.Subpath ? [field('volume-subpath', VolumeOptions.Subpath)] : []),
    ...(ImageOptions?.Subpath ? [field('image-subpath', ImageOptions.Subpath)] : []),
  ].join(',');
};
