import { readFile } from 'node:fs/promises';
import { invalid, notImplemented } from '../../base/errors.js';
import type { ContainerStats, CpuStats, StatsTick, UsageHistory } from '../../contract/stats.js';
import type { Glance } from '../containers/index.js';
import { NO_BLKIO, NO_CPU, type Counters } from './counters.js';
import { Crowd } from './crowd.js';
import { groupsOf, type Groups } from './groups.js';
import { History } from './history.js';
import { countNetworks } from './network.js';
import { countProcesses } from './processes.js';
import { countV1 } from './v1.js';
import { countV2 } from './v2.js';
import { Watch } from './watch.js';

/** What this room asks of the containers. */
export interface StatsContainers {
  resolve(reference: string): string;
  /** Undefined once it is removed. */
  glance(id: string): Glance | undefined;
  /** Full ids of those that run. */
  runningIds(): string[];
  /** Its processes, where no control group tells. */
  processes(id: string, pid: number): Promise<number[]>;
}

export interface StatsRequest {
  /** One sample a second until the container is removed or `signal` says so; otherwise one answer. */
  stream: boolean;
  /** With `stream` false: a single look, without one before it to compare with. */
  oneShot?: boolean;
  signal?: AbortSignal;
}

export interface CrowdStatsRequest {
  /** A look every so often until `signal` says so; otherwise one answer, two looks apart. */
  stream: boolean;
  /** Full ids; those that do not run are left out of the answers. Without it: all that run. */
  ids?: string[] | undefined;
  /** Milliseconds. */
  every?: number | undefined;
  signal?: AbortSignal;
}

/** Go's zero time. */
const NEVER = '0001-01-01T00:00:00Z';
const PERIOD_MS = 1000;
const TICK = 1e9 / 100;
const SHORTEST_PERIOD_MS = 250;
const LONGEST_PERIOD_MS = 60_000;
const HISTORY = { every: 10_000, span: 3_600_000 };

type Sample = Omit<ContainerStats, 'preread' | 'precpu_stats'>;

/** What containers use, read from the kernel's own counters while somebody watches; where a history is kept, that is somebody too. */
export class Stats {
  readonly #containers: StatsContainers;
  /** By container: whoever watches the same one shares its samples. */
  readonly #watches = new Map<string, Watch<Sample>>();
  readonly #groups = new Map<string, { pid: number; groups: Groups | undefined }>();

  readonly #crowd: Crowd;
  readonly #history: History | undefined;
  readonly #closing = new AbortController();

  /** `history`: keep the last hour of everything that runs. */
  constructor(containers: StatsContainers, { history = false }: { history?: boolean } = {}) {
    this.#containers = containers;
    this.#crowd = new Crowd(containers);
    if (!history) return;
    this.#history = new History(HISTORY.every, HISTORY.span);
    void this.#remember(this.#history);
  }

  get keepsHistory(): boolean {
    return this.#history !== undefined;
  }

  /** All running containers in one look, or those of a list: however many watch, each is looked at once. */
  readAll({ stream, ids, every = PERIOD_MS, signal }: CrowdStatsRequest): AsyncIterable<StatsTick> {
    if (every < SHORTEST_PERIOD_MS || every > LONGEST_PERIOD_MS)
      throw invalid(`every=${every} is not possible: from ${SHORTEST_PERIOD_MS} to ${LONGEST_PERIOD_MS} milliseconds`);
    const ticks = this.#crowd.watch({ ids: ids && new Set(ids), every, signal });
    return stream ? ticks : second(ticks);
  }

  history(reference: string): UsageHistory {
    const id = this.#containers.resolve(reference);
    if (!this.#history)
      throw notImplemented('this engine keeps no history of what containers use: the app does, and --stats-history');
    return this.#history.of(id);
  }

  close(): void {
    this.#closing.abort();
  }

  async #remember(history: History): Promise<void> {
    const ticks = this.#crowd.watch({ every: history.every, signal: this.#closing.signal });
    for await (const tick of ticks) history.record(tick, (id) => this.#containers.glance(id) !== undefined);
  }

  /** An unknown container is thrown at once, not in the iteration. */
  read(reference: string, request: StatsRequest): AsyncIterable<ContainerStats> {
    if (request.stream && request.oneShot) throw invalid('cannot have stream=true and one-shot=true');
    const id = this.#containers.resolve(reference);
    return request.stream ? this.#stream(id, request.signal) : this.#once(id, request);
  }

  /** Every frame has the watcher's frame before it; who reads slowly gets the newest. */
  async *#stream(id: string, signal?: AbortSignal): AsyncGenerator<ContainerStats> {
    using watch = this.#join(id);
    let before = watch.latest;
    for (;;) {
      const sample = await watch.next(signal);
      if (!sample) return;
      yield compared(sample, before);
      before = sample;
    }
  }

