import { conflict, EngineError, invalid, notImplemented, notModified } from '../../base/errors.js';
import { forEachOf } from '../../base/slots.js';
import type {
  ContainerCreate,
  ContainerCreated,
  ContainerInspect,
  ContainerSummary,
  ContainerTop,
  ContainerUpdate,
  ContainerWait,
} from '../../contract/containers.js';
import type { Filters } from '../../contract/filters.js';
import type { NetworkConnect, NetworkDisconnect } from '../../contract/networks.js';
import type { Discarded } from '../../contract/bin.js';
import type { DiskContainer } from '../../contract/disk.js';
import type { VolumeUser } from '../../contract/volume-data.js';
import type { Changed, ChangePreview, ContainerChange, HistoryEntry } from '../../contract/changes.js';
import type { ContainerMount, Mounted, MountPreview, MountWish } from '../../contract/mounts.js';
import { Adoption } from './adoption.js';
import type { AttachStream } from '../../contract/streams.js';
import { Bin } from './bin.js';
import { Changes, type ChangeCall } from './changes.js';
import { ContainerMounts } from './container-mounts.js';
import { Connections } from './connections.js';
import { Container, type WaitCondition } from './container.js';
import { Creation } from './creation.js';
import { Ending } from './ending.js';
import { pruneFilter } from './filters.js';
import { History } from './history.js';
import { Ledger, TABLE } from './ledger.js';
import { LiveChanges } from './live-changes.js';
import { LiveMounts } from './live-mounts.js';
import { checkedName } from './names.js';
import { startTimeOf } from './live.js';
import { Output, type AttachRequest, type LogsRequest } from './output.js';
import type { ContainerPaths } from './paths.js';
import { Places, type HeldFiles } from './place.js';
import { writableVolumesOf, type ContainerRecord } from './record.js';
import { Removal } from './removal.js';
import type { ContainersOptions, HelperRoom } from './rooms.js';
import { Runs } from './runs.js';
import { signalNumber } from './signals.js';
import { Survey, type ListRequest } from './survey.js';
import { Trials } from './trials.js';
import { cgroupOf } from './spec.js';
import { processesOf, processTable } from './top.js';
import { Updates } from './updates.js';
import { runningWith, volumeUsers, type VolumeUse } from './volume-users.js';

/** A disk flushes several removals as fast as one. */
const PRUNED_AT_ONCE = 16;

/** How a run is to be ended: the image's way and time where nothing is said. */
export interface StopRequest {
  signal?: string | undefined;
  /** Seconds until SIGKILL; negative: never. */
  t?: number | undefined;
}

/** What another room may know of a container that runs. */
export interface RunningContainer {
  record: Readonly<ContainerRecord>;
  paths: ContainerPaths;
  pid: number;
  /** The start time of that process in clock ticks: a pid that was used again is not it. */
  pidStart: number;
}

/** A container as it is at this moment. */
export interface Glance {
  name: string;
  image: { id: string; chainId: string };
  /** Its first process; undefined where it does not run. */
  pid: number | undefined;
  /** Its interfaces are not the machine's own. */
  ownNetwork: boolean;
  cgroup: string;
  /** Bytes; 0 where it has none. */
  memoryLimit: number;
}

/** The parts of this room; each may use those before it. */
interface Parts {
  ledger: Ledger;
  ending: Ending;
  removal: Removal;
  bin: Bin;
  runs: Runs;
  trials: Trials;
  changes: Changes;
  creation: Creation;
  output: Output;
  survey: Survey;
  updates: Updates;
  places: Places;
  mounts: ContainerMounts;
  connections: Connections;
}

/** Containers: made from images, run by the helper, watched through their monitors. */
export class Containers {
  /** The tables of the store that are this room's. */
  static readonly tables = [TABLE, History.table, Bin.table];

  readonly #helper: HelperRoom;
  readonly #volumes: ContainersOptions['volumes'];
  readonly #events: ContainersOptions['events'];
  readonly #networks: ContainersOptions['networks'];
  readonly #parts: Parts;

  private constructor({ helper, volumes, events, networks }: ContainersOptions, parts: Parts) {
    this.#helper = helper;
    this.#volumes = volumes;
    this.#events = events;
    this.#networks = networks;
    this.#parts = parts;
  }

