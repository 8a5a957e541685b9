import type { EndpointConfig } from './networks.js';
/** Containers, as the Docker Engine API 1.47 speaks of them. Names and shapes are the published schema's. */

export type ContainerStatus = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';

/** What runs and how: the part that comes from the image and `docker run`'s arguments. */
export interface ContainerConfig {
  Hostname: string;
  Domainname: string;
  User: string;
  AttachStdin: boolean;
  AttachStdout: boolean;
  AttachStderr: boolean;
  Tty: boolean;
  OpenStdin: boolean;
  StdinOnce: boolean;
  Env: string[];
  Cmd: string[] | null;
  Image: string;
  Volumes: Record<string, object> | null;
  WorkingDir: string;
  Entrypoint: string[] | null;
  Labels: Record<string, string>;
  ExposedPorts?: Record<string, object>;
  StopSignal?: string;
  StopTimeout?: number;
  Healthcheck?: HealthConfig;
  /** What runs a command that is written as one string. */
  Shell?: string[];
  NetworkDisabled?: boolean;
  /** What a build on top of an image that is made of it would do first. */
  OnBuild?: string[] | null;
}

/** A command whose exit status says how the container is. Times in nanoseconds; zero: as usual. */
export interface HealthConfig {
  /** `['CMD', …]`, `['CMD-SHELL', …]` or `['NONE']`; empty: the image's. */
  Test?: string[];
  Interval?: number;
  Timeout?: number;
  StartPeriod?: number;
  StartInterval?: number;
  Retries?: number;
}

export type HealthStatus = 'starting' | 'healthy' | 'unhealthy';

/** What came of the last health checks. */
export interface Health {
  Status: HealthStatus;
  FailingStreak: number;
  Log: { Start: string; End: string; ExitCode: number; Output: string }[];
}

export interface LogConfig {
  Type: string;
  Config: Record<string, string>;
}

export interface RestartPolicy {
  Name: '' | 'no' | 'always' | 'unless-stopped' | 'on-failure';
  MaximumRetryCount: number;
}

export interface DeviceWeight {
  Path: string;
  Weight: number;
}

/** Bytes or operations a second. */
export interface DeviceRate {
  Path: string;
  Rate: number;
}

/** What a container may use. Memory and swap in bytes, -1: as much as there is; CPU time in billionths of a core (NanoCpus). */
export interface Resources {
  Memory: number;
  MemoryReservation: number;
  MemorySwap: number;
  MemorySwappiness: number | null;
  OomKillDisable: boolean | null;
  NanoCpus: number;
  CpuShares: number;
  CpuPeriod: number;
  CpuQuota: number;
  CpuRealtimePeriod: number;
  CpuRealtimeRuntime: number;
  CpusetCpus: string;
  CpusetMems: string;
  PidsLimit: number | null;
  BlkioWeight: number;
  BlkioWeightDevice: DeviceWeight[] | null;
  BlkioDeviceReadBps: DeviceRate[] | null;
  BlkioDeviceWriteBps: DeviceRate[] | null;
  BlkioDeviceReadIOps: DeviceRate[] | null;
  BlkioDeviceWriteIOps: DeviceRate[] | null;
  /** Not in Linux any more. */
  KernelMemory?: number;
  KernelMemoryTCP?: number;
  /** Windows alone has them. */
  CpuCount?: number;
  CpuPercent?: number;
  IOMaximumBandwidth?: number;
  IOMaximumIOps?: number;
}

/** The body of `POST /containers/{id}/update`: what is zero, empty or absent stays as it is. */
export type ContainerUpdate = Partial<Resources> & { RestartPolicy?: RestartPolicy };

/** How the container meets this machine. */
export interface HostConfig extends Resources {
  Binds: string[] | null;
  LogConfig: LogConfig;
  NetworkMode: string;
  RestartPolicy: RestartPolicy;
  AutoRemove: boolean;
  CapAdd: string[] | null;
  CapDrop: string[] | null;
  Dns: string[] | null;
  ExtraHosts: string[] | null;
  GroupAdd: string[] | null;
  IpcMode: string;
  PidMode: string;
  UTSMode: string;
  /** `host`: this machine's ids even where the engine remaps them; `auto` (ours): ids of its own. */
  UsernsMode: string;
  CgroupnsMode: string;
  /** The cgroup that its own is made in; empty: the engine's. */
  CgroupParent: string;
  Annotations?: Record<string, string>;
  Privileged: boolean;
  PublishAllPorts: boolean;
  ReadonlyRootfs: boolean;
  SecurityOpt: string[] | null;
  ShmSize: number;
  Tmpfs?: Record<string, string>;
  Sysctls?: Record<string, string>;
  Runtime: string;
  Init?: boolean | null;
  OomScoreAdj: number;
  Ulimits: { Name: string; Soft: number; Hard: number }[] | null;
  MaskedPaths: string[] | null;
  ReadonlyPaths: string[] | null;
  PortBindings: Record<string, { HostIp: string; HostPort: string }[]> | null;
  Links: string[] | null;
  VolumesFrom: string[] | null;
  ConsoleSize?: [rows: number, columns: number];
}

