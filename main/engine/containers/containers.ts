import { readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  codeOf,
  conflict,
  EngineError,
  invalid,
  messageOf,
  notFound,
  notImplemented,
  notModified,
  system,
} from '../../base/errors.js';
import { newId, shortId } from '../../base/ids.js';
import { Locks } from '../../base/locks.js';
import { createLog } from '../../base/log.js';
import type { Change } from '../../base/store.js';
import type {
  ContainerCreate,
  ContainerCreated,
  ContainerInspect,
  ContainerSummary,
  ContainerTop,
  ContainerWait,
  EndpointSettings,
} from '../../contract/containers.js';
import type { Filters } from '../../contract/filters.js';
import { Monitor, type ForeignRuntime, type MonitorExit } from '../helper/index.js';
import { openHistory, readLog, type LogView } from '../logs/index.js';
import { Attachment, type AttachStream } from './attachment.js';
import { bootId, now, timeOf } from './clock.js';
import { Container, type Live, type WaitCondition } from './container.js';
import { inspect, summarize, type Sizes } from './describe.js';
import { parseDetachKeys } from './detach-keys.js';
import { containerFilter, hasLabel } from './filters.js';
import { runRequest, writeBundle } from './launch.js';
import { checkedName, inventName } from './names.js';
import { containerPaths, type ContainerPaths } from './paths.js';
import { planContainer } from './plan.js';
import { NEVER, type ContainerRecord } from './record.js';
import { nextDelay, wantsRestart } from './restart-policy.js';
import {
  predefinedNetwork,
  type EventsRoom,
  type HelperRoom,
  type ImagesRoom,
  type NetworksRoom,
  type SnapshotsRoom,
  type StoreRoom,
} from './rooms.js';
import { Seccomp } from './seccomp.js';
import { signalNumber } from './signals.js';
import { sharedContainer } from './spec.js';
import { startFailure } from './start-failure.js';
import { processTable } from './top.js';

export interface ContainersOptions {
  /** The data root. */
  root: string;
  runDir: string;
  store: StoreRoom;
  helper: HelperRoom;
  events: EventsRoom;
  images: ImagesRoom;
  snapshots: SnapshotsRoom;
  networks: NetworksRoom;
  /** Docker's default profile, as a file. */
  seccompProfile: string;
  /** Further OCI runtimes by name, for `--runtime`. */
  runtimes?: Record<string, ForeignRuntime>;
  /** The one used where none is asked for; ours when not given. */
  defaultRuntime?: string;
}

export interface AttachRequest {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  stream: boolean;
  logs: boolean;
  detachKeys?: string | undefined;
}

export interface LogsRequest {
  follow: boolean;
  stdout: boolean;
  stderr: boolean;
  timestamps: boolean;
  details: boolean;
  /** Unix seconds, with a fraction or without; empty or `0`: no bound. */
  since?: string | undefined;
  until?: string | undefined;
  /** `all` or a number. */
  tail?: string | undefined;
  /** Ends the following of a log whose reader has gone. */
  signal?: AbortSignal;
}

export interface ListRequest {
  all?: boolean | undefined;
  limit?: number | undefined;
  size?: boolean | undefined;
  filters?: Filters | undefined;
}

/** What another room may know of a container that runs. */
export interface RunningContainer {
  record: Readonly<ContainerRecord>;
  paths: ContainerPaths;
  pid: number;
  /** The start time of that process in clock ticks: a pid that was used again is not it. */
  pidStart: number;
}

const TABLE = 'containers';
const DEFAULT_STOP_TIMEOUT_S = 10;
/** How long the kernel may take to end what was sent SIGKILL. */
const KILL_PATIENCE_MS = 10_000;
const NAME_ATTEMPTS = 6;
/** After a reboot there is nobody left to ask. */
const LOST_IN_REBOOT = 255;
const KILLED = 137;

/** A client that reads slowly holds nobody back: 4 MiB wait in memory, the rest in a file without a name. */
const ATTACH_SPOOL = { memory: 4 * 2 ** 20, patience: 50, cap: 2 ** 30 };

const log = createLog('containers');

/** Containers: made from images, run by the helper, watched through their monitors. */
export class Containers {
  /** The tables of the store that are this room's. */
  static readonly tables = [TABLE];

  readonly #options: ContainersOptions;
  readonly #seccomp: Seccomp;
  readonly #lastCapability: number;
  readonly #bootId: string;
  readonly #containers = new Map<string, Container>();
  /** Name to id; a name is taken from the moment somebody tries to have it. */
  readonly #names = new Map<string, string>();
  readonly #locks = new Locks();
  readonly #background = new Set<Promise<void>>();
  #closed = false;

  private constructor(options: ContainersOptions, seccomp: Seccomp, lastCapability: number, boot: string) {
    this.#options = options;
    this.#seccomp = seccomp;
    this.#lastCapability = lastCapability;
    this.#bootId = boot;
  }

