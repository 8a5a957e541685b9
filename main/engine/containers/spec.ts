import { randomUUID } from 'node:crypto';
import { posix } from 'node:path';
import type { HelperHello } from '../helper/index.js';
import { capabilitiesOf } from './capabilities.js';
import { argumentsOf } from './config.js';
import { devicesOf } from './devices.js';
import { limitsOf } from './limits.js';
import { ID_MAPPED } from './mounts.js';
import type { ContainerRecord, FullHostConfig, MountPoint } from './record.js';
import type { OverlayMounts } from './rooms.js';
import type { UserNamespace } from './user-ids.js';
import { parseProfile, resolveProfile, type Seccomp } from './seccomp.js';
import { securityOptions } from './security.js';
import { withSources, type ImageLayers } from './sources.js';
import { mountedTmpfs } from './tmpfs.js';

/** Everything config.json is made of. */
export interface SpecInput {
  record: ContainerRecord;
  hello: HelperHello;
  overlay: OverlayMounts;
  /** Bind-mounted over /etc/hostname, /etc/hosts and /etc/resolv.conf. */
  files: { hostname: string; hosts: string; resolvConf: string };
  hostname: string;
  seccomp: Seccomp;
  /** The highest capability number of this kernel. */
  lastCapability: number;
  /** The first process of a container whose `namespace` is joined. Throws conflict where none runs. */
  pidOf(container: string, namespace: string): number;
  /** Where user and group ids are not this machine's own. */
  users: UserNamespace | undefined;
  /** Where config.json is. */
  bundle: string;
  /** The layers of the images that are mounted, by chain ID. */
  layers: ReadonlyMap<string, ImageLayers>;
}

interface OciMount {
  destination: string;
  type: string;
  source: string;
  options: string[];
}

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The OCI runtime specification (1.2) of a container, with Docker's defaults. */
export async function buildSpec(input: SpecInput): Promise<object> {
  const { record, hello, overlay, hostname, lastCapability } = input;
  const { config, hostConfig } = record;
  const capabilities = capabilitiesOf(hostConfig, lastCapability);
  const security = securityOptions(hostConfig.SecurityOpt);
  const [devices, deviceRules] = await devicesOf(hostConfig, hello.rootless);
  const seccomp = seccompOf(input, security.seccomp, capabilities);
  const [rows = 0, columns = 0] = hostConfig.ConsoleSize ?? [];
  const { bound, sources } = withSources(record.mounts, input.bundle, input.layers);
  return {
    ociVersion: '1.2.0',
    process: {
      terminal: config.Tty,
      ...(config.Tty && rows > 0 && columns > 0 && { consoleSize: { height: rows, width: columns } }),
      user: { uid: 0, gid: 0 }, // dev.slipway.user says who, once the container's own files can be asked
      args: argumentsOf(config),
      env: environmentOf(record, hostname),
      cwd: config.WorkingDir || '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      ...(hostConfig.Ulimits?.length && { rlimits: hostConfig.Ulimits.map(rlimitOf) }),
      noNewPrivileges: security.noNewPrivileges,
      ...(security.appArmor && { apparmorProfile: security.appArmor }),
      oomScoreAdj: hostConfig.OomScoreAdj,
    },
    root: { path: 'rootfs', readonly: hostConfig.ReadonlyRootfs },
    ...(hostConfig.UTSMode !== 'host' && { hostname }),
    ...(hostConfig.UTSMode !== 'host' && config.Domainname && { domainname: config.Domainname }),
    mounts: mountsOf(input, bound),
    annotations: {
      ...hostConfig.Annotations,
      'dev.slipway.overlay': JSON.stringify(overlay),
      'dev.slipway.user': config.User,
      ...(sources.length > 0 && { 'dev.slipway.sources': JSON.stringify(sources) }),
      ...(hostConfig.GroupAdd?.length && { 'dev.slipway.groups': JSON.stringify(hostConfig.GroupAdd) }),
      ...(hostConfig.Init && { 'dev.slipway.init': 'true' }),
    },
    linux: {
      namespaces: namespacesOf(input),
      ...(input.users && { uidMappings: input.users.uids, gidMappings: input.users.gids }),
      cgroupsPath: cgroupOf(record),
      resources: { devices: deviceRules, ...(await limitsOf(hostConfig)) },
      ...(devices.length > 0 && { devices }),
      ...(sysctlsOf(input) ?? {}),
      ...(seccomp && { seccomp }),
      ...(hostConfig.MaskedPaths && { maskedPaths: hostConfig.MaskedPaths }),
      ...(hostConfig.ReadonlyPaths && { readonlyPaths: hostConfig.ReadonlyPaths }),
      rootfsPropagation: propagationOf(record.mounts),
    },
  };
}

