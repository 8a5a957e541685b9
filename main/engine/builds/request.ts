/** What is asked of a build and what it answers, whichever door it came through: `POST /build` or BuildKit's gRPC. Times are Unix milliseconds. */
import type { Duplex } from 'node:stream';
import type { ImageConfig } from '../../contract/images.js';
import type { RegistryAuth } from '../registry/index.js';

export interface BuildRequest {
  /** The build's name, as the client chose it or made here. */
  ref: string;
  dockerfile: DockerfileSource;
  /** What COPY and ADD read; undefined: there is none (a Dockerfile from standard input). */
  context: BuildSource | undefined;
  /** Further contexts by name: `--build-context`, and what bake links. They win over stages and images of that name. */
  namedContexts: Record<string, NamedContext>;
  target?: string | undefined;
  buildArgs: Record<string, string>;
  labels: Record<string, string>;
  /** As clients write them (`linux/arm64`); empty: this machine's. */
  platforms: string[];
  /** True: nothing is taken from the cache. Names: those stages are not. */
  noCache: boolean | string[];
  /** Images are looked for at their registry though they are here. */
  pull: boolean;
  /** Of RUN steps that say nothing: `default`, `none`, `host` or a network. */
  network: string;
  /** `HOST:ADDRESS` or `HOST=ADDRESS`. */
  extraHosts: string[];
  /** Bytes. */
  shmSize?: number | undefined;
  ulimits: BuildUlimit[];
  cgroupParent?: string | undefined;
  limits?: BuildLimits | undefined;
  /** Seconds; the `SOURCE_DATE_EPOCH` build argument has the same meaning. */
  sourceDateEpoch?: number | undefined;
  /** What the client allows beyond the usual: `network.host`, `security.insecure`, `device`. */
  entitlements: string[];
  /** Undefined: there is none of that id. */
  secret(id: string, signal: AbortSignal): Promise<Uint8Array | undefined>;
  /** A connection to the client's SSH agent of that id (`default` where a mount names none); undefined: there is none. */
  ssh?: ((id: string, signal: AbortSignal) => Promise<Duplex | undefined>) | undefined;
  /** For a registry's host name. */
  credentials(host: string): Promise<RegistryAuth | undefined>;
  onProgress(event: BuildEvent): void;
  /** Aborted: the running steps are killed, and what they made is gone. */
  signal: AbortSignal;
}

export interface DockerfileSource {
  /** As messages name it. */
  path: string;
  bytes: Uint8Array;
  /** The content of `<path>.dockerignore`, which is used instead of the context's own; undefined: there is none. */
  ignore?: Uint8Array | undefined;
}

export interface BuildUlimit {
  Name: string;
  Soft: number;
  Hard: number;
}

/** Limits of RUN steps, in the words of the Docker API's HostConfig. Zero and absent: none. */
export interface BuildLimits {
  Memory?: number;
  MemorySwap?: number;
  CpuShares?: number;
  CpuPeriod?: number;
  CpuQuota?: number;
  CpusetCpus?: string;
  CpusetMems?: string;
}

/** Files that a build may read: a session's directory, an unpacked tar, a git checkout. */
export interface BuildSource {
  /** The same over builds of the same folder, so a transfer can be incremental. */
  readonly key: string;
  /**
   * Makes (at least) what is asked for present in a directory of this machine and returns it; the build only reads there. It may be asked several
   * times, and at once. What matches `excludes` (the lines of a .dockerignore) need not be there.
   */
  sync(wanted: WantedFiles, signal: AbortSignal): Promise<string>;
}

export interface WantedFiles {
  /** Paths and patterns below the source, as COPY names them; empty: everything. */
  followPaths: string[];
  excludes: string[];
}

export type NamedContext =
  | { kind: 'source'; source: BuildSource }
  | { kind: 'image'; reference: string }
  | { kind: 'result'; result: BuildResult };

/** What happens while a build runs, shaped as BuildKit's status reports are. */
export type BuildEvent =
  | { kind: 'vertex'; vertex: BuildVertex }
  | { kind: 'status'; status: BuildStatus }
  | { kind: 'log'; vertex: string; stream: 1 | 2; at: number; bytes: Uint8Array }
  | { kind: 'warning'; warning: BuildWarning };

/** A step. It is told anew, whole, with each change. */
export interface BuildVertex {
  /** `sha256:…`, of this build's step. */
  digest: string;
  /** `[stage 2/5] RUN make` */
  name: string;
  /** Digests of the steps that it follows. */
  inputs: string[];
  started?: number | undefined;
  completed?: number | undefined;
  cached?: boolean | undefined;
  /** Ends with `context canceled` where the build was called off. */
  error?: string | undefined;
  /** Groups steps in the display: the stage's platform where there are several. */
  group?: string | undefined;
}

/** Something of a step that counts up: a transfer, an export. */
export interface BuildStatus {
  id: string;
  vertex: string;
  /** What is shown. */
  name: string;
  current: number;
  total: number;
  at: number;
  started?: number | undefined;
  completed?: number | undefined;
}

