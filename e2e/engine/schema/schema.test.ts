/** What our engine answers at 1.47, held against the schema that Docker publishes of it; and what each version since 1.42 has of its own. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { api, docker, hijack, loadBusybox, request, startEngine } from '../../fixtures/engine.js';
import { readSchema, type Verdict } from './schema.js';

/** Docker itself says null here: no swappiness of its own, an exec that has not ended. */
const NULL = ['HostConfig.MemorySwappiness: null, not integer', '/exec/{id}/json.ExitCode: null, not integer'];
/** What Docker leaves out too where nothing is set. */
const UNSET = [
  ...['Annotations', 'ArgsEscaped', 'AuxiliaryAddresses', 'Deleted', 'Driver', 'Error', 'ExposedPorts', 'Health'],
  ...['Healthcheck', 'IP', 'IPRange', 'Init', 'MacAddress', 'Mounts', 'Name', 'NetworkDisabled', 'Peers'],
  ...['PublicPort', 'Retries', 'Shell', 'SizeRootFs', 'SizeRw', 'StopSignal', 'StopTimeout', 'StorageOpt'],
  ...['Sysctls', 'Timeout', 'Untagged', 'UsageData', 'Variant', 'user'],
];
/** Of another platform, another store, or a product. */
const ELSEWHERE = [
  ...['CDISpecDirs', 'ClusterVolume', 'Containerd', 'DefaultAddressPools', 'EnableIPv4', 'Experimental'],
  ...['KernelMemoryTCP', 'Manifests', 'OsVersion', 'ProductLicense', 'runtimeArgs', 'status', 'Status'],
];

