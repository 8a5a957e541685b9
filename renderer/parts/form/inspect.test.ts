import { test } from 'node:test';
import assert from 'node:assert/strict';
import type { ContainerCreate, ContainerInspect, HostConfig } from '../../../main/contract/containers.js';
import type { ImageConfig } from '../../../main/contract/images.js';
import { createBody } from './body.js';
import { formOf } from './inspect.js';
import { anyForm } from './testing-forms.js';
import { plainForm } from './value.js';

const unsaid = {
  ...{ Binds: null, LogConfig: { Type: 'json-file', Config: {} }, NetworkMode: 'default', PortBindings: null },
  ...{ RestartPolicy: { Name: 'no', MaximumRetryCount: 0 }, AutoRemove: false, VolumesFrom: null },
  ...{ CapAdd: null, CapDrop: null, CgroupnsMode: 'private', Dns: null, ExtraHosts: null, GroupAdd: null },
  ...{ IpcMode: 'private', Links: null, OomScoreAdj: 0, PidMode: '', Privileged: false, PublishAllPorts: false },
  ...{ ReadonlyRootfs: false, SecurityOpt: null, UTSMode: '', UsernsMode: '', ShmSize: 64 * 2 ** 20 },
  ...{ Runtime: 'slipway', CpuShares: 0, Memory: 0, NanoCpus: 0, CgroupParent: '', BlkioWeight: 0 },
  ...{ CpuPeriod: 0, CpuQuota: 0, CpusetCpus: '', CpusetMems: '', Devices: null, MemoryReservation: 0 },
  ...{ MemorySwap: 0, MemorySwappiness: null, OomKillDisable: null, PidsLimit: null, Ulimits: null },
} as unknown as HostConfig;

/** As the engine shows what was made with a body. */
function inspected(body: ContainerCreate, image: ImageConfig = {}): ContainerInspect {
  const HostConfig = { ...structuredClone(unsaid), ...structuredClone(body.HostConfig) };
  HostConfig.LogConfig.Type ||= 'json-file';
  if (HostConfig.Memory > 0 && !HostConfig.MemorySwap) HostConfig.MemorySwap = HostConfig.Memory * 2;
  const Entrypoint = body.Entrypoint?.[0] === '' ? null : (body.Entrypoint ?? image.Entrypoint ?? null);
  const Id = 'c'.repeat(64);
  return {
    Id,
    Name: '/web',
    Config: {
      ...body,
      Hostname: body.Hostname ?? Id.slice(0, 12),
      Domainname: '',
      User: body.User ?? image.User ?? '',
      WorkingDir: body.WorkingDir ?? image.WorkingDir ?? '',
      Env: [...(body.Env ?? []), ...(image.Env ?? [])],
      Cmd: body.Cmd ?? (body.Entrypoint ? null : (image.Cmd ?? null)),
      Entrypoint,
      Labels: { ...image.Labels, ...body.Labels },
      Volumes: { ...image.Volumes, ...body.Volumes },
      ExposedPorts: { ...image.ExposedPorts, ...body.ExposedPorts },
    },
    HostConfig,
  } as unknown as ContainerInspect;
}

/** What comes to the same is the same. */
function comparable(body: ContainerCreate): unknown {
  const { Memory = 0, MemorySwap = 0, LogConfig } = body.HostConfig ?? {};
  const HostConfig: Record<string, unknown> = { ...body.HostConfig };
  if (MemorySwap === Memory * 2) delete HostConfig['MemorySwap'];
  if (LogConfig && Object.keys(LogConfig.Config).length === 0 && LogConfig.Type !== 'none')
    delete HostConfig['LogConfig'];
  else if (LogConfig?.Type === 'json-file') HostConfig['LogConfig'] = { ...LogConfig, Type: '' };
  return { ...body, HostConfig };
}

