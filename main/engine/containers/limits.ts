import { cpus } from 'node:os';
import { invalid } from '../../base/errors.js';
import type { HelperHello } from '../helper/index.js';
import type { FullHostConfig } from './record.js';

const MIN_MEMORY = 6 * 1024 * 1024;

/** Limits that nobody could mean. */
export function checkLimits(hostConfig: FullHostConfig): void {
  checkMemory(hostConfig);
  checkCpu(hostConfig);
}

function checkMemory({ Memory, MemorySwap, MemoryReservation, MemorySwappiness }: FullHostConfig): void {
  if (Memory !== 0 && Memory < MIN_MEMORY) throw invalid('Minimum memory limit allowed is 6MB');
  if (Memory > 0 && MemorySwap > 0 && MemorySwap < Memory) {
    throw invalid('Minimum memoryswap limit should be larger than memory limit, see usage');
  }
  if (Memory === 0 && MemorySwap > 0) {
    throw invalid('You should always set the Memory limit when using Memoryswap limit, see usage');
  }
  if (MemorySwappiness !== null && (MemorySwappiness < 0 || MemorySwappiness > 100)) {
    throw invalid(`Invalid value: ${MemorySwappiness}, valid memory swappiness range is 0-100`);
  }
  if (MemoryReservation > 0 && MemoryReservation < MIN_MEMORY) {
    throw invalid('Minimum memory reservation allowed is 6MB');
  }
  if (Memory > 0 && MemoryReservation > Memory) {
    throw invalid('Minimum memory limit can not be less than memory reservation limit, see usage');
  }
}

function checkCpu({ NanoCpus, CpuPeriod, CpuQuota, CpusetCpus, CpusetMems }: FullHostConfig): void {
  const available = cpus().length;
  if (NanoCpus > 0 && (CpuPeriod > 0 || CpuQuota > 0)) {
    throw invalid('Conflicting options: Nano CPUs and CPU Period cannot both be set.');
  }
  if (NanoCpus < 0 || NanoCpus > available * 1e9) {
    throw invalid(`Range of CPUs is from 0.01 to ${available}.00, as there are only ${available} CPUs available`);
  }
  if (CpuPeriod !== 0 && (CpuPeriod < 1000 || CpuPeriod > 1_000_000)) {
    throw invalid('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
  }
  if (CpuQuota > 0 && CpuQuota < 1000) throw invalid('CPU cfs quota can not be less than 1ms (i.e. 1000)');
  for (const set of [CpusetCpus, CpusetMems]) {
    if (set !== '' && !/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(set)) throw invalid(`Invalid value ${set} for cpuset`);
  }
  if (CpusetCpus.split(/[,-]/).some((cpu) => Number(cpu) >= available)) {
    throw invalid(`Requested CPUs are not available - requested ${CpusetCpus}, available: 0-${available - 1}`);
  }
}

/** Limits that this machine cannot enforce are dropped, and said so. */
export function dropWhatCannotHold(hostConfig: FullHostConfig, { cgroup }: HelperHello): string[] {
  const warnings: string[] = [];
  const has = (controller: string): boolean => cgroup.limits && cgroup.controllers.includes(controller);
  const drop = (controller: string, fields: Record<string, unknown>, warning: string): void => {
    if (has(controller) || !Object.entries(fields).some(([key, none]) => differs(hostConfig[key], none))) return;
    Object.assign(hostConfig, fields);
    warnings.push(warning);
  };
  const kernel = 'Your kernel does not support';
  drop(
    'memory',
    { Memory: 0, MemorySwap: 0, MemoryReservation: 0, MemorySwappiness: null },
    `${kernel} memory limit capabilities or the cgroup is not mounted. Limitation discarded.`,
  );
  drop(
    'cpu',
    { NanoCpus: 0, CpuQuota: 0, CpuPeriod: 0, CpuShares: 0 },
    `${kernel} CPU CFS scheduler or the cgroup is not mounted. CPU limits discarded.`,
  );
  drop(
    'cpuset',
    { CpusetCpus: '', CpusetMems: '' },
    `${kernel} cpuset or the cgroup is not mounted. CPUset discarded.`,
  );
  drop(
    'pids',
    { PidsLimit: null },
    `${kernel} pids limit capabilities or the cgroup is not mounted. PIDs limit discarded.`,
  );
  if (hostConfig.OomKillDisable && cgroup.version === 2) {
    hostConfig.OomKillDisable = null;
    warnings.push(`${kernel} OomKillDisable. OomKillDisable discarded.`);
  }
  return warnings;
}

const differs = (value: unknown, none: unknown): boolean => (value ?? none) !== none;

export function limitsOf(hostConfig: FullHostConfig): object {
  const { Memory, MemoryReservation, MemorySwap, MemorySwappiness, OomKillDisable, PidsLimit } = hostConfig;
  const { NanoCpus, CpuShares, CpuPeriod, CpuQuota, CpusetCpus, CpusetMems } = hostConfig;
  const memory = {
    ...(Memory > 0 && { limit: Memory }),
    ...(MemoryReservation > 0 && { reservation: MemoryReservation }),
    ...(MemorySwap !== 0 && { swap: MemorySwap }),
    ...(MemorySwappiness !== null && { swappiness: MemorySwappiness }),
    ...(OomKillDisable && { disableOOMKiller: true }),
  };
  const cpu = {
    ...(CpuShares > 0 && { shares: CpuShares }),
    ...(NanoCpus > 0 && { period: 100_000, quota: Math.floor(NanoCpus / 10_000) }),
    ...(CpuPeriod > 0 && { period: CpuPeriod }),
    ...(CpuQuota !== 0 && { quota: CpuQuota }),
    ...(CpusetCpus !== '' && { cpus: CpusetCpus }),
    ...(CpusetMems !== '' && { mems: CpusetMems }),
  };
  return {
    ...(Object.keys(memory).length > 0 && { memory }),
    ...(Object.keys(cpu).length > 0 && { cpu }),
    ...(PidsLimit !== null && { pids: { limit: PidsLimit } }),
  };
}
