import type { Socket } from 'node:net';
import type { Change } from '../../base/store.js';
import type { EndpointSettings } from '../../contract/containers.js';
import type { EngineEvent } from '../../contract/events.js';
import type { ImageConfig } from '../../contract/images.js';
import type { FolderWarning } from '../../contract/mounts.js';
import type {
  ExecRequest,
  FilesPlace,
  ForeignRuntime,
  HelperHello,
  MountAttachRequest,
  MountDetachRequest,
  NetworkRequest,
  RunRequest,
  SeenFile,
  SeenHolder,
  SeenTarget,
  Started,
} from '../helper/index.js';
import type { Bin } from '../bin/index.js';
import type { Reservation, VolumeWish } from '../volumes/index.js';
import type { LogDefaults } from './log-options.js';
import type { ImageLayers } from './sources.js';
import type { Remap } from './user-ids.js';

/** What this room asks of the rooms above it; the real ones are wider. */

export interface HelperRoom {
  readonly hello: HelperHello;
  run(
    request: RunRequest,
    monitor: { onListening: () => void; survived: () => Promise<{ pid: number } | undefined> },
  ): Promise<{ pid: number }>;
  exec(request: ExecRequest): Promise<Started>;
  signalAll(id: string): Promise<void>;
  freeze(id: string): Promise<void>;
  thaw(id: string): Promise<void>;
  /** `resources`: the runtime specification's, of a container that runs. */
  update(id: string, resources: object): Promise<void>;
  delete(id: string, options?: { exec?: boolean }): Promise<void>;
  discard(path: string, options?: { sync?: boolean }): Promise<void>;
  usage(path: string): Promise<{ bytes: number; entries: number }>;
  lend(attached: Socket, target?: object): Promise<void>;
  mountLook(
    place: FilesPlace,
    request: { id?: string; target: string; source?: string; forbidden?: string[] },
  ): Promise<{ seen: SeenTarget; gone: Promise<void> }>;
  mountAttach(request: MountAttachRequest): Promise<{ path: string; made: number; mount: number }>;
  mountDetach(request: MountDetachRequest): Promise<{ detached: boolean; holders?: SeenHolder[] }>;
  fileRead(
    place: FilesPlace,
    request: { path: string; offset: number; length?: number },
    signal: AbortSignal,
  ): Promise<{ stat: SeenFile; bytes: AsyncIterable<Uint8Array> }>;
}

export interface UsageRoom {
  /** Counts what a directory holds. */
  measure(path: string): Promise<{ bytes: number }>;
  /** What was counted last, and counts again behind the answer. Undefined: never yet. */
  recall(path: string): Promise<{ bytes: number; at: number } | undefined>;
  /** They were changed just now. */
  outdate(paths: Iterable<string>): void;
  forget(paths: Iterable<string>): Promise<void>;
}

export interface StoreRoom {
  rows<Row>(table: string): Map<string, Row>;
  commit(build: (change: Change) => void): Promise<void>;
  /** What was wrong with the data when it was opened. */
  readonly warnings?: readonly string[];
}

export interface EventsRoom {
  publish(type: EngineEvent['Type'], action: string, id: string, attributes?: Record<string, string>): void;
}

export interface OverlayMounts {
  lower: string[];
  upper: string;
  work: string;
  /** Who puts them together, where that is not the kernel; with `vfs` the upper directory has everything. */
  driver?: 'fuse-overlayfs' | 'vfs';
}

export interface SnapshotsRoom {
  prepare(containerId: string, chainId: string): Promise<OverlayMounts>;
  mountsOf(containerId: string): OverlayMounts | Promise<OverlayMounts>;
  /** How an image's files are mounted, read-only. Nothing takes the layers away meanwhile: somebody holds them. */
  layersOf(chainId: string): Promise<ImageLayers>;
  /** Keeps a stack of layers for as long as this engine runs; the holder takes it again with the next. */
  hold(chainId: string, holder: string): void;
  release(chainId: string, holder: string): void;
  /** Bytes of all that is below a container's own files. */
  sizeBelow(containerId: string): number;
  /** Writes down what was prepared. */
  keep(change: Change, containerId: string): void;
  /** Puts a container on another stack, its own files on top. */
  rebase(change: Change, containerId: string, chainId: string): void;
  /** Throws where that cannot be. */
  checkRebase?(containerId: string): void;
  /** Returns how to delete the layers that nobody else needs. */
  discard(change: Change, containerId: string): () => Promise<void>;
  /** The containers it keeps something for. */
  active?(): string[];
}

export interface ResolvedImage {
  id: string;
  chainId: string;
  config: ImageConfig;
}

export interface ImagesRoom {
  resolve(reference: string, platform?: string): ResolvedImage;
  /** What is to be said where nobody asked for a platform and the image is for another. */
  platformWarning(imageId: string): string | undefined;
  hold(change: Change, imageId: string, holder: string): void;
  release(change: Change, imageId: string, holder: string): void;
  /** The image of a container that runs cannot be removed, not even by force. */
  setRunning(holder: string, running: boolean): void;
  /** A holder that is in the bin, or not any more. */
  setAside(holder: string, aside: boolean): void;
}

