/** All processes of this machine at one moment, for containers that have no control groups: looked through once for all of them. */
import { readdir, readFile } from 'node:fs/promises';

const TICK = 1e9 / 100; // nanoseconds; the kernel's unit for times, the same on every Linux that userspace sees

interface Process {
  pid: number;
  parent: number;
  /** Ticks, with those of children that have ended. */
  ticks: number;
  threads: number;
}

export class ProcessTree {
  readonly #processes: ReadonlyMap<number, Process>;
  readonly #children = new Map<number, Process[]>();

  private constructor(processes: Process[]) {
    this.#processes = new Map(processes.map((process) => [process.pid, process]));
    for (const process of processes) {
      const siblings = this.#children.get(process.parent);
      if (siblings) siblings.push(process);
      else this.#children.set(process.parent, [process]);
    }
  }

  static async read(): Promise<ProcessTree> {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const read = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')));
    return new ProcessTree(read.flatMap((text) => (text === '' ? [] : [parse(text)])));
  }

  /** Of a container by its first process: that and everything else below its monitor, execs too. */
  async usageBelow(first: number): Promise<{ cpu: number; memory: number; pids: number }> {
    const monitor = this.#processes.get(first)?.parent;
    const found = monitor === undefined || monitor <= 1 ? this.#withThoseBelow(first) : this.#below(monitor);
    const memory = await Promise.all(found.map(({ pid }) => ownMemory(pid)));
    return {
      cpu: found.reduce((sum, { ticks }) => sum + ticks, 0) * TICK,
      memory: memory.reduce((sum, bytes) => sum + bytes, 0),
      pids: found.reduce((sum, { threads }) => sum + threads, 0),
    };
  }

  #withThoseBelow(pid: number): Process[] {
    const process = this.#processes.get(pid);
    return process ? [process, ...this.#below(pid)] : [];
  }

  #below(pid: number): Process[] {
    const found = [...(this.#children.get(pid) ?? [])];
    for (const process of found) found.push(...(this.#children.get(process.pid) ?? []));
    return found;
  }
}

function parse(stat: string): Process {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]); // proc(5) counts the state as the third
  return {
    pid: parseInt(stat, 10),
    parent: field(4),
    ticks: field(14) + field(15) + field(16) + field(17),
    threads: field(20),
  };
}

/** Bytes that are its own: files that are mapped belong to nobody. */
async function ownMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kibibytes = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  return (kibibytes('RssAnon') + kibibytes('RssShmem')) * 1024;
}
