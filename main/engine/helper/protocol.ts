/** The helper's requests and answers, as docs/helper-protocol.md has them. */

export const PROTOCOL = 1;

/** What the helper can do on this machine, asked once. */
export interface HelperHello {
  version: number;
  pid: number;
  rootless: boolean;
  uidMap: [inside: number, outside: number, length: number][];
  gidMap: [inside: number, outside: number, length: number][];
  /** `swap`: it can be limited; an older helper does not say. */
  cgroup: { version: 1 | 2; controllers: string[]; limits: boolean; swap?: boolean; ioWeights?: boolean };
  /** `native`: the kernel stacks layers here; `idmapped`: also under the ids of a user namespace; `fuse`: the program fuse-overlayfs can. */
  overlay: { native: boolean; userxattr: boolean; idmapped: boolean; fuse?: boolean };
  /** Mounts can be put into containers that run; an older helper does not say. */
  liveMounts?: boolean;
  apparmor: boolean;
  kernel: string;
  warnings: string[];
}

/** The streams of a process and who holds them. */
export interface StreamPlan {
  tty: boolean;
  stdin: boolean;
  stdinOnce: boolean;
  rows: number;
  cols: number;
}

/** Where the monitor writes output, and when it rotates. `maxSize` 0: never. */
export interface LogPlan {
  path: string;
  maxSize: number;
  maxFile: number;
}

/** A command that the monitor runs in the container again and again, and whose exit status says how the container is. */
export interface HealthProbe {
  argv: string[];
  intervalMs: number;
  timeoutMs: number;
  /** So long after the start failures do not count; until then it is asked more often. */
  startPeriodMs: number;
  startIntervalMs: number;
  retries: number;
}

/** Another OCI runtime in the place of ours. */
export interface ForeignRuntime {
  path: string;
  root: string;
}

/** A text that the helper writes before it reads the bundle: cheaper with the request than by our own hand. */
export interface BundleFile {
  /** Below the data root. */
  path: string;
  text: string;
  /** 0644 when not given. */
  mode?: number;
}

export interface RunRequest {
  id: string;
  bundle: string;
  files: BundleFile[];
  stateDir: string;
  cgroup: string;
  io: StreamPlan;
  log: LogPlan | null;
  /** How its own network is connected; null where it has none of its own. */
  network: NetworkRequest | null;
  health: HealthProbe | null;
  exitFile: string;
  runtime: ForeignRuntime | null;
}

export interface ExecRequest {
  id: string;
  container: string;
  pid: number;
  pidStart: number;
  bundle: string;
  /** An OCI process object. */
  process: object;
  user: string;
  groups: string[];
  privileged: boolean;
  stateDir: string;
  cgroup: string;
  io: StreamPlan;
  exitFile: string;
  runtime: ForeignRuntime | null;
}

/** A process set up completely, waiting to be let go by its monitor. */
export interface Started {
  monitorPid: number;
  pid: number;
}

/** How far a compression is, in bytes. */
export interface CompressProgress {
  /** Of the blob. */
  bytes: number;
  /** Of the target. */
  written: number;
}

export interface Compressed {
  /** Of the target. */
  digest: string;
  size: number;
  /** The digest of what was read. */
  plain: string;
}

export interface UnpackProgress {
  /** Compressed input taken so far. */
  bytes: number;
}

export interface Unpacked {
  diffId: string;
  size: number;
  /** Entries that are no directories. */
  files: number;
  entries: number;
  /** Directories that have no entry of their own: they look as in the layers below, once `adopt` was asked. */
  implied: string[];
}

/** What all of a volume came to in a file. */
export interface PackedVolume {
  /** Of the tar, uncompressed. */
  digest: string;
  /** What is no directory. */
  files: number;
  /** Of their content; of the file that it is in. */
  bytes: number;
  written: number;
}

export interface CopiedVolume {
  /** Nothing had to be copied: both have the same blocks of the disk. */
  reflink: boolean;
  files: number;
  bytes: number;
}

/** A file while it is received, told of more than once. */
export interface ReceivedFile {
  /** In the archive; absent where there is none. */
  name?: string;
  path: string;
  bytes: number;
  /** Its first 512 bytes in hex, the first time that it is told of. */
  begins?: string;
  /** Once it is whole. */
  digest?: string;
}

/** `link`: where a symbolic link of the archive leads; `same`: the file that a name is another one of. */
export type ReceivedPart = ReceivedFile | { name: string; link: string } | { name: string; same: string };

export interface BridgeRequest {
  name: string;
  /** With prefix lengths, IPv4 and IPv6: these and no others. */
  addresses: string[];
  mtu: number;
}

/** One interface of a container. */
export interface Wire {
  /** `bridge`: a veth pair whose other end is a port of `parent`; else it is stacked on `parent`, a link of the host. */
  kind: 'bridge' | 'macvlan' | 'ipvlan';
  parent: string;
  /** macvlan: bridge, private, vepa or passthru; ipvlan: l2, l3 or l3s. The first of them when not given. */
  mode?: string;
  ifname: string;
  /** The host's end of a veth pair. */
  veth?: string;
  /** With prefix lengths, IPv4 and IPv6. */
  addresses: string[];
  /** When not given, made of the first IPv4 address, or else by the kernel. */
  mac?: string;
  /** Settings of this interface: `net.ipv4.conf.IFNAME.forwarding` → `1`, where IFNAME stands for its name. */
  sysctls?: Record<string, string>;
  /** bridge: the container may reach its own published port. */
  hairpin?: boolean;
  /** bridge: nothing passes between two isolated ports. */
  isolated?: boolean;
}

