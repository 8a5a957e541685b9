import type {
  ContainerInspect,
  ContainerState,
  ContainerSummary,
  EndpointSettings,
  Health,
} from '../../contract/containers.js';
import type { Container } from './container.js';
import { argumentsOf } from './config.js';
import { NEVER, shownMount, type ContainerRecord, type FullHostConfig } from './record.js';
import { onBridges } from './places-on-networks.js';
import { inspectedPorts, listedPorts } from './published-ports.js';
import type { OverlayMounts, PublishedPort } from './rooms.js';
import type { ContainerPaths } from './paths.js';
import { securityOptions } from './security.js';
import { statusInWords } from './words.js';

export interface Sizes {
  SizeRw: number;
  SizeRootFs: number;
}

function stateOf(container: Container, health: Health | undefined): ContainerState {
  const { record, live, status } = container;
  return {
    Status: status,
    Running: container.running,
    Paused: live !== undefined && record.paused,
    Restarting: container.restarting !== undefined,
    OOMKilled: record.oomKilled,
    Dead: status === 'dead',
    Pid: live?.pid ?? 0,
    ExitCode: record.exitCode,
    Error: record.error,
    StartedAt: record.startedAt,
    FinishedAt: record.finishedAt,
    ...(health && { Health: health }),
  };
}

/** It ran, or somebody tried to start it. */
const wasTried = ({ record, live }: Container): boolean =>
  live !== undefined || record.startedAt !== NEVER || record.error !== '';

/** The networks a container is on, as inspect and list name them. */
function networksOf(
  container: Container,
  endpoints: Record<string, EndpointSettings>,
): Record<string, EndpointSettings> {
  if (wasTried(container)) return endpoints;
  // A network is only known by name until the container starts.
  return Object.fromEntries(Object.entries(endpoints).map(([name, place]) => [name, { ...place, NetworkID: '' }]));
}

/** `image`: what its image is called, or its ID. */
export function summarize(
  container: Container,
  {
    endpoints,
    published,
    image,
    sizes,
  }: {
    endpoints: Record<string, EndpointSettings>;
    published: PublishedPort[];
    image: string;
    sizes?: Sizes | undefined;
  },
): ContainerSummary {
  const { record, status } = container;
  const { config, hostConfig } = record;
  return {
    Id: record.id,
    Names: [`/${record.name}`],
    Image: image,
    ImageID: record.image.id,
    Command: commandInWords(argumentsOf(config)),
    Created: Math.floor(Date.parse(record.created) / 1000),
    Ports: portsOf(container, published),
    Labels: config.Labels,
    State: status,
    Status: statusInWords({ ...record, status }),
    HostConfig: { NetworkMode: hostConfig.NetworkMode },
    NetworkSettings: { Networks: networksOf(container, endpoints) },
    Mounts: record.mounts.map(shownMount),
    // As everywhere in lists, nothing is not said.
    ...(sizes && { ...(sizes.SizeRw > 0 && { SizeRw: sizes.SizeRw }), SizeRootFs: sizes.SizeRootFs }),
  };
}

/** Those of a container that runs; of the others nobody can say. */
export const portsOf = (container: Container, published: PublishedPort[]): ContainerSummary['Ports'] =>
  container.live && onBridges(container.record) ? listedPorts(container.record.config, published) : [];

/** The command line as dockerd shows it: what has a space is quoted. */
const commandInWords = (args: string[]): string =>
  args.map((arg) => (arg.includes(' ') ? `'${arg.replaceAll("'", `\\'`)}'` : arg)).join(' ');

/** As it was wished for: a tmpfs of `Mounts` is not one of `--tmpfs` as well. */
function hostConfigOf({ hostConfig, mounts }: ContainerRecord): FullHostConfig {
  const { Tmpfs, ...rest } = hostConfig;
  const own = Object.entries(Tmpfs ?? {}).filter(
    ([place]) => !mounts.some(({ Type, Destination }) => Type === 'tmpfs' && Destination === place),
  );
  return (own.length > 0 ? { ...rest, Tmpfs: Object.fromEntries(own) } : rest) as FullHostConfig;
}

export function inspect(
  container: Container,
  {
    endpoints,
    published,
    overlay,
    paths,
    sizes,
    health,
  }: {
    endpoints: Record<string, EndpointSettings>;
    published: PublishedPort[];
    overlay?: OverlayMounts;
    paths: ContainerPaths;
    sizes?: Sizes;
    health?: Health;
  },
): ContainerInspect {
  const { record } = container;
  const [path = '', ...args] = argumentsOf(record.config);
  /** The fields beside `Networks` are those of the default bridge alone. */
  const bridge = endpoints['bridge'];
  const wherever = (file: string): string => (wasTried(container) ? file : '');
  return {
    Id: record.id,
    Created: record.created,
    Path: path,
    Args: args,
    State: stateOf(container, health),
    Image: record.image.id,
    ResolvConfPath: wherever(paths.resolvConf),
    HostnamePath: wherever(paths.hostname),
    HostsPath: wherever(paths.hosts),
    LogPath: record.hostConfig.LogConfig.Type === 'none' ? '' : wherever(paths.log),
    Name: `/${record.name}`,
    RestartCount: record.restartCount,
    Driver: overlay?.driver ?? 'overlay2',
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: securityOptions(record.hostConfig.SecurityOpt).appArmor ?? '',
    ExecIDs: container.execs.size > 0 ? [...container.execs] : null,
    HostConfig: hostConfigOf(record),
    GraphDriver: {
      Data: overlay
        ? {
            LowerDir: overlay.lower.join(':'),
            MergedDir: paths.merged,
            UpperDir: overlay.upper,
            WorkDir: overlay.work,
          }
        : {},
      Name: overlay?.driver ?? 'overlay2',
    },
    ...sizes,
    Mounts: record.mounts.map(shownMount),
    Config: record.config,
    NetworkSettings: {
      Bridge: '',
      SandboxID: '',
      SandboxKey: container.live && record.network !== 'host' ? `/proc/${container.live.pid}/ns/net` : '',
      Ports: container.live && onBridges(record) ? inspectedPorts(record.config, published) : {},
      HairpinMode: false,
      LinkLocalIPv6Address: '',
      LinkLocalIPv6PrefixLen: 0,
      SecondaryIPAddresses: null,
      SecondaryIPv6Addresses: null,
      EndpointID: bridge?.EndpointID ?? '',
      Gateway: bridge?.Gateway ?? '',
      GlobalIPv6Address: bridge?.GlobalIPv6Address ?? '',
      GlobalIPv6PrefixLen: bridge?.GlobalIPv6PrefixLen ?? 0,
      IPAddress: bridge?.IPAddress ?? '',
      IPPrefixLen: bridge?.IPPrefixLen ?? 0,
      IPv6Gateway: bridge?.IPv6Gateway ?? '',
      MacAddress: bridge?.MacAddress ?? '',
      Networks: networksOf(container, endpoints),
    },
  };
}