export interface VolumesRoom {
  reserve(wishes: VolumeWish[], holder: string, lower: string[]): Promise<Reservation>;
  hold(names: Iterable<string>, holder: string): void;
  /** The containers that have it, by full id, those too that are just getting it. */
  holdersOf(name: string): string[];
  /** Where a volume's files are; undefined where there is none of that name. */
  sourceOf(name: string): string | undefined;
  /** `goners`: those that go with the container where nobody else has them. Returns how to delete what is in them; `locked`: by who has reserved them. */
  release(
    change: Change,
    holder: string,
    goners?: Iterable<string>,
    /** Not all of its own, but these. */
    only?: ReadonlySet<string>,
  ): (how?: { locked: boolean }) => Promise<void>;
  /** Those that are a file system by itself are mounted while a container runs, or its files are looked at. */
  mount(names: Iterable<string>, user: string): Promise<boolean>;
  adoptMounts(names: Iterable<string>, user: string): void;
  unmount(user: string, names?: Iterable<string>): Promise<void>;
  unmountIdle(): Promise<void>;
  announce(action: 'mount' | 'unmount', name: string, attributes: Record<string, string>): void;
  /** Throws where a task has to be alone with one of them. */
  checkFree(names: Iterable<string>): void;
  /** Somebody may write to these until it is disposed. */
  writing(names: Iterable<string>): Disposable;
  /** The same, where it is not a container that does. */
  editing(names: Iterable<string>): Disposable;
  /** The name of a holder that is in the bin; undefined: not any more. */
  setAside(holder: string, name: string | undefined): void;
  /** Bytes that they take. */
  sizeOf(names: Iterable<string>): Promise<number>;
}

/** The name of a network, or `container:ID`. */
export type NetworkMode = string;

/** What can be said of a container's place on a network; addresses without their prefix lengths. */
export interface EndpointWish {
  aliases?: string[];
  ipv4?: string;
  ipv6?: string;
  mac?: string;
  /** The default gateway is that of the network where it is highest. */
  priority?: number;
}

/** A port that `-p` asks for. */
export interface PortWish {
  protocol: 'tcp' | 'udp' | 'sctp';
  /** Inside. */
  port: number;
  /** Of this machine; empty: all of both families. */
  address: string;
  /** The first free one of these; 0 and 0: any. */
  first: number;
  last: number;
}

/** A port of this machine that leads into a container. */
export interface PublishedPort {
  protocol: 'tcp' | 'udp' | 'sctp';
  address: string;
  hostPort: number;
  /** Inside. */
  port: number;
}

/** A network that a container is to be on. */
export interface Place {
  network: string;
  wish?: EndpointWish;
}

export interface NetworksRoom {
  modeOf(requested: string): { mode: NetworkMode; warning?: string };
  /** Throws `invalid` where a container cannot have that place. */
  checkPlace(place: Place): void;
  allocate(change: Change, containerId: string, wanted: { name: string; places: Place[] }): void;
  /** For a container that runs; `also` is what the caller writes down with it. */
  join(
    container: { id: string; name: string; pid: number; servers: string[] },
    place: Place,
    also: (change: Change) => void,
  ): Promise<void>;
  part(container: { id: string; pid: number }, network: string, also: (change: Change) => void): Promise<void>;
  renamed(change: Change, containerId: string, name: string): void;
  /** Has `make` wire the container up; null: it shares this machine's network. */
  connect<Made>(
    containerId: string,
    make: (network: NetworkRequest | null) => Promise<Made>,
    ports: PortWish[],
  ): Promise<Made>;
  portsOf(containerId: string): PublishedPort[];
  endpointsOf(containerId: string, name: string, places: Place[]): Record<string, EndpointSettings>;
  /** Has it be answered at 127.0.0.11, where it is on a network that somebody made. */
  serveNames(container: { id: string; pid: number; servers: string[] }): Promise<void>;
  /** All containers that run have been told of. */
  settleNames(): Promise<void>;
  /** Returns how to announce it, once the container's end has been. */
  release(change: Change, containerId: string): () => void;
}

/** The rooms around this one, and what it is told when it opens. Each of its parts takes what it needs. */
export interface ContainersOptions {
  /** The data root. */
  root: string;
  runDir: string;
  store: StoreRoom;
  helper: HelperRoom;
  usage: UsageRoom;
  events: EventsRoom;
  images: ImagesRoom;
  snapshots: SnapshotsRoom;
  networks: NetworksRoom;
  volumes: VolumesRoom;
  /** Docker's default profile, as a file. */
  seccompProfile: string;
  /** Further OCI runtimes by name, for `--runtime`. */
  runtimes?: Record<string, ForeignRuntime>;
  /** The one used where none is asked for; ours when not given. */
  defaultRuntime?: string;
  /** `--log-driver` and `--log-opt`. */
  logs?: LogDefaults | undefined;
  /** `--host-gateway-ip`. */
  hostGatewayIp?: string | undefined;
  /** Where what was removed waits. */
  bin: Bin;
  /** `--userns-remap`, understood. */
  remap?: Remap;
  /** Who knows people and places of this machine. */
  surroundings?: { userOf(uid: number): Promise<string | null>; warningsOf(path: string): Promise<FolderWarning[]> };
}