  /** Reads what there is, takes over what runs, and lets restart policies do their work. */
  static async open(options: ContainersOptions): Promise<Containers> {
    const ledger = new Ledger(options);
    const ending = new Ending(options, ledger);
    const removal = new Removal(options, ledger, ending);
    const bin = new Bin(options, ledger, removal);
    const runs = await Runs.open(options, ledger, removal);
    const trials = new Trials(options, ledger, { ending, removal, runs });
    const liveMounts = new LiveMounts(options, ledger);
    const liveChanges = new LiveChanges(options, ledger, liveMounts);
    await new Adoption(options, ledger, { runs, removal, bin, trials, liveChanges }).run();
    bin.open();
    const changes = new Changes(options, ledger, { trials, liveMounts, liveChanges });
    const creation = new Creation(options, ledger, { removal, bin });
    const output = new Output(ledger, options.helper);
    const survey = new Survey(options, ledger);
    const updates = new Updates(options, ledger);
    const places = new Places(options, ledger);
    const mounts = new ContainerMounts(options, ledger, { changes, places });
    const connections = new Connections(options, ledger);
    return new Containers(options, {
      ...{ ledger, ending, removal, bin, runs, trials, changes, creation, output, survey, updates, places, mounts },
      connections,
    });
  }

  /** Lets go of the monitors. Containers go on; what waits for a restart is for the next engine to see to. */
  async close(): Promise<void> {
    const { ledger, runs, removal, bin, trials } = this.#parts;
    trials.close();
    bin.close();
    for (const { pending } of ledger.all()) for (const attachment of pending) attachment.close();
    await Promise.all([runs.close(), removal.settled()]);
  }

  /** How many there are, by what they are doing. */
  counts(): { running: number; paused: number; stopped: number } {
    return this.#parts.survey.counts();
  }

  create(body: ContainerCreate, name?: string, platform?: string): Promise<ContainerCreated> {
    return this.#parts.creation.create(body, name, platform);
  }

  async start(reference: string): Promise<void> {
    const container = this.#find(reference);
    using _ = await this.#lock(container);
    if (container.status === 'paused') throw conflict('cannot start a paused container, try unpause instead');
    if (container.running) throw notModified(`Container ${container.id} is already running`);
    if (container.removal) throw conflict('container is marked for removal and cannot be started');
    container.backoff = 0;
    container.record.restartCount = 0;
    await this.#parts.runs.launch(container);
  }

  /** Resolves when it has ended. Throws not-modified where nothing ran. */
  async stop(reference: string, { signal, t }: StopRequest = {}): Promise<void> {
    const container = this.#find(reference);
    const number = signal ? signalNumber(signal) : undefined;
    if (!container.running) throw notModified(`Container ${container.id} is already stopped`);
    await this.#parts.ending.stop(container, number, t);
  }

  async kill(reference: string, signal = 'KILL'): Promise<void> {
    const container = this.#killable(reference);
    await this.#parts.ending.signal(container, signalNumber(signal || 'KILL'));
  }

  async restart(reference: string, { signal, t }: StopRequest = {}): Promise<void> {
    const container = this.#find(reference);
    const number = signal ? signalNumber(signal) : undefined;
    if (container.removal) throw conflict('container is marked for removal and cannot be restarted');
    const { live } = container;
    try {
      if (live) live.keep = true;
      if (container.running) await this.#parts.ending.stop(container, number, t);
      await this.start(container.id);
    } catch (error) {
      if (live) live.keep = false;
      // Somebody else may have started it in between.
      if (!(error instanceof EngineError && error.kind === 'not-modified')) throw error;
    }
    this.#publish(container, 'restart');
  }

  async pause(reference: string): Promise<void> {
    const container = this.#find(reference);
    using _ = await this.#lock(container);
    if (!container.live) throw conflict(`Container ${container.id} is not running`);
    if (container.record.paused) throw conflict(`Container ${container.id} is already paused`);
    // Written down before: should we be killed in between, the next engine finds it paused and makes it so.
    await this.#parts.ledger.save(container, { paused: true });
    try {
      await this.#helper.freeze(container.id);
    } catch (error) {
      await this.#parts.ledger.save(container);
      throw error;
    }
    container.record.paused = true;
    this.#publish(container, 'pause');
  }

  async unpause(reference: string): Promise<void> {
    const container = this.#find(reference);
    using _ = await this.#lock(container);
    if (!container.live || !container.record.paused) throw conflict(`Container ${container.id} is not paused`);
    using _writing = this.#volumes.writing(writableVolumesOf(container.record));
    await this.#helper.thaw(container.id);
    container.record.paused = false;
    await this.#parts.ledger.save(container);
    this.#publish(container, 'unpause');
  }

  /** Changes what it may use, at once where it runs, and when it comes back. */
  update(reference: string, body: ContainerUpdate): Promise<{ Warnings: string[] | null }> {
    return this.#parts.updates.update(reference, body);
  }

