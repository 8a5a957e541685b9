import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerChange } from '../../contract/changes.js';
import type { ContainerCreate } from '../../contract/containers.js';
import type { ImageConfig } from '../../contract/images.js';
import type { HelperHello } from '../helper/index.js';
import { changedConfiguration } from './configuration.js';
import { appliesTo, configPatches, hostPatches, patched } from './difference.js';
import { changedLimits } from './live-limits.js';
import { planContainer } from './plan.js';
import type { ContainerRecord, FieldPatch } from './record.js';

const hello: HelperHello = {
  version: 1,
  pid: 1,
  rootless: false,
  uidMap: [],
  gidMap: [],
  cgroup: { version: 2, controllers: ['memory', 'cpu', 'pids', 'cpuset', 'io'], limits: true },
  overlay: { native: true, userxattr: false, idmapped: true },
  apparmor: false,
  kernel: '6.18.0',
  warnings: [],
};
const id = 'c0ffee'.padEnd(64, '0');
const imageOf = () => ({ id: 'sha256:1', chainId: 'sha256:2' });
const MIB = 2 ** 20;

/** A container as `create` makes it. */
async function made(body: ContainerCreate, image: ImageConfig = {}) {
  const plan = await planContainer(id, { Image: 'web:1', Cmd: ['sh'], ...body }, image, {
    hello,
    mountsOf: () => [],
    imageOf,
  });
  const { config, hostConfig } = plan;
  return {
    id,
    config,
    hostConfig,
    mounts: [],
    image: { id: 'sha256:1', reference: 'web:1', chainId: '' },
  } as unknown as ContainerRecord;
}

/** What a change comes to: the fields that are another, and what they are then. */
async function changes(record: ContainerRecord, change: ContainerChange, image: ImageConfig = {}, next?: ImageConfig) {
  const after = await changedConfiguration(record, change, {
    ...{ hello, image },
    ...(next && { next: { reference: 'web:2', config: next } }),
  });
  return [...configPatches(record.config, after.config), ...hostPatches(record.hostConfig, after.hostConfig)];
}
const shown = (patches: FieldPatch[]) => Object.fromEntries(patches.map(({ Field, To }) => [Field, To]));

test('only what a change names is another, whatever the defaults of today are', async () => {
  const record = await made({ Env: ['A=1'], HostConfig: { CapAdd: ['NET_ADMIN'], Memory: 64 * MIB } }, { User: 'app' });
  const found = shown(await changes(record, { Config: { Env: ['A=2'] } }, { User: 'app', Env: ['B=1'] }));
  assert.deepEqual(found, { 'Config.Env': ['A=2', 'B=1'] });
});

test('who sends back what he was shown changes nothing, and fields in the place of null are none', async () => {
  const record = await made({ Labels: { a: 'b' } });
  const { config, hostConfig } = record;
  assert.deepEqual(await changes(record, { Config: config, HostConfig: hostConfig }), []);
  assert.deepEqual(await changes(record, { HostConfig: { Binds: [], PortBindings: {}, Links: null } }), []);
});

test('null takes back what was said, and the image or the default is in its place', async () => {
  const image = { WorkingDir: '/srv', Labels: { from: 'image' } };
  const record = await made({ WorkingDir: '/own', Labels: { a: 'b' }, HostConfig: { PidsLimit: 5 } }, image);
  const change = { Config: { WorkingDir: null, Labels: null }, HostConfig: { PidsLimit: null } };
  assert.deepEqual(shown(await changes(record, change, image)), {
    'Config.WorkingDir': '/srv',
    'Config.Labels': { from: 'image' },
    'HostConfig.PidsLimit': null,
  });
});