/** The body of `POST /containers/create`; unknown fields are ignored, `null` is accepted for lists. */
export type ContainerCreate = Partial<ContainerConfig> & {
  HostConfig?: Partial<HostConfig>;
  NetworkingConfig?: { EndpointsConfig?: Record<string, EndpointConfig | null> };
  /** Before API 1.44: of its first network. */
  MacAddress?: string;
};

export interface ContainerCreated {
  Id: string;
  Warnings: string[];
}

export interface EndpointSettings {
  IPAMConfig: { IPv4Address?: string; IPv6Address?: string; LinkLocalIPs?: string[] } | null;
  NetworkID: string;
  EndpointID: string;
  Gateway: string;
  IPAddress: string;
  IPPrefixLen: number;
  IPv6Gateway: string;
  GlobalIPv6Address: string;
  GlobalIPv6PrefixLen: number;
  MacAddress: string;
  Aliases: string[] | null;
  Links: string[] | null;
  DriverOpts: Record<string, string> | null;
  GwPriority?: number;
  /** The names that others on its network find it by. */
  DNSNames?: string[] | null;
}

/** One row of `GET /containers/json`. */
export interface ContainerSummary {
  Id: string;
  Names: string[];
  Image: string;
  ImageID: string;
  Command: string;
  /** Unix seconds. */
  Created: number;
  Ports: { IP?: string; PrivatePort: number; PublicPort?: number; Type: string }[];
  SizeRw?: number;
  SizeRootFs?: number;
  Labels: Record<string, string>;
  State: ContainerStatus;
  /** In words: `Up 3 minutes`, `Exited (0) 2 hours ago`. */
  Status: string;
  HostConfig: { NetworkMode: string };
  NetworkSettings: { Networks: Record<string, EndpointSettings> };
  Mounts: unknown[];
}

export interface ContainerState {
  Status: ContainerStatus;
  Running: boolean;
  Paused: boolean;
  Restarting: boolean;
  OOMKilled: boolean;
  Dead: boolean;
  Pid: number;
  ExitCode: number;
  Error: string;
  /** RFC 3339, `0001-01-01T00:00:00Z` when it never happened. */
  StartedAt: string;
  FinishedAt: string;
  /** Of a container with a health check, from its first start on. */
  Health?: Health;
}

/** `GET /containers/{id}/json`. */
export interface ContainerInspect {
  Id: string;
  Created: string;
  Path: string;
  Args: string[];
  State: ContainerState;
  Image: string;
  ResolvConfPath: string;
  HostnamePath: string;
  HostsPath: string;
  LogPath: string;
  Name: string;
  RestartCount: number;
  Driver: string;
  Platform: string;
  MountLabel: string;
  ProcessLabel: string;
  AppArmorProfile: string;
  ExecIDs: string[] | null;
  HostConfig: HostConfig;
  GraphDriver: { Name: string; Data: Record<string, string> };
  SizeRw?: number;
  SizeRootFs?: number;
  Mounts: unknown[];
  Config: ContainerConfig;
  NetworkSettings: {
    Bridge: string;
    SandboxID: string;
    Ports: Record<string, unknown>;
    Gateway: string;
    IPAddress: string;
    IPPrefixLen: number;
    MacAddress: string;
    Networks: Record<string, EndpointSettings>;
    [more: string]: unknown;
  };
}

export interface ContainerWait {
  StatusCode: number;
  Error?: { Message: string };
}

export interface ContainerTop {
  Titles: string[];
  Processes: string[][];
}

/** `POST /containers/{id}/exec`. */
export interface ExecCreate {
  AttachStdin?: boolean;
  AttachStdout?: boolean;
  AttachStderr?: boolean;
  DetachKeys?: string;
  Tty?: boolean;
  Env?: string[] | null;
  Cmd: string[];
  Privileged?: boolean;
  User?: string;
  WorkingDir?: string;
  ConsoleSize?: [rows: number, columns: number] | null;
}

export interface ExecStart {
  Detach?: boolean;
  Tty?: boolean;
  ConsoleSize?: [rows: number, columns: number] | null;
}

export interface ExecInspect {
  ID: string;
  Running: boolean;
  ExitCode: number | null;
  ProcessConfig: { tty: boolean; entrypoint: string; arguments: string[]; privileged: boolean; user?: string };
  OpenStdin: boolean;
  OpenStderr: boolean;
  OpenStdout: boolean;
  CanRemove: boolean;
  ContainerID: string;
  DetachKeys: string;
  Pid: number;
}