let engine: Awaited<ReturnType<typeof startEngine>>;
let schema: Awaited<ReturnType<typeof readSchema>>;
before(async () => {
  [engine, schema] = await Promise.all([startEngine(), readSchema()]);
  await loadBusybox(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

const ask = <T = Record<string, unknown>>(method: string, url: string, body?: unknown, version = '1.47') =>
  api<T>(engine.socket, method, `/v${version}${url}`, body);

function fits(what: string, answer: unknown): void {
  const { wrong, absent }: Verdict = schema.judge(what, answer);
  assert.deepEqual(
    wrong.filter((one) => !NULL.some((known) => one.endsWith(known))),
    [],
  );
  const missing = absent.filter((field) => ![...UNSET, ...ELSEWHERE].includes(field.split('.').at(-1) ?? ''));
  assert.deepEqual(missing, []);
}

test('every endpoint that is published has an answer or is refused by its name', async () => {
  for (const route of schema.routes) {
    const [method = '', path = ''] = route.split(' ');
    const url = `/v1.47${path.replace(/\{\w+\}/g, 'nosuch')}`;
    // These would wait for bytes or for something to happen.
    if (path === '/events' || path === '/images/load') continue;
    const { status, body } = await request(engine.socket, method, url);
    assert.ok(method === 'HEAD' || !body.includes('page not found'), `${route}: ${status} ${String(body)}`);
    assert.notEqual(status, 500, `${route}: ${String(body)}`);
  }
});

test('every answer has the published shape', async () => {
  const host = { NetworkMode: 'bridge', Memory: 67108864, Binds: ['/opt:/opt:ro'], Tmpfs: { '/t': '' } };
  const health = { Test: ['CMD', 'true'], Interval: 1e9, StartInterval: 1e8, StartPeriod: 1e9 };
  const made = await ask('POST', '/containers/create?name=web', {
    ...{ Image: 'busybox:test', Cmd: ['sleep', '1000'], Labels: { a: 'b' }, ExposedPorts: { '80/tcp': {} } },
    ...{ Healthcheck: health, HostConfig: host },
  });
  fits('POST /containers/create', made);
  fits('GET /containers/json', await ask('GET', '/containers/json?all=1'));
  fits('GET /containers/{id}/json', await ask('GET', '/containers/web/json'));
  await ask('POST', '/containers/web/start');
  fits('GET /containers/json', await ask('GET', '/containers/json?size=1'));
  fits('GET /containers/{id}/json', await ask('GET', '/containers/web/json?size=1'));
  fits('GET /containers/{id}/top', await ask('GET', '/containers/web/top'));
  fits('GET /containers/{id}/stats', await ask('GET', '/containers/web/stats?stream=0&one-shot=1'));
  const limits = { Memory: 134217728, MemorySwap: -1 };
  fits('POST /containers/{id}/update', await ask('POST', '/containers/web/update', limits));
  await docker(engine, ['exec', 'web', 'touch', '/tmp/new']);
  fits('GET /containers/{id}/changes', await ask('GET', '/containers/web/changes'));
  const exec = await ask('POST', '/containers/web/exec', { Cmd: ['sleep', '1000'] });
  fits('POST /containers/{id}/exec', exec);
  await ask('POST', `/exec/${String(exec['Id'])}/start`, { Detach: true });
  fits('GET /exec/{id}/json', await ask('GET', `/exec/${String(exec['Id'])}/json`));
  fits('POST /commit', await ask('POST', '/commit?container=web&repo=made&tag=1', {}));
  for (const query of ['', '?manifests=1']) fits('GET /images/json', await ask('GET', `/images/json${query}`));
  fits('GET /images/{name}/json', await ask('GET', '/images/busybox:test/json'));
  fits('GET /images/{name}/history', await ask('GET', '/images/busybox:test/history'));
  fits('GET /info', await ask('GET', '/info'));
  fits('GET /version', await ask('GET', '/version'));
  fits('GET /system/df', await ask('GET', '/system/df'));
  fits('GET /networks', await ask('GET', '/networks'));
  fits('GET /networks/{id}', await ask('GET', '/networks/bridge'));
  fits('POST /volumes/create', await ask('POST', '/volumes/create', { Name: 'data', Labels: { a: 'b' } }));
  fits('GET /volumes/{name}', await ask('GET', '/volumes/data'));
  fits('GET /volumes', await ask('GET', '/volumes'));
  // Since 1.42 those with a name stay unless all are meant.
  const all = encodeURIComponent(JSON.stringify({ all: ['true'] }));
  const prune = (query = '') => ask<{ VolumesDeleted: string[] | null }>('POST', `/volumes/prune${query}`);
  const kept = await prune();
  fits('POST /volumes/prune', kept);
  assert.equal(kept.VolumesDeleted?.length ?? 0, 0);
  assert.deepEqual((await prune(`?filters=${all}`)).VolumesDeleted, ['data']);
  await ask('POST', '/containers/web/kill');
  fits('POST /containers/{id}/wait', await ask('POST', '/containers/web/wait'));
  fits('POST /containers/prune', await ask('POST', '/containers/prune'));
  fits('DELETE /images/{name}', await ask('DELETE', '/images/made:1'));
  fits('POST /images/prune', await ask('POST', '/images/prune'));
  const { body } = await request(engine.socket, 'GET', `/v1.47/events?since=1&until=${Date.now() / 1000}`);
  const events = String(body).trim().split('\n');
  assert.ok(events.length > 10);
  for (const event of events) {
    // Beside the published fields, the three that clients older than 1.22 read: dockerd sends them too.
    const { status, id, from, ...published } = JSON.parse(event) as Record<string, unknown>;
    assert.ok(status !== '' && id !== '' && from !== '');
    fits('EventMessage', published);
  }
  fits(
    'ErrorResponse',
    JSON.parse(String((await request(engine.socket, 'GET', '/v1.47/containers/nosuch/json')).body)),
  );
});

test('a stream is called what it is since 1.42', async () => {
  for (const [name, tty] of [
    ['plain', false],
    ['terminal', true],
  ] as const) {
    const wish = { Image: 'busybox:test', Cmd: ['sleep', '1000'], Tty: tty, HostConfig: { NetworkMode: 'none' } };
    await ask('POST', `/containers/create?name=${name}`, wish);
    await ask('POST', `/containers/${name}/start`);
    for (const version of ['1.24', '1.41', '1.42', '1.47']) {
      const framed = !tty && version >= '1.42';
      const type = `application/vnd.docker.${framed ? 'multiplexed' : 'raw'}-stream`;
      const { headers } = await request(engine.socket, 'GET', `/v${version}/containers/${name}/logs?stdout=1`);
      assert.equal(headers['content-type'], type, `logs of ${name} at ${version}`);
      const { Id } = await ask<{ Id: string }>('POST', `/containers/${name}/exec`, { Cmd: ['true'], Tty: tty });
      for (const [url, body] of [
        [`/v${version}/containers/${name}/attach?stream=1&stdout=1`, undefined],
        [`/v${version}/exec/${Id}/start`, { Detach: false, Tty: tty }],
      ] as const) {
        const taken = await hijack(engine.socket, url, body);
        taken.socket.destroy();
        assert.equal(taken.status, 101, url);
        assert.match(taken.lines, new RegExp(`^Content-Type: ${type}$`, 'm'), url);
      }
    }
    await ask('DELETE', `/containers/${name}?force=1`);
  }
});

test('a stop may have a signal since 1.42', async () => {
  const script = 'trap "exit 7" USR1; trap "exit 9" TERM; while :; do sleep 0.1; done';
  const wish = { Image: 'busybox:test', Cmd: ['sh', '-c', script], HostConfig: { NetworkMode: 'none' } };
  await ask('POST', '/containers/create?name=stops', wish);
  for (const [version, code] of [
    ['1.41', 9],
    ['1.42', 7],
  ] as const) {
    await ask('POST', '/containers/stops/start');
    await docker(engine, ['exec', 'stops', 'sleep', '0.3']);
    await ask('POST', '/containers/stops/stop?signal=USR1', undefined, version);
    assert.deepEqual(await ask('POST', '/containers/stops/wait'), { StatusCode: code });
  }
  await ask('DELETE', '/containers/stops');
});

test('fields come and go with their versions', async () => {
  const wish = { Image: 'busybox:test', Cmd: ['sleep', '1000'], HostConfig: { Annotations: { a: 'b' } } };
  const at = async (version: string) => {
    const { Id } = await ask<{ Id: string }>('POST', '/containers/create', wish, version);
    const container = await ask<Record<'HostConfig' | 'NetworkSettings', object>>(
      'GET',
      `/containers/${Id}/json`,
      undefined,
      version,
    );
    const [image] = await ask<object[]>('GET', '/images/json', undefined, version);
    const inspected = await ask<object>('GET', '/images/busybox:test/json', undefined, version);
    const networks = Object.values((container.NetworkSettings as { Networks: Record<string, object> }).Networks);
    const usage = await ask<object>('GET', '/system/df?type=image', undefined, version);
    await ask('DELETE', `/containers/${Id}`);
    const all = [container.HostConfig, image, inspected, ...networks, usage].flatMap((each) => Object.keys(each ?? {}));
    const watched = [
      'KernelMemory',
      'BuilderSize',
      'Volumes',
      'Annotations',
      'DNSNames',
      'VirtualSize',
      'ContainerConfig',
    ];
    return watched.filter((field) => all.includes(field));
  };
  assert.deepEqual(await at('1.41'), ['KernelMemory', 'BuilderSize', 'Volumes', 'VirtualSize', 'ContainerConfig']);
  assert.deepEqual(await at('1.42'), ['VirtualSize', 'ContainerConfig']);
  assert.deepEqual(await at('1.43'), ['Annotations', 'VirtualSize', 'ContainerConfig']);
  assert.deepEqual(await at('1.44'), ['Annotations', 'DNSNames', 'ContainerConfig']);
  assert.deepEqual(await at('1.45'), ['Annotations', 'DNSNames']);
  assert.deepEqual(await at('1.47'), ['Annotations', 'DNSNames']);
});
