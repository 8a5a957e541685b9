import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { normalize } from 'node:path/posix';
import { invalid, notImplemented } from '../../base/errors.js';
import type { ContainerCreate } from '../../contract/containers.js';
import type { ImageConfig } from '../../contract/images.js';
import type { HelperHello } from '../helper/index.js';
import { capabilitiesOf } from './capabilities.js';
import { checkHealthcheck, mergeHealthcheck } from './health.js';
import { checkLimits, checkMemoryNodes, dropWhatCannotHold } from './limits.js';
import { planMounts } from './mounts.js';
import type { FullConfig, FullHostConfig, MountPoint } from './record.js';
import { checkedRestartPolicy } from './restart-policy.js';
import { parseProfile } from './seccomp.js';
import { signalNumber } from './signals.js';

/** What `POST /containers/create` asked for, checked, with what the image and Docker's defaults add. */
export interface ContainerPlan {
  config: FullConfig;
  hostConfig: FullHostConfig;
  mounts: MountPoint[];
  warnings: string[];
}

export const MASKED_PATHS = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];

export const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** The kernel's own limit. */
const LONGEST_HOSTNAME = 64;
const SHM_SIZE = 64 * 1024 * 1024;
const LOG_OPTIONS = 'max-size max-file labels labels-regex env env-regex tag compress mode max-buffer-size'.split(' ');
const RLIMITS =
  'as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(' ');

export async function planContainer(
  id: string,
  body: ContainerCreate,
  image: ImageConfig,
  hello: HelperHello,
): Promise<ContainerPlan> {
  const config = mergeConfig(id, body, image);
  const hostConfig = fillHostConfig((body.HostConfig ?? {}) as Record<string, unknown>, hello);
  // On this machine's network it has this machine's name.
  if (!body.Hostname && (hostConfig.NetworkMode === 'host' || hostConfig.UTSMode === 'host'))
    config.Hostname = hostname();
  refuseWhatIsMissing(hostConfig, body, image);
  checkConfig(config);
  checkHostConfig(hostConfig);
  checkAppArmor(hostConfig, hello);
  await checkMemoryNodes(hostConfig);
  const warnings = dropWhatCannotHold(hostConfig, hello);
  const { mounts, tmpfs } = await planMounts(hostConfig as { Binds: string[] | null });
  if (Object.keys(tmpfs).length > 0) hostConfig.Tmpfs = tmpfs;
  return { config, hostConfig, mounts, warnings };
}

/** The process to run, as inspect's Path and Args have it. */
export const argumentsOf = ({ Entrypoint, Cmd }: Pick<FullConfig, 'Entrypoint' | 'Cmd'>): string[] => [
  ...(Entrypoint ?? []),
  ...(Cmd ?? []),
];

/** Docker's merge: the request wins, the image fills what it left open. */
function mergeConfig(id: string, body: ContainerCreate, image: ImageConfig): FullConfig {
  let entrypoint = list(body.Entrypoint);
  let cmd = list(body.Cmd);
  if (!entrypoint?.length) {
    if (!cmd?.length) cmd = image.Cmd ?? null;
    entrypoint ??= image.Entrypoint ?? null;
  }
  // `--entrypoint ''` takes the image's away.
  if (entrypoint?.length === 1 && entrypoint[0] === '') entrypoint = null;
  if (!entrypoint?.length && !cmd?.length) throw invalid('No command specified');
  const env = [...(body.Env ?? [])];
  const named = new Set(env.map(keyOf));
  env.push(...(image.Env ?? []).filter((entry) => !named.has(keyOf(entry))));
  const ports = { ...image.ExposedPorts, ...body.ExposedPorts };
  const volumes = { ...image.Volumes, ...body.Volumes };
  const stopSignal = body.StopSignal || image.StopSignal;
  const healthcheck = mergeHealthcheck(body.Healthcheck, image.Healthcheck);
  const shell = body.Shell ?? image.Shell;
  return {
    Hostname: body.Hostname || id.slice(0, 12),
    Domainname: body.Domainname ?? '',
    User: body.User || image.User || '',
    AttachStdin: body.AttachStdin ?? false,
    AttachStdout: body.AttachStdout ?? false,
    AttachStderr: body.AttachStderr ?? false,
    ...(Object.keys(ports).length > 0 && { ExposedPorts: ports }),
    Tty: body.Tty ?? false,
    OpenStdin: body.OpenStdin ?? false,
    StdinOnce: body.StdinOnce ?? false,
    Env: env,
    Cmd: cmd,
    ...(healthcheck && { Healthcheck: healthcheck }),
    Image: body.Image ?? '',
    Volumes: Object.keys(volumes).length > 0 ? volumes : null,
    WorkingDir: cleaned(body.WorkingDir || image.WorkingDir || ''),
    Entrypoint: entrypoint,
    OnBuild: null,
    Labels: { ...image.Labels, ...body.Labels },
    ...(stopSignal && { StopSignal: stopSignal }),
    ...(shell?.length && { Shell: shell }),
    ...(typeof body.StopTimeout === 'number' && { StopTimeout: body.StopTimeout }),
  };
}

