import type { ContainerUpdate } from '../../main/contract/containers.js';
import { quoted } from './command-line.js';
import { sizeText } from './sizes.js';

/** The same as a `docker update` line; undefined where it would say nothing. */
export function updateLine(name: string, body: ContainerUpdate): string | undefined {
  const flags: string[] = [];
  if (body.Memory !== undefined) flags.push('--memory', sizeText(body.Memory));
  if (body.MemoryReservation !== undefined) flags.push('--memory-reservation', sizeText(body.MemoryReservation));
  if (body.MemorySwap !== undefined)
    flags.push('--memory-swap', body.MemorySwap < 0 ? '-1' : sizeText(body.MemorySwap));
  if (body.NanoCpus !== undefined) flags.push('--cpus', String(body.NanoCpus / 1e9));
  if (body.CpuPeriod !== undefined) flags.push('--cpu-period', String(body.CpuPeriod));
  if (body.CpuQuota !== undefined) flags.push('--cpu-quota', String(body.CpuQuota));
  if (body.CpuShares !== undefined) flags.push('--cpu-shares', String(body.CpuShares));
  if (body.CpusetCpus !== undefined) flags.push('--cpuset-cpus', body.CpusetCpus);
  if (body.CpusetMems !== undefined) flags.push('--cpuset-mems', body.CpusetMems);
  if (body.PidsLimit !== undefined) flags.push('--pids-limit', String(body.PidsLimit));
  if (body.BlkioWeight !== undefined) flags.push('--blkio-weight', String(body.BlkioWeight));
  if (body.RestartPolicy !== undefined) {
    const { Name, MaximumRetryCount: count } = body.RestartPolicy;
    flags.push('--restart', `${Name || 'no'}${Name === 'on-failure' && count > 0 ? `:${count}` : ''}`);
  }
  return flags.length === 0 ? undefined : ['docker', 'update', ...flags, quoted(name)].join(' ');
}