  /** Puts a container on a network, at once where it runs. */
  async connectNetwork(network: string, request: NetworkConnect): Promise<void> {
    return this.#parts.connections.connect(network, request);
  }

  async disconnectNetwork(network: string, request: NetworkDisconnect): Promise<void> {
    return this.#parts.connections.disconnect(network, request);
  }

  async rename(reference: string, name: string): Promise<void> {
    if (!reference || !name) throw invalid('Neither old nor new names may be empty');
    const { ledger } = this.#parts;
    const container = this.#find(reference);
    using _ = await this.#lock(container);
    const { record } = container;
    const before = record.name;
    const bare = name.replace(/^\//, '');
    if (before === bare) throw invalid('Renaming a container with the same name as its current name');
    const taken = during('Error when allocating new name', () =>
      ledger.takeName(container.id, checkedName(name, `/${bare}`)),
    );
    record.name = taken;
    try {
      const Changes = [{ Field: 'Name', From: before, To: taken }];
      await ledger.save(container, {}, (change) => {
        ledger.history.put(change, container.id, { Kind: 'changed', Changes });
        this.#networks.renamed(change, container.id, taken);
      });
    } catch (error) {
      record.name = before;
      ledger.freeName(taken);
      throw error;
    }
    ledger.freeName(before);
    this.#publish(container, 'rename', { oldName: `/${before}` });
  }

  /** Of two removals at once the second waits for the first and finds it done. */
  async remove(reference: string, options: { force?: boolean; v?: boolean; link?: boolean } = {}): Promise<void> {
    if (options.link) throw notImplemented('links are not available in this version, so there is none to remove');
    const container = this.#find(reference);
    const { force = false, v } = options;
    if (container.discarding) {
      await container.discarding;
      return this.#parts.bin.remove(container.id);
    }
    return this.#parts.removal.remove(container, { force, ...(v && { volumes: true }) });
  }

  /** Removes it so that it can be brought back; `v`: the volumes whose names nobody chose go with it once it goes for good. */
  discard(reference: string, { force = false, v = false } = {}): Promise<Discarded> {
    return this.#parts.bin.discard(this.#find(reference), { force, volumes: v });
  }

  /** Changes what it is, with one restart where that cannot be otherwise. */
  async change(reference: string, change: ContainerChange, call?: ChangeCall): Promise<Changed> {
    return this.#parts.changes.change(this.#find(reference), change, call);
  }

  async previewChange(reference: string, change: ContainerChange): Promise<ChangePreview> {
    return this.#parts.changes.preview(this.#find(reference), change);
  }

  /** Back to the configuration that it had at an entry of its history. */
  async revert(reference: string, seq: number, call?: ChangeCall): Promise<Changed> {
    return this.#parts.changes.revert(this.#find(reference), seq, call);
  }

  async previewRevert(reference: string, seq: number): Promise<ChangePreview> {
    return this.#parts.changes.previewRevert(this.#find(reference), seq);
  }

  /** What happened to it, newest first. */
  history(reference: string): HistoryEntry[] {
    return this.#parts.changes.history(this.#find(reference));
  }

  /** What it has mounted, and whether it is there now. */
  async mounts(reference: string): Promise<ContainerMount[]> {
    return this.#parts.mounts.list(this.#find(reference));
  }

  async previewMount(reference: string, wish: MountWish): Promise<MountPreview> {
    return this.#parts.mounts.preview(this.#find(reference), wish);
  }

  /** Mounts a folder or a volume, at once where it runs. */
  async attachMount(reference: string, wish: MountWish): Promise<Mounted> {
    return this.#parts.mounts.attach(this.#find(reference), wish);
  }

  async detachMount(reference: string, target: string, how?: { force: boolean; restart: boolean }): Promise<void> {
    return this.#parts.mounts.detach(this.#find(reference), target, how);
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
  attach(reference: string, request: AttachRequest): Promise<AttachStream> {
    return this.#parts.output.attach(reference, request);
  }

  /** What was written to the log, and with `follow` what is being written until the container ends. */
  logs(reference: string, request: LogsRequest): { tty: boolean; chunks: AsyncIterable<Uint8Array> } {
    return this.#parts.output.logs(reference, request);
  }

  async top(reference: string, psArguments = '-ef'): Promise<ContainerTop> {
    const container = this.#find(reference);
    if (!container.live) throw conflict(`Container ${container.id} is not running`);
    const table = await processTable(container.id, container.live.pid, psArguments || '-ef');
    this.#publish(container, 'top');
    return table;
  }

  list(request: ListRequest = {}): Promise<ContainerSummary[]> {
    return this.#parts.survey.list(request);
  }

  /** What each of them takes on the disk, as it was counted last. */
  onDisk(): Promise<DiskContainer[]> {
    return this.#parts.survey.onDisk();
  }

  /** Who has which volume and where, by volume; those in the bin too. */
  volumeUsers(): Map<string, VolumeUser[]> {
    const { ledger, bin } = this.#parts;
    return volumeUsers(ledger.all(), bin.records());
  }

  /** What a container is called, where it runs. */
  runningName(id: string): string | undefined {
    const container = this.#parts.ledger.get(id);
    return container?.running ? container.record.name : undefined;
  }

  async inspect(reference: string, size = false): Promise<ContainerInspect> {
    return this.#parts.survey.inspect(reference, size);
  }

  /** Removes what does not run. */
  async prune(filters: Filters = {}): Promise<{ ContainersDeleted: string[]; SpaceReclaimed: number }> {
    const { ledger, survey, removal } = this.#parts;
    const test = pruneFilter(filters);
    const stopped = ledger.all().filter((container) => !container.running && !container.removal && test(container));
    const ContainersDeleted: string[] = [];
    let SpaceReclaimed = 0;
    await forEachOf(stopped, PRUNED_AT_ONCE, async (container) => {
      const { SizeRw } = await survey.sizesOf(container).catch(() => ({ SizeRw: 0 }));
      try {
        await removal.remove(container);
      } catch (error) {
        if (error instanceof EngineError && error.kind === 'conflict') return; // somebody started it just now
        throw error;
      }
      ContainersDeleted.push(container.id);
      SpaceReclaimed += SizeRw;
    });
    this.#events.publish('container', 'prune', '', { reclaimed: String(SpaceReclaimed) });
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
    const paths = this.#parts.ledger.pathsOf(container.id);
    live.pidStart ??= await startTimeOf(paths.stateDir);
    return { record, paths, pid: live.pid, pidStart: live.pidStart };
  }

  /** Its files, for as long as the room below uses them. */
  hold(reference: string): Promise<HeldFiles> {
    return this.#parts.places.hold(this.#find(reference));
  }

  /** The containers that run and have a volume, by full id. One that is about to start or end is waited for. */
  runningWith(volume: string): Promise<VolumeUse[]> {
    return runningWith(volume, this.#parts.ledger, this.#volumes);
  }

  /** For the rooms below, by full id; undefined once it is removed. */
  glance(id: string): Glance | undefined {
    const container = this.#parts.ledger.get(id);
    if (!container) return undefined;
    const { live, record } = container;
    return {
      name: record.name,
      image: record.image,
      pid: live?.pid,
      ownNetwork: record.network !== 'host',
      cgroup: cgroupOf(record),
      memoryLimit: record.hostConfig.Memory ?? 0,
    };
  }

  /** Who has a name; what is in the bin has none. */
  named(name: string): { id: string; name: string } | undefined {
    const container = this.#parts.ledger.holderOf(name);
    return container && { id: container.id, name };
  }

  /** Full ids of those that have processes. */
  runningIds(): string[] {
    return this.#parts.ledger.all().flatMap(({ id, live }) => (live ? [id] : []));
  }

  /** The processes of a container that runs, by the pid of its first. */
  processes(id: string, pid: number): Promise<number[]> {
    return processesOf(id, pid);
  }

  /** An exec belongs to its container: shown by inspect, announced with its attributes. */
  addExec(containerId: string, execId: string): void {
    this.#parts.ledger.get(containerId)?.execs.add(execId);
  }

  dropExec(containerId: string, execId: string): void {
    this.#parts.ledger.get(containerId)?.execs.delete(execId);
  }

  /** Publishes a container's event on behalf of a room below. */
  announce(containerId: string, action: string, attributes: Record<string, string> = {}): void {
    const container = this.#parts.ledger.get(containerId);
    if (container) this.#publish(container, action, attributes);
  }

  #find(reference: string): Container {
    return this.#parts.ledger.find(reference);
  }

  #lock(container: Container): Promise<Disposable> {
    return this.#parts.ledger.lock(container);
  }

  #publish(container: Container, action: string, attributes?: Record<string, string>): void {
    this.#parts.ledger.publish(container, action, attributes);
  }

  #killable(reference: string): Container {
    return during(`Cannot kill container: ${reference}`, () => {
      const container = this.#find(reference);
      if (container.running) return container;
      throw conflict(`Container ${container.id} is not running`);
    });
  }
}

/** Adds to an error what was being done, as Docker words it. */
function during<Result>(what: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new EngineError(error.kind, `${what}: ${error.message}`, { cause: error });
  }
}