/** Its own below `--cgroup-parent`, or below ours. */
export const cgroupOf = ({ id, hostConfig }: Pick<ContainerRecord, 'id' | 'hostConfig'>): string =>
  posix.join(hostConfig.CgroupParent || 'slipway', id);

/** Docker's own variables, then the container's, which win. */
export function environmentOf({ config }: Pick<ContainerRecord, 'config'>, hostname: string): string[] {
  return mergeEnvironment([PATH, `HOSTNAME=${hostname}`, ...(config.Tty ? ['TERM=xterm'] : [])], config.Env);
}

/** Later entries replace earlier ones of the same name; a name alone takes the variable away. */
export function mergeEnvironment(base: readonly string[], over: readonly string[]): string[] {
  const merged = new Map<string, string>();
  for (const entry of [...base, ...over]) {
    const at = entry.indexOf('=');
    if (at < 0) merged.delete(entry);
    else merged.set(entry.slice(0, at), entry);
  }
  return [...merged.values()];
}

/** `container:web` names a container; other modes do not. */
export const sharedContainer = (mode: string): string | undefined => /^container:(.+)$/.exec(mode)?.[1];

function namespacesOf({ record, pidOf, users }: SpecInput): { type: string; path?: string }[] {
  const { hostConfig, network } = record;
  const namespace = (type: string, file: string, mode: string): { type: string; path?: string }[] => {
    if (mode === 'host') return [];
    const other = sharedContainer(mode);
    return [{ type, ...(other !== undefined && { path: `/proc/${pidOf(other, type)}/ns/${file}` }) }];
  };
  return [
    { type: 'mount' },
    ...namespace('network', 'net', network),
    ...namespace('uts', 'uts', hostConfig.UTSMode),
    ...namespace('pid', 'pid', hostConfig.PidMode),
    ...namespace('ipc', 'ipc', hostConfig.IpcMode),
    ...namespace('cgroup', 'cgroup', hostConfig.CgroupnsMode),
    ...(users ? [{ type: 'user', ...(users.path && { path: users.path }) }] : []),
  ];
}

function mountsOf({ record, hello, files, pidOf, users }: SpecInput, bound: MountPoint[]): OciMount[] {
  const { hostConfig, network } = record;
  const bind = (destination: string, source: string, ...options: string[]): OciMount => ({
    destination,
    type: 'bind',
    source,
    options: ['rbind', 'rprivate', ...options],
  });
  const readOnly = hostConfig.Privileged ? [] : ['ro'];
  // Files of this engine are root's inside; a person's own directories keep their owners, whatever the container's are called.
  const mapped = users ? ['idmap'] : [];
  const quiet = ['nosuid', 'noexec', 'nodev'];
  // A sysfs can be made only by who owns the network namespace it shows.
  const sys: OciMount =
    hello.rootless && network === 'host'
      ? bind('/sys', '/sys', ...quiet, ...readOnly)
      : { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...quiet, ...readOnly] };
  const system: OciMount[] = [
    { destination: '/proc', type: 'proc', source: 'proc', options: quiet },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    sys,
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...quiet, ...readOnly] },
    ...sharedMemory(hostConfig, pidOf, quiet, bind, hello.rootless || users !== undefined),
  ];
  const tmpfs = Object.entries(hostConfig.Tmpfs ?? {}).map((wish) => tmpfsAt(...wish));
  const wished = [...tmpfs, ...bound.map((mount) => mountOf(mount, users))];
  const identity = [
    bind('/etc/resolv.conf', files.resolvConf, ...mapped),
    bind('/etc/hostname', files.hostname, ...mapped),
    bind('/etc/hosts', files.hosts, ...mapped),
  ];
  // A person's own mount takes the place of ours, and parents come before what is mounted below them.
  const taken = new Set(wished.map(({ destination }) => destination));
  const ours = (mount: OciMount): boolean => !taken.has(mount.destination);
  const byDepth = [...identity.filter(ours), ...wished].sort((a, b) => depth(a.destination) - depth(b.destination));
  return [...system.filter(ours), ...byDepth];
}

