import type { DeviceRate, Resources } from '../../contract/containers.js';
import { limitsOf } from './limits.js';

const UNLIMITED = -1;
/** What the kernel gives a group that nobody gave anything. */
const USUAL_SHARES = 1024;
const USUAL_PERIOD = 100_000;

const RATES = {
  BlkioDeviceReadBps: 'throttleReadBpsDevice',
  BlkioDeviceWriteBps: 'throttleWriteBpsDevice',
  BlkioDeviceReadIOps: 'throttleReadIOPSDevice',
  BlkioDeviceWriteIOps: 'throttleWriteIOPSDevice',
} as const;

/** Limits that the kernel takes of processes that run, to be set and to be taken away; */
const EITHER_WAY = new Set<string>([
  ...(['Memory', 'MemorySwap', 'MemoryReservation', 'NanoCpus', 'CpuShares', 'CpuPeriod', 'CpuQuota'] as const),
  ...(['PidsLimit'] as const),
  ...Object.keys(RATES),
]);
/** and those that it has no word for taking away. */
const ONLY_SET = new Set<string>(['CpusetCpus', 'CpusetMems', 'BlkioWeight', 'MemorySwappiness']);

/** Whether a limit goes from one to the other while the container runs. */
export function isLive(field: string, to: unknown): boolean {
  return EITHER_WAY.has(field) || (ONLY_SET.has(field) && to !== undefined && to !== null && to !== '' && to !== 0);
}

/** In the runtime specification's words, what is to be said to a group that has one set of limits and is to have another. */
export async function changedLimits(before: Resources, after: Resources, cgroupVersion: 1 | 2): Promise<object> {
  const ends = (field: 'Memory' | 'MemorySwap' | 'MemoryReservation' | 'CpuShares'): boolean =>
    before[field] !== 0 && after[field] === 0;
  const hasQuota = ({ NanoCpus, CpuQuota, CpuPeriod }: Resources): boolean =>
    NanoCpus > 0 || CpuQuota > 0 || CpuPeriod > 0;
  const memory = {
    ...(ends('Memory') && { limit: UNLIMITED }),
    ...((ends('MemorySwap') || ends('Memory')) && { swap: UNLIMITED }),
    // A guarantee with v2, a hint with v1.
    ...(ends('MemoryReservation') && { reservation: cgroupVersion === 2 ? 0 : UNLIMITED }),
  };
  const cpu = {
    ...(ends('CpuShares') && { shares: USUAL_SHARES }),
    ...(hasQuota(before) && !hasQuota(after) && { quota: UNLIMITED, period: USUAL_PERIOD }),
  };
  const limits = (await limitsOf(after)) as Record<'memory' | 'cpu' | 'blockIO', object | undefined>;
  const blockIO = { ...limits.blockIO, ...(await rates(before, after)) };
  return {
    ...limits,
    ...withAny('memory', { ...memory, ...limits.memory }),
    ...withAny('cpu', { ...cpu, ...limits.cpu }),
    ...withAny('blockIO', blockIO),
    ...(before.PidsLimit !== null && after.PidsLimit === null && { pids: { limit: UNLIMITED } }),
  };
}

/** Of devices that are limited no more the rate is 0. */
async function rates(before: Resources, after: Resources): Promise<object> {
  const full = structuredClone(after);
  const fields = (Object.keys(RATES) as (keyof typeof RATES)[]).filter((field) => before[field]?.length);
  for (const field of fields) {
    const left = (before[field] ?? []).filter(({ Path }) => !after[field]?.some((one) => one.Path === Path));
    full[field] = [...(after[field] ?? []), ...left.map(({ Path }): DeviceRate => ({ Path, Rate: 0 }))];
  }
  const { blockIO = {} } = (await limitsOf(full)) as { blockIO?: Record<string, object> };
  return Object.fromEntries(
    fields.flatMap((field) => (blockIO[RATES[field]] ? [[RATES[field], blockIO[RATES[field]]]] : [])),
  );
}

const withAny = (name: string, fields: object): object => (Object.keys(fields).length > 0 ? { [name]: fields } : {});