test('another memory limit brings the swap that follows from it, and leaves one that was chosen', async () => {
  const derived = await made({ HostConfig: { Memory: 64 * MIB } });
  assert.deepEqual(shown(await changes(derived, { HostConfig: { Memory: 128 * MIB } })), {
    'HostConfig.Memory': 128 * MIB,
    'HostConfig.MemorySwap': 256 * MIB,
  });
  assert.deepEqual(shown(await changes(derived, { HostConfig: { Memory: null } })), {
    'HostConfig.Memory': 0,
    'HostConfig.MemorySwap': 0,
  });
  const chosen = await made({ HostConfig: { Memory: 64 * MIB, MemorySwap: 100 * MIB } });
  await assert.rejects(changes(chosen, { HostConfig: { Memory: 128 * MIB } }), {
    kind: 'invalid',
    message: /Minimum memoryswap limit should be larger than memory limit/,
  });
});

test('what privileged mode brings goes with it', async () => {
  const record = await made({});
  const there = await changes(record, { HostConfig: { Privileged: true } });
  assert.equal(shown(there)['HostConfig.MaskedPaths'], null);
  const privileged = { ...record, ...patched(record, there, 'To') };
  const back = await changes(privileged, { HostConfig: { Privileged: false } });
  assert.deepEqual(patched(privileged, back, 'To'), { config: record.config, hostConfig: record.hostConfig });
});

test('with another image what came from the old one goes, and what is the container’s own stays', async () => {
  const old: ImageConfig = {
    ...{ Cmd: ['serve'], Entrypoint: ['/old'], Env: ['PATH=/old', 'VERSION=1'], User: 'app' },
    ...{ Labels: { version: '1' }, ExposedPorts: { '80/tcp': {} } },
  };
  const next: ImageConfig = { Cmd: ['run'], Env: ['PATH=/new', 'VERSION=2'], Labels: { version: '2' } };
  const record = await made({ Cmd: [], Env: ['OWN=1', 'VERSION=mine'], Labels: { own: 'yes' } }, old);
  const { config } = patched(record, await changes(record, {}, old, next), 'To');
  assert.deepEqual(config.Env, ['OWN=1', 'VERSION=mine', 'PATH=/new']);
  assert.deepEqual([config.Entrypoint, config.Cmd, config.User], [null, ['run'], '']);
  assert.deepEqual(config.Labels, { version: '2', own: 'yes' });
  assert.equal(config.ExposedPorts, undefined);
  const own = await made({ Cmd: ['mine'], Entrypoint: [''], Env: ['OWN=1'] }, old);
  const kept = patched(own, await changes(own, {}, old, next), 'To');
  assert.deepEqual([kept.config.Entrypoint, kept.config.Cmd], [null, ['mine']]);
});

test('a command of one’s own beside the image’s entrypoint, and an entrypoint beside its command, are as with create', async () => {
  const image = { Entrypoint: ['/entry'], Cmd: ['serve'] };
  const record = await made({ Cmd: [] }, image);
  assert.deepEqual(shown(await changes(record, { Config: { Cmd: ['x'] } }, image)), { 'Config.Cmd': ['x'] });
  assert.deepEqual(shown(await changes(record, { Config: { Entrypoint: ['/own'] } }, image)), {
    'Config.Entrypoint': ['/own'],
    'Config.Cmd': null,
  });
});

test('networks, ports and user ids are refused by name, and so is what nobody knows', async () => {
  const record = await made({});
  const refused: [ContainerChange, RegExp][] = [
    [{ HostConfig: { NetworkMode: 'host' } }, /^HostConfig\.NetworkMode cannot be changed/],
    [{ HostConfig: { UsernsMode: 'host' } }, /^HostConfig\.UsernsMode cannot be changed/],
    [{ HostConfig: { PublishAllPorts: true } }, /^HostConfig\.PublishAllPorts cannot be changed/],
    [{ Config: { ExposedPorts: { '80/tcp': {} } } }, /^Config\.ExposedPorts cannot be changed/],
    [{ Config: { Image: 'other' } }, /^Config\.Image is nothing that can be changed/],
  ];
  for (const [change, message] of refused) await assert.rejects(changes(record, change), { message });
});

