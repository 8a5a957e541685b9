import { readFile, stat } from 'node:fs/promises';
import { cpus } from 'node:os';
import { codeOf, invalid, notImplemented, system } from '../../base/errors.js';
import type { DeviceRate, DeviceWeight, Resources } from '../../contract/containers.js';
import type { HelperHello } from '../helper/index.js';

const MIN_MEMORY = 6 * 1024 * 1024;

/** Limits that nobody could mean, or that no machine of today has. `changing`: of a container that is there, not of a new one. */
export function checkLimits(limits: Resources, { changing = false } = {}): void {
  checkMemory(limits, changing);
  checkCpu(limits);
  checkBlockIo(limits);
}

function checkMemory(limits: Resources, changing: boolean): void {
  const { Memory, MemorySwap, MemoryReservation, MemorySwappiness } = limits;
  if (Memory !== 0 && Memory < MIN_MEMORY) throw invalid('Minimum memory limit allowed is 6MB');
  if (Memory > 0 && MemorySwap > 0 && MemorySwap < Memory) {
    throw invalid('Minimum memoryswap limit should be larger than memory limit, see usage');
  }
  if (Memory === 0 && MemorySwap > 0 && !changing) {
    throw invalid('You should always set the Memory limit when using Memoryswap limit, see usage');
  }
  if (MemorySwappiness !== null && (MemorySwappiness < -1 || MemorySwappiness > 100)) {
    throw invalid(`Invalid value: ${MemorySwappiness}, valid memory swappiness range is 0-100`);
  }
  if (MemoryReservation > 0 && MemoryReservation < MIN_MEMORY) {
    throw invalid('Minimum memory reservation allowed is 6MB');
  }
  if (Memory > 0 && MemoryReservation > Memory) {
    throw invalid('Minimum memory limit can not be less than memory reservation limit, see usage');
  }
}

/** Counted once: it is a look at each of them. */
const PROCESSORS = cpus().length;

