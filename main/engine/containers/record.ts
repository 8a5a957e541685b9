import type { ContainerConfig, Health, HostConfig } from '../../contract/containers.js';
import type { ForeignRuntime } from '../helper/index.js';
import type { EndpointWish, NetworkMode } from './rooms.js';

/** What was wished of each network that a container is on. */
export type Endpoints = Record<string, EndpointWish>;

/** Docker's "never". */
export const NEVER = '0001-01-01T00:00:00Z';

/** What one container is, as the store keeps it. Process ids and sockets are not here: the monitor knows them. */
export interface ContainerRecord {
  id: string;
  /** Without the slash. */
  name: string;
  created: string;
  image: { id: string; reference: string; chainId: string };
  config: FullConfig;
  hostConfig: FullHostConfig;
  mounts: MountPoint[];
  network: NetworkMode;
  /** By name, all networks it is to be on; absent: the one above alone. */
  endpoints?: Endpoints;
  runtime: ForeignRuntime | null;
  /** The ids of this machine that its own are; absent: the same, or those of the container whose namespaces it shares. */
  userIds?: IdMap;
  /** It has been let go, or is about to be: its monitor knows how far it came. */
  running: boolean;
  paused: boolean;
  /** The boot in which it was last let go. */
  bootId: string;
  startedAt: string;
  finishedAt: string;
  exitCode: number;
  error: string;
  oomKilled: boolean;
  /** Of the run that is or was the last one. */
  health?: Health;
  /** Stopped by somebody's wish: `unless-stopped` stays down. */
  stoppedByHand: boolean;
  /** Restarts that its policy has made since it was last started by hand. */
  restartCount: number;
  /** Its policy waits to let it go again; `restartCount` has that restart already. */
  restartPending: boolean;
  /** In the row of a run that is about to begin: how things stood, should it turn out never to have begun. */
  before?: Standing;
  /** A change of its configuration that needs a restart and is not settled yet. */
  trial?: Trial;
  /** Mounts that are being put into the run there is, or taken out of it: whoever finds this looks how far that came. */
  mounting?: Mounting;
  /** Anonymous volumes that it had once, and would have again. */
  former?: MountPoint[];
}

/** One field of a configuration, `Config.Env` or `HostConfig.Memory`, before and after; absent: it is not there. */
export interface FieldPatch {
  Field: string;
  From?: unknown;
  To?: unknown;
}

export type ImageOf = ContainerRecord['image'];

/**
 * A change on its way, as it must be known should we not live to see its end. `stop`: it is to be stopped for it; `try`: it runs with it and is
 * watched; `undo`: that went wrong; `back`: it runs as before again.
 */
export interface Trial {
  stage: 'stop' | 'try' | 'undo' | 'back';
  patches: FieldPatch[];
  image?: { from: ImageOf; to: ImageOf };
  runtime?: { from: ForeignRuntime | null; to: ForeignRuntime | null };
  mounts?: { from: MountPoint[]; to: MountPoint[] };
  /** The name it is to have in the end. */
  name?: string;
  /** Of a change back: the entry of its history whose configuration it is to have again. */
  revertTo?: number;
  /** How long it is watched where it has no health check (ms). */
  watch: number;
  /** When it was let go with the change. */
  since?: string;
  /** Why it is undone. */
  reason?: string;
}

/** A change of its mounts while it runs. */
export interface Mounting {
  /** Its configuration afterwards. */
  after: Pick<ContainerRecord, 'config' | 'hostConfig' | 'mounts' | 'former'>;
  patches: FieldPatch[];
  added: MountPoint[];
  removed: MountPoint[];
  /** Volumes that were made for it. */
  made: string[];
  revertTo?: number;
}

/** What a run makes of a container. */
export type Standing = Pick<
  ContainerRecord,
  | 'running'
  | 'paused'
  | 'bootId'
  | 'startedAt'
  | 'exitCode'
  | 'error'
  | 'oomKilled'
  | 'stoppedByHand'
  | 'restartPending'
>;

/** Fields that we keep and show without acting on them come along. */
export type FullConfig = ContainerConfig & Record<string, unknown>;
export type FullHostConfig = HostConfig & { Devices?: DeviceMapping[] } & Record<string, unknown>;

export interface DeviceMapping {
  PathOnHost: string;
  PathInContainer: string;
  CgroupPermissions: string;
}

/** One line of a user namespace's map, as the runtime specification has it. */
export interface IdMapping {
  containerID: number;
  hostID: number;
  size: number;
}

export interface IdMap {
  uids: IdMapping[];
  gids: IdMapping[];
}

/** A directory or file of this machine, a volume, an image's files or a tmpfs, at a place in the container. */
export interface MountPoint {
  Type: 'bind' | 'image' | 'tmpfs' | 'volume';
  /** Of a volume; of an image as it was asked for. */
  Name?: string;
  Source: string;
  Destination: string;
  Driver?: string;
  Mode: string;
  RW: boolean;
  Propagation: string;
  /** What inspect has no word for. */
  own?: {
    /** A volume whose name was invented for this container: it goes with `rm -v` and `--rm`. */
    anonymous?: boolean;
    /** The directory of this machine that a volume stands for, and the words by which it is bound. */
    device?: string;
    words?: string[];
    /** Of a tmpfs. */
    options?: string;
    nonRecursive?: boolean;
    readOnlyNonRecursive?: boolean;
    /** The part of the volume or the image that is mounted. */
    subpath?: string;
    /** The image that it is of. */
    image?: { id: string; chainId: string };
    /** A bind whose source is not made where it is missing. */
    strict?: boolean;
    /** The container that it is inherited from, by `--volumes-from`. */
    from?: { id: string; name: string };
    /** It was not there when the container was made. */
    added?: boolean;
    /** It was put into a run: where, with links followed; how many of the last names of that were made for it; its number there, and when that run began (ticks). */
    live?: { path: string; made: number; mount: number; run: number };
  };
}

/** As inspect and lists show it. */
export function shownMount({ Type, Name, Source, Destination, Driver, Mode, RW, Propagation }: MountPoint): object {
  return {
    Type,
    ...(Name !== undefined && { Name }),
    Source,
    Destination,
    ...(Driver !== undefined && { Driver }),
    Mode,
    RW,
    Propagation,
  };
}

/** The volumes of a container. */
export const volumesOf = ({ mounts }: Pick<ContainerRecord, 'mounts'>): string[] =>
  mounts.flatMap(({ Type, Name }) => (Type === 'volume' && Name !== undefined ? [Name] : []));

/** Those of its volumes that it may write to. */
export const writableVolumesOf = ({ mounts }: Pick<ContainerRecord, 'mounts'>): string[] =>
  volumesOf({ mounts: mounts.filter(({ RW }) => RW) });

/** The images whose files it has mounted. */
export const imagesOf = ({ mounts }: Pick<ContainerRecord, 'mounts'>): { id: string; chainId: string }[] =>
  mounts.flatMap(({ own }) => own?.image ?? []);

/** Those of its volumes whose names were invented for it. */
export const anonymousOf = ({ mounts }: Pick<ContainerRecord, 'mounts'>): string[] =>
  volumesOf({ mounts: mounts.filter(({ own }) => own?.anonymous) });

export function standingOf(record: ContainerRecord): Standing {
  const { running, paused, bootId, startedAt, exitCode, error, oomKilled, stoppedByHand, restartPending } = record;
  return { running, paused, bootId, startedAt, exitCode, error, oomKilled, stoppedByHand, restartPending };
}