test('what is mounted is changed as it is said; volumes of the image go only when all are said', async () => {
  const image = { Volumes: { '/data': {} } };
  const record = await made({ Volumes: { '/own': {} }, HostConfig: { Binds: ['/a:/b'] } }, image);
  const HostConfig = { Binds: ['/a:/b', 'data:/d'], VolumesFrom: ['db'], Tmpfs: { '/t': '' } };
  assert.deepEqual(shown(await changes(record, { HostConfig }, image)), {
    'HostConfig.Binds': HostConfig.Binds,
    'HostConfig.VolumesFrom': ['db'],
    'HostConfig.Tmpfs': HostConfig.Tmpfs,
  });
  const volumes = async (Volumes: Record<string, object> | null) =>
    shown(await changes(record, { Config: { Volumes } }, image));
  assert.deepEqual(await volumes({ '/own': {} }), { 'Config.Volumes': { '/own': {} } });
  assert.deepEqual(await volumes({}), { 'Config.Volumes': {} });
  assert.deepEqual(await volumes(null), { 'Config.Volumes': { '/data': {} } });
});

test('a field is changed at once or with a restart by what the kernel can do', () => {
  const applies = (Field: string, To: unknown) => appliesTo({ Field, To });
  for (const field of [
    'Name',
    'Config.Labels',
    'HostConfig.RestartPolicy',
    'HostConfig.AutoRemove',
    'Config.StopSignal',
  ])
    assert.equal(applies(field, 'x'), 'now', field);
  for (const field of ['Config.Env', 'Config.Healthcheck', 'HostConfig.CapAdd', 'HostConfig.Init', 'Image', 'ImageID'])
    assert.equal(applies(field, 'x'), 'restart', field);
  assert.deepEqual([applies('HostConfig.CpusetCpus', '0'), applies('HostConfig.CpusetCpus', '')], ['now', 'restart']);
  assert.deepEqual([applies('HostConfig.Memory', MIB), applies('HostConfig.Memory', 0)], ['now', 'now']);
});

test('a limit that is taken away is said to the kernel as none', async () => {
  const full = (
    await made({
      HostConfig: { Memory: 64 * MIB, MemoryReservation: 32 * MIB, NanoCpus: 5e8, CpuShares: 512, PidsLimit: 9 },
    })
  ).hostConfig;
  const none = (await made({})).hostConfig;
  assert.deepEqual(await changedLimits(full, none, 2), {
    memory: { limit: -1, swap: -1, reservation: 0 },
    cpu: { shares: 1024, quota: -1, period: 100_000 },
    pids: { limit: -1 },
  });
  assert.deepEqual(await changedLimits(none, none, 2), {});
  const { memory } = (await changedLimits(full, none, 1)) as { memory: object };
  assert.deepEqual(memory, { limit: -1, swap: -1, reservation: -1 });
  assert.deepEqual(await changedLimits(none, full, 2), {
    memory: { limit: 64 * MIB, reservation: 32 * MIB, swap: 128 * MIB },
    cpu: { shares: 512, period: 100_000, quota: 50_000 },
    pids: { limit: 9 },
  });
});

test('patches lead there and back', async () => {
  const record = await made({ StopTimeout: 3 });
  const all = await changes(record, {
    Config: { StopTimeout: null, StopSignal: 'INT' },
    HostConfig: { CapDrop: ['ALL'] },
  });
  const there = patched(record, all, 'To');
  assert.equal('StopTimeout' in there.config, false);
  assert.equal(there.config.StopSignal, 'INT');
  // As they are read from the disk: what was not there has no key.
  const read = JSON.parse(JSON.stringify(all)) as FieldPatch[];
  assert.deepEqual(patched(there, read, 'From'), { config: record.config, hostConfig: record.hostConfig });
});
