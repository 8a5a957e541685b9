/** `--mount type=bind,source=…,target=…`, in docker's words and with its complaints. */
import { resolve } from 'node:path';
import { parseMemory } from './units.js';

type Group = 'bind' | 'volume' | 'image' | 'tmpfs';
type Options = Record<string, unknown>;

/** An element of `HostConfig.Mounts`. */
export interface Mount {
  Type: string;
  Source?: string;
  Target?: string;
  ReadOnly?: boolean;
  Consistency?: string;
  BindOptions?: Options;
  VolumeOptions?: Options;
  ImageOptions?: Options;
  TmpfsOptions?: Options;
}

const OPTIONS = {
  bind: 'BindOptions',
  volume: 'VolumeOptions',
  image: 'ImageOptions',
  tmpfs: 'TmpfsOptions',
} as const;
/** Without a value they are meant. */
const BARE = ['readonly', 'ro', 'volume-nocopy', 'bind-nonrecursive', 'bind-create-mountpoint', 'bind-create-src'];
const NAMES: Record<string, 'type' | 'source' | 'target' | 'readonly' | 'consistency'> = {
  ...{ type: 'type', source: 'source', src: 'source', target: 'target', dst: 'target', destination: 'target' },
  ...{ readonly: 'readonly', ro: 'readonly', consistency: 'consistency' },
};
const RECURSIVE: Record<string, Options> = {
  ...{ enabled: {}, disabled: { NonRecursive: true } },
  ...{ writable: { ReadOnlyNonRecursive: true }, readonly: { ReadOnlyForceRecursive: true } },
};

export function parseMount(text: string): Mount {
  const mount: Mount = { Type: 'volume' };
  for (const field of fieldsOf(text)) take(mount, field);
  if (mount.Type === '') throw new Error('type is required');
  if (!mount.Target) throw new Error('target is required');
  for (const [type, options] of Object.entries(OPTIONS))
    if (mount[options] && mount.Type !== type)
      throw new Error(`cannot mix '${type}-*' options with mount type '${mount.Type}'`);
  // As a shell's own paths are meant.
  if (mount.Type === 'bind' && /^\.{1,2}(\/|$)/.test(mount.Source ?? ''))
    mount.Source = resolve(mount.Source as string);
  return mount;
}

/** A line of CSV: what has a comma in it is in quotes. */
function fieldsOf(text: string): string[] {
  return (text.match(/(?:"(?:[^"]|"")*"|[^,"])+/g) ?? []).map((field) =>
    field.startsWith('"') && field.endsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field,
  );
}

function take(mount: Mount, field: string): void {
  const at = field.indexOf('=');
  const key = (at < 0 ? field : field.slice(0, at)).toLowerCase();
  if (at < 0 && !BARE.includes(key)) throw new Error(`invalid field '${field}' must be a key=value pair`);
  const value = at < 0 ? 'true' : field.slice(at + 1);
  const name = NAMES[key];
  if (name === 'type') mount.Type = value.toLowerCase();
  else if (name === 'source') mount.Source = value;
  else if (name === 'target') mount.Target = value;
  else if (name === 'consistency') mount.Consistency = value.toLowerCase();
  else if (name === 'readonly') mount.ReadOnly = truth(key, value);
  else further(mount, field, { key, value });
}

function further(mount: Mount, field: string, { key, value }: { key: string; value: string }): void {
  const [group = '', ...rest] = key.split('-');
  const has = group in OPTIONS ? optionsOf(group as Group, rest.join('-'), { key, value, mount }) : undefined;
  if (!has) throw new Error(`unexpected key '${key}' in '${field}'`);
  const options = OPTIONS[group as Group];
  mount[options] = { ...mount[options], ...has };
}

function optionsOf(
  group: Group,
  name: string,
  { key, value, mount }: { key: string; value: string; mount: Mount },
): Options | undefined {
  const [first = '', ...rest] = value.split('=');
  const pair = { [first]: rest.join('=') };
  const { Labels, DriverConfig } = (mount.VolumeOptions ?? {}) as {
    Labels?: Options;
    DriverConfig?: { Options?: Options };
  };
  switch (`${group}-${name}`) {
    case 'bind-propagation':
      return { Propagation: value.toLowerCase() };
    case 'bind-nonrecursive':
      return truth(key, value) ? RECURSIVE['disabled'] : {};
    case 'bind-create-mountpoint':
    case 'bind-create-src':
      return { CreateMountpoint: truth(key, value) };
    case 'bind-recursive':
      if (!RECURSIVE[value])
        throw new Error(
          `invalid value for ${key}: ${value} (must be "enabled", "disabled", "writable", or "readonly")`,
        );
      return RECURSIVE[value];
    case 'volume-nocopy':
      return { NoCopy: truth(key, value) };
    case 'volume-subpath':
    case 'image-subpath':
      return { Subpath: value };
    case 'volume-label':
      return { Labels: { ...Labels, ...pair } };
    case 'volume-driver':
      return { DriverConfig: { ...DriverConfig, Name: value } };
    case 'volume-opt':
      return { DriverConfig: { ...DriverConfig, Options: { ...DriverConfig?.Options, ...pair } } };
    case 'tmpfs-size':
      return { SizeBytes: sizeOf(key, value) };
    case 'tmpfs-mode':
      if (!/^[0-7]+$/.test(value)) throw new Error(`invalid value for ${key}: ${value}`);
      return { Mode: parseInt(value, 8) };
    default:
      return undefined;
  }
}

function truth(key: string, value: string): boolean {
  if (/^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  throw new Error(`invalid value for ${key}: ${value}`);
}

function sizeOf(key: string, value: string): number {
  try {
    return parseMemory(value);
  } catch (error) {
    throw new Error(`invalid value for ${key}: ${value}`, { cause: error });
  }
}