function checkCpu(limits: Resources): void {
  const { NanoCpus, CpuPeriod, CpuQuota, CpusetCpus, CpusetMems, CpuRealtimePeriod, CpuRealtimeRuntime } = limits;
  const available = PROCESSORS;
  if (limits.CpuShares < 0) throw invalid(`invalid CPU shares (${limits.CpuShares}): value must be a positive integer`);
  if (NanoCpus > 0 && CpuPeriod > 0) {
    throw invalid('Conflicting options: Nano CPUs and CPU Period cannot both be set');
  }
  if (NanoCpus > 0 && CpuQuota > 0) throw invalid('Conflicting options: Nano CPUs and CPU Quota cannot both be set');
  if (NanoCpus < 0 || NanoCpus > available * 1e9) {
    throw invalid(`Range of CPUs is from 0.01 to ${available}.00, as there are only ${available} CPUs available`);
  }
  if (CpuPeriod !== 0 && (CpuPeriod < 1000 || CpuPeriod > 1_000_000)) {
    throw invalid('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
  }
  if (CpuQuota > 0 && CpuQuota < 1000) throw invalid('CPU cfs quota can not be less than 1ms (i.e. 1000)');
  for (const [what, set] of [
    ['cpus', CpusetCpus],
    ['mems', CpusetMems],
  ]) {
    if (set && !/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(set))
      throw invalid(`Invalid value ${set} for cpuset ${what}: invalid format: ${set}`);
  }
  if (CpusetCpus.split(/[,-]/).some((cpu) => Number(cpu) >= available)) {
    throw invalid(`Requested CPUs are not available - requested ${CpusetCpus}, available: 0-${available - 1}`);
  }
  if (CpuRealtimePeriod || CpuRealtimeRuntime) {
    throw notImplemented(
      'real-time scheduling (--cpu-rt-period, --cpu-rt-runtime) is not something containers can be given here: leave that option out',
    );
  }
}

/** Memory nodes that this machine does not have. */
export async function checkMemoryNodes({ CpusetMems }: Pick<Resources, 'CpusetMems'>): Promise<void> {
  if (!CpusetMems) return;
  const online = (await readFile('/sys/devices/system/node/online', 'utf8').catch(() => '0')).trim();
  const last = Number(/\d+$/.exec(online)?.[0] ?? 0);
  if (CpusetMems.split(/[,-]/).some((node) => Number(node) > last))
    throw invalid(`Requested memory nodes are not available - requested ${CpusetMems}, available: ${online}`);
}

function checkBlockIo(limits: Resources): void {
  const wrong = ({ Weight }: { Weight: number }): boolean => Weight !== 0 && (Weight < 10 || Weight > 1000);
  if (wrong({ Weight: limits.BlkioWeight })) throw invalid('Range of blkio weight is from 10 to 1000');
  const device = limits.BlkioWeightDevice?.find(wrong);
  if (device) throw invalid(`Range of blkio weight is from 10 to 1000: ${device.Path} has ${device.Weight}`);
  if (limits.IOMaximumBandwidth || limits.IOMaximumIOps) {
    throw invalid('Invalid QoS settings: linux does not support Maximum IO Bandwidth or Maximum IO IOps');
  }
}

/** Limits that this machine cannot enforce are dropped, and said so. */
export function dropWhatCannotHold(limits: Resources, { cgroup }: HelperHello): string[] {
  const warnings: string[] = [];
  const has = (controller: string): boolean => cgroup.limits && cgroup.controllers.includes(controller);
  const drop = (fields: Partial<Resources>, warning: string): void => {
    const wished = Object.entries(fields).some(([key, none]) => differs(limits[key as keyof Resources], none));
    if (!wished) return;
    Object.assign(limits, fields);
    warnings.push(warning);
  };
  const kernel = 'Your kernel does not support';
  if (!has('memory')) {
    drop(
      { Memory: 0, MemorySwap: 0, MemoryReservation: 0, MemorySwappiness: null, OomKillDisable: null },
      `${kernel} memory limit capabilities or the cgroup is not mounted. Limitation discarded.`,
    );
  }
  if (cgroup.swap === false) {
    drop(
      { MemorySwap: 0 },
      `${kernel} swap limit capabilities or the cgroup is not mounted. Memory limited without swap.`,
    );
  }
  if (!has('cpu')) {
    drop(
      { NanoCpus: 0, CpuQuota: 0, CpuPeriod: 0, CpuShares: 0 },
      `${kernel} CPU CFS scheduler or the cgroup is not mounted. CPU limits discarded.`,
    );
  }
  if (!has('cpuset')) {
    drop({ CpusetCpus: '', CpusetMems: '' }, `${kernel} cpuset or the cgroup is not mounted. CPUset discarded.`);
  }
  if (!has('pids')) {
    drop({ PidsLimit: null }, `${kernel} pids limit capabilities or the cgroup is not mounted. PIDs limit discarded.`);
  }
  const blockIO = has(cgroup.version === 1 ? 'blkio' : 'io');
  const lost = (what: string, discarded: string): string =>
    `${kernel} ${what} or the cgroup is not mounted. ${discarded} discarded.`;
  if (!blockIO || cgroup.ioWeights === false) {
    drop({ BlkioWeight: 0 }, lost('Block I/O weight', 'Weight'));
    drop({ BlkioWeightDevice: [] }, lost('Block I/O weight_device', 'Weight-device'));
  }
  if (!blockIO) {
    drop({ BlkioDeviceReadBps: [] }, lost('BPS Block I/O read limit', 'Block I/O BPS read limit'));
    drop({ BlkioDeviceWriteBps: [] }, lost('BPS Block I/O write limit', 'Block I/O BPS write limit'));
    drop({ BlkioDeviceReadIOps: [] }, lost('IOPS Block read limit', 'Block I/O IOPS read limit'));
    drop({ BlkioDeviceWriteIOps: [] }, lost('IOPS Block write limit', 'Block I/O IOPS write limit'));
  }
  if (cgroup.version === 2) {
    drop({ OomKillDisable: null }, `${kernel} OomKillDisable. OomKillDisable discarded.`);
    drop(
      { MemorySwappiness: null },
      `${kernel} memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.`,
    );
  }
  drop({ CpuCount: 0 }, 'linux does not support CPU count. Count discarded.');
  drop({ CpuPercent: 0 }, 'linux does not support CPU percent. Percent discarded.');
  // Gone from Linux since 5.16.
  drop(
    { KernelMemory: 0, KernelMemoryTCP: 0 },
    'Your kernel does not support kernel memory limit capabilities. Limitation discarded.',
  );
  if (limits.OomKillDisable && limits.Memory === 0) {
    warnings.push(
      'OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.',
    );
  }
  return warnings;
}

/** What decides how unlikely a process may be to be chosen when memory runs out. */
export interface OomStanding {
  /** The engine's own score, which its children begin with. */
  own: number;
  /** CAP_SYS_RESOURCE: it may go below that. */
  capable: boolean;
}

const CAP_SYS_RESOURCE = 24n;

export async function oomStanding(): Promise<OomStanding> {
  const [score, status] = await Promise.all([
    readFile('/proc/self/oom_score_adj', 'utf8'),
    readFile('/proc/self/status', 'utf8'),
  ]);
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return { own: Number(score), capable: ((effective >> CAP_SYS_RESOURCE) & 1n) === 1n };
}

/** Nobody but who may can make a process less likely to be chosen than its parent is. */
export function dropOomScore(wish: { OomScoreAdj: number }, { own, capable }: OomStanding): string[] {
  if (wish.OomScoreAdj === 0 || wish.OomScoreAdj >= own || capable) return [];
  wish.OomScoreAdj = 0;
  return [`This engine cannot set an OOM score below its own, which is ${own}. OomScoreAdj discarded.`];
}

/** Whether a limit was asked for: absent, false, zero and an empty list are the same as none. */
const differs = (value: unknown, none: unknown): boolean =>
  Array.isArray(value) ? value.length > 0 : (value || none) !== none;

/** The limits in the runtime specification's words (`linux.resources`), without device rules. */
export async function limitsOf(limits: Resources): Promise<object> {
  const { Memory, MemoryReservation, MemorySwap, MemorySwappiness, OomKillDisable, PidsLimit } = limits;
  const { NanoCpus, CpuShares, CpuPeriod, CpuQuota, CpusetCpus, CpusetMems } = limits;
  const memory = {
    ...(Memory > 0 && { limit: Memory }),
    ...(MemoryReservation > 0 && { reservation: MemoryReservation }),
    ...(MemorySwap !== 0 && { swap: MemorySwap }),
    ...(MemorySwappiness !== null && MemorySwappiness >= 0 && { swappiness: MemorySwappiness }),
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
  const blockIO = await blockIoOf(limits);
  return {
    ...(Object.keys(memory).length > 0 && { memory }),
    ...(Object.keys(cpu).length > 0 && { cpu }),
    ...(Object.keys(blockIO).length > 0 && { blockIO }),
    ...(PidsLimit !== null && PidsLimit > 0 && { pids: { limit: PidsLimit } }),
  };
}

async function blockIoOf(limits: Resources): Promise<object> {
  const lists: Record<string, (DeviceRate | DeviceWeight)[] | null> = {
    weightDevice: limits.BlkioWeightDevice,
    throttleReadBpsDevice: limits.BlkioDeviceReadBps,
    throttleWriteBpsDevice: limits.BlkioDeviceWriteBps,
    throttleReadIOPSDevice: limits.BlkioDeviceReadIOps,
    throttleWriteIOPSDevice: limits.BlkioDeviceWriteIOps,
  };
  const blockIO: Record<string, unknown> = limits.BlkioWeight > 0 ? { weight: limits.BlkioWeight } : {};
  for (const [key, devices] of Object.entries(lists)) {
    if (devices?.length) blockIO[key] = await Promise.all(devices.map(throttleOf));
  }
  return blockIO;
}

async function throttleOf(wish: DeviceRate | DeviceWeight): Promise<object> {
  const found = await stat(wish.Path).catch((error: unknown) => {
    throw system(
      `stat ${wish.Path}: ${codeOf(error) === 'ENOENT' ? 'no such file or directory' : String(codeOf(error))}`,
    );
  });
  if (!found.isBlockDevice()) throw invalid(`${wish.Path} is no block device: its traffic cannot be limited`);
  const device = { major: (found.rdev >>> 8) & 0xfff, minor: (found.rdev & 0xff) | ((found.rdev >>> 12) & 0xfff00) };
  return 'Weight' in wish ? { ...device, weight: wish.Weight } : { ...device, rate: wish.Rate };
}
