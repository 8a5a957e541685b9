import { EngineError, invalid } from '../../base/errors.js';
import type { VolumeKind } from '../../contract/volume-data.js';
import type { VolumeCreate } from '../../contract/volumes.js';

/** What we keep of a volume. Who uses it is not here: containers take their holds again when they open. */
export interface VolumeRecord {
  name: string;
  created: string;
  labels: Record<string, string> | null;
  options: Record<string, string> | null;
  /** Nobody chose its name. */
  anonymous: boolean;
  /** The container that it was made with, and its name then. Not known of those that older engines made. */
  createdBy?: { id: string; name: string };
  /** It came back from the bin, where this was its id: its files are still there where an engine was killed before it moved them. */
  binned?: string;
}

/** By this label newer clients know a volume whose name nobody chose. */
const ANONYMOUS_LABEL = 'com.docker.volume.anonymous';

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const LONGEST_NAME = 255;

/** A wish for a volume, checked in dockerd's words. */
export function checkVolume({ Name = '', Driver = '', DriverOpts }: VolumeCreate): void {
  if (Driver !== '' && Driver !== 'local') {
    throw new EngineError(
      'not-found',
      `create ${Name}: error looking up volume plugin ${Driver}: plugin "${Driver}" not found`,
    );
  }
  checkName(Name);
  checkOptions(Name, DriverOpts ?? {});
}

function checkName(name: string): void {
  if (name === '') return;
  if (name.length === 1) {
    throw invalid(`create ${name}: volume name is too short, names should be at least two alphanumeric characters`);
  }
  if (name.length > LONGEST_NAME)
    throw invalid(`create ${name}: volume name is too long, at most ${LONGEST_NAME} characters`);
  if (!NAME.test(name)) {
    throw invalid(
      `create ${name}: ${JSON.stringify(name)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    );
  }
}

/** What `docker volume create -o` knows, and which of them want which others. */
const KNOWN = ['type', 'o', 'device', 'size'];
const WANTED: Record<string, string[]> = { device: ['type'], type: ['device'], o: ['device', 'type'] };
/** What a mount of a directory can be told. */
const FOLDER_WORDS = new Set(
  'bind rbind defaults ro rw suid nosuid dev nodev exec noexec atime noatime diratime nodiratime relatime norelatime strictatime nostrictatime'.split(
    ' ',
  ),
);

function checkOptions(name: string, options: Record<string, string>): void {
  const wrong = (why: string) => invalid(`create ${name}: ${why}`);
  for (const key of Object.keys(options)) if (!KNOWN.includes(key)) throw wrong(`invalid option: "${key}"`);
  const { size, type = '', device = '', o = '' } = options;
  if (size !== undefined && !/^\d+(\.\d+)?\s*([kmgtp]i?)?b?$/i.test(size)) throw wrong(`invalid size: '${size}'`);
  // Of one directory in many no file system that we can rely on counts what is in it.
  if (size !== undefined && Number.parseFloat(size) > 0) throw wrong('quota size requested but no quota support');
  for (const key of Object.keys(options)) {
    for (const wanted of WANTED[key] ?? [])
      if (options[wanted] === undefined) throw wrong(`missing required option: "${wanted}"`);
  }
  if (type === '' && device === '') return;
  if (type === '' || device === '') throw wrong(`missing required option: "${type === '' ? 'type' : 'device'}"`);
  if (type === 'cifs' && /^\w*:?\/\/[^/]*:\d/.test(device))
    throw wrong("port not allowed in CIFS device URL, include 'port' in 'o='");
  if (!isFolder(options)) return;
  if (!device.startsWith('/')) throw wrong(`the directory of this machine must be an absolute path: ${device}`);
  if (!words(o).some((word) => /^r?bind$/.test(word)))
    throw wrong(`type=${type} is a directory of this machine, which takes o=bind`);
  for (const word of words(o)) if (!FOLDER_WORDS.has(word)) throw wrong(`a directory has no mount option "${word}"`);
}

/** What we keep of one that is made now. */
export function recordOf({
  Name = '',
  Labels,
  DriverOpts,
  anonymous,
  createdBy,
}: VolumeCreate & Pick<VolumeRecord, 'anonymous' | 'createdBy'>): VolumeRecord {
  return {
    name: Name,
    created: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    labels: anonymous ? { ...Labels, [ANONYMOUS_LABEL]: '' } : (Labels ?? null),
    options: DriverOpts ?? null,
    anonymous,
    ...(createdBy && { createdBy }),
  };
}

/** Somebody chose that name. */
export function renamed({ labels, ...record }: VolumeRecord, name: string): VolumeRecord {
  const { [ANONYMOUS_LABEL]: invented, ...others } = labels ?? {};
  const kept = invented === undefined ? labels : Object.keys(others).length > 0 ? others : null;
  return { ...record, name, labels: kept, anonymous: false };
}

const words = (o = ''): string[] => o.split(',').filter(Boolean);

const isFolder = ({ type }: Record<string, string>): boolean => type === 'none' || type === 'bind';

type Optioned = Pick<VolumeRecord, 'options'>;

/** What a volume is. Any file system that is mounted (`type=ext4`, …) counts as another machine's: its files are there only while somebody has it. */
export function kindOf(record: Optioned): VolumeKind {
  if (deviceOf(record) !== undefined) return 'folder';
  const type = fileSystemOf(record)?.type;
  return type === undefined ? 'local' : type === 'tmpfs' ? 'tmpfs' : 'nfs';
}

/** The directory of this machine that the options of a volume put in its place. */
export function deviceOf({ options }: Optioned): string | undefined {
  return options && isFolder(options) ? options['device'] : undefined;
}

/** How that directory is bound: the words for a mount, `rbind` or `bind` first. */
export function folderWordsOf(record: Optioned): string[] | undefined {
  if (deviceOf(record) === undefined) return undefined;
  const said = words(record.options?.['o']);
  const own = said.filter((word) => !/^(r?bind|defaults)$/.test(word));
  return [said.includes('rbind') ? 'rbind' : 'bind', ...own];
}

/** The file system that is mounted in a volume's place while somebody has it; undefined: it is a directory. */
export function fileSystemOf(record: Optioned): { type: string; device: string; options: string[] } | undefined {
  const { type = '', device = '', o } = record.options ?? {};
  if (type === '' || deviceOf(record) !== undefined) return undefined;
  return { type, device, options: words(o) };
}
