/** What cgroup v1 counts of a container: a directory for each controller. */
import { totalmem } from 'node:os';
import type { BlkioEntry } from '../../contract/stats.js';
import { NO_BLKIO, told, type Counters } from './counters.js';
import { GroupFiles } from './files.js';
import type { Groups } from './groups.js';

export async function countV1(groups: Groups): Promise<Counters> {
  const of = (controller: string): GroupFiles => new GroupFiles(groups.directory(controller));
  const [cpu_stats, memory_stats, pids_stats, blkio_stats] = await Promise.all([
    cpu(of('cpuacct'), of('cpu')),
    memory(of('memory')),
    pids(of('pids')),
    blkio(of('blkio')),
  ]);
  return { pids_stats, blkio_stats, cpu_stats, memory_stats };
}

/** One file has all of it, so that the sums hold: `0 USER KERNEL`, a line for each processor. */
async function cpu(account: GroupFiles, scheduler: GroupFiles): Promise<Counters['cpu_stats']> {
  const [usage, throttling] = await Promise.all([account.text('cpuacct.usage_all'), scheduler.table('cpu.stat')]);
  const processors = usage.split('\n').flatMap((line) => {
    const [, user, kernel] = /^\d+ (\d+) (\d+)$/.exec(line) ?? [];
    return user === undefined ? [] : [{ user: Number(user), kernel: Number(kernel) }];
  });
  const user = processors.reduce((sum, each) => sum + each.user, 0);
  const kernel = processors.reduce((sum, each) => sum + each.kernel, 0);
  return {
    cpu_usage: {
      total_usage: user + kernel,
      percpu_usage: processors.map((each) => each.user + each.kernel),
      usage_in_kernelmode: kernel,
      usage_in_usermode: user,
    },
    throttling_data: {
      periods: throttling['nr_periods'] ?? 0,
      throttled_periods: throttling['nr_throttled'] ?? 0,
      throttled_time: throttling['throttled_time'] ?? 0,
    },
  };
}

/** Those that dockerd tells of; every kernel has more. */
const MEMORY_STATS = new Set([
  ...['cache', 'rss', 'rss_huge', 'mapped_file', 'dirty', 'writeback', 'pgpgin', 'pgpgout', 'pgfault', 'pgmajfault'],
  ...['inactive_anon', 'active_anon', 'inactive_file', 'active_file', 'unevictable'],
  ...['hierarchical_memory_limit', 'hierarchical_memsw_limit'],
]);

async function memory(files: GroupFiles): Promise<Counters['memory_stats']> {
  const [usage, most, limit, failures, stats] = await Promise.all([
    files.number('memory.usage_in_bytes'),
    files.number('memory.max_usage_in_bytes'),
    files.number('memory.limit_in_bytes'),
    files.number('memory.failcnt'),
    files.table('memory.stat'),
  ]);
  if (usage === undefined) return {};
  return {
    ...told({ usage, max_usage: most }),
    stats: Object.fromEntries(Object.entries(stats).filter(([key]) => MEMORY_STATS.has(key.replace(/^total_/, '')))),
    ...told({ failcnt: failures, limit: Math.min(limit ?? Infinity, totalmem()) }),
  };
}

async function pids(files: GroupFiles): Promise<Counters['pids_stats']> {
  const [current, limit] = await Promise.all([files.number('pids.current'), files.number('pids.max')]);
  return told({ current, limit });
}

/**
 * The throttle's counters see every scheduler's traffic, but newer kernels keep them only for devices that somebody throttles; bfq has its
 * own where it is used.
 */
async function blkio(files: GroupFiles): Promise<Counters['blkio_stats']> {
  const counted = async (name: string): Promise<BlkioEntry[]> => {
    const throttled = entries(await files.text(`blkio.throttle.${name}`));
    return throttled.length > 0 ? throttled : entries(await files.text(`blkio.bfq.${name}`));
  };
  const [bytes, operations] = await Promise.all([
    counted('io_service_bytes_recursive'),
    counted('io_serviced_recursive'),
  ]);
  return {
    ...(Object.fromEntries(Object.keys(NO_BLKIO).map((key) => [key, []])) as unknown as Counters['blkio_stats']),
    io_service_bytes_recursive: bytes,
    io_serviced_recursive: operations,
  };
}

/** `254:0 Read 4096`, by device and kind; the last line is the sum of all. */
const entries = (text: string): BlkioEntry[] =>
  text.split('\n').flatMap((line) => {
    const [, major, minor, op = '', value] = /^(\d+):(\d+) (\w+) (\d+)$/.exec(line) ?? [];
    return major === undefined
      ? []
      : [{ major: Number(major), minor: Number(minor), op: op.toLowerCase(), value: Number(value) }];
  });
