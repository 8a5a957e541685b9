import { dirname, join } from 'node:path';
import type { Usage } from '../../contract/stats.js';
import type { Glance } from '../containers/index.js';
import { groupsOf, type Groups } from './groups.js';
import { KernelFile } from './kernel-file.js';
import type { ProcessTree } from './process-tree.js';

/** What the counters of one run said at one moment. */
export interface Reading extends Omit<Usage, 'cpu'> {
  /** Which run: its first process. */
  pid: number;
  /** Monotonic milliseconds, of the moment its processor time was read. */
  at: number;
  /** Processor time, in nanoseconds. */
  cpu: number;
}

const MOVED = ['netRx', 'netTx', 'blockRead', 'blockWrite'] as const;

/** What a round of looks has in common. */
export interface Round {
  /** Of the lane that looks. */
  buffer: Buffer;
  /** Bytes that the machine has. */
  memory: number;
  /** A kernel's file as it was at the beginning, read once for all. */
  text(path: string, buffer: Buffer): Promise<string>;
  /** For containers without groups. */
  processes(): Promise<ProcessTree>;
}

export type Run = Glance & { pid: number };

/** Who used no processor time, and for whom nobody else sent or wrote anything either, does nothing: so many looks in a row it is believed. */
const BELIEVED = 5;

/**
 * Reads what one run of a container uses, as cheaply as it can be read: only the files that the few numbers need. The network's file is
 * never held open, for that would hold the network itself.
 */
export class Meter {
  readonly pid: number;
  latest: Reading | undefined;
  /** Looks left in which unchanged processor time is enough to know the rest. */
  #believed = 0;
  /** The processor time of the group above, with everybody else's in it: while that stands, so does ours. */
  readonly #above: string | undefined;
  #aboveSaid = '';
  readonly #groups: Groups | undefined;
  readonly #files: Record<'cpu' | 'memory' | 'memoryStat' | 'pids' | 'disk' | 'bfq' | 'network', KernelFile>;