/** A finding about the Dockerfile; its rule is Docker's name for it (`JSONArgsRecommended`). */
export interface BuildWarning {
  rule: string;
  description: string;
  url: string;
  detail: string;
  ranges: SourceRange[];
}

/** Lines from 1, columns (characters) from 0, as BuildKit's ranges have them; the end is exclusive in its line. */
export interface SourceRange {
  start: { line: number; character: number };
  end: { line: number; character: number };
}

/** A build that was parsed and resolved. Nothing of it has been run. */
export interface PlannedBuild {
  /** One for each platform asked for. */
  readonly targets: PlannedTarget[];
  readonly warnings: BuildWarning[];
  /** Runs it, or joins in. `onProgress` of the request hears of it. */
  run(): Promise<BuildResult>;
}

export interface PlannedTarget {
  /** `linux/amd64` */
  platform: string;
  /** The image configuration document (OCI) without layers and history of what has not been run. */
  config: ImageDocument;
  /** That of the image that the target's stage is FROM; undefined: scratch. */
  baseConfig?: ImageDocument | undefined;
}

/** An image configuration document as the OCI image specification has it. */
export interface ImageDocument {
  created?: string;
  author?: string;
  architecture: string;
  variant?: string;
  os: string;
  config: ImageConfig & Record<string, unknown>;
  rootfs: { type: 'layers'; diff_ids: string[] };
  history: {
    created?: string | undefined;
    created_by?: string | undefined;
    author?: string | undefined;
    comment?: string | undefined;
    empty_layer?: boolean | undefined;
  }[];
  [key: string]: unknown;
}

/** What was built. Kept until it is disposed: then the cache alone decides how long its layers stay. */
export interface BuildResult extends AsyncDisposable {
  readonly platforms: BuiltPlatform[];
  /** What a failed or finished build is called in messages. */
  readonly ref: string;
  /** Makes an image of (the first platform of) it by these names, which may be none, and returns the image's id. */
  commit(names: string[]): Promise<string>;
  /** Its whole root file system as a tar: what `type=tar` sends, and `type=local` unpacks. */
  files(platform: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** The image as an archive: `docker` is what `docker load` reads, `oci` an OCI image layout. */
  archive(
    format: 'docker' | 'oci',
    names: string[],
    options: { signal: AbortSignal; annotations?: Record<string, string> },
  ): Promise<AsyncIterable<Uint8Array>>;
}

export interface BuiltPlatform {
  platform: string;
  /** The bytes of the configuration document; their digest is the image's id. */
  config: Uint8Array;
  document: ImageDocument;
  baseConfig?: ImageDocument | undefined;
}

/** What makes a build fail; `vertex` is the step that did, where it was one. The message is what dockerd's builders say. */
export interface BuildFailure {
  vertex?: string | undefined;
  /** Where in the Dockerfile. */
  source?: { path: string; bytes: Uint8Array; ranges: SourceRange[] } | undefined;
  /** Of a RUN step. */
  exitCode?: number | undefined;
}

/** What `frontend.outline` answers. */
export interface BuildOutline {
  name?: string;
  description?: string;
  args: { name: string; description?: string; value?: string }[];
  secrets: { name: string; required: boolean }[];
  ssh: { name: string; required: boolean }[];
  cache: { id: string }[];
}

/** What `frontend.targets` answers. */
export interface BuildTarget {
  name?: string;
  default: boolean;
  description?: string;
  base?: string;
  platform?: string;
  ranges: SourceRange[];
}

/** What `frontend.lint` answers. */
export interface LintResult {
  warnings: BuildWarning[];
  /** Why it would not build at all. */
  error?: { message: string; ranges: SourceRange[] } | undefined;
}

/** A record of the cache, as `docker system df -v`, `docker buildx du` and the window show it. */
export interface CacheRecord {
  ID: string;
  Parents: string[];
  /** Docker's words. */
  Type: 'internal' | 'frontend' | 'source.local' | 'source.git.checkout' | 'exec.cachemount' | 'regular';
  Description: string;
  InUse: boolean;
  Shared: boolean;
  Size: number;
  /** RFC 3339. */
  CreatedAt: string;
  LastUsedAt: string | null;
  UsageCount: number;
}

export interface CachePrune {
  /** Also what is in use by images. */
  all?: boolean;
  /** Bytes that are kept at least; absent or 0: nothing is. */
  keepStorage?: number;
  reservedSpace?: number;
  maxUsedSpace?: number;
  minFreeSpace?: number;
  filters?: Record<string, string[]>;
}

/** The engine room, as its doors see it. */
export interface BuildsRoom {
  /** Parses, checks, and looks up the images that it begins with. Throws what is wrong with the Dockerfile (`BuildError`). */
  plan(request: BuildRequest): Promise<PlannedBuild>;
  lint(request: BuildRequest): Promise<LintResult>;
  outline(request: BuildRequest): Promise<BuildOutline>;
  targets(request: BuildRequest): Promise<BuildTarget[]>;
  cache(): Promise<CacheRecord[]>;
  pruneCache(request: CachePrune): Promise<{ CachesDeleted: string[]; SpaceReclaimed: number; records: CacheRecord[] }>;
}