  /** Reads what there is, takes over what runs, and lets restart policies do their work. */
  static async open(options: ContainersOptions): Promise<Containers> {
    const [seccomp, lastCapability, boot] = await Promise.all([
      Seccomp.open(options.seccompProfile),
      readFile('/proc/sys/kernel/cap_last_cap', 'utf8').then(Number),
      bootId(),
    ]);
    const containers = new Containers(options, seccomp, lastCapability, boot);
    for (const record of options.store.rows<ContainerRecord>(TABLE).values()) {
      containers.#containers.set(record.id, new Container(record));
      containers.#names.set(record.name, record.id);
    }
    await containers.#sweep();
    await Promise.all([...containers.#containers.values()].map((container) => containers.#adopt(container)));
    for (const container of containers.#containers.values()) containers.#resume(container);
    return containers;
  }

  /** Lets go of the monitors. Containers go on; what waits for a restart is for the next engine to see to. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const container of this.#containers.values()) {
      container.restarting?.cancel();
      container.live?.monitor.close();
      for (const attachment of container.pending) attachment.close();
    }
    await Promise.allSettled([...this.#background, ...[...this.#containers.values()].map(({ cleanup }) => cleanup)]);
  }

  /** How many there are, by what they are doing. */
  counts(): { running: number; paused: number; stopped: number } {
    const statuses = [...this.#containers.values()].map(({ status }) => status);
    const of = (...wanted: string[]): number => statuses.filter((status) => wanted.includes(status)).length;
    const running = of('running', 'restarting');
    const paused = of('paused');
    return { running, paused, stopped: statuses.length - running - paused };
  }

  async create(body: ContainerCreate, name?: string, platform?: string): Promise<ContainerCreated> {
    if (platform && !platform.startsWith('linux'))
      throw invalid(`platform "${platform}" is not one this engine can run`);
    const given = name ? checkedName(name, name) : undefined;
    if (Object.keys(body).length === 0) throw invalid('Config cannot be empty in order to create a container');
    const { images, snapshots, networks, helper, store, events } = this.#options;
    const image = images.resolve(body.Image ?? '', platform);
    const id = newId();
    const { config, hostConfig, mounts, warnings } = await planContainer(id, body, image.config, helper.hello);
    const { mode, warning } = noMissing(() => networks.modeOf(hostConfig.NetworkMode));
    if (warning) warnings.push(warning);
    noMissing(() => this.#checkShared(mode, hostConfig.IpcMode, hostConfig.PidMode));
    const reserved = this.#reserveName(id, given);
    const record: ContainerRecord = {
      id,
      name: reserved,
      created: now(),
      image: { id: image.id, reference: body.Image ?? '', chainId: image.chainId },
      config,
      hostConfig,
      mounts,
      network: mode,
      runtime: this.#runtimeOf(hostConfig.Runtime),
      running: false,
      paused: false,
      bootId: '',
      startedAt: NEVER,
      finishedAt: NEVER,
      exitCode: 0,
      error: '',
      oomKilled: false,
      stoppedByHand: false,
      restartCount: 0,
    };
    try {
      await snapshots.prepare(id, image.chainId);
      await store.commit((change) => {
        change.put(TABLE, id, record);
        images.hold(change, image.id, id);
      });
    } catch (error) {
      this.#names.delete(reserved);
      await this.#discardFiles(id);
      throw error;
    }
    const container = new Container(record);
    this.#containers.set(id, container);
    events.publish('container', 'create', id, attributesOf(container));
    return { Id: id, Warnings: warnings };
  }

  async start(reference: string): Promise<void> {
    const container = this.#find(reference);
    using _ = await this.#locks.take(container.id);
    if (container.removal) throw conflict('container is marked for removal and cannot be started');
    if (container.live) {
      if (container.record.paused) throw conflict('cannot start a paused container, try unpause instead');
      throw notModified(`Container ${container.id} is already running`);
    }
    container.restarting?.cancel();
    container.backoff = 0;
    container.record.stoppedByHand = false;
    await this.#launch(container);
  }

  /** Resolves when it has ended. Throws not-modified where nothing ran. */
  async stop(reference: string, options: { signal?: string | undefined; t?: number | undefined } = {}): Promise<void> {
    const container = this.#find(reference);
    const signal = options.signal ? signalNumber(options.signal) : undefined;
    if (!container.running) throw notModified(`Container ${container.id} is already stopped`);
    await this.#stop(container, signal, options.t);
    this.#publish(container, 'stop');
  }

  async kill(reference: string, signal = 'KILL'): Promise<void> {
    const container = this.#killable(reference);
    const number = signal === '' || signal === '0' ? 9 : signalNumber(signal);
    const live = await this.#liveOf(container);
    if (!live) return;
    if (number === 9) return this.#kill(container, live);
    const stops = !container.record.config.StopSignal || signalNumber(container.record.config.StopSignal) === number;
    await this.#markStopped(container, stops ? live : undefined);
    await this.#signal(container, live, number);
    if (stops && container.record.paused) await this.#thaw(container);
  }

  async restart(
    reference: string,
    options: { signal?: string | undefined; t?: number | undefined } = {},
  ): Promise<void> {
    const container = this.#find(reference);
    const signal = options.signal ? signalNumber(options.signal) : undefined;
    if (container.removal) throw conflict('container is marked for removal and cannot be restarted');
    if (container.live) container.live.keep = true;
    if (container.running) await this.#stop(container, signal, options.t);
    await this.start(container.id);
    this.#publish(container, 'restart');
  }

  async pause(reference: string): Promise<void> {
    const container = this.#find(reference);
    using _ = await this.#locks.take(container.id);
    if (!container.live) throw conflict(`Container ${container.id} is not running`);
    if (container.record.paused) throw conflict(`Container ${container.id} is already paused`);
    await this.#options.helper.freeze(container.id);
    container.record.paused = true;
    await this.#save(container);
    this.#publish(container, 'pause');
  }

  async unpause(reference: string): Promise<void> {
    const container = this.#find(reference);
    using _ = await this.#locks.take(container.id);
    if (!container.live || !container.record.paused) throw conflict(`Container ${container.id} is not paused`);
    await this.#options.helper.thaw(container.id);
    container.record.paused = false;
    await this.#save(container);
    this.#publish(container, 'unpause');
  }

  async rename(reference: string, name: string): Promise<void> {
    if (!reference || !name) throw invalid('Neither old nor new names may be empty');
    const container = this.#find(reference);
    using _ = await this.#locks.take(container.id);
    const { record } = container;
    const before = record.name;
    if (before === name.replace(/^\//, '')) {
      throw invalid('Renaming a container with the same name as its current name');
    }
    let taken: string;
    try {
      taken = this.#reserveName(container.id, checkedName(name, `/${name.replace(/^\//, '')}`));
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      throw new EngineError(error.kind, `Error when allocating new name: ${error.message}`, { cause: error });
    }
    record.name = taken;
    try {
      await this.#save(container);
    } catch (error) {
      record.name = before;
      this.#names.delete(taken);
      throw error;
    }
    this.#names.delete(before);
    this.#publish(container, 'rename', { oldName: `/${before}` });
  }

  /** Of two removals at once the second waits for the first and finds it done. */
  async remove(reference: string, options: { force?: boolean; v?: boolean; link?: boolean } = {}): Promise<void> {
    if (options.link) throw notImplemented('links are not available in this version, so there is none to remove');
    const container = this.#find(reference);
    if (container.removal) return container.removal;
    if (container.running && !options.force) {
      const why =
        container.status === 'paused'
          ? 'container is paused and must be unpaused first'
          : 'container is running: stop the container before removing or force remove';
      throw conflict(`cannot remove container "/${container.record.name}": ${why}`);
    }
    return this.#remove(container);
  }

  /** Registers at once; an unknown container or condition is thrown, not promised. */
  wait(reference: string, condition = 'not-running', signal?: AbortSignal): Promise<ContainerWait> {
    const container = this.#find(reference);
    const known: WaitCondition[] = ['not-running', 'next-exit', 'removed'];
    const wanted = known.find((one) => one === (condition || 'not-running'));
    if (!wanted) throw invalid(`invalid condition: "${condition}"`);
    return container.wait(wanted, signal);
  }

  async resize(reference: string, rows: number, columns: number): Promise<void> {
    const container = this.#find(reference);
    if (!container.live) throw conflict(`Container ${container.id} is not running`);
    await container.live.monitor.resize(rows, columns);
    this.#publish(container, 'resize', { height: String(rows), width: String(columns) });
  }

  /** Works before the start too: then the stream begins with the first byte. */
  async attach(reference: string, request: AttachRequest): Promise<AttachStream> {
    const container = this.#find(reference);
    const { record } = container;
    const detachKeys = parseDetachKeys(request.detachKeys);
    if (container.status === 'paused') {
      throw conflict(`container ${reference} is paused, unpause the container before attach`);
    }
    if (container.status === 'restarting') {
      throw conflict(`container ${reference} is restarting, wait until the container is running`);
    }
    if (container.removal) throw conflict(`container ${reference} is being removed`);
    const paths = this.#paths(container);
    const attachment = new Attachment({
      ...request,
      tty: record.config.Tty,
      stdin: request.stdin && request.stream && record.config.OpenStdin,
      detachKeys,
      onDetach: () => this.#publish(container, 'detach'),
      spool: { ...ATTACH_SPOOL, directory: paths.directory },
    });
    const view: LogView = {
      stdout: request.stdout,
      stderr: request.stderr,
      framed: !record.config.Tty,
      timestamps: false,
      details: false,
    };
    // The lock holds a start or an end off, so that it is either before or after this.
    using _ = await this.#locks.take(container.id);
    if (!request.stream) void replay(attachment, request.logs ? readLog(paths.log, view) : nothing());
    else if (!container.live) {
      if (request.logs) for await (const chunk of readLog(paths.log, view)) await attachment.send(chunk);
      container.pending.add(attachment);
    } else if (request.logs) await this.#attachWithHistory(attachment, paths, view);
    else await this.#attachNow(attachment, paths);
    this.#publish(container, 'attach');
    return attachment;
  }

  /** What was written to the log, and with `follow` what is being written until the container ends. */
  logs(reference: string, request: LogsRequest): { tty: boolean; chunks: AsyncIterable<Uint8Array> } {
    const container = this.#find(reference);
    const { config, hostConfig } = container.record;
    if (!request.stdout && !request.stderr) throw invalid('Bad parameters: you must choose at least one stream');
    if (hostConfig.LogConfig.Type === 'none') {
      throw notImplemented('configured logging driver does not support reading');
    }
    const tail = /^\d+$/.test(request.tail ?? '') ? Number(request.tail) : undefined;
    const since = timeBound(request.since);
    const until = timeBound(request.until);
    const follow = request.follow && container.live ? eitherOf(container.live.ended, request.signal) : undefined;
    const chunks = readLog(this.#paths(container).log, {
      stdout: request.stdout,
      stderr: request.stderr,
      framed: !config.Tty,
      timestamps: request.timestamps,
      details: request.details,
      ...(tail !== undefined && { tail }),
      ...(since && { since }),
      ...(until && { until }),
      ...(follow && { follow }),
    });
    return { tty: config.Tty, chunks };
  }

  async top(reference: string, psArguments = '-ef'): Promise<ContainerTop> {
    const container = this.#find(reference);
    if (!container.live) throw conflict(`Container ${container.id} is not running`);
    const table = await processTable(container.id, container.live.pid, psArguments || '-ef');
    this.#publish(container, 'top');
    return table;
  }

  async list({ all = false, limit = 0, size = false, filters = {} }: ListRequest = {}): Promise<ContainerSummary[]> {
    const test = containerFilter(filters, {
      find: (reference) => this.#find(reference),
      imagesOf: (reference) => this.#imagesOf(reference),
    });
    // A filter on the state says itself which states are wanted; so does a limit.
    const every = all || limit > 0 || 'status' in filters || 'exited' in filters;
    const found = [...this.#containers.values()]
      .filter((container) => (every || container.running) && test(container))
      .sort((a, b) => (a.record.created < b.record.created ? 1 : -1))
      .slice(0, limit > 0 ? limit : undefined);
    return Promise.all(
      found.map(async (container) =>
        summarize(container, this.#endpointOf(container), size ? await this.#sizesOf(container) : undefined),
      ),
    );
  }

  async inspect(reference: string, size = false): Promise<ContainerInspect> {
    const container = this.#find(reference);
    const overlay = await this.#options.snapshots.mountsOf(container.id);
    return inspect(container, {
      endpoint: this.#endpointOf(container),
      paths: this.#paths(container),
      ...(overlay && { overlay }),
      ...(size && { sizes: await this.#sizesOf(container) }),
    });
  }

  /** Removes what does not run. */
  async prune(filters: Filters = {}): Promise<{ ContainersDeleted: string[]; SpaceReclaimed: number }> {
    const test = pruneFilter(filters);
    const stopped = [...this.#containers.values()].filter(
      (container) => !container.running && !container.removal && test(container),
    );
    const ContainersDeleted: string[] = [];
    let SpaceReclaimed = 0;
    for (const container of stopped) {
      const { SizeRw } = await this.#sizesOf(container).catch(() => ({ SizeRw: 0 }));
      await this.#remove(container);
      ContainersDeleted.push(container.id);
      SpaceReclaimed += SizeRw;
    }
    return { ContainersDeleted, SpaceReclaimed };
  }

  /** For the rooms below: the full id of a reference. Throws not-found. */
  resolve(reference: string): string {
    return this.#find(reference).id;
  }

  /** A container that can take another process. `said` is how the message ends: `exec`. */
  async running(reference: string, said: string): Promise<RunningContainer> {
    const container = this.#find(reference);
    const { live, record } = container;
    if (!live) throw conflict(`container ${container.id} is not running`);
    if (record.paused) throw conflict(`container ${reference} is paused, unpause the container before ${said}`);
    const paths = this.#paths(container);
    live.pidStart ??= await startTimeOf(paths.stateDir);
    return { record, paths, pid: live.pid, pidStart: live.pidStart };
  }

  /** An exec belongs to its container: shown by inspect, announced with its attributes. */
  addExec(containerId: string, execId: string): void {
    this.#containers.get(containerId)?.execs.add(execId);
  }

  dropExec(containerId: string, execId: string): void {
    this.#containers.get(containerId)?.execs.delete(execId);
  }

  /** Publishes a container's event on behalf of a room below. */
  announce(containerId: string, action: string, attributes: Record<string, string> = {}): void {
    const container = this.#containers.get(containerId);
    if (container) this.#publish(container, action, attributes);
  }

  // ---- finding and naming

  /** By full id, by name, by an unambiguous beginning of an id: in this order. */
  #find(reference: string): Container {
    const name = reference.replace(/^\//, '');
    const exact = this.#containers.get(reference) ?? this.#containers.get(this.#names.get(name) ?? '');
    if (exact) return exact;
    if (/^[0-9a-f]{1,64}$/.test(reference)) {
      const matches = [...this.#containers.values()].filter(({ id }) => id.startsWith(reference));
      if (matches.length === 1) return matches[0] as Container;
      if (matches.length > 1) throw invalid(`multiple IDs found with provided prefix: ${reference}`);
    }
    throw notFound(`No such container: ${reference}`);
  }

  #reserveName(id: string, wanted?: string): string {
    let name = wanted;
    for (let attempt = 0; !name && attempt < NAME_ATTEMPTS; attempt++) {
      const invented = inventName();
      if (!this.#names.has(invented)) name = invented;
    }
    name ??= shortId(id);
    const holder = this.#names.get(name);
    if (holder !== undefined) {
      throw conflict(
        `Conflict. The container name "/${name}" is already in use by container "${holder}". You have to remove (or rename) that container to be able to reuse that name.`,
      );
    }
    this.#names.set(name, id);
    return name;
  }

  #killable(reference: string): Container {
    try {
      const container = this.#find(reference);
      if (container.running) return container;
      throw conflict(`Container ${container.id} is not running`);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      throw new EngineError(error.kind, `Cannot kill container: ${reference}: ${error.message}`);
    }
  }

  #checkShared(...modes: string[]): void {
    for (const mode of modes) {
      const other = sharedContainer(mode);
      if (other !== undefined) this.#find(other);
    }
  }

  #runtimeOf(name: string): ForeignRuntime | null {
    const { runtimes = {}, defaultRuntime = 'slipway' } = this.#options;
    // Compose files and old clients ask for Docker's own by name; ours takes its place.
    const wanted = name === 'slipway' ? defaultRuntime : name;
    const found = runtimes[wanted];
    if (found) return found;
    if (wanted === 'slipway' || wanted === 'runc' || wanted === 'io.containerd.runc.v2') return null;
    throw invalid(`unknown or invalid runtime name: ${name}`);
  }

  #imagesOf(reference: string): ReadonlySet<string> {
    try {
      return new Set([this.#options.images.resolve(reference).id]);
    } catch (error) {
      if (error instanceof EngineError && error.kind === 'not-found') return new Set();
      throw error;
    }
  }

  #paths({ id }: { id: string }): ContainerPaths {
    return containerPaths(this.#options.root, this.#options.runDir, id);
  }

  // ---- a run, from its start to its end

  /** Lets the container go. Called with its lock held. */
  async #launch(container: Container): Promise<void> {
    const { record } = container;
    const { store } = this.#options;
    const before = { ...record };
    await container.cleanup;
    Object.assign(record, { running: true, paused: false, bootId: this.#bootId });
    Object.assign(record, { exitCode: 0, error: '', oomKilled: false });
    const waiting = [...container.pending];
    container.pending.clear();
    try {
      // The one transaction of a start goes on beside the writing of its bundle, and is through before there is anything to clear away.
      const committed = store.commit((change) => {
        change.put(TABLE, container.id, { ...record, startedAt: now() });
        this.#takePlace(change, record);
      });
      committed.catch(() => undefined);
      const { monitor, live } = await this.#makeProcess(container, waiting, committed);
      await monitor.start();
      live.since = Date.now();
      record.startedAt = now();
      container.live = live;
      container.restarting = undefined;
    } catch (cause) {
      for (const attachment of waiting) attachment.finish();
      throw await this.#abandon(container, before, cause);
    }
    this.#publish(container, 'start');
  }

  /** Everything that stands before the process may run: bundle, process, network, those attached. */
  async #makeProcess(
    container: Container,
    waiting: Attachment[],
    committed: Promise<void>,
  ): Promise<{ monitor: Monitor; live: Live }> {
    const { record } = container;
    const { helper, snapshots, networks } = this.#options;
    const paths = this.#paths(container);
    await writeBundle({
      record,
      paths,
      hello: helper.hello,
      overlay: await snapshots.mountsOf(container.id),
      endpoint: this.#endpointOf(container),
      seccomp: this.#seccomp,
      lastCapability: this.#lastCapability,
      pidOf: (reference) => this.#pidOf(reference),
      pathsOf: (reference) => this.#paths(this.#find(reference)),
    });
    await committed;
    const { pid } = await helper.run(runRequest(record, paths));
    const live = newLive(pid);
    const [monitor] = await Promise.all([
      this.#watch(container, live, paths.stateDir),
      sharedContainer(record.network) === undefined && networks.connect(container.id, pid),
      ...waiting.map((attachment) => attachment.connect(paths.stateDir)),
    ]);
    return { monitor, live };
  }

  /** A control connection whose events end the run. */
  async #watch(container: Container, live: Live, stateDir: string): Promise<Monitor> {
    let exit: MonitorExit | undefined;
    const monitor = await Monitor.connect(stateDir, {
      oom: () => {
        container.record.oomKilled = true;
        this.#publish(container, 'oom');
      },
      exited: (how) => {
        exit = how;
        void this.#ended(container, live, how);
      },
      closed: () => {
        if (!exit && !this.#closed) void this.#lost(container, live);
      },
    });
    live.monitor = monitor;
    return monitor;
  }

  #pidOf(reference: string): number {
    const container = this.#find(reference);
    if (!container.live) throw conflict(`cannot join the namespaces of a non running container: ${container.id}`);
    return container.live.pid;
  }

  /** A start that failed leaves the container as it was, but for the reason. Returns the error for the caller. */
  async #abandon(container: Container, before: ContainerRecord, cause: unknown): Promise<EngineError> {
    const { record } = container;
    const { helper } = this.#options;
    const { exitCode, error } = startFailure(cause, record);
    Object.assign(record, before, { exitCode, error: error.message, name: record.name });
    container.cleanup = this.#clear(container);
    await helper.signalAll(container.id).catch(() => undefined);
    await this.#saveEnded(container);
    await container.cleanup;
    // It never ran, so it has not exited: who waits for that learns of the failure from the start.
    container.wake('not-running');
    if (record.hostConfig.AutoRemove) void this.#removeQuietly(container);
    return error;
  }

  /** Takes away what a run left outside the data root. */
  async #clear(container: Container): Promise<void> {
    try {
      await this.#options.helper.delete(container.id);
    } catch (error) {
      log.warn(`what container ${shortId(container.id)} left could not be cleared away: ${messageOf(error)}`);
    }
  }

  /** The monitor went without a word about the end: it was killed, or its last words are only in the exit file. */
  async #lost(container: Container, live: Live): Promise<void> {
    {
      using _ = await this.#locks.take(container.id); // a start under way has not said yet whether this run counts
      if (container.live !== live) return;
    }
    const recorded = await readExitFile(this.#paths(container).exitFile);
    await this.#options.helper.signalAll(container.id).catch(() => undefined);
    await this.#ended(
      container,
      live,
      recorded ?? lostExit("the container's monitor was killed, and the container with it"),
    );
  }

  /** The end of a run: recorded, announced, then those who wait are told; removal and restart come last. */
  async #ended(container: Container, live: Live | undefined, exit: MonitorExit & { error?: string }): Promise<void> {
    const { record } = container;
    {
      using _ = await this.#locks.take(container.id);
      if (live && container.live !== live) return;
      container.live = undefined;
      Object.assign(record, {
        running: false,
        paused: false,
        exitCode: exit.code,
        oomKilled: record.oomKilled || exit.oom,
        finishedAt: exit.finished,
        error: exit.error ?? '',
      });
      const again = !this.#closed && !live?.stopping && wantsRestart(record.hostConfig.RestartPolicy, record);
      if (again) {
        record.restartCount++;
        this.#scheduleRestart(container, live ? Date.now() - live.since : 0);
      }
      let announce = (): void => undefined;
      try {
        announce = await this.#saveEnded(container);
        await rm(this.#paths(container).exitFile, { force: true });
      } catch (error) {
        log.error(`the end of container ${shortId(container.id)} could not be recorded: ${messageOf(error)}`);
      }
      container.cleanup = this.#clear(container);
      this.#publish(container, 'die', { exitCode: String(exit.code) });
      announce();
      container.wake('not-running', 'next-exit');
      live?.monitor.close();
      live?.end();
    }
    if (record.hostConfig.AutoRemove && !live?.keep) void this.#removeQuietly(container);
  }

  #scheduleRestart(container: Container, lifetime: number): void {
    container.backoff = nextDelay(container.backoff, lifetime);
    const timer = setTimeout(() => void this.#restartByPolicy(container), container.backoff);
    container.restarting = {
      cancel: () => {
        clearTimeout(timer);
        container.restarting = undefined;
      },
    };
  }

  async #restartByPolicy(container: Container): Promise<void> {
    using _ = await this.#locks.take(container.id);
    if (!container.restarting || container.removal || this.#closed) return;
    try {
      await this.#launch(container);
    } catch (error) {
      log.warn(`container ${shortId(container.id)} could not be restarted: ${messageOf(error)}`);
      container.restarting = undefined;
      if (!wantsRestart(container.record.hostConfig.RestartPolicy, container.record)) return;
      container.record.restartCount++;
      this.#scheduleRestart(container, 0);
    }
  }

  // ---- ending a run

  async #stop(container: Container, wanted?: number, seconds?: number): Promise<void> {
    const live = await this.#liveOf(container);
    if (!live) return;
    const { record } = container;
    const signal = wanted ?? signalNumber(record.config.StopSignal ?? 'TERM');
    const timeout = seconds ?? record.config.StopTimeout ?? DEFAULT_STOP_TIMEOUT_S;
    await this.#markStopped(container, live);
    await this.#signal(container, live, signal).catch(() => undefined); // it may have ended on its own just now
    if (record.paused) await this.#thaw(container);
    if (await endsWithin(live, timeout < 0 ? undefined : timeout * 1000)) return;
    await this.#kill(container, live);
  }

  /** SIGKILL, and what follows of it. */
  async #kill(container: Container, live: Live): Promise<void> {
    await this.#markStopped(container, live);
    this.#publish(container, 'kill', { signal: '9' });
    const { record } = container;
    // A frozen process does not die, and without a pid namespace of its own its children would not either.
    const everything = record.paused || record.hostConfig.PidMode !== '';
    await (everything ? this.#options.helper.signalAll(container.id) : live.monitor.signal(9)).catch(() => undefined);
    if (await endsWithin(live, KILL_PATIENCE_MS / 2)) return;
    await this.#options.helper.signalAll(container.id);
    if (await endsWithin(live, KILL_PATIENCE_MS / 2)) return;
    throw system(`tried to kill container ${container.id}, but its process has not ended: it hangs in the kernel`);
  }

  async #signal(container: Container, live: Live, signal: number): Promise<void> {
    this.#publish(container, 'kill', { signal: String(signal) });
    await live.monitor.signal(signal);
  }

  /** On disk before the signal goes out: an engine killed in between must not bring back what was stopped. */
  async #markStopped(container: Container, live: Live | undefined): Promise<void> {
    if (live) live.stopping = true;
    if (container.record.stoppedByHand) return;
    container.record.stoppedByHand = true;
    if (container.record.hostConfig.RestartPolicy.Name !== 'no') await this.#save(container);
  }

  /** The run to end. Between two runs of its policy there is none: then the next one is called off. */
  async #liveOf(container: Container): Promise<Live | undefined> {
    if (container.live) return container.live;
    using _ = await this.#locks.take(container.id);
    if (container.live) return container.live;
    container.restarting?.cancel();
    container.record.stoppedByHand = true;
    await this.#save(container);
    container.wake('not-running', 'next-exit');
    return undefined;
  }

