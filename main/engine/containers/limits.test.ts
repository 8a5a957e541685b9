import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Resources } from '../../contract/containers.js';
import type { HelperHello } from '../helper/index.js';
import { checkLimits, dropOomScore, dropWhatCannotHold, limitsOf, oomStanding } from './limits.js';

const nothing: Resources = {
  ...{ Memory: 0, MemoryReservation: 0, MemorySwap: 0, MemorySwappiness: null, OomKillDisable: null },
  ...{ NanoCpus: 0, CpuShares: 0, CpuPeriod: 0, CpuQuota: 0, CpuRealtimePeriod: 0, CpuRealtimeRuntime: 0 },
  ...{ CpusetCpus: '', CpusetMems: '', PidsLimit: null, BlkioWeight: 0, BlkioWeightDevice: [] },
  ...{ BlkioDeviceReadBps: [], BlkioDeviceWriteBps: [], BlkioDeviceReadIOps: [], BlkioDeviceWriteIOps: [] },
};
const everything: Resources = {
  ...{ Memory: 64e6, MemoryReservation: 32e6, MemorySwap: 64e6, MemorySwappiness: 5, OomKillDisable: true },
  ...{ NanoCpus: 5e8, CpuShares: 512, CpuPeriod: 0, CpuQuota: 0, CpuRealtimePeriod: 0, CpuRealtimeRuntime: 0 },
  ...{ CpusetCpus: '0', CpusetMems: '0', PidsLimit: 10, BlkioWeight: 300, KernelMemory: 64e6 },
  BlkioWeightDevice: [{ Path: '/dev/x', Weight: 10 }],
  BlkioDeviceReadBps: [{ Path: '/dev/x', Rate: 1 }],
  BlkioDeviceWriteBps: [{ Path: '/dev/x', Rate: 1 }],
  BlkioDeviceReadIOps: [{ Path: '/dev/x', Rate: 1 }],
  BlkioDeviceWriteIOps: [{ Path: '/dev/x', Rate: 1 }],
};
const machine = (version: 1 | 2, ...controllers: string[]) =>
  ({ cgroup: { version, controllers, limits: controllers.length > 0 } }) as HelperHello;

test('an ordinary user of cgroup v1 keeps no limit, and each is named', () => {
  const limits = { ...everything };
  const warnings = dropWhatCannotHold(limits, machine(1));
  assert.deepEqual(limits, { ...nothing, KernelMemory: 0, KernelMemoryTCP: 0 });
  const named = ['memory limit', 'CPU CFS', 'cpuset', 'pids', 'I/O weight or', 'weight_device', 'BPS Block I/O read'];
  for (const name of [...named, 'BPS Block I/O write', 'IOPS Block read', 'IOPS Block write', 'kernel memory'])
    assert.equal(warnings.filter((warning) => warning.includes(name)).length >= 1, true, name);
});

test('an ordinary user of cgroup v2 has memory, processor time and processes, as systemd delegates them', async () => {
  const limits = { ...everything };
  const warnings = dropWhatCannotHold(limits, machine(2, 'cpu', 'memory', 'pids')).join('\n');
  assert.deepEqual(await limitsOf(limits), {
    memory: { limit: 64e6, reservation: 32e6, swap: 64e6 },
    cpu: { shares: 512, period: 100_000, quota: 50_000 },
    pids: { limit: 10 },
  });
  assert.match(warnings, /OomKillDisable discarded/);
  assert.match(warnings, /Memory swappiness discarded/);
  assert.match(warnings, /CPUset discarded/);
  assert.match(warnings, /Block I\/O BPS write limit discarded/);
});

test('where swap is not counted, memory is limited without it', async () => {
  const limits = { ...nothing, Memory: 64e6, MemorySwap: 128e6 };
  const { cgroup } = machine(1, 'memory');
  const warnings = dropWhatCannotHold(limits, { cgroup: { ...cgroup, swap: false } } as HelperHello);
  assert.deepEqual(await limitsOf(limits), { memory: { limit: 64e6 } });
  assert.match(warnings.join(), /Memory limited without swap/);
});

test('where the kernel has no weights for block I/O, they are dropped by name and rates stay', async () => {
  const rates = [{ Path: '/dev/null', Rate: 1 }];
  const weights = { BlkioWeight: 300, BlkioWeightDevice: [{ Path: '/dev/null', Weight: 300 }] };
  const limits = { ...nothing, ...weights, BlkioDeviceReadBps: rates };
  const { cgroup } = machine(1, 'blkio');
  const warnings = dropWhatCannotHold(limits, { cgroup: { ...cgroup, ioWeights: false } } as HelperHello);
  assert.deepEqual(limits, { ...nothing, BlkioDeviceReadBps: rates });
  assert.deepEqual(warnings, [
    'Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.',
    'Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.',
  ]);
});

test('nothing that was not asked for is warned of', () => {
  for (const version of [1, 2] as const) {
    assert.deepEqual(dropWhatCannotHold({ ...nothing, OomKillDisable: false }, machine(version)), []);
  }
});

test('weights have a range, and real-time scheduling is refused by its name', () => {
  assert.throws(() => checkLimits({ ...nothing, BlkioWeight: 5 }), {
    message: 'Range of blkio weight is from 10 to 1000',
  });
  assert.throws(() => checkLimits({ ...nothing, BlkioWeightDevice: [{ Path: '/dev/x', Weight: 1001 }] }), /\/dev\/x/);
  assert.throws(() => checkLimits({ ...nothing, CpuRealtimePeriod: 1000 }), { kind: 'not-implemented' });
});

test('an OOM score that only a more powerful engine could give is dropped with a warning', async () => {
  const given = (OomScoreAdj: number, own: number, capable: boolean) => {
    const wish = { OomScoreAdj };
    return [dropOomScore(wish, { own, capable }).length, wish.OomScoreAdj];
  };
  assert.deepEqual(given(-500, 0, false), [1, 0]);
  assert.deepEqual(given(100, 200, false), [1, 0]);
  assert.deepEqual(given(-500, 0, true), [0, -500]);
  assert.deepEqual(given(300, 200, false), [0, 300]);
  assert.deepEqual(given(0, 200, false), [0, 0]);
  assert.equal(typeof (await oomStanding()).capable, 'boolean');
});

test('shares of less than nothing are refused', () => {
  assert.throws(() => checkLimits({ ...nothing, CpuShares: -5 }), { kind: 'invalid', message: /CPU shares/ });
});