  async *#once(id: string, { oneShot, signal }: StatsRequest): AsyncGenerator<ContainerStats> {
    const idle = this.#containers.glance(id)?.pid === undefined;
    if (idle || oneShot) {
      const sample = await this.#sample(id);
      if (sample) yield compared(sample, undefined);
      return;
    }
    using watch = this.#join(id);
    const before = watch.latest ?? (await watch.next(signal));
    const sample = await watch.next(signal);
    if (sample) yield compared(sample, before);
  }

  #join(id: string): Watch<Sample> {
    let watch = this.#watches.get(id);
    if (!watch) {
      const left = (): void => {
        this.#watches.delete(id);
        this.#groups.delete(id);
      };
      watch = new Watch(() => this.#sample(id), PERIOD_MS, left);
      this.#watches.set(id, watch);
    }
    return watch.join();
  }

  /** Undefined once the container is gone. */
  async #sample(id: string): Promise<Sample | undefined> {
    const glance = this.#containers.glance(id);
    if (!glance) return undefined;
    const identity = { name: `/${glance.name}`, id };
    const { pid } = glance;
    try {
      if (pid === undefined) return { ...emptySample(), ...identity };
      const [counters, machine, networks] = await Promise.all([
        this.#count(id, pid, glance.cgroup),
        machineTime(),
        glance.ownNetwork ? countNetworks(pid) : {},
      ]);
      const { pids_stats, blkio_stats, cpu_stats, memory_stats } = counters;
      return {
        ...emptySample(),
        read: new Date().toISOString(),
        ...{ pids_stats, blkio_stats, memory_stats },
        cpu_stats: inOrder(cpu_stats, machine),
        ...identity,
        ...(Object.keys(networks).length > 0 && { networks }),
      };
    } catch {
      return { ...emptySample(), ...identity }; // it has ended while we looked
    }
  }

  async #count(id: string, pid: number, cgroup: string): Promise<Counters> {
    const known = this.#groups.get(id);
    const groups = known?.pid === pid ? known.groups : await groupsOf(pid, cgroup);
    if (this.#watches.has(id)) this.#groups.set(id, { pid, groups });
    if (groups) return groups.version === 1 ? countV1(groups) : countV2(groups);
    return countProcesses(await this.#containers.processes(id, pid));
  }
}

/** The first has nothing before it to compare with. */
async function* second<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item> {
  let first = true;
  for await (const item of items) {
    if (!first) return yield item;
    first = false;
  }
}

/** What Docker says of a container that does not run. */
const emptySample = (): Sample => ({
  read: NEVER,
  pids_stats: {},
  blkio_stats: NO_BLKIO,
  num_procs: 0,
  storage_stats: {},
  cpu_stats: NO_CPU,
  memory_stats: {},
  name: '',
  id: '',
});

/** The fields in Docker's order. */
function compared(sample: Sample, before: Sample | undefined): ContainerStats {
  const { read, pids_stats, blkio_stats, num_procs, storage_stats, cpu_stats, ...rest } = sample;
  const preread = before?.read ?? NEVER;
  const precpu_stats = before?.cpu_stats ?? NO_CPU;
  return { read, preread, pids_stats, blkio_stats, num_procs, storage_stats, cpu_stats, precpu_stats, ...rest };
}

const inOrder = ({ cpu_usage, throttling_data }: Counters['cpu_stats'], machine: MachineTime): CpuStats => ({
  cpu_usage,
  system_cpu_usage: machine.total,
  online_cpus: machine.processors,
  throttling_data,
});

interface MachineTime {
  /** Nanoseconds of all processors since the start, idle ones too. */
  total: number;
  processors: number;
}

/** As dockerd counts: user, nice, system, idle, iowait, irq and softirq. */
async function machineTime(): Promise<MachineTime> {
  const lines = (await readFile('/proc/stat', 'utf8')).split('\n');
  const ticks = (lines[0] ?? '').split(/\s+/).slice(1, 8).map(Number);
  return {
    total: ticks.reduce((sum, value) => sum + value, 0) * TICK,
    processors: lines.filter((line) => /^cpu\d/.test(line)).length,
  };
}
