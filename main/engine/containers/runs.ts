import { readFile, rm } from 'node:fs/promises';
import { conflict, messageOf, type EngineError } from '../../base/errors.js';
import { shortId } from '../../base/ids.js';
import { createLog } from '../../base/log.js';
import { Monitor, type MonitorListener, type NetworkRequest } from '../helper/index.js';
import type { Change } from '../../base/store.js';
import type { HistoryEntry } from '../../contract/changes.js';
import type { Attachment } from './attachment.js';
import { bootId, now } from './clock.js';
import type { Container } from './container.js';
import type { HealthStatus } from '../../contract/containers.js';
import { lostExit, readExitFile, roomOf, type Exit } from './exit.js';
import { healthProbe, readHealth, startingHealth } from './health.js';
import { bundleFiles, runRequest } from './launch.js';
import { TABLE, type Ledger } from './ledger.js';
import { layersOf } from './image-mounts.js';
import { newLive, type Live } from './live.js';
import { standingOf, volumesOf, writableVolumesOf, type Standing } from './record.js';
import type { Removal } from './removal.js';
import { Restarts } from './restarts.js';
import { portWishes } from './published-ports.js';
import { placesOf } from './places-on-networks.js';
import type { ContainersOptions } from './rooms.js';
import { Seccomp } from './seccomp.js';
import { sharedContainer } from './spec.js';
import { startFailure } from './start-failure.js';
import { userNamespaceOf } from './user-ids.js';

type RunsOptions = Pick<
  ContainersOptions,
  'store' | 'helper' | 'snapshots' | 'networks' | 'images' | 'volumes' | 'seccompProfile' | 'hostGatewayIp'
>;

/** What every run on this machine needs to know of it. */
interface Machine {
  seccomp: Seccomp;
  lastCapability: number;
  bootId: string;
}

const log = createLog('containers');

/** A container's run, from its start to its recorded end. */
export class Runs {
  readonly restarts: Restarts;
  readonly #options: RunsOptions;
  readonly #ledger: Ledger;
  readonly #removal: Removal;
  readonly #machine: Machine;
  #closed = false;

  private constructor(options: RunsOptions, ledger: Ledger, removal: Removal, machine: Machine) {
    this.#options = options;
    this.#ledger = ledger;
    this.#removal = removal;
    this.#machine = machine;
    this.restarts = new Restarts(ledger, (container) => this.launch(container));
  }

  static async open(options: RunsOptions, ledger: Ledger, removal: Removal): Promise<Runs> {
    const [seccomp, lastCapability, boot] = await Promise.all([
      Seccomp.open(options.seccompProfile),
      readFile('/proc/sys/kernel/cap_last_cap', 'utf8').then(Number),
      bootId(),
    ]);
    return new Runs(options, ledger, removal, { seccomp, lastCapability, bootId: boot });
  }

  get bootId(): string {
    return this.#machine.bootId;
  }