  async #thaw(container: Container): Promise<void> {
    container.record.paused = false;
    await this.#options.helper.thaw(container.id).catch(() => undefined);
  }

  #remove(container: Container): Promise<void> {
    container.removal ??= this.#removeNow(container).catch((error: unknown) => {
      container.removal = undefined;
      container.dead = !container.live;
      throw error;
    });
    return container.removal;
  }

  async #removeNow(container: Container): Promise<void> {
    container.restarting?.cancel();
    // A start under way is let through first: it holds the lock.
    using _ = await this.#lockStopped(container);
    const { store, images, networks } = this.#options;
    await store.commit((change) => {
      change.remove(TABLE, container.id);
      images.release(change, container.record.image.id, container.id);
      networks.release(change, container.id);
    });
    // Row before data, and the data off the answer's way: after a crash the sweep at start finds a directory without a row.
    this.#inBackground(
      container.cleanup.then(() => this.#discardFiles(container.id)),
      `the files of ${container.id}`,
    );
    this.#containers.delete(container.id);
    this.#names.delete(container.record.name);
    for (const attachment of container.pending) attachment.close();
    this.#publish(container, 'destroy');
    container.wake('not-running', 'next-exit', 'removed');
  }

  /** The lock of a container that does not run; what runs is killed first. */
  async #lockStopped(container: Container): Promise<Disposable> {
    for (;;) {
      const lock = await this.#locks.take(container.id);
      container.restarting?.cancel();
      const { live } = container;
      if (!live) return lock;
      lock[Symbol.dispose]();
      await this.#kill(container, live);
    }
  }

  async #removeQuietly(container: Container): Promise<void> {
    try {
      await this.#remove(container);
    } catch (error) {
      log.error(`container ${shortId(container.id)} could not be removed: ${messageOf(error)}`);
    }
  }

  #inBackground(work: Promise<void>, what: string): void {
    const done = work
      .catch((error: unknown) => log.warn(`${what} could not be removed: ${messageOf(error)}`))
      .finally(() => this.#background.delete(done));
    this.#background.add(done);
  }

  async #discardFiles(id: string): Promise<void> {
    await this.#options.snapshots.discard(id);
    await this.#options.helper.discard(this.#paths({ id }).directory).catch((error: unknown) => {
      if (!(error instanceof EngineError && error.kind === 'not-found')) throw error;
    });
  }

  // ---- attach

  async #attachNow(attachment: Attachment, { stateDir }: ContainerPaths): Promise<void> {
    try {
      await attachment.connect(stateDir);
    } catch (error) {
      // It ended just now: the client gets an empty stream, as it would a moment later.
      log.debug(`attach: ${messageOf(error)}`);
      attachment.finish();
    }
  }

  /** What was logged, then the stream, without a gap and with nothing twice: the monitor says where the stream begins. */
  async #attachWithHistory(attachment: Attachment, paths: ContainerPaths, view: LogView): Promise<void> {
    // The files are opened before; had one been rotated by the time the stream begins, its position would mean another file.
    for (let attempt = 0; ; attempt++) {
      const history = await openHistory(paths.log);
      try {
        const done = await attachment.connectAfter(paths.stateDir, async ({ log: end }) =>
          (await history.current()) || attempt >= 5 ? history.read(end, view) : undefined,
        );
        if (!done || attachment.closed) await history[Symbol.asyncDispose]();
        if (done) return;
      } catch (error) {
        await history[Symbol.asyncDispose]();
        log.debug(`attach: ${messageOf(error)}`);
        await replay(attachment, readLog(paths.log, view));
        return;
      }
    }
  }

  // ---- opening

  /** Directories of containers that are in no row: made or removed while an engine was killed. */
  async #sweep(): Promise<void> {
    // A database that was set aside knows nothing of what is still good.
    if (this.#options.store.warnings?.length) return;
    const directory = join(this.#options.root, 'containers');
    const entries = await readdir(directory).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    });
    const made = this.#options.snapshots.active?.() ?? [];
    const strays = [...new Set([...entries, ...made])].filter((id) => !this.#containers.has(id));
    const { helper } = this.#options;
    for (const id of strays) {
      // A container that a damaged database forgot may still run.
      await helper.signalAll(id).catch(() => undefined);
      await helper
        .delete(id)
        .then(() => this.#discardFiles(id))
        .catch((error: unknown) => log.warn(`${id} could not be discarded: ${messageOf(error)}`));
    }
  }
  /** Finds out what became of a container while no engine watched. */
  async #adopt(container: Container): Promise<void> {
    using _ = await this.#locks.take(container.id); // an end that comes meanwhile waits until the run is known
    const { record } = container;
    const paths = this.#paths(container);
    const live = newLive(0);
    const monitor = await this.#watch(container, live, paths.stateDir).catch(() => undefined);
    if (monitor && monitor.state.phase === 'running') {
      live.pid = monitor.state.pid;
      live.since = Date.parse(monitor.state.started);
      container.live = live;
      record.running = true;
      this.#options.images.setRunning(container.id, true);
      record.startedAt = monitor.state.started;
      return;
    }
    if (monitor && monitor.state.phase === 'created') return this.#undoStart(container, monitor);
    monitor?.close();
    const recorded = await readExitFile(paths.exitFile);
    const unread = recorded !== undefined && recorded.finished !== record.finishedAt;
    if (!record.running && !unread) {
      if (recorded) await rm(paths.exitFile, { force: true });
      return;
    }
    if (recorded?.started) record.startedAt = recorded.started;
    const rebooted = record.bootId !== this.#bootId;
    await this.#options.helper.signalAll(container.id).catch(() => undefined);
    await this.#recordEnd(
      container,
      recorded ?? (rebooted ? rebootExit() : lostExit("the container's monitor was killed")),
    );
  }

  /** The engine died between making the process and letting it go; nobody was told of a start. */
  async #undoStart(container: Container, monitor: Monitor): Promise<void> {
    await this.#options.helper.signalAll(container.id).catch(() => undefined);
    await monitor.signal(9).catch(() => undefined);
    monitor.close();
    const { record } = container;
    Object.assign(record, { running: false, startedAt: record.finishedAt });
    await this.#saveEnded(container);
    await this.#clear(container);
    await rm(this.#paths(container).exitFile, { force: true });
  }

  /** An end that is only now read: the row first, then the exit file goes. */
  async #recordEnd(container: Container, exit: ReadExit): Promise<void> {
    const { record } = container;
    Object.assign(record, {
      running: false,
      paused: false,
      exitCode: exit.code,
      oomKilled: exit.oom,
      finishedAt: exit.finished,
      error: exit.error ?? '',
    });
    const announce = await this.#saveEnded(container);
    await rm(this.#paths(container).exitFile, { force: true });
    container.cleanup = this.#clear(container);
    this.#publish(container, 'die', { exitCode: String(exit.code) });
    announce();
  }

  /** What its policy or `--rm` asks for, once it is known what runs. */
  #resume(container: Container): void {
    const { record } = container;
    if (container.live || record.startedAt === NEVER) return;
    if (record.hostConfig.AutoRemove) return void this.#removeQuietly(container);
    if (wantsRestart(record.hostConfig.RestartPolicy, record)) this.#scheduleRestart(container, 0);
  }

  // ---- small things

  #takePlace(change: Change, { id, name, network }: ContainerRecord): void {
    const predefined = predefinedNetwork(network);
    if (predefined) this.#options.networks.allocate(change, id, { network: predefined, name });
  }

  #endpointOf({ id, record }: Container): EndpointSettings {
    return this.#options.networks.endpointOf(id, predefinedNetwork(record.network));
  }

  /** Writes a record whose container runs no more, and gives back what its run had. Returns how to announce that. */
  async #saveEnded({ id, record }: Container): Promise<() => void> {
    let announce = (): void => undefined;
    await this.#options.store.commit((change) => {
      change.put(TABLE, id, record);
      announce = this.#options.networks.release(change, id);
    });
    return announce;
  }

  async #save(container: Container): Promise<void> {
    await this.#options.store.commit((change) => change.put(TABLE, container.id, container.record));
  }

  async #sizesOf(container: Container): Promise<Sizes> {
    const { snapshots, helper } = this.#options;
    const { upper, lower } = await snapshots.mountsOf(container.id);
    const [own, ...image] = await Promise.all([upper, ...lower].map((path) => helper.usage(path)));
    const SizeRw = own?.bytes ?? 0;
    return { SizeRw, SizeRootFs: image.reduce((sum, { bytes }) => sum + bytes, SizeRw) };
  }

  #publish(container: Container, action: string, attributes: Record<string, string> = {}): void {
    if (action === 'start' || action === 'die') this.#options.images.setRunning(container.id, action === 'start');
    this.#options.events.publish('container', action, container.id, { ...attributes, ...attributesOf(container) });
  }
}