const cleaned = (path: string): string => path && normalize(path).replace(/(?<=.)\/$/, '');

/** A list, or the single string that old clients send. */
const list = (given: string[] | string | null | undefined): string[] | null =>
  typeof given === 'string' ? [given] : (given ?? null);

const keyOf = (entry: string): string => entry.split('=', 1)[0] as string;

/** In the order and with the defaults of dockerd's inspect. */
function fillHostConfig(body: Record<string, unknown>, hello: HelperHello): FullHostConfig {
  const privileged = body['Privileged'] === true;
  const unmasked = privileged || ((body['SecurityOpt'] as string[] | null) ?? []).includes('systempaths=unconfined');
  const defaults = {
    Binds: null,
    ContainerIDFile: '',
    LogConfig: { Type: 'json-file', Config: {} },
    NetworkMode: 'default',
    PortBindings: null,
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    AutoRemove: false,
    VolumeDriver: '',
    VolumesFrom: null,
    ConsoleSize: [0, 0],
    CapAdd: null,
    CapDrop: null,
    CgroupnsMode: 'private',
    Dns: null,
    DnsOptions: null,
    DnsSearch: null,
    ExtraHosts: null,
    GroupAdd: null,
    IpcMode: 'private',
    Cgroup: '',
    Links: null,
    OomScoreAdj: 0,
    PidMode: '',
    Privileged: false,
    PublishAllPorts: false,
    ReadonlyRootfs: false,
    SecurityOpt: null,
    UTSMode: '',
    UsernsMode: '',
    ShmSize: SHM_SIZE,
    Runtime: 'slipway',
    Isolation: '',
    CpuShares: 0,
    Memory: 0,
    NanoCpus: 0,
    CgroupParent: '',
    BlkioWeight: 0,
    BlkioWeightDevice: null,
    BlkioDeviceReadBps: null,
    BlkioDeviceWriteBps: null,
    BlkioDeviceReadIOps: null,
    BlkioDeviceWriteIOps: null,
    CpuPeriod: 0,
    CpuQuota: 0,
    CpuRealtimePeriod: 0,
    CpuRealtimeRuntime: 0,
    CpusetCpus: '',
    CpusetMems: '',
    Devices: null,
    DeviceCgroupRules: null,
    DeviceRequests: null,
    MemoryReservation: 0,
    MemorySwap: 0,
    MemorySwappiness: null,
    OomKillDisable: hello.cgroup.version === 1 ? false : null,
    PidsLimit: null,
    Ulimits: null,
    CpuCount: 0,
    CpuPercent: 0,
    IOMaximumIOps: 0,
    IOMaximumBandwidth: 0,
    MaskedPaths: unmasked ? null : MASKED_PATHS,
    ReadonlyPaths: unmasked ? null : READONLY_PATHS,
  };
  const filled: Record<string, unknown> = { ...defaults };
  const further = 'Tmpfs Sysctls Init Mounts Annotations StorageOpt KernelMemory KernelMemoryTCP'.split(' ');
  for (const key of [...Object.keys(defaults), ...further]) {
    const given = body[key];
    if (given !== undefined && given !== null) filled[key] = given;
  }
  const hostConfig = filled as unknown as FullHostConfig;
  // An empty word or a zero means: as usual.
  hostConfig.NetworkMode ||= 'default';
  hostConfig.IpcMode ||= 'private';
  hostConfig.CgroupnsMode ||= 'private';
  hostConfig.Runtime ||= 'slipway';
  hostConfig.ShmSize ||= SHM_SIZE;
  // Where it shares everything there is no label to keep it apart.
  if (privileged || hostConfig.PidMode === 'host' || hostConfig.IpcMode === 'host')
    hostConfig.SecurityOpt ??= ['label=disable'];
  hostConfig.RestartPolicy = checkedRestartPolicy(hostConfig.RestartPolicy);
  const { Type = '', Config } = hostConfig.LogConfig;
  hostConfig.LogConfig = { Type: Type || 'json-file', Config: Config ?? {} };
  if (hostConfig.Memory > 0 && hostConfig.MemorySwap === 0) hostConfig.MemorySwap = hostConfig.Memory * 2;
  if (hostConfig.MemorySwappiness === -1) hostConfig.MemorySwappiness = null;
  if (hostConfig.PidsLimit !== null && hostConfig.PidsLimit <= 0) hostConfig.PidsLimit = null;
  return hostConfig;
}