function sharedMemory(
  hostConfig: FullHostConfig,
  pidOf: SpecInput['pidOf'],
  quiet: string[],
  bind: (destination: string, source: string) => OciMount,
  mappedIds: boolean,
): OciMount[] {
  const mqueue: OciMount = { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: quiet };
  const { IpcMode: mode, ShmSize: size } = hostConfig;
  if (mode === 'none') return [mqueue];
  // The machine's queues, which some machines have mounted nowhere; only their owner can mount them.
  if (mode === 'host') return [mappedIds ? bind('/dev/mqueue', '/dev/mqueue') : mqueue, bind('/dev/shm', '/dev/shm')];
  const other = sharedContainer(mode);
  if (other !== undefined) return [mqueue, bind('/dev/shm', `/proc/${pidOf(other, 'ipc')}/root/dev/shm`)];
  return [
    mqueue,
    { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...quiet, 'mode=1777', `size=${size}`] },
  ];
}

function mountOf(mount: MountPoint, users: UserNamespace | undefined): OciMount {
  const { Type, Source, Destination, RW, Propagation, Mode, own = {} } = mount;
  if (Type === 'tmpfs') return tmpfsAt(Destination, own.options ?? '');
  // What is mounted below is as read-only as the rest.
  const readOnly = own.nonRecursive || own.readOnlyNonRecursive ? ['ro'] : ['ro', 'rro'];
  const mapping = Type === 'volume' ? ['idmap'] : Mode.split(',').filter((option) => ID_MAPPED.has(option));
  return {
    destination: Destination,
    type: 'bind',
    source: own.device ?? Source,
    options: [
      ...(own.words ?? [own.nonRecursive ? 'bind' : 'rbind']),
      ...[Propagation || 'rprivate', ...(RW ? [] : readOnly)],
      ...(users ? mapping : []),
    ],
  };
}

const tmpfsAt = (destination: string, options: string): OciMount => ({
  destination: posix.normalize(destination).replace(/(?<=.)\/$/, ''),
  type: 'tmpfs',
  source: 'tmpfs',
  options: mountedTmpfs(options),
});

const depth = (path: string): number => path.split('/').length;

/** What a bind shares with the host has to pass through the root. */
function propagationOf(mounts: MountPoint[]): string {
  if (mounts.some(({ Propagation }) => /^r?shared$/.test(Propagation))) return 'shared';
  return mounts.some(({ Propagation }) => /^r?slave$/.test(Propagation)) ? 'rslave' : 'rprivate';
}

function seccompOf(
  { seccomp, hello, record }: SpecInput,
  wish: string | undefined,
  capabilities: string[],
): object | undefined {
  const target = { capabilities, kernel: hello.kernel };
  if (wish === 'unconfined' || (wish === undefined && record.hostConfig.Privileged)) return undefined;
  return wish === undefined ? seccomp.default(target) : resolveProfile(parseProfile(wish), target);
}

const lastGroup = (users: UserNamespace | undefined): number =>
  users ? users.gids.reduce((sum, { size }) => sum + size, 0) - 1 : 2147483647;

/** Ports below 1024 and ping for everybody, as dockerd has it, where the network namespace is the container's own. */
function sysctlsOf({ record, hello, users }: SpecInput): { sysctl: Record<string, string> } | undefined {
  const own = record.network !== 'host' && sharedContainer(record.network) === undefined;
  const sysctl = {
    ...(own && { 'net.ipv4.ip_unprivileged_port_start': '0' }),
    ...(own && !hello.rootless && { 'net.ipv4.ping_group_range': `0 ${lastGroup(users)}` }),
    ...record.hostConfig.Sysctls,
  };
  return Object.keys(sysctl).length > 0 ? { sysctl } : undefined;
}

const rlimitOf = ({ Name, Soft, Hard }: { Name: string; Soft: number; Hard: number }): object => ({
  type: `RLIMIT_${Name.toUpperCase()}`,
  // -1 is "unlimited"; RLIM_INFINITY is what C makes of it.
  soft: Soft < 0 ? UNLIMITED : Soft,
  hard: Hard < 0 ? UNLIMITED : Hard,
});

const UNLIMITED = 18446744073709551615n as unknown as number;

/** config.json as text; a 64-bit number that a double cannot hold stays exact. */
export function specText(spec: object): string {
  // Written in the place of such a number. Nobody can have given it, so nothing else reads like it.
  const mark = `${randomUUID()}:`;
  let marked = false;
  const write = (_: string, value: unknown) => {
    if (typeof value !== 'bigint') return value;
    marked = true;
    return `${mark}${value}`;
  };
  const text = JSON.stringify(spec, write);
  return marked ? text.replace(new RegExp(`"${mark}(\\d+)"`, 'g'), '$1') : text;
}
