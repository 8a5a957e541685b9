/** Questions that span nouns: what this engine and its machine are, what is used. */
import { hostname, release, totalmem, cpus, arch } from 'node:os';
import { readFile } from 'node:fs/promises';
import type { ContainerSummary } from '../../contract/containers.js';
import type { Filters } from '../../contract/filters.js';
import type { ImageSummary } from '../../contract/images.js';
import type { SlipwayFeatures, SystemInfo, SystemVersion } from '../../contract/system.js';
import type { Volume } from '../../contract/volumes.js';
import type { CheckAnswer, CheckRequest } from '../../contract/check.js';
import { newId } from '../../base/ids.js';
import type { Store } from '../../base/store.js';
import type { Events } from '../events/index.js';
import type { HelperHello } from '../helper/index.js';
import { Check, type CheckRooms } from './check.js';

export interface SystemOptions {
  store: Store;
  helper: { readonly hello: HelperHello };
  events: Pick<Events, 'publish'>;
  images: CheckRooms['images'] & {
    list(filters: Filters, options: { sizes: boolean }): ImageSummary[];
    layersSize(): number;
    count(): number;
    starterOffer(): Promise<SlipwayFeatures['starter']>;
  };
  containers: CheckRooms['containers'] & {
    counts(): { running: number; paused: number; stopped: number };
    list(request: { all: boolean; size: 'known' }): Promise<ContainerSummary[]>;
  };
  logs: { driver?: string } | undefined;
  volumes: { diskUsage(): Promise<Volume[]> };
  execs: { hasToolbox(): Promise<boolean> };
  /** The storage driver. */
  driver: string;
  root: string;
  version: string;
  host: SlipwayFeatures['host'];
  /** What it can do beyond Docker's API, by name. */
  can: string[];
  registry: {
    readonly mirrors: readonly string[];
    readonly insecure: readonly string[];
    readonly proxies: { shown(name: 'HTTP_PROXY' | 'HTTPS_PROXY' | 'NO_PROXY'): string };
  };
  runtimes: Readonly<Record<string, { path: string }>>;
  defaultRuntime: string;
  /** Containers have user namespaces of their own unless they opt out. */
  remapped: boolean;
}

/** Whether packets between ports of one bridge pass the firewall's rules. */
interface Bridged {
  ipv4: boolean;
  ipv6: boolean;
}

const TABLE = 'engine';

/** What `GET /system/df` counts. */
export type DiskType = (typeof DISK_TYPES)[number];
const DISK_TYPES = ['container', 'image', 'volume', 'build-cache'] as const;

export class System {
  static readonly tables = [TABLE];
  readonly #options: SystemOptions;
  readonly #id: string;
  readonly #check: Check;
  readonly #machine: { kernel: string; system: string; memory: number; processors: number; bridged: Bridged };

  static async open(options: SystemOptions): Promise<System> {
    const known = options.store.rows<string>(TABLE).get('id');
    const id = known ?? newId();
    if (known === undefined) await options.store.commit((change) => change.put(TABLE, 'id', id));
    const [ipv4, ipv6] = await Promise.all([isFiltered('iptables'), isFiltered('ip6tables')]);
    return new System(options, id, await systemName(), { ipv4, ipv6 });
  }

  private constructor(options: SystemOptions, id: string, system: string, bridged: Bridged) {
    this.#options = options;
    this.#id = id;
    this.#check = new Check(options);
    this.#machine = { kernel: release(), system, memory: totalmem(), processors: cpus().length, bridged };
  }

  /** What stands in the way of a container that somebody is about to make. */
  check(request: CheckRequest, signal?: AbortSignal): Promise<CheckAnswer> {
    return this.#check.run(request, signal);
  }

  /** There is nothing of a build cache: `docker system prune` asks all the same, and it is told as done. */
  pruneBuildCache(): { CachesDeleted: null; SpaceReclaimed: 0 } {
    this.#options.events.publish('builder', 'prune', '', { reclaimed: '0' });
    return { CachesDeleted: null, SpaceReclaimed: 0 };
  }

  version(): SystemVersion {
    const { version } = this.#options;
    const { kernel } = this.#machine;
    const described = {
      ApiVersion: '1.47',
      MinAPIVersion: '1.24',
      Os: 'linux',
      Arch: goArchitecture(),
      KernelVersion: kernel,
      GitCommit: '',
      BuildTime: '',
    };
    return {
      Platform: { Name: 'Slipway' },
      Components: [{ Name: 'Engine', Version: version, Details: { ...described, Experimental: 'false' } }],
      Version: version,
      ...described,
      GoVersion: '',
    };
  }

