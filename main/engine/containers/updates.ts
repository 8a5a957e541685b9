import { conflict, EngineError, system } from '../../base/errors.js';
import type { ContainerUpdate, Resources } from '../../contract/containers.js';
import type { Container } from './container.js';
import type { Ledger } from './ledger.js';
import { hostPatches, shownPatches } from './difference.js';
import { checkLimits, checkMemoryNodes, dropWhatCannotHold } from './limits.js';
import { changedLimits } from './live-limits.js';
import type { FullHostConfig } from './record.js';
import { checkedRestartPolicy } from './restart-policy.js';
import type { ContainersOptions } from './rooms.js';

/** What can be changed of a container that is there; in Docker's update, zero and empty mean: as it is. */
const CHANGEABLE = [
  ...(['BlkioWeight', 'CpuShares', 'NanoCpus', 'CpuPeriod', 'CpuQuota', 'CpusetCpus', 'CpusetMems'] as const),
  ...(['CpuRealtimePeriod', 'CpuRealtimeRuntime', 'Memory', 'MemorySwap', 'MemoryReservation'] as const),
  ...(['KernelMemory', 'PidsLimit'] as const),
];

/** Of the resources that Docker publishes, those that stay what they were made with. */
const FIXED =
  'CgroupParent BlkioWeightDevice BlkioDeviceReadBps BlkioDeviceWriteBps BlkioDeviceReadIOps BlkioDeviceWriteIOps Devices DeviceCgroupRules DeviceRequests KernelMemoryTCP MemorySwappiness OomKillDisable Init Ulimits CpuCount CpuPercent IOMaximumIOps IOMaximumBandwidth'.split(
    ' ',
  );

const NOTHING: Resources = {
  ...{ Memory: 0, MemoryReservation: 0, MemorySwap: 0, MemorySwappiness: null, OomKillDisable: null },
  ...{ NanoCpus: 0, CpuShares: 0, CpuPeriod: 0, CpuQuota: 0, CpuRealtimePeriod: 0, CpuRealtimeRuntime: 0 },
  ...{ CpusetCpus: '', CpusetMems: '', PidsLimit: null, BlkioWeight: 0, BlkioWeightDevice: [] },
  ...{ BlkioDeviceReadBps: [], BlkioDeviceWriteBps: [], BlkioDeviceReadIOps: [], BlkioDeviceWriteIOps: [] },
};

/** Changes what a container may use and when it comes back, while it runs or not. */
export class Updates {
  readonly #helper: ContainersOptions['helper'];
  readonly #ledger: Ledger;

  constructor({ helper }: Pick<ContainersOptions, 'helper'>, ledger: Ledger) {
    this.#helper = helper;
    this.#ledger = ledger;
  }

  async update(reference: string, body: ContainerUpdate): Promise<{ Warnings: string[] | null }> {
    const container = this.#ledger.find(reference);
    const wish = { ...NOTHING, ...Object.fromEntries(CHANGEABLE.map((key) => [key, body[key] ?? NOTHING[key]])) };
    checkLimits(wish, { changing: true });
    if (wish.CpusetMems) await checkMemoryNodes({ CpusetMems: wish.CpusetMems });
    const policy = body.RestartPolicy?.Name ? checkedRestartPolicy(body.RestartPolicy) : undefined;
    const warnings = [...dropWhatCannotHold(wish, this.#helper.hello), ...warnOfWhatStays(body)];
    using _ = await this.#ledger.lock(container);
    await during(container, async () => {
      if (container.removal || container.dead) throw conflict('container is marked for removal and cannot be "update"');
      const { hostConfig } = container.record;
      checkAgainst(wish, hostConfig);
      if (policy && hostConfig.AutoRemove && policy.Name !== 'no')
        throw conflict('Restart policy cannot be updated because AutoRemove is enabled for the container');
      await this.#change(container, { ...merged(hostConfig, wish), ...(policy && { RestartPolicy: policy }) });
    });
    this.#ledger.publish(container, 'update');
    return { Warnings: warnings.length > 0 ? warnings : null };
  }

  /** The kernel first: what it refuses is not written down. */
  async #change(container: Container, after: FullHostConfig): Promise<void> {
    const { record, id } = container;
    const before = record.hostConfig;
    const apply = async (hostConfig: FullHostConfig): Promise<void> => {
      if (container.live)
        await this.#helper.update(id, await changedLimits(before, hostConfig, this.#helper.hello.cgroup.version));
    };
    await apply(after);
    try {
      const Changes = shownPatches(hostPatches(before, after));
      const also = { Kind: 'changed' as const, Changes };
      if (Changes.length > 0) await this.#ledger.saveTold(container, { hostConfig: after }, also);
      else await this.#ledger.save(container, { hostConfig: after });
    } catch (error) {
      await apply(before);
      throw error;
    }
    record.hostConfig = after;
  }
}

function warnOfWhatStays(body: ContainerUpdate): string[] {
  const given = (value: unknown): boolean => (Array.isArray(value) ? value.length > 0 : !!value);
  return Object.entries(body)
    .filter(([key, value]) => FIXED.includes(key) && given(value))
    .map(([key]) => `${key} cannot be changed after a container has been made. ${key} discarded.`);
}

/** Docker's rules for a change that does not fit what was set before. */
function checkAgainst(wish: Resources, { NanoCpus, CpuPeriod, CpuQuota, MemorySwap }: Resources): void {
  if (wish.NanoCpus > 0 && CpuPeriod > 0)
    throw conflict('Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set');
  if (wish.NanoCpus > 0 && CpuQuota > 0)
    throw conflict('Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set');
  if (wish.CpuPeriod > 0 && NanoCpus > 0)
    throw conflict('Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set');
  if (wish.CpuQuota > 0 && NanoCpus > 0)
    throw conflict('Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set');
  if (wish.Memory !== 0 && wish.MemorySwap === 0 && wish.Memory > MemorySwap)
    throw conflict(
      'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time',
    );
}

function merged(hostConfig: FullHostConfig, wish: Resources): FullHostConfig {
  const given = CHANGEABLE.filter((key) => wish[key] !== NOTHING[key] && wish[key] !== undefined);
  const after = { ...hostConfig, ...Object.fromEntries(given.map((key) => [key, wish[key]])) };
  if (after.PidsLimit !== null && after.PidsLimit <= 0) after.PidsLimit = null;
  return after;
}

/** Says whose change failed, as Docker does. */
async function during({ id }: Container, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { kind, message } = error instanceof EngineError ? error : system(String(error));
    throw new EngineError(kind, `Cannot update container ${id}: ${message}`, { cause: error });
  }
}