  /** Without groups its processes are counted. */
  constructor(run: Run, groups: Groups | undefined, hold: boolean) {
    this.pid = run.pid;
    this.#groups = groups;
    const first = groups?.version === 1;
    const file = (controller: string, v1: string, v2?: string): KernelFile => {
      const name = first ? v1 : v2;
      const directory = name === undefined ? undefined : groups?.directory(controller);
      return new KernelFile(directory === undefined ? undefined : join(directory, name as string), hold);
    };
    const account = groups?.directory('cpuacct');
    this.#above = account && join(dirname(account), first ? 'cpuacct.usage' : 'cpu.stat');
    this.#files = {
      cpu: file('cpuacct', 'cpuacct.usage', 'cpu.stat'),
      memory: file('memory', 'memory.usage_in_bytes', 'memory.current'),
      memoryStat: file('memory', 'memory.stat', 'memory.stat'),
      pids: file('pids', 'pids.current', 'pids.current'),
      disk: file('blkio', 'blkio.throttle.io_service_bytes_recursive', 'io.stat'),
      bfq: file('blkio', 'blkio.bfq.io_service_bytes_recursive'),
      network: new KernelFile(run.ownNetwork ? `/proc/${run.pid}/net/dev` : undefined, false),
    };
  }

  /** `hold`: its files may stay open between looks. Undefined when it has ended meanwhile. */
  static async of(run: Run, hold: boolean): Promise<Meter | undefined> {
    try {
      return new Meter(run, await groupsOf(run.pid, run.cgroup), hold);
    } catch {
      return undefined;
    }
  }

  /** One look at a time. */
  async read(run: Run, round: Round): Promise<Reading> {
    const { buffer } = round;
    const files = this.#files;
    const memoryLimit = Math.min(run.memoryLimit || Infinity, round.memory);
    const groups = this.#groups;
    if (!groups) {
      const network = networkBytes(await files.network.text(buffer));
      const { cpu, memory, pids } = await (await round.processes()).usageBelow(this.pid);
      const at = performance.now();
      return this.#said({ pid: this.pid, memoryLimit, ...network, at, cpu, memory, pids, blockRead: 0, blockWrite: 0 });
    }
    const said = this.#above === undefined ? '' : await round.text(this.#above, buffer);
    const stands = said !== '' && said === this.#aboveSaid;
    this.#aboveSaid = said;
    const before = this.latest;
    if (before && stands && this.#believed > 0) return this.#believe(before, memoryLimit);
    const cpuText = await files.cpu.text(buffer);
    const at = performance.now();
    const cpu = groups.version === 1 ? Number(cpuText) : valueIn(cpuText, 'usage_usec') * 1000;
    if (before?.cpu === cpu && this.#believed > 0) return this.#believe(before, memoryLimit);
    const network = networkBytes(await files.network.text(buffer));
    const usage = Number(await files.memory.text(buffer));
    const stat = await files.memoryStat.text(buffer);
    const cache = valueIn(stat, groups.version === 1 ? 'total_inactive_file' : 'inactive_file');
    const pids = Number(await files.pids.text(buffer));
    const disk = (await files.disk.text(buffer)) || '';
    const blocks =
      groups.version === 2 ? diskBytesV2(disk) : diskBytesV1(/^\d+:/m.test(disk) ? disk : await files.bfq.text(buffer));
    const moved = { ...network, ...blocks };
    // A group that cannot tell its time says 0 for ever.
    const still = cpu > 0 && before?.cpu === cpu && MOVED.every((key) => before[key] === moved[key]);
    this.#believed = still ? BELIEVED : 0;
    return this.#said({ pid: this.pid, memoryLimit, ...moved, at, cpu, memory: Math.max(0, usage - cache), pids });
  }

  #believe(before: Reading, memoryLimit: number): Reading {
    this.#believed -= 1;
    return this.#said({ ...before, at: performance.now(), memoryLimit });
  }

  #said(reading: Reading): Reading {
    return (this.latest = reading);
  }

  close(): void {
    for (const file of Object.values(this.#files)) file.close();
  }
}

/** The number after a name at the beginning of a line; 0 where there is none. */
function valueIn(text: string, name: string): number {
  const at = text.startsWith(`${name} `) ? 0 : text.indexOf(`\n${name} `) + 1;
  return at === 0 && !text.startsWith(`${name} `) ? 0 : parseInt(text.slice(at + name.length + 1), 10) || 0;
}

/** All interfaces but loopback: received is the first field, sent the ninth. */
function networkBytes(text: string): Pick<Usage, 'netRx' | 'netTx'> {
  let netRx = 0;
  let netTx = 0;
  for (const line of text.split('\n')) {
    const [, name, counters = ''] = /^\s*([^:\s]+):\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || name === 'lo') continue;
    const fields = counters.split(/\s+/);
    netRx += Number(fields[0] ?? 0);
    netTx += Number(fields[8] ?? 0);
  }
  return { netRx, netTx };
}

/** `254:0 rbytes=4096 wbytes=0 …` */
const diskBytesV2 = (text: string): Pick<Usage, 'blockRead' | 'blockWrite'> => ({
  blockRead: sumOf(text, /\brbytes=(\d+)/g),
  blockWrite: sumOf(text, /\bwbytes=(\d+)/g),
});

/** `254:0 Read 4096` */
const diskBytesV1 = (text: string): Pick<Usage, 'blockRead' | 'blockWrite'> => ({
  blockRead: sumOf(text, /^\d+:\d+ Read (\d+)/gm),
  blockWrite: sumOf(text, /^\d+:\d+ Write (\d+)/gm),
});

function sumOf(text: string, pattern: RegExp): number {
  let sum = 0;
  for (const [, value] of text.matchAll(pattern)) sum += Number(value);
  return sum;
}