  info(): SystemInfo {
    const { store, containers, images, helper, root, version, registry } = this.#options;
    const { hello } = helper;
    // As dockerd writes them.
    const mirrors = registry.mirrors.map((mirror) => `${mirror}/`);
    const { running, paused, stopped } = containers.counts();
    const can = (controller: string) => hello.cgroup.limits && hello.cgroup.controllers.includes(controller);
    const { kernel, system, memory, processors, bridged } = this.#machine;
    const warnings = [...store.warnings, ...hello.warnings];
    return {
      ID: this.#id,
      Name: hostname(),
      ServerVersion: version,
      Containers: running + paused + stopped,
      ContainersRunning: running,
      ContainersPaused: paused,
      ContainersStopped: stopped,
      Images: images.count(),
      Driver: this.#options.driver,
      DriverStatus: [
        ['Native Overlay Diff', String(hello.overlay.native)],
        ['userxattr', String(hello.overlay.userxattr)],
      ],
      Plugins: {
        Volume: ['local'],
        Network: ['bridge', 'host', 'null'],
        Authorization: null,
        Log: ['json-file', 'none'],
      },
      MemoryLimit: can('memory'),
      SwapLimit: can('memory'),
      CpuCfsPeriod: can('cpu'),
      CpuCfsQuota: can('cpu'),
      CPUShares: can('cpu'),
      CPUSet: can('cpuset'),
      PidsLimit: can('pids'),
      OomKillDisable: can('memory') && hello.cgroup.version === 1,
      IPv4Forwarding: !hello.rootless,
      BridgeNfIptables: bridged.ipv4,
      BridgeNfIp6tables: bridged.ipv6,
      Debug: false,
      NFd: -1,
      NGoroutines: 0,
      NEventsListener: 0,
      SystemTime: new Date().toISOString(),
      LoggingDriver: this.#options.logs?.driver ?? 'json-file',
      CgroupDriver: hello.cgroup.limits ? 'cgroupfs' : 'none',
      CgroupVersion: String(hello.cgroup.version),
      KernelVersion: kernel,
      OperatingSystem: system,
      OSVersion: '',
      OSType: 'linux',
      Architecture: arch() === 'x64' ? 'x86_64' : arch() === 'arm64' ? 'aarch64' : arch(),
      IndexServerAddress: 'https://index.docker.io/v1/',
      RegistryConfig: {
        InsecureRegistryCIDRs: ['::1/128', '127.0.0.0/8', ...registry.insecure.filter((entry) => entry.includes('/'))],
        IndexConfigs: {
          'docker.io': { Name: 'docker.io', Mirrors: mirrors, Secure: true, Official: true },
          ...Object.fromEntries(
            registry.insecure
              .filter((entry) => !entry.includes('/'))
              .map((entry) => [entry, { Name: entry, Mirrors: [], Secure: false, Official: false }]),
          ),
        },
        Mirrors: mirrors,
        AllowNondistributableArtifactsCIDRs: [],
        AllowNondistributableArtifactsHostnames: [],
      },
      NCPU: processors,
      MemTotal: memory,
      GenericResources: null,
      DockerRootDir: root,
      HttpProxy: registry.proxies.shown('HTTP_PROXY'),
      HttpsProxy: registry.proxies.shown('HTTPS_PROXY'),
      NoProxy: registry.proxies.shown('NO_PROXY'),
      Labels: [],
      ExperimentalBuild: false,
      Runtimes: { slipway: { path: 'slipway-helper' }, ...this.#options.runtimes },
      DefaultRuntime: this.#options.defaultRuntime,
      Swarm: {
        NodeID: '',
        NodeAddr: '',
        LocalNodeState: 'inactive',
        ControlAvailable: false,
        Error: '',
        RemoteManagers: null,
      },
      LiveRestoreEnabled: true,
      Isolation: '',
      InitBinary: 'slipway-monitor',
      ContainerdCommit: { ID: '', Expected: '' },
      RuncCommit: { ID: '', Expected: '' },
      InitCommit: { ID: '', Expected: '' },
      SecurityOptions: [
        'name=seccomp,profile=builtin',
        ...(hello.rootless ? ['name=rootless'] : []),
        ...(hello.cgroup.version === 2 ? ['name=cgroupns'] : []),
        ...(hello.apparmor ? ['name=apparmor'] : []),
        ...(this.#options.remapped ? ['name=userns'] : []),
      ],
      Warnings: warnings.length > 0 ? warnings.map((warning) => `WARNING: ${warning}`) : null,
    };
  }

  /** What takes room, by noun, as it was counted last; `types` picks. There is no build cache yet. */
  async diskUsage(types: readonly DiskType[] = DISK_TYPES) {
    const { images, containers, volumes } = this.#options;
    const wanted = (type: DiskType) => types.length === 0 || types.includes(type);
    const [Containers, Volumes] = await Promise.all([
      wanted('container') ? containers.list({ all: true, size: 'known' }) : [],
      wanted('volume') ? volumes.diskUsage() : [],
    ]);
    return {
      LayersSize: wanted('image') ? images.layersSize() : 0,
      Images: wanted('image') ? images.list({}, { sizes: true }) : [],
      Containers,
      Volumes,
      BuildCache: null,
    };
  }

  async features(): Promise<SlipwayFeatures> {
    const { store, version, host, helper, images, execs, can } = this.#options;
    const [starter, toolbox] = await Promise.all([images.starterOffer(), execs.hasToolbox()]);
    return {
      version,
      rootless: helper.hello.rootless,
      host,
      pid: process.pid,
      can: [...can, ...(toolbox ? ['debug-shell'] : [])],
      ...(starter && { starter }),
      warnings: [...store.warnings, ...helper.hello.warnings],
    };
  }
}

async function isFiltered(rules: 'iptables' | 'ip6tables'): Promise<boolean> {
  const path = `/proc/sys/net/bridge/bridge-nf-call-${rules}`;
  return (await readFile(path, 'utf8').catch(() => '')).trim() === '1';
}

const goArchitecture = () => (arch() === 'x64' ? 'amd64' : arch());

async function systemName(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(text)?.[1] || 'Linux';
}
