/** What a container uses, as `GET /containers/{id}/stats` tells it. Names and shapes are the published schema's; times in nanoseconds. */

export interface CpuStats {
  cpu_usage: {
    total_usage: number;
    /** By processor; cgroup v2 does not tell. */
    percpu_usage?: number[];
    usage_in_kernelmode: number;
    usage_in_usermode: number;
  };
  /** What all processors of the machine did since it was started. */
  system_cpu_usage?: number;
  online_cpus?: number;
  throttling_data: { periods: number; throttled_periods: number; throttled_time: number };
}

export interface MemoryStats {
  usage?: number;
  max_usage?: number;
  /** The kernel's own words, which differ between cgroup v1 and v2. */
  stats?: Record<string, number>;
  failcnt?: number;
  limit?: number;
}

export interface BlkioEntry {
  major: number;
  minor: number;
  op: string;
  value: number;
}

export interface BlkioStats {
  io_service_bytes_recursive: BlkioEntry[] | null;
  io_serviced_recursive: BlkioEntry[] | null;
  io_queue_recursive: BlkioEntry[] | null;
  io_service_time_recursive: BlkioEntry[] | null;
  io_wait_time_recursive: BlkioEntry[] | null;
  io_merged_recursive: BlkioEntry[] | null;
  io_time_recursive: BlkioEntry[] | null;
  sectors_recursive: BlkioEntry[] | null;
}

export interface NetworkStats {
  rx_bytes: number;
  rx_packets: number;
  rx_errors: number;
  rx_dropped: number;
  tx_bytes: number;
  tx_packets: number;
  tx_errors: number;
  tx_dropped: number;
}

/** One look at a container. `precpu_stats` is the look before: the share of the processors is what lies between the two. */
export interface ContainerStats {
  read: string;
  preread: string;
  pids_stats: { current?: number; limit?: number };
  blkio_stats: BlkioStats;
  num_procs: number;
  storage_stats: Record<string, never>;
  cpu_stats: CpuStats;
  precpu_stats: CpuStats;
  memory_stats: MemoryStats;
  name: string;
  id: string;
  networks?: Record<string, NetworkStats>;
}

/** `GET /slipway/stats`: one look at everything that runs. */
export interface StatsTick {
  /** Unix milliseconds. */
  at: number;
  /** By full id. */
  containers: Record<string, Usage>;
}

/** What one container uses, in few numbers. What passed networks and disks is counted from its start. */
export interface Usage {
  /** Percent of one processor since the look before; absent in a watcher's first look at a container. */
  cpu?: number;
  /** Bytes, without the file cache that can be given back at once. */
  memory: number;
  /** Bytes: its limit, or all of the machine's memory. */
  memoryLimit: number;
  netRx: number;
  netTx: number;
  blockRead: number;
  blockWrite: number;
  pids: number;
}

/** `GET /slipway/containers/{id}/stats/history`: the last hour in columns, the oldest first. A container that did not run leaves a gap in `at`. */
export interface UsageHistory {
  /** Milliseconds between two samples. */
  every: number;
  /** Unix milliseconds. */
  at: number[];
  cpu: number[];
  memory: number[];
  netRx: number[];
  netTx: number[];
  blockRead: number[];
  blockWrite: number[];
  pids: number[];
}
