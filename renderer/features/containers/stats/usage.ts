import type { Client } from '../../../../main/client/index.js';
import type { ContainerStats, Usage, UsageHistory } from '../../../../main/contract/stats.js';

/** What a container used at a moment. What passed networks and disks is counted from its start. */
export interface Sample extends Usage {
  /** Unix milliseconds. */
  at: number;
}

/** How much of the past the two charts show, in milliseconds, and the least time between two of their samples. */
export const spans = {
  minutes: { length: 5 * 60_000, every: 900 },
  hour: { length: 60 * 60_000, every: 4500 },
} as const;

export type Span = keyof typeof spans;

/** Samples of one span, the oldest first. */
export type Samples = Record<Span, Sample[]>;

export const noSamples: Samples = { minutes: [], hour: [] };

/** With one more sample: in each span where it is time for one; what is older than the span goes. */
export function withSample(samples: Samples, sample: Sample): Samples {
  const next = (span: Span): Sample[] => {
    const { length, every } = spans[span];
    const list = samples[span];
    const last = list.at(-1);
    if (last && sample.at - last.at < every) return list;
    const from = list.findIndex(({ at }) => at >= sample.at - length);
    return [...(from < 0 ? [] : list.slice(from)), sample];
  };
  return { minutes: next('minutes'), hour: next('hour') };
}

/** The engine's memory of the last hour, as both spans begin with it. */
export function ofHistory(history: UsageHistory, memoryLimit: number): Samples {
  const hour = history.at.map((at, index): Sample => {
    const one = (column: number[]) => column[index] ?? 0;
    return {
      at,
      cpu: one(history.cpu),
      memory: one(history.memory),
      memoryLimit,
      netRx: one(history.netRx),
      netTx: one(history.netTx),
      blockRead: one(history.blockRead),
      blockWrite: one(history.blockWrite),
      pids: one(history.pids),
    };
  });
  const newest = hour.at(-1)?.at ?? 0;
  return { hour, minutes: hour.filter(({ at }) => at > newest - spans.minutes.length) };
}

/** Docker's own stream in the same few numbers, as the docker CLI reckons them. */
export function ofDocker(stats: ContainerStats): Sample {
  const { cpu_stats: now, precpu_stats: before, memory_stats: memory, blkio_stats: block } = stats;
  const busy = now.cpu_usage.total_usage - before.cpu_usage.total_usage;
  const all = (now.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0);
  const cache = memory.stats?.['total_inactive_file'] ?? memory.stats?.['inactive_file'] ?? 0;
  const networks = Object.values(stats.networks ?? {});
  const moved = (op: string) =>
    (block.io_service_bytes_recursive ?? [])
      .filter((entry) => entry.op.toLowerCase() === op)
      .reduce((sum, { value }) => sum + value, 0);
  return {
    at: Date.parse(stats.read),
    ...(before.system_cpu_usage !== undefined && all > 0 && { cpu: (busy / all) * (now.online_cpus ?? 1) * 100 }),
    memory: Math.max(0, (memory.usage ?? 0) - cache),
    memoryLimit: memory.limit ?? 0,
    netRx: networks.reduce((sum, { rx_bytes }) => sum + rx_bytes, 0),
    netTx: networks.reduce((sum, { tx_bytes }) => sum + tx_bytes, 0),
    blockRead: moved('read'),
    blockWrite: moved('write'),
    pids: stats.pids_stats.current ?? 0,
  };
}

/** A look each second while somebody looks; ends with `signal`, or when the container does. */
export async function* follow(client: Client, id: string, ours: boolean, signal: AbortSignal): AsyncGenerator<Sample> {
  if (ours) {
    for await (const { at, containers } of await client.slipway.stats({ ids: [id] }, { signal })) {
      const usage = containers[id];
      if (usage) yield { at, ...usage };
    }
    return;
  }
  for await (const stats of await client.containers.stats(id, { signal })) {
    // Docker says nothings of a container that does not run.
    if (!stats.read.startsWith('0001-')) yield ofDocker(stats);
  }
}

/** Bytes a second between samples; unknown at the first, and where the count began again. */
export function rates(samples: Sample[], key: 'netRx' | 'netTx' | 'blockRead' | 'blockWrite'): (number | undefined)[] {
  return samples.map((sample, index) => {
    const before = samples[index - 1];
    if (!before || sample[key] < before[key] || sample.at <= before.at) return undefined;
    return ((sample[key] - before[key]) * 1000) / (sample.at - before.at);
  });
}
