import { isDeepStrictEqual } from 'node:util';
import { invalid, notImplemented } from '../../base/errors.js';
import type { ContainerConfig, ContainerCreate, HostConfig } from '../../contract/containers.js';
import type { ContainerChange } from '../../contract/changes.js';
import type { ImageConfig } from '../../contract/images.js';
import type { HelperHello } from '../helper/index.js';
import { MASKED_PATHS, READONLY_PATHS } from './host-config.js';
import type { LogDefaults } from './log-options.js';
import { planConfiguration } from './plan.js';
import type { ContainerRecord, FullConfig, FullHostConfig } from './record.js';

type Fields = Record<string, unknown>;

const CONFIG = new Set<string>([
  ...(['Hostname', 'Domainname', 'User', 'AttachStdin', 'AttachStdout', 'AttachStderr', 'Tty', 'OpenStdin'] as const),
  ...(['StdinOnce', 'Env', 'Cmd', 'WorkingDir', 'Entrypoint', 'Labels', 'StopSignal', 'StopTimeout'] as const),
  ...(['Healthcheck', 'Shell', 'Volumes'] as const),
] satisfies (keyof ContainerConfig)[]);

/** Networks, ports and user ids belong to a container from its creation on. */
const FIXED = new Set<string>([
  ...(['VolumeDriver', 'NetworkMode', 'PortBindings'] as const),
  ...(['PublishAllPorts', 'Links', 'UsernsMode', 'ExposedPorts', 'MacAddress'] as const),
]);

const HOST_CONFIG = new Set<string>([
  ...(['Binds', 'Mounts', 'Tmpfs', 'VolumesFrom'] as const),
  ...(['LogConfig', 'RestartPolicy', 'AutoRemove', 'CapAdd', 'CapDrop', 'Dns', 'DnsOptions', 'DnsSearch'] as const),
  ...(['ExtraHosts', 'GroupAdd', 'IpcMode', 'PidMode', 'UTSMode', 'CgroupnsMode', 'CgroupParent'] as const),
  ...(['Annotations', 'Privileged', 'ReadonlyRootfs', 'SecurityOpt', 'ShmSize', 'Sysctls', 'Runtime', 'Init'] as const),
  ...([
    'OomScoreAdj',
    'Ulimits',
    'MaskedPaths',
    'ReadonlyPaths',
    'ConsoleSize',
    'Devices',
    'DeviceCgroupRules',
  ] as const),
  ...(['Memory', 'MemoryReservation', 'MemorySwap', 'MemorySwappiness', 'OomKillDisable', 'NanoCpus'] as const),
  ...(['CpuShares', 'CpuPeriod', 'CpuQuota', 'CpusetCpus', 'CpusetMems', 'PidsLimit', 'BlkioWeight'] as const),
  ...(['BlkioWeightDevice', 'BlkioDeviceReadBps', 'BlkioDeviceWriteBps', 'BlkioDeviceReadIOps'] as const),
  ...(['BlkioDeviceWriteIOps'] as const),
]);

/** Lists of which an empty one says as much as none. */
const NOTHING_IS_NULL = new Set<string>(['Binds', 'Mounts', 'Tmpfs', 'VolumesFrom']);

/** What follows from a field besides itself. */
const FOLLOWS: Record<string, string[]> = {
  Cmd: ['Entrypoint'],
  Entrypoint: ['Cmd'],
  Memory: ['MemorySwap'],
  ...Object.fromEntries(
    ['Privileged', 'PidMode', 'IpcMode', 'SecurityOpt'].map((field) => [
      field,
      ['SecurityOpt', 'MaskedPaths', 'ReadonlyPaths'],
    ]),
  ),
};

export interface ConfigurationContext {
  hello: HelperHello;
  logs?: LogDefaults | undefined;
  /** Of the image it has; undefined where that is gone. */
  image: ImageConfig | undefined;
  /** The image that it is to have. */
  next?: { reference: string; config: ImageConfig } | undefined;
}

/** A container's configuration with a change, checked as `create` checks it. */
export async function changedConfiguration(
  record: ContainerRecord,
  { Config = {}, HostConfig = {} }: Pick<ContainerChange, 'Config' | 'HostConfig'>,
  { hello, logs, image, next }: ConfigurationContext,
): Promise<Pick<ContainerRecord, 'config' | 'hostConfig'> & { warnings: string[] }> {
  const config = wished('Config', Config, record.config, CONFIG);
  const hostConfig = wished('HostConfig', HostConfig, record.hostConfig, HOST_CONFIG);
  const own = ownWish(record, image ?? {});
  const body = {
    ...said({ ...own, ...config }),
    Image: next?.reference ?? record.image.reference,
    HostConfig: said({ ...ownHostConfig(record.hostConfig, hostConfig), ...hostConfig }) as Partial<HostConfig>,
  } as ContainerCreate;
  const plan = await planConfiguration(record.id, body, next?.config ?? image ?? {}, { hello, logs });
  const fields = (wish: Fields): string[] => Object.keys(wish).flatMap((name) => [name, ...(FOLLOWS[name] ?? [])]);
  // What is said of volumes is all that there is: that a container goes without one of its image's can be said no other way.
  const wanted = config['Volumes'] ?? (next?.config ?? image)?.Volumes ?? null;
  const Volumes = ('Volumes' in config ? wanted : record.config.Volumes) as FullConfig['Volumes'];
  return {
    config: { ...(next ? plan.config : taken(record.config, plan.config, fields(config))), Volumes } as FullConfig,
    hostConfig: taken(record.hostConfig, plan.hostConfig, fields(hostConfig)) as FullHostConfig,
    warnings: [...plan.warnings, ...(next ? volumesNotMounted(record, next.config) : [])],
  };
}

