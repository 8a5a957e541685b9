import type { ContainerUpdate, DeviceRate, HostConfig, Resources } from '../../../main/contract/containers.js';
import { parseMemory, sizeText, smallestMemory } from '../../parts/sizes.js';

/** What the limits say as typed; empty: no limit, or as the engine has it. */
export interface LimitsForm {
  memory: string;
  reservation: string;
  swap: string;
  cpus: string;
  shares: string;
  cpuset: string;
  pids: string;
  weight: string;
}

export type LimitProblem =
  'size' | 'small' | 'reservation' | 'swap' | 'cpus' | 'shares' | 'cpuset' | 'pids' | 'weight' | 'stays';

type Limits = Pick<HostConfig, keyof Resources>;

/** Processors that a container may use, however that was said; 0: all. */
export const cpusOf = ({
  NanoCpus,
  CpuQuota,
  CpuPeriod,
}: Pick<Resources, 'NanoCpus' | 'CpuQuota' | 'CpuPeriod'>): number =>
  NanoCpus > 0 ? NanoCpus / 1e9 : CpuQuota > 0 ? CpuQuota / (CpuPeriod || 100_000) : 0;

export const limitsForm = (host: Limits): LimitsForm => ({
  memory: sizeText(host.Memory),
  reservation: sizeText(host.MemoryReservation),
  swap: host.MemorySwap < 0 ? '-1' : sizeText(host.MemorySwap),
  cpus: cpusOf(host) > 0 ? String(Number(cpusOf(host).toFixed(3))) : '',
  shares: host.CpuShares > 0 ? String(host.CpuShares) : '',
  cpuset: host.CpusetCpus,
  pids: host.PidsLimit && host.PidsLimit > 0 ? String(host.PidsLimit) : '',
  weight: host.BlkioWeight > 0 ? String(host.BlkioWeight) : '',
});

const whole = (text: string, least: number, most = Infinity) =>
  /^\d{1,12}$/.test(text.trim()) && Number(text) >= least && Number(text) <= most;

/** What is wrong with a field. `before`: what the container has: some limits cannot be taken away again, only set anew. */
export function limitProblems(
  form: LimitsForm,
  before: LimitsForm,
  cores: number | undefined,
): Partial<Record<keyof LimitsForm, LimitProblem>> {
  const problems: Partial<Record<keyof LimitsForm, LimitProblem>> = {};
  const text = (key: keyof LimitsForm) => form[key].trim();
  const memory = text('memory') === '' ? undefined : parseMemory(text('memory'));
  if (text('memory') !== '' && memory === undefined) problems.memory = 'size';
  else if (memory !== undefined && memory < smallestMemory) problems.memory = 'small';
  if (text('reservation') !== '') {
    const reservation = parseMemory(text('reservation'));
    if (reservation === undefined) problems.reservation = 'size';
    else if (reservation < smallestMemory) problems.reservation = 'small';
    else if (memory !== undefined && reservation > memory) problems.reservation = 'reservation';
  }
  // Left as it is, it rises with memory: updateBody.
  if (text('swap') !== before.swap && text('swap') !== '' && text('swap') !== '-1') {
    const swap = parseMemory(text('swap'));
    if (swap === undefined) problems.swap = 'size';
    else if (memory === undefined || swap < memory) problems.swap = 'swap';
  }
  if (text('cpus') !== '') {
    const cpus = Number(text('cpus'));
    if (!(cpus >= 0.01) || (cores !== undefined && cpus > cores)) problems.cpus = 'cpus';
  }
  if (text('shares') !== '' && !whole(text('shares'), 2, 262_144)) problems.shares = 'shares';
  if (text('cpuset') !== '') {
    const right = /^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(text('cpuset'));
    const highest = Math.max(...text('cpuset').split(/[,-]/).map(Number));
    if (!right || (cores !== undefined && highest >= cores)) problems.cpuset = 'cpuset';
  }
  if (text('pids') !== '' && !whole(text('pids'), 1)) problems.pids = 'pids';
  if (text('weight') !== '' && !whole(text('weight'), 10, 1000)) problems.weight = 'weight';
  // An update reads nothing and zero as "as it is": only processes and swap know a word for "no limit".
  for (const key of ['memory', 'reservation', 'shares', 'cpuset', 'weight', 'cpus'] as const)
    if (text(key) === '' && before[key] !== '' && problems[key] === undefined) problems[key] = 'stays';
  return problems;
}

const changed = (form: LimitsForm, before: LimitsForm) =>
  (Object.keys(form) as (keyof LimitsForm)[]).filter((key) => form[key].trim() !== before[key]);

/** The body of `POST /containers/{id}/update`: what differs, and nothing else. */
export function updateBody(form: LimitsForm, before: LimitsForm, host: Limits): ContainerUpdate {
  const body: ContainerUpdate = {};
  for (const key of changed(form, before)) {
    const text = form[key].trim();
    switch (key) {
      case 'memory': {
        const memory = parseMemory(text) ?? 0;
        body.Memory = memory;
        // Memory above what it may use with swap, also where that was never said, would be refused: the two rise together.
        if (form.swap.trim() === before.swap && memory > host.MemorySwap)
          body.MemorySwap = host.MemorySwap < 0 ? -1 : memory * 2;
        break;
      }
      case 'reservation':
        body.MemoryReservation = parseMemory(text) ?? 0;
        break;
      case 'swap':
        body.MemorySwap = text === '' || text === '-1' ? -1 : (parseMemory(text) ?? 0);
        break;
      case 'cpus':
        // Who said it by quota before says it so again: the two words exclude each other.
        if (host.CpuQuota > 0) body.CpuQuota = Math.round(Number(text) * (host.CpuPeriod || 100_000));
        else body.NanoCpus = Math.round(Number(text) * 1e9);
        break;
      case 'shares':
        body.CpuShares = Number(text);
        break;
      case 'cpuset':
        body.CpusetCpus = text;
        break;
      case 'pids':
        body.PidsLimit = text === '' ? -1 : Number(text);
        break;
      case 'weight':
        body.BlkioWeight = Number(text);
    }
  }
  return body;
}

/** Limits of single devices, which only a new container can be given: one line each. */
export function deviceLimits(host: Limits): { key: string; path: string; value: number; bytes: boolean }[] {
  const lists: [string, DeviceRate[] | null, boolean][] = [
    ['readBps', host.BlkioDeviceReadBps, true],
    ['writeBps', host.BlkioDeviceWriteBps, true],
    ['readIOps', host.BlkioDeviceReadIOps, false],
    ['writeIOps', host.BlkioDeviceWriteIOps, false],
  ];
  return lists.flatMap(([key, list, bytes]) =>
    (list ?? []).map(({ Path, Rate }) => ({ key, path: Path, value: Rate, bytes })),
  );
}
