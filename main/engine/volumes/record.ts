import { EngineError, invalid, notImplemented } from '../../base/errors.js';
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
export const ANONYMOUS_LABEL = 'com.docker.volume.anonymous';

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

/** Of the local driver's mounts we make binds; the others are refused by name. */
function checkOptions(name: string, options: Record<string, string>): void {
  const keys = Object.keys(options);
  for (const key of keys) {
    if (!['type', 'o', 'device', 'size'].includes(key))
      throw invalid(`create ${name}: invalid option: ${JSON.stringify(key)}`);
  }
  if (options['size'] !== undefined) {
    throw notImplemented(
      `create ${name}: a quota (the option size) is not something volumes can have here: leave it out`,
    );
  }
  if (keys.length === 0) return;
  for (const key of ['device', 'type']) {
    if (!options[key]) throw invalid(`create ${name}: missing required option: ${JSON.stringify(key)}`);
  }
  if (deviceOf({ options }) !== undefined) return;
  throw notImplemented(
    `create ${name}: a volume with type=${options['type']} is not available in this version: use a directory of this machine (type=none, o=bind, device=/path)`,
  );
}

/** What its options make of it. */
export function kindOf(record: Pick<VolumeRecord, 'options'>): VolumeKind {
  if (deviceOf(record) !== undefined) return 'folder';
  const { type = '' } = record.options ?? {};
  return type === 'tmpfs' ? 'tmpfs' : type.startsWith('nfs') ? 'nfs' : 'local';
}

/** The directory of this machine that the options of a volume put in its place. */
export function deviceOf({ options }: Pick<VolumeRecord, 'options'>): string | undefined {
  const { type = '', o = '', device = '' } = options ?? {};
  const bind = (type === 'none' || type === 'bind') && o.split(',').some((word) => word === 'bind' || word === 'rbind');
  return bind && device.startsWith('/') ? device : undefined;
}