/** What this version has no answer for is refused by name: a wish that is silently dropped would surprise later. */
function refuseWhatIsMissing(hostConfig: FullHostConfig, body: ContainerCreate, image: ImageConfig): void {
  // An image's own volumes are plain directories of the container for now; what a person asks for must keep its promise.
  const anonymous = Object.keys(body.Volumes ?? {}).filter((path) => !(path in (image.Volumes ?? {})));
  const given = (value: unknown): boolean =>
    Array.isArray(value)
      ? value.length > 0
      : typeof value === 'object' && value
        ? Object.keys(value).length > 0
        : !!value;
  const missing: Record<string, unknown> = {
    'published ports (-p)': hostConfig.PortBindings,
    'publishing all ports (-P)': hostConfig.PublishAllPorts,
    'links (--link)': hostConfig.Links,
    'volumes from another container (--volumes-from)': hostConfig.VolumesFrom,
    'anonymous volumes (-v /path)': anonymous,
    'volume drivers (--volume-driver)': hostConfig['VolumeDriver'],
    'device requests (--gpus)': hostConfig['DeviceRequests'],
    'storage options (--storage-opt)': hostConfig['StorageOpt'],
    'a cgroup parent (--cgroup-parent)': hostConfig['CgroupParent'],
  };
  for (const [name, value] of Object.entries(missing)) {
    if (given(value))
      throw notImplemented(`${name} are not available in this version of Slipway: leave that option out`);
  }
}

function checkConfig(config: FullConfig): void {
  if (config.WorkingDir && !config.WorkingDir.startsWith('/')) {
    throw invalid(`the working directory '${config.WorkingDir}' is invalid, it needs to be an absolute path`);
  }
  for (const entry of config.Env) if (keyOf(entry) === '') throw invalid(`invalid environment variable: ${entry}`);
  if (Buffer.byteLength(config.Hostname) > LONGEST_HOSTNAME)
    throw invalid(`invalid hostname: ${config.Hostname} is longer than ${LONGEST_HOSTNAME} bytes`);
  if (config.StopSignal) signalNumber(config.StopSignal);
  checkHealthcheck(config.Healthcheck);
  const texts = [...argumentsOf(config), ...config.Env, config.WorkingDir, config.Hostname, config.User];
  if (texts.some((text) => text.includes('\0')))
    throw invalid('a NUL byte cannot be part of a command or its environment');
}

function checkHostConfig(hostConfig: FullHostConfig): void {
  if (hostConfig.AutoRemove && hostConfig.RestartPolicy.Name !== 'no')
    throw invalid("can't create 'AutoRemove' container with restart policy");
  checkLog(hostConfig);
  checkLimits(hostConfig);
  capabilitiesOf(hostConfig, 63);
  securityOptions(hostConfig.SecurityOpt);
  if (hostConfig.ShmSize < 0) throw invalid('SHM size can not be less than 0');
  if (hostConfig.OomScoreAdj < -1000 || hostConfig.OomScoreAdj > 1000) {
    throw invalid(`Invalid value ${hostConfig.OomScoreAdj}, range for oom score adj is [-1000, 1000]`);
  }
  for (const [field, modes] of Object.entries({
    IpcMode: /^(|none|private|shareable|host|container:.+)$/,
    PidMode: /^(|host|container:.+)$/,
    UTSMode: /^(|host)$/,
    UsernsMode: /^(|host|auto)$/,
    CgroupnsMode: /^(|host|private)$/,
  })) {
    const mode = String(hostConfig[field] ?? '');
    const name = field === 'CgroupnsMode' ? 'cgroup namespace mode' : field.replace('Mode', ' mode');
    if (!modes.test(mode)) throw invalid(`invalid ${name}: ${mode}`);
  }
  if (hostConfig.NetworkMode === 'container:')
    throw invalid('Invalid network mode: invalid container format container:<name|id>');
  for (const { Name, Soft, Hard } of hostConfig.Ulimits ?? []) {
    if (!RLIMITS.includes(Name)) throw invalid(`invalid ulimit type: ${Name}`);
    if (Hard !== -1 && (Soft > Hard || Soft === -1)) {
      throw invalid(`ulimit soft limit must be less than or equal to hard limit: ${Soft} > ${Hard}`);
    }
  }
  for (const server of hostConfig.Dns ?? [])
    if (!isIP(server)) throw invalid(`bad nameserver: ${server} is not an ip address`);
  for (const entry of hostConfig.ExtraHosts ?? []) {
    const [, address] = /^[^:=\s]+[:=](.+)$/.exec(entry) ?? [];
    if (address === undefined) throw invalid(`bad format for add-host: "${entry}"`);
    if (address !== 'host-gateway' && !isIP(address.replace(/^\[(.*)\]$/, '$1')))
      throw invalid(`invalid IP address in add-host: "${address}"`);
  }
  for (const name of Object.keys(hostConfig.Sysctls ?? {})) {
    if (!/^[a-z0-9_-]+([./][a-zA-Z0-9_-]+)+$/.test(name)) throw invalid(`invalid sysctl: ${name}`);
  }
}