type ReadExit = MonitorExit & { error?: string; started?: string };

/** Labels, image and name; a label cannot pass for one of the others. */
const attributesOf = ({ record }: Container): Record<string, string> => ({
  ...record.config.Labels,
  image: record.image.reference,
  name: record.name,
});

function newLive(pid: number): Live {
  let end!: () => void;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const monitor = undefined as unknown as Monitor; // set by the connection that this is made for
  return { monitor, pid, since: Date.now(), ended, end, stopping: false, keep: false };
}

/** Whether it ended in time; without a time, whenever it does. */
async function endsWithin(live: Live, milliseconds?: number): Promise<boolean> {
  const ended = live.ended.then(() => true);
  if (milliseconds === undefined) return ended;
  const timer = new AbortController();
  const late = sleep(milliseconds, false, { signal: timer.signal }).catch(() => false);
  const result = await Promise.race([ended, late]);
  timer.abort();
  return result;
}

async function readExitFile(path: string): Promise<ReadExit | undefined> {
  try {
    const said = JSON.parse(await readFile(path, 'utf8')) as {
      code: number;
      signal: number;
      oom: boolean;
      startedAt: string;
      finishedAt: string;
      error: { message: string } | null;
    };
    return {
      code: said.code,
      signal: said.signal,
      oom: said.oom,
      finished: said.finishedAt,
      ...(said.startedAt && said.startedAt !== NEVER && { started: said.startedAt }),
      ...(said.error && { error: said.error.message }),
    };
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') log.warn(`${path} cannot be read: ${messageOf(error)}`);
    return undefined;
  }
}