/** The way out of one family, which is the gateway's. */
export interface DefaultRoute {
  gateway: string;
  ifname: string;
}

/** All of a container's network; without wires it has only `lo`. */
export interface NetworkRequest {
  wires: Wire[];
  /** At most one for IPv4 and one for IPv6. */
  defaults: DefaultRoute[];
  resolver?: true;
}

/** An interface of a container that runs. */
export interface EndpointRemoveRequest {
  pid: number;
  ifname: string;
  /** Of a wire to a bridge. */
  veth?: string;
}

/**
 * How the helper comes to a container's files: through its first process, or by mounting its layers and what would be mounted on them. Or to those of a
 * directory of this machine, which no way leads out of.
 */
export type FilesPlace =
  | { pid: number; pidStart: number }
  | { directory: string; readonly: boolean }
  | {
      overlay: { lower: string[]; upper: string; work: string; driver?: 'fuse-overlayfs' | 'vfs' };
      binds: { source: string; destination: string; readonly: boolean }[];
      readonly: boolean;
    };

/** A container that runs, and the turn that is taken in it. */
export interface RunningPlace {
  id: string;
  pid: number;
  pidStart: number;
}

/** What is at a path of a container, before something is mounted there or after. */
export interface SeenTarget {
  kind: 'directory' | 'file' | 'missing' | 'other';
  /** Of what is missing: it could be made. */
  writable?: boolean;
  mounted?: boolean;
  /** What is mounted is the source that was asked about. */
  same?: boolean;
  /** Of a directory: how many entries it has, and some names. */
  hidden?: number;
  names?: string[];
  /** Of what is mounted in one that runs. */
  holders?: SeenHolder[];
}

export interface SeenHolder {
  pid: number;
  name: string;
  paths: string[];
}

export interface MountAttachRequest extends RunningPlace {
  source: string;
  target: string;
  readonly: boolean;
  recursive: boolean;
  /** Read-only with all that is mounted below it. */
  wholeReadonly: boolean;
  /** No link is followed on the way to the source. */
  within: boolean;
  idmap: { uids: object[]; gids: object[] } | null;
  /** Nothing is mounted on these or below them. */
  forbidden: string[];
}

export interface MountDetachRequest extends RunningPlace {
  target: string;
  /** As they were answered when it was attached. */
  path?: string;
  mount?: number;
  made?: number;
  source: string;
  force: boolean;
}

/** What a path in a container names. */
export interface PathStat {
  name: string;
  size: number;
  /** As stat(2) has it. */
  mode: number;
  mtime: [seconds: number, nanoseconds: number];
  /** Where a link leads in the end, inside the container; empty for what is no link. */
  linkTarget: string;
}

/** One file of a container, as the helper sees it. */
export interface SeenFile {
  name: string;
  kind: 'file' | 'directory' | 'link' | 'device' | 'fifo' | 'socket';
  size: number;
  mode: number;
  uid: number;
  gid: number;
  mtime: [seconds: number, nanoseconds: number];
  target?: string;
  change?: 'added' | 'changed' | 'deleted';
  mount?: true;
}

/** One page of a directory; `more` asks for the next. */
export interface SeenDirectory {
  path: string;
  entries: SeenFile[];
  more?: string;
}

/** A layer's directory. `own`: a container's, which may change at any moment. */
export interface LayerDirectory {
  path: string;
  own?: true;
}

interface SeenPlace {
  path: string;
  bytes: number;
}

/** What a layer does, and what becomes of it; see contract/layers.ts. */
export interface SeenLayer {
  size: number;
  files: number;
  added: number;
  changed: number;
  removed: number;
  wasted: number;
  removes: number;
  replaces: number;
  caches: number;
  mostRemoved?: SeenPlace;
  mostCaches?: SeenPlace;
}

/** `layer`: from 0, the lowest. */
export interface SeenLayerFile extends Omit<SeenFile, 'mount'> {
  own: number;
  layer: number;
  noise?: true;
}

export interface SeenFind extends Omit<SeenFile, 'mount'> {
  path: string;
  layer: number;
  shows?: boolean;
}

export interface SeenSums {
  net: number;
  added: number;
  changed: number;
  removed: number;
}

export interface SeenComparison {
  all: SeenSums;
  quiet: SeenSums;
  grown: (SeenPlace & { layer: number }) | null;
  shrunk: (SeenPlace & { layer: number }) | null;
  unsure: number;
}

export interface SeenSide {
  kind: SeenFile['kind'];
  size: number;
  mode: number;
  uid: number;
  gid: number;
  layer: number;
}

export interface SeenDifference extends SeenSums {
  name: string;
  change: 'added' | 'changed' | 'deleted';
  before: SeenSide | null;
  after: SeenSide | null;
  content: boolean;
  itself: boolean;
  noise?: true;
}
