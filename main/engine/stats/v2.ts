/** What cgroup v2 counts of a container: all in one directory. */
import { totalmem } from 'node:os';
import type { BlkioEntry } from '../../contract/stats.js';
import { NO_BLKIO, told, type Counters } from './counters.js';
import { GroupFiles } from './files.js';
import type { Groups } from './groups.js';

const NANOSECONDS = 1000; // in the microsecond that v2 counts in

export async function countV2(groups: Groups): Promise<Counters> {
  const files = new GroupFiles(groups.directory(''));
  const [cpu_stats, memory_stats, pids_stats, blkio_stats] = await Promise.all([
    cpu(files),
    memory(files),
    pids(files),
    blkio(files),
  ]);
  return { pids_stats, blkio_stats, cpu_stats, memory_stats };
}

async function cpu(files: GroupFiles): Promise<Counters['cpu_stats']> {
  const stat = await files.table('cpu.stat');
  const time = (key: string): number => (stat[key] ?? 0) * NANOSECONDS;
  return {
    cpu_usage: {
      total_usage: time('usage_usec'),
      usage_in_kernelmode: time('system_usec'),
      usage_in_usermode: time('user_usec'),
    },
    throttling_data: {
      periods: stat['nr_periods'] ?? 0,
      throttled_periods: stat['nr_throttled'] ?? 0,
      throttled_time: time('throttled_usec'),
    },
  };
}

async function memory(files: GroupFiles): Promise<Counters['memory_stats']> {
  const [usage, limit, stats, events] = await Promise.all([
    files.number('memory.current'),
    files.number('memory.max'),
    files.table('memory.stat'),
    files.table('memory.events'),
  ]);
  if (usage === undefined) return {};
  return {
    ...told({ usage }),
    stats,
    ...told({ failcnt: events['oom'], limit: Math.min(limit ?? Infinity, totalmem()) }),
  };
}

async function pids(files: GroupFiles): Promise<Counters['pids_stats']> {
  const [current, limit] = await Promise.all([files.number('pids.current'), files.number('pids.max')]);
  return told({ current, limit });
}

/** `254:0 rbytes=4096 wbytes=0 …`, a line for each device. */
async function blkio(files: GroupFiles): Promise<Counters['blkio_stats']> {
  const lines = (await files.text('io.stat')).split('\n');
  const entries = lines.flatMap((line): BlkioEntry[] => {
    const [, major, minor, rest = ''] = /^(\d+):(\d+) (.*)$/.exec(line) ?? [];
    const bytes = (key: string): number => Number(new RegExp(`\\b${key}=(\\d+)`).exec(rest)?.[1] ?? 0);
    const device = { major: Number(major), minor: Number(minor) };
    return major === undefined
      ? []
      : [
          { ...device, op: 'read', value: bytes('rbytes') },
          { ...device, op: 'write', value: bytes('wbytes') },
        ];
  });
  return { ...NO_BLKIO, io_service_bytes_recursive: entries };
}