const lostExit = (error: string): ReadExit => ({ code: KILLED, signal: 9, oom: false, finished: now(), error });
const rebootExit = (): ReadExit => ({ code: LOST_IN_REBOOT, signal: 0, oom: false, finished: now() });

async function startTimeOf(stateDir: string): Promise<number> {
  try {
    const said = JSON.parse(await readFile(join(stateDir, 'monitor.json'), 'utf8')) as {
      container?: { startTime?: number };
    };
    return said.container?.startTime ?? 0;
  } catch {
    return 0;
  }
}

async function replay(attachment: Attachment, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const chunk of chunks) await attachment.send(chunk);
  } finally {
    attachment.finish();
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** `1795475834.5` in the form the log has; nothing for no bound. */
function timeBound(given: string | undefined): string | undefined {
  if (!given || given === '0') return undefined;
  const [, seconds, fraction = ''] = /^(\d+)(?:\.(\d{1,9})\d*)?$/.exec(given) ?? [];
  if (seconds === undefined) throw invalid(`invalid value for a time: "${given}", give unix seconds`);
  return timeOf(BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0')));
}

/** `label`, `label!` and `until` of `POST /containers/prune`. */
function pruneFilter(filters: Filters): (container: Container) => boolean {
  for (const key of Object.keys(filters)) {
    if (!['label', 'label!', 'until'].includes(key)) throw invalid(`invalid filter '${key}'`);
  }
  const until = filters['until']?.map((value) => timeBound(value));
  return ({ record }) =>
    (filters['label'] ?? []).every((value) => hasLabel(record.config.Labels, value)) &&
    !(filters['label!'] ?? []).some((value) => hasLabel(record.config.Labels, value)) &&
    (until ?? []).every((limit) => limit === undefined || record.created < limit);
}

/** Resolves with the first to come. */
const eitherOf = (ended: Promise<unknown>, signal?: AbortSignal): Promise<unknown> =>
  signal
    ? Promise.race([ended, new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))])
    : ended;

/** The docker CLI takes a create that is answered 404 for a missing image, and goes to fetch it. */
function noMissing<Result>(check: () => Result): Result {
  try {
    return check();
  } catch (error) {
    throw error instanceof EngineError && error.kind === 'not-found' ? invalid(error.message) : error;
  }
}
