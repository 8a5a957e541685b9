/** What is counted of one container at one moment, whoever counts it. */
import type { BlkioStats, ContainerStats, CpuStats } from '../../contract/stats.js';

export type Counters = Pick<ContainerStats, 'pids_stats' | 'blkio_stats' | 'memory_stats'> & {
  cpu_stats: Pick<CpuStats, 'cpu_usage' | 'throttling_data'>;
};

export const NO_CPU: Counters['cpu_stats'] = {
  cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
};

export const NO_BLKIO: BlkioStats = {
  io_service_bytes_recursive: null,
  io_serviced_recursive: null,
  io_queue_recursive: null,
  io_service_time_recursive: null,
  io_wait_time_recursive: null,
  io_merged_recursive: null,
  io_time_recursive: null,
  sectors_recursive: null,
};

/** The fields that are not zero: Docker leaves the others out. */
export const told = <Fields extends Record<string, unknown>>(fields: Fields): Partial<Fields> =>
  Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== 0 && value !== undefined),
  ) as Partial<Fields>;