/** What differs from what is there. What cannot be changed is refused by name; who sends back what he was shown asks for nothing. */
function wished(part: string, wish: Fields, before: Fields, known: Set<string>): Fields {
  const differing = Object.entries(wish).filter(
    ([name, value]) =>
      value !== undefined &&
      !isDeepStrictEqual(value, before[name] ?? null) &&
      !((FIXED.has(name) || NOTHING_IS_NULL.has(name)) && isNothing(value) && isNothing(before[name])) &&
      !(name === 'Volumes' && isNothing(value) && before[name] === null),
  );
  for (const [name, value] of differing) {
    if (FIXED.has(name)) {
      throw notImplemented(
        `${part}.${name} cannot be changed in this version of Slipway: make another container for other networks, ports or user ids`,
      );
    }
    if (!known.has(name) && value !== null) throw invalid(`${part}.${name} is nothing that can be changed`);
  }
  return Object.fromEntries(differing.filter(([name]) => known.has(name)));
}

const isNothing = (value: unknown): boolean =>
  typeof value === 'object' && value !== null ? Object.keys(value).length === 0 : !value;

/** What a container was wished to be beside what its image says. */
function ownWish({ id, config, hostConfig }: ContainerRecord, image: ImageConfig): Fields {
  const beside = <Value>(value: Value, imageValue: unknown): Value | undefined =>
    isDeepStrictEqual(value, imageValue) ? undefined : value;
  const without = (all: object | null | undefined, imageAll: object | null | undefined): object =>
    Object.fromEntries(
      Object.entries(all ?? {}).filter(([key, value]) => !isDeepStrictEqual(value, (imageAll as Fields | null)?.[key])),
    );
  const ownEntrypoint = !isDeepStrictEqual(config.Entrypoint ?? null, image.Entrypoint ?? null);
  const generated = config.Hostname === id.slice(0, 12) || hostConfig.UTSMode === 'host';
  return {
    ...config,
    Hostname: generated ? undefined : config.Hostname,
    User: beside(config.User, image.User),
    WorkingDir: beside(config.WorkingDir, image.WorkingDir),
    Env: config.Env.filter((entry) => !image.Env?.includes(entry)),
    // An entrypoint that was taken away is one empty word.
    Entrypoint: ownEntrypoint ? (config.Entrypoint ?? ['']) : undefined,
    Cmd: ownEntrypoint ? config.Cmd : beside(config.Cmd, image.Cmd),
    Labels: without(config.Labels, image.Labels),
    Volumes: without(config.Volumes, image.Volumes),
    ExposedPorts: without(config.ExposedPorts, image.ExposedPorts),
    StopSignal: beside(config.StopSignal, image.StopSignal),
    Healthcheck: beside(config.Healthcheck, image.Healthcheck),
    Shell: beside(config.Shell, image.Shell),
  };
}

/** Without what followed from something else, where that may follow otherwise now. */
function ownHostConfig(before: FullHostConfig, wish: Fields): Fields {
  const own: Fields = { ...before };
  if ('Memory' in wish && before.Memory > 0 && before.MemorySwap === before.Memory * 2) delete own['MemorySwap'];
  const shared = before.Privileged || before.PidMode === 'host' || before.IpcMode === 'host';
  if (shared && isDeepStrictEqual(before.SecurityOpt, ['label=disable'])) delete own['SecurityOpt'];
  if (isDeepStrictEqual(before.MaskedPaths, MASKED_PATHS)) delete own['MaskedPaths'];
  if (isDeepStrictEqual(before.ReadonlyPaths, READONLY_PATHS)) delete own['ReadonlyPaths'];
  return own;
}

const said = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null));

function taken<Whole extends Fields>(before: Whole, plan: Fields, fields: string[]): Whole & FullConfig {
  const after: Fields = { ...before };
  for (const name of fields) {
    if (plan[name] === undefined) delete after[name];
    else after[name] = plan[name];
  }
  return after as Whole & FullConfig;
}

function volumesNotMounted({ mounts }: ContainerRecord, { Volumes }: ImageConfig): string[] {
  return Object.keys(Volumes ?? {})
    .filter((path) => !mounts.some(({ Destination }) => Destination === path))
    .map((path) => `The new image wants a volume at ${path}; the container keeps the mounts it has.`);
}