  /** Lets go of the monitors; what runs goes on. */
  async close(): Promise<void> {
    this.#closed = true;
    this.restarts.close();
    for (const { live } of this.#ledger.all()) live?.monitor.close();
    await Promise.allSettled(this.#ledger.all().map(({ cleanup }) => cleanup));
  }

  /** Lets the container go. Called with its lock held. `also`: what goes along in the transaction of its start. */
  async launch(container: Container, also?: (change: Change) => void): Promise<void> {
    const { record } = container;
    const { store, networks, volumes } = this.#options;
    volumes.checkFree(volumesOf(record));
    using _ = volumes.writing(writableVolumesOf(record)); // from here on, and once it runs that is seen
    const before = standingOf(record);
    await container.settled();
    Object.assign(record, { running: true, paused: false, bootId: this.#machine.bootId });
    Object.assign(record, { stoppedByHand: false, restartPending: false });
    if (healthProbe(record.config)) record.health = startingHealth();
    else delete record.health; // it had a check before
    Object.assign(record, { exitCode: 0, error: '', oomKilled: false });
    let told: HistoryEntry | undefined;
    const waiting = [...container.pending];
    container.pending.clear();
    try {
      // The one transaction of a start goes on beside the making of its process, and is through before that is let go.
      const committed = store.commit((change) => {
        change.put(TABLE, container.id, { ...record, startedAt: now(), before });
        networks.allocate(change, container.id, { name: record.name, places: placesOf(record) });
        told = this.#ledger.history.put(change, container.id, { Kind: 'started' });
        also?.(change);
      });
      committed.catch(() => undefined);
      const live = await this.#makeProcess(container, waiting, committed);
      await committed;
      await live.monitor.start();
      live.since = Date.now();
      record.startedAt = now();
      this.#begin(container, live);
      container.restarting = undefined;
    } catch (cause) {
      for (const attachment of waiting) attachment.finish();
      throw await this.#abandon(container, { before, told }, cause);
    }
    for (const { Name = '', Type, Destination, RW, Propagation } of record.mounts) {
      if (Type !== 'volume') continue;
      const about = { container: container.id, destination: Destination, propagation: Propagation };
      volumes.announce('mount', Name, { ...about, 'read/write': String(RW) });
    }
    this.#ledger.publish(container, 'start');
  }

  /** Takes over a run that another engine began. Undefined where its monitor is not there any more. */
  async adopt(container: Container): Promise<Monitor | undefined> {
    const live = newLive(0);
    const { stateDir } = this.#ledger.pathsOf(container.id);
    const monitor = await this.#watch(container, live, stateDir).catch(() => undefined);
    if (monitor?.state.phase !== 'running') return monitor;
    const { pid, started } = monitor.state;
    live.pid = pid;
    live.since = Date.parse(started);
    Object.assign(container.record, { running: true, startedAt: started });
    if (container.record.health) container.record.health = (await readHealth(stateDir)) ?? startingHealth();
    delete container.record.before;
    this.#begin(container, live);
    const { id, record } = container;
    await this.#options.networks
      .serveNames({ id, pid, servers: record.hostConfig.Dns ?? [] })
      .catch((error: unknown) => log.warn(`names are not answered in ${record.name}: ${messageOf(error)}`));
    this.#options.volumes.adoptMounts(volumesOf(container.record), container.id);
    return monitor;
  }

  /**
   * The end of a run. It is told at once: the monitor has written it down, and who comes next waits for the lock. Then it goes into its row;
   * what the monitor wrote goes with the next run. Called with the lock held.
   */
  async recordEnd(container: Container, exit: Exit): Promise<void> {
    const { record, live } = container;
    const { history } = this.#ledger;
    // Whoever hears of the end may count on it that what only this one had is gone.
    await this.#unmount(container);
    container.live = undefined;
    container.lost = exit.error;
    if (exit.oom && !record.oomKilled) history.note(container.id, { Kind: 'oom' });
    Object.assign(record, {
      running: false,
      paused: false,
      exitCode: exit.code,
      oomKilled: record.oomKilled || exit.oom,
      finishedAt: exit.finished,
      error: exit.error ?? '',
    });
    delete record.before;
    if (record.health) {
      const { stateDir } = this.#ledger.pathsOf(container.id);
      // Of what has ended nobody can say that it is well.
      record.health = { ...((await readHealth(stateDir)) ?? record.health), Status: 'unhealthy' };
    }
    // A stop that an engine did not live to finish is a stop all the same, but for `always`.
    if (!live?.stopping && !record.trial && this.restarts.wanted(container)) {
      this.restarts.promise(container, live ? Date.now() - live.since : 0);
    }
    container.cleanup = this.clear(container);
    if (!record.trial) this.#options.images.setRunning(container.id, false);
    history.note(container.id, { Kind: 'exited', ExitCode: exit.code, ...(exit.error && { Error: exit.error }) });
    const seconds = Math.max(0, Math.floor((Date.parse(record.finishedAt) - Date.parse(record.startedAt)) / 1000));
    this.#ledger.publish(container, 'die', { exitCode: String(exit.code), execDuration: String(seconds) });
    container.wake(['not-running', 'next-exit']);
    live?.monitor.close();
    live?.end();
    try {
      const announce = await this.#ledger.saveEnded(container);
      announce();
      for (const name of volumesOf(record))
        this.#options.volumes.announce('unmount', name, { container: container.id });
    } catch (error) {
      log.error(`the end of container ${shortId(container.id)} could not be recorded: ${messageOf(error)}`);
    }
  }

  /** Takes away what a run left outside the data root. */
  async clear(container: Container): Promise<void> {
    await this.#unmount(container);
    await this.#options.helper.delete(container.id).catch(notCleared(container));
  }

  #unmount(container: Container): Promise<void> {
    return this.#options.volumes.unmount(container.id).catch(notCleared(container));
  }

  #begin(container: Container, live: Live): void {
    container.live = live;
    this.#options.images.setRunning(container.id, true);
  }

  /** Everything that stands before the process may run: bundle, process, network, those attached. */
  async #makeProcess(container: Container, waiting: Attachment[], committed: Promise<void>): Promise<Live> {
    const { record, id } = container;
    const { helper, snapshots, networks } = this.#options;
    const { seccomp, lastCapability } = this.#machine;
    const paths = this.#ledger.pathsOf(id);
    await this.#options.volumes.mount(volumesOf(record), id);
    const files = await bundleFiles({
      ...{ record, paths, hello: helper.hello, seccomp, lastCapability },
      overlay: await snapshots.mountsOf(id),
      layers: await layersOf(record, snapshots),
      users: userNamespaceOf(record, {
        recordOf: (reference) => this.#ledger.find(reference).record,
        pidOf: (reference) => this.#pidOf(reference, 'user'),
      }),
      endpoints: Object.values(this.#ledger.endpointsOf(container)),
      pidOf: (reference, namespace) => this.#pidOf(reference, namespace),
      hostGateway: this.#options.hostGatewayIp,
      pathsOf: (reference) => this.#ledger.pathsOf(this.#ledger.find(reference).id),
    });
    // The monitor is called while it comes up, and where nobody attaches first it is told to start right then. Once more where a helper went in the
    // middle and another makes it anew.
    let live = newLive(0);
    let watched: Promise<Monitor> | undefined;
    const monitor = {
      onListening: () => {
        live = newLive(0);
        watched = this.#watch(container, live, paths.stateDir, waiting.length === 0 ? committed : undefined);
        watched.catch(() => undefined); // what the helper says of a failure comes first
      },
      survived: async () => (await watched?.catch(() => undefined))?.state,
    };
    const make = (network: NetworkRequest | null) => helper.run(runRequest(record, paths, { files, network }), monitor);
    const own = sharedContainer(record.network) === undefined;
    const { pid } = await (own ? networks.connect(id, make, portWishes(record.config, record.hostConfig)) : make(null));
    live.pid = pid;
    if (own) await networks.serveNames({ id, pid, servers: record.hostConfig.Dns ?? [] });
    await Promise.all([watched, ...waiting.map((attachment) => attachment.connect(paths.stateDir))]);
    return live;
  }

  /** A control connection whose events end the run. */
  async #watch(container: Container, live: Live, stateDir: string, allowed?: Promise<void>): Promise<Monitor> {
    let said = false;
    const listener: MonitorListener = {
      health: (status) => {
        container.record.health = { ...(container.record.health ?? startingHealth()), Status: status as HealthStatus };
        this.#ledger.history.note(container.id, { Kind: 'health', Health: status as HealthStatus });
        container.stir();
        this.#ledger.publish(container, `health_status: ${status}`);
      },
      oom: () => {
        if (!container.record.oomKilled) this.#ledger.history.note(container.id, { Kind: 'oom' });
        container.record.oomKilled = true;
        this.#ledger.publish(container, 'oom');
      },
      exited: (exit) => {
        said = true;
        void this.#ended(container, live, exit);
      },
      closed: () => {
        if (!said && !this.#closed) void this.#lost(container, live);
      },
    };
    const monitor = await (allowed ? Monitor.call(stateDir, listener, allowed) : Monitor.connect(stateDir, listener));
    live.monitor = monitor;
    return monitor;
  }

  #pidOf(reference: string, namespace: string): number {
    const container = this.#ledger.find(reference);
    if (!container.live) throw conflict(`cannot join ${namespace} of a non running container: ${container.id}`);
    // Its shared memory is for itself alone unless it says otherwise.
    if (namespace === 'ipc' && ['private', 'none'].includes(container.record.hostConfig.IpcMode)) {
      throw conflict(
        `can't join IPC of container ${container.id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
      );
    }
    return container.live.pid;
  }

  /** A start that failed leaves the container as it was, but for the reason. Returns the error for the caller. */
  async #abandon(
    container: Container,
    { before, told }: { before: Standing; told: HistoryEntry | undefined },
    cause: unknown,
  ): Promise<EngineError> {
    const { record } = container;
    const { exitCode, error } = startFailure(cause, record);
    Object.assign(record, before, { exitCode, error: error.message });
    if (told) this.#ledger.history.amend(told, { Kind: 'start-failed', Error: error.message });
    container.cleanup = this.clear(container);
    await this.#options.helper.signalAll(container.id).catch(() => undefined);
    await this.#ledger.saveEnded(container);
    await container.cleanup;
    // It never ran, so it has not exited: who waits for that learns of the failure from the start.
    container.wake(['not-running']);
    if (record.hostConfig.AutoRemove && !record.trial) void this.#removal.removeQuietly(container);
    return error;
  }

  /** The monitor went without a word about the end: it was killed, or its last words are only in the exit file. */
  async #lost(container: Container, live: Live): Promise<void> {
    {
      using _ = await this.#ledger.locks.take(container.id); // a start under way has not said yet whether this run counts
      if (container.live !== live) return;
    }
    const { exitFile } = this.#ledger.pathsOf(container.id);
    const recorded = await readExitFile(exitFile);
    await rm(roomOf(exitFile), { force: true });
    await this.#options.helper.signalAll(container.id).catch(() => undefined);
    const reason = "the container's monitor was killed, and the container with it";
    await this.#ended(container, live, recorded ?? lostExit(reason));
  }

  /** Recorded and told; removal comes last. */
  async #ended(container: Container, live: Live, exit: Exit): Promise<void> {
    {
      using _ = await this.#ledger.locks.take(container.id);
      if (container.live !== live) return;
      await this.recordEnd(container, exit);
    }
    const { hostConfig, trial } = container.record;
    if (hostConfig.AutoRemove && !live.keep && !trial) void this.#removal.removeQuietly(container);
  }
}

const notCleared =
  ({ id }: Container) =>
  (error: unknown) =>
    log.warn(`what container ${shortId(id)} left could not be cleared away: ${messageOf(error)}`);