function checkLog({ LogConfig: { Type, Config } }: FullHostConfig): void {
  if (Type === 'none') return;
  if (Type !== 'json-file') throw invalid(`error looking up logging plugin ${Type}: plugin "${Type}" not found`);
  for (const option of Object.keys(Config)) {
    if (!LOG_OPTIONS.includes(option)) throw invalid(`unknown log opt '${option}' for json-file log driver`);
  }
  logLimits(Config);
}

/** When the log is rotated: never, unless `max-size` says so. */
export function logLimits(config: Record<string, string>): { maxSize: number; maxFile: number } {
  const size = config['max-size'];
  const count = config['max-file'];
  const maxSize = size === undefined || size === '-1' ? 0 : bytesOf(size, 'max-size');
  const maxFile = count === undefined ? 1 : Number(count);
  if (!Number.isInteger(maxFile) || maxFile < 1) throw invalid('max-file cannot be less than 1');
  return { maxSize, maxFile };
}

function bytesOf(text: string, name: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?) ?([kmgt]?)(?:i?b)?$/i.exec(text) ?? [];
  const scale = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 }[unit?.toLowerCase() ?? ''];
  if (number === undefined || scale === undefined) throw invalid(`invalid size: '${text}' for ${name}`);
  return Math.floor(Number(number) * scale);
}

export interface SecurityOptions {
  noNewPrivileges: boolean;
  /** `unconfined`, or the JSON of a profile; undefined: the default profile. */
  seccomp?: string;
  /** The name of a loaded profile; undefined: none. */
  appArmor?: string;
}

function checkAppArmor({ SecurityOpt }: FullHostConfig, { apparmor }: HelperHello): void {
  const { appArmor } = securityOptions(SecurityOpt);
  if (appArmor && !apparmor) {
    throw notImplemented(`this kernel has no AppArmor: leave "apparmor=${appArmor}" out, or say apparmor=unconfined`);
  }
}

/** `--security-opt`, in its two spellings. */
export function securityOptions(options: string[] | null): SecurityOptions {
  const result: SecurityOptions = { noNewPrivileges: false };
  for (const option of options ?? []) {
    if (option === 'no-new-privileges') {
      result.noNewPrivileges = true;
      continue;
    }
    const at = option.search(/[=:]/);
    const [key, value] = at < 0 ? [option, undefined] : [option.slice(0, at), option.slice(at + 1)];
    if (value === undefined) throw invalid(`invalid --security-opt 1: "${option}"`);
    if (key === 'no-new-privileges') result.noNewPrivileges = value === 'true';
    else if (key === 'seccomp') result.seccomp = value;
    else if (key === 'apparmor') {
      if (value !== 'unconfined' && value !== '') result.appArmor = value;
    } else if (key === 'label') {
      if (value !== 'unconfined' && value !== 'disable' && value !== '') {
        throw notImplemented(`this engine gives no SELinux labels: leave "${option}" out, or say label=disable`);
      }
    } else if (key !== 'systempaths' || value !== 'unconfined') throw invalid(`invalid --security-opt 2: "${option}"`);
  }
  if (result.seccomp === 'builtin' || result.seccomp === '') delete result.seccomp;
  if (result.seccomp !== undefined && result.seccomp !== 'unconfined') parseProfile(result.seccomp);
  return result;
}
