/** `GET /version` and `GET /info`, the fields that clients read. */
export interface SystemVersion {
  Platform: { Name: string };
  Components: { Name: string; Version: string; Details?: Record<string, string> }[];
  Version: string;
  ApiVersion: string;
  MinAPIVersion: string;
  GitCommit: string;
  GoVersion: string;
  Os: string;
  Arch: string;
  KernelVersion: string;
  BuildTime: string;
}

/** `GET /system/df`, the fields that are read. Bytes; -1: not counted. */
export interface DockerDiskUsage {
  LayersSize: number;
  Images: { Containers: number; Size: number; SharedSize: number }[];
  Containers: { State: string; SizeRw?: number }[];
  Volumes: { UsageData?: { Size: number; RefCount: number } | null }[];
  BuildCache: { Size: number }[];
}

export interface SystemInfo {
  ID: string;
  Name: string;
  ServerVersion: string;
  Containers: number;
  ContainersRunning: number;
  ContainersPaused: number;
  ContainersStopped: number;
  Images: number;
  Driver: string;
  DockerRootDir: string;
  OperatingSystem: string;
  OSType: string;
  Architecture: string;
  KernelVersion: string;
  NCPU: number;
  MemTotal: number;
  CgroupDriver: string;
  CgroupVersion: string;
  SecurityOptions: string[];
  DefaultRuntime: string;
  Runtimes: Record<string, { path: string }>;
  RegistryConfig: {
    IndexConfigs: Record<string, unknown>;
    InsecureRegistryCIDRs: string[];
    Mirrors: string[];
    AllowNondistributableArtifactsCIDRs: string[];
    AllowNondistributableArtifactsHostnames: string[];
  };
  Warnings: string[] | null;
  [more: string]: unknown;
}

/** `GET /slipway/features`: what this engine can do beyond Docker's API. A foreign engine answers 404: nothing of it. */
export interface SlipwayFeatures {
  /** Our own version and whether the engine runs without root. */
  version: string;
  rootless: boolean;
  /** `app`: hosted by the desktop app; `headless`: on its own. */
  host: 'app' | 'headless';
  /** The pid of the process that hosts the engine. */
  pid: number;
  /**
   * Further things it can do, by name: `stats`, `stats-history`, `files`, `debug-shell`, `bin`, `change`, `history`, `check`,
   * `publish` where ports can be published, and `build` where images can be built. Absent on engines of old.
   */
  can?: string[];
  /** A starter image can be made without a network (`POST /slipway/starter`); undefined when busybox-static is missing. */
  starter?: { image: string; present: boolean };
  /** What this machine cannot do, in sentences (limits, networks). */
  warnings: string[];
}

/**
 * `POST /slipway/handover`: the caller takes over. A headless engine started with `--standby` (by the app when it quits, or by the helper's watchdog) ends once its
 * answer is out, leaving containers and the helper alone. One that a person started goes on and answers `conflict`: the app becomes its client.
 */
export interface HandoverAnswer {
  pid: number;
}