test('the form of a container makes the same container', () => {
  for (let seed = 1; seed <= 2000; seed += 1) {
    // Without an image's own entrypoint there is none to take away.
    const before = { ...anyForm(seed), ...(anyForm(seed).entrypoint === `''` && { entrypoint: '' }) };
    const after = formOf(inspected(createBody(before)));
    assert.deepEqual(comparable(createBody(after)), comparable(createBody(before)), `seed ${seed}: ${after.other}`);
  }
});

test('what a container has from its image is not in its form', () => {
  const image: ImageConfig = {
    User: 'app',
    Env: ['PATH=/bin', 'LANG=C'],
    Entrypoint: ['/entry'],
    Cmd: ['serve'],
    WorkingDir: '/srv',
    Labels: { made: 'there' },
    ExposedPorts: { '80/tcp': {} },
    Volumes: { '/data': {} },
    StopSignal: 'SIGQUIT',
    Healthcheck: { Test: ['CMD', 'true'] },
  };
  const body = createBody({ ...plainForm, image: 'app', env: [{ key: 'MODE', value: 'x' }] });
  const inspect = inspected(body, image);
  inspect.Config.StopSignal = 'SIGQUIT';
  inspect.Config.Healthcheck = { Test: ['CMD', 'true'] };
  assert.deepEqual(formOf(inspect, image), {
    ...plainForm,
    image: 'app',
    name: 'web',
    env: [{ key: 'MODE', value: 'x' }],
  });
});

test('an entrypoint that was taken away and a mount with options of its own are in the form', () => {
  const body = createBody({
    ...plainForm,
    image: 'app',
    entrypoint: `''`,
    command: 'run',
    other: '--mount type=bind,source=/a,target=/b,bind-propagation=rslave,readonly',
  });
  const form = formOf(inspected(body, { Entrypoint: ['/entry'] }), { Entrypoint: ['/entry'] });
  assert.equal(form.entrypoint, `''`);
  assert.equal(form.command, 'run');
  assert.equal(form.other, '--mount type=bind,source=/a,target=/b,bind-propagation=rslave,readonly');
});

test('a health check without a shell stays one until its command is another', () => {
  const inspect = inspected({ Image: 'app', Healthcheck: { Test: ['CMD', '/app', '--health', 'a b'], Interval: 5e9 } });
  const form = formOf(inspect);
  const sent = (health: Partial<typeof form.health>) =>
    createBody({ ...form, health: { ...form.health, ...health } }).Healthcheck;
  assert.deepEqual(sent({ interval: '9s' }), { Test: ['CMD', '/app', '--health', 'a b'], Interval: 9e9 });
  assert.deepEqual(sent({ command: '/app || exit 1' }), { Test: ['CMD-SHELL', '/app || exit 1'], Interval: 5e9 });
});

test('another field of a health check leaves the interval of its start', () => {
  const Healthcheck = { Test: ['CMD-SHELL', 'true'], Interval: 30e9, StartInterval: 2e9 };
  const inspect = inspected({ Image: 'app', Healthcheck });
  const form = formOf(inspect);
  assert.deepEqual(createBody({ ...form, health: { ...form.health, interval: '9s' } }).Healthcheck, {
    ...Healthcheck,
    Interval: 9e9,
  });
  assert.equal(formOf(inspect, { Healthcheck: { StartInterval: 2e9 } }).other, '');
});

test('security options that were asked for stay when another is, and what only follows is not asked for', () => {
  const security = (body: ContainerCreate['HostConfig']) => {
    const form = formOf(inspected({ Image: 'app', HostConfig: body }));
    return createBody({ ...form, noNewPrivileges: true }).HostConfig?.SecurityOpt;
  };
  const both = ['no-new-privileges', 'label=disable'];
  assert.deepEqual(security({ SecurityOpt: ['label=disable'] }), both);
  assert.deepEqual(security({ Privileged: true, SecurityOpt: both }), both);
  for (const shared of [{ Privileged: true }, { PidMode: 'host' }, { IpcMode: 'host' }])
    assert.deepEqual(security({ ...shared, SecurityOpt: ['label=disable'] }), ['no-new-privileges']);
});
