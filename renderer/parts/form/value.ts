/** What the form about a container holds: as typed, nothing computed. */
export interface ContainerForm {
  image: string;
  name: string;
  pull: 'missing' | 'always' | 'never';
  /** Words as a shell splits them. */
  command: string;
  /** The same; `''` (two quotes) takes the image's away. */
  entrypoint: string;
  workdir: string;
  user: string;
  hostname: string;
  env: Pair[];
  labels: Pair[];
  interactive: boolean;
  tty: boolean;
  detach: boolean;
  autoRemove: boolean;
  restart: Restart;
  /** Of `on-failure`: how often at most; empty: without end. */
  retries: string;
  ports: PortRow[];
  mounts: MountRow[];
  /** Path and options. */
  tmpfs: Pair[];
  /** Containers whose mounts it has too, `name` or `name:ro`, with spaces between them. */
  volumesFrom: string;
  /** Empty: the engine's default. */
  network: string;
  /** Addresses with spaces between them. */
  dns: string;
  /** Host and address. */
  extraHosts: Pair[];
  memory: string;
  memorySwap: string;
  cpus: string;
  cpuset: string;
  pids: string;
  shm: string;
  /** Names with spaces between them. */
  capAdd: string;
  capDrop: string;
  privileged: boolean;
  readOnly: boolean;
  noNewPrivileges: boolean;
  init: boolean;
  devices: DeviceRow[];
  sysctls: Pair[];
  /** Name, and `soft` or `soft:hard`. */
  ulimits: Pair[];
  stopSignal: string;
  stopTimeout: string;
  health: HealthForm;
  /** Empty: the engine's. */
  logDriver: string;
  logOptions: Pair[];
  /** Flags of `docker run` that have no field, as they are written there. */
  other: string;
}

export type Restart = 'no' | 'on-failure' | 'unless-stopped' | 'always';

export interface Pair {
  key: string;
  value: string;
}

export interface PortRow {
  /** Empty: every address of the machine. */
  ip: string;
  /** A port or a range; empty: one that is free. */
  host: string;
  container: string;
  protocol: 'tcp' | 'udp' | 'sctp';
}

export interface MountRow {
  /** A path of the engine's machine, the name of a volume, or empty: a volume without a name. */
  source: string;
  /** The source is an image's name: its files are mounted, to be read. */
  image?: boolean;
  /** The part of a volume or an image that is mounted; empty: all of it. */
  subpath?: string;
  target: string;
  readOnly: boolean;
  /** Further words of `-v`: `z`, `rshared`. */
  options: string;
  /** As `--mount` has it: a path that is not there is a mistake, not made. */
  strict: boolean;
}

export interface DeviceRow {
  host: string;
  /** Empty: the same path. */
  container: string;
  /** Empty: `rwm`. */
  permissions: string;
}

export interface HealthForm {
  /** `image`: the image's own check. */
  mode: 'image' | 'command' | 'none';
  command: string;
  /** The command as it was while its words ran without a shell; another text is the shell's. */
  exec?: string;
  interval: string;
  timeout: string;
  startPeriod: string;
  retries: string;
}

/** What `docker run` does when nothing is said. */
export const plainForm: ContainerForm = {
  image: '',
  name: '',
  pull: 'missing',
  command: '',
  entrypoint: '',
  workdir: '',
  user: '',
  hostname: '',
  env: [],
  labels: [],
  interactive: false,
  tty: false,
  detach: false,
  autoRemove: false,
  restart: 'no',
  retries: '',
  ports: [],
  mounts: [],
  tmpfs: [],
  volumesFrom: '',
  network: '',
  dns: '',
  extraHosts: [],
  memory: '',
  memorySwap: '',
  cpus: '',
  cpuset: '',
  pids: '',
  shm: '',
  capAdd: '',
  capDrop: '',
  privileged: false,
  readOnly: false,
  noNewPrivileges: false,
  init: false,
  devices: [],
  sysctls: [],
  ulimits: [],
  stopSignal: '',
  stopTimeout: '',
  health: { mode: 'image', command: '', interval: '', timeout: '', startPeriod: '', retries: '' },
  logDriver: '',
  logOptions: [],
  other: '',
};

/** What the Run dialog begins with: something to type into. */
export const emptyForm: ContainerForm = { ...plainForm, interactive: true, tty: true };

/** `a b, c`: the words of a field that holds several. */
export const wordsOf = (text: string): string[] => text.split(/[\s,]+/).filter((word) => word !== '');

/** A path on the engine's machine, or what a person means to be one. */
export const isPath = (source: string): boolean => /^[/~.$`]/.test(source);

/** Lines of `KEY=value`, as pasted or from a `.env` file: comments, `export` and quotes around a value go. Undefined: it is something else. */
export function readPairs(text: string): Pair[] | undefined {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim().replace(/^(?:export|-e|--env|ENV)\s+/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'));
  const pairs = lines.map((line) => {
    const [, key, value = ''] = /^([A-Za-z_][\w.-]*)\s*=\s*(.*)$/.exec(line) ?? [];
    if (key === undefined) return undefined;
    const [, , inner] = /^(["'])(.*)\1$/.exec(value) ?? [];
    return { key, value: inner ?? value };
  });
  return pairs.length > 0 && pairs.every((pair) => pair !== undefined) ? (pairs as Pair[]) : undefined;
}

/** What of a text that is pasted into one cell of a pair makes rows; undefined: it goes into the cell. A value of one line is a value, whatever is in it. */
export const pastedPairs = (text: string, column: keyof Pair): Pair[] | undefined =>
  (column === 'key' ? /[=\n]/.test(text) : text.trim().includes('\n')) ? readPairs(text) : undefined;
