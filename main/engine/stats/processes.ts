/** What can be told of a container that has no control groups: the sum of its processes, as /proc has them. */
import { readFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { NO_BLKIO, told, type Counters } from './counters.js';

const TICK = 1e9 / 100; // nanoseconds; the kernel's unit for times, the same on every Linux that userspace sees

export async function countProcesses(pids: number[]): Promise<Counters> {
  const found = (await Promise.all(pids.map(usageOf))).filter((one) => one !== undefined);
  const sum = (value: (one: Usage) => number): number => found.reduce((total, one) => total + value(one), 0);
  const user = sum((one) => one.user) * TICK;
  const kernel = sum((one) => one.kernel) * TICK;
  const usage = sum((one) => one.memory);
  return {
    pids_stats: told({ current: sum((one) => one.threads) }),
    blkio_stats: NO_BLKIO,
    cpu_stats: {
      cpu_usage: { total_usage: user + kernel, usage_in_kernelmode: kernel, usage_in_usermode: user },
      throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
    },
    memory_stats: told({ usage, limit: totalmem() }),
  };
}

interface Usage {
  /** Ticks, with those of children that have ended. */
  user: number;
  kernel: number;
  threads: number;
  /** Bytes that are its own: files that are mapped belong to nobody. */
  memory: number;
}

async function usageOf(pid: number): Promise<Usage | undefined> {
  try {
    const [stat, status] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/status`, 'utf8'),
    ]);
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const field = (number: number): number => Number(fields[number - 3]); // proc(5) counts the state as the third
    const kibibytes = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
    return {
      user: field(14) + field(16),
      kernel: field(15) + field(17),
      threads: field(20),
      memory: (kibibytes('RssAnon') + kibibytes('RssShmem')) * 1024,
    };
  } catch {
    return undefined; // it has ended meanwhile
  }
}
