/** What an engine says to somebody who is about to make a container: names, images, ports and paths. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { CheckAnswer, CheckRequest } from '../../main/contract/check.js';
import type { FolderFacts, MountPreview } from '../../main/contract/mounts.js';
import { api, loadBusybox, request, startEngine, type RunningEngine } from '../fixtures/engine.js';

const skip = process.getuid?.() !== 0 && 'needs root';
let engine: RunningEngine;
let folder: string;

before(async () => {
  if (skip) return;
  engine = await startEngine();
  await loadBusybox(engine);
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-check-'));
});
after(async () => {
  if (skip) return;
  await engine[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const check = (asked: CheckRequest, of = engine) => api<CheckAnswer>(of.socket, 'POST', '/slipway/check', asked);

async function listening(address: string): Promise<{ port: number; [Symbol.asyncDispose](): Promise<void> }> {
  const server = createServer().listen(0, address);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

test('an engine names whoever has the name, and nobody once it is in the bin', { skip }, async () => {
  const { can } = await api<{ can: string[] }>(engine.socket, 'GET', '/slipway/features');
  assert.ok(can.includes('check'));
  assert.deepEqual(await check({ Name: 'web' }), { Name: { Name: 'web', Container: null } });
  const body = { Image: 'busybox:test', Cmd: ['true'], HostConfig: { NetworkMode: 'none' } };
  const { Id } = await api<{ Id: string }>(engine.socket, 'POST', '/containers/create?name=web', body);
  assert.deepEqual(await check({ Name: 'web' }), { Name: { Name: 'web', Container: { Id, Name: 'web' } } });
  await api(engine.socket, 'POST', `/slipway/containers/${Id}/discard`);
  assert.deepEqual(await check({ Name: 'web' }), { Name: { Name: 'web', Container: null } });
});

test('it says which image is here', { skip }, async () => {
  const { Id } = await api<{ Id: string }>(engine.socket, 'GET', '/images/busybox:test/json');
  assert.deepEqual((await check({ Image: 'busybox:test' })).Image, { Reference: 'busybox:test', Id });
  assert.deepEqual((await check({ Image: 'no/such:1' })).Image, { Reference: 'no/such:1', Id: null });
  assert.equal((await check({ Image: 'NO SUCH' })).Image?.Id, null);
});

test('a taken port has the process that listens, and the next one that is free', { skip }, async () => {
  const own = { Process: { Pid: process.pid, Name: (await readFile('/proc/self/comm', 'utf8')).trim() } };
  await using one = await listening('127.0.0.1');
  await using six = await listening('::1');
  const udp = createSocket('udp4').bind(0);
  await once(udp, 'listening');
  try {
    const asked = [
      { Port: one.port },
      { Ip: '127.0.0.1', Port: one.port },
      { Ip: '127.0.0.2', Port: one.port },
      { Port: one.port, Protocol: 'udp' as const },
      { Ip: '0:0:0:0:0:0:0:1', Port: six.port },
      { Port: udp.address().port, Protocol: 'udp' as const },
    ];
    const { Ports = [] } = await check({ Ports: asked });
    assert.deepEqual(
      Ports.map(({ Taken }) => Taken),
      [own, own, null, null, own, own],
    );
    assert.deepEqual(Ports[1], { Ip: '127.0.0.1', Port: one.port, Protocol: 'tcp', Taken: own, Next: Ports[1]?.Next });
    assert.ok((Ports[1]?.Next ?? 0) > one.port);
    assert.equal((await check({ Ports: [{ Port: Ports[1]?.Next ?? 0 }] })).Ports?.[0]?.Taken, null);
    assert.equal('Next' in (Ports[2] ?? {}), false);
  } finally {
    udp.close();
  }
});

test('a port that a container took on the machine’s own network is that container’s', { skip }, async () => {
  const body = {
    Image: 'busybox:test',
    Cmd: ['sh', '-c', 'nc -l -p 17123; true'],
    HostConfig: { NetworkMode: 'host' },
  };
  const { Id } = await api<{ Id: string }>(engine.socket, 'POST', '/containers/create?name=listens', body);
  await api(engine.socket, 'POST', `/containers/${Id}/start`);
  for (let tries = 0; ; tries++) {
    const { Taken } = (await check({ Ports: [{ Port: 17123 }] })).Ports?.[0] ?? {};
    if (!Taken && tries < 2000) continue;
    assert.deepEqual(Taken?.Container, { Id, Name: 'listens' });
    assert.match(Taken?.Process?.Name ?? '', /^(nc|busybox)$/);
    break;
  }
});

test('who may not look at a process says that it is another’s', { skip }, async () => {
  await using one = await listening('127.0.0.1');
  await using person = await startEngine({ uid: 65534 });
  const { Taken } = (await check({ Ports: [{ Port: one.port }] }, person)).Ports?.[0] ?? {};
  assert.deepEqual(Taken, {});
});

test('a path is a file, a directory, a socket, a device, or is not there', { skip }, async () => {
  const file = path.join(folder, 'file');
  await writeFile(file, '');
  const kinds = {
    [file]: 'file',
    [folder]: 'directory',
    [engine.socket]: 'socket',
    '/dev/null': 'device',
    [path.join(folder, 'none')]: 'missing',
    [`${file}/below`]: 'missing',
  };
  assert.deepEqual(
    (await check({ Paths: Object.keys(kinds) })).Paths,
    Object.entries(kinds).map(([Path, Kind]) => ({ Path, Kind })),
  );
});

test('what makes no sense is refused, and nothing is answered with nothing', { skip }, async () => {
  assert.deepEqual(await check({}), {});
  const bad: object[] = [
    { Paths: ['relative'] },
    { Ports: [{ Port: 0 }] },
    { Ports: [{ Port: 65536 }] },
    { Ports: [{ Port: 80, Protocol: 'sctp' }] },
    { Ports: [{ Port: 80, Ip: 'here' }] },
    { Ports: Array.from({ length: 65 }, () => ({ Port: 80 })) },
    { Nmae: 'web' },
  ];
  for (const asked of bad) {
    const { status } = await request(engine.socket, 'POST', '/slipway/check', asked);
    assert.equal(status, 400, JSON.stringify(asked));
  }
});

test(
  'what is about to be given to a container is told in the order that was asked for, and bad paths are refused',
  { skip },
  async () => {
    const name = path.join(folder, 'a folder\nwith 水');
    await writeFile(name, 'x');
    const asked = (Paths: unknown) => request(engine.socket, 'POST', '/slipway/folders', { Paths });
    const facts = await api<FolderFacts[]>(engine.socket, 'POST', '/slipway/folders', {
      Paths: [name, engine.socket, '/nowhere at all'],
    });
    assert.deepEqual(
      facts.map(({ Path, Kind }) => [Path, Kind]),
      [
        [name, 'file'],
        [engine.socket, 'socket'],
        ['/nowhere at all', 'missing'],
      ],
    );
    assert.deepEqual(facts[1]?.Warnings, ['socket']);
    for (const bad of [['relative'], ['/a\0b'], Array(65).fill('/'), 'text', undefined])
      assert.equal((await asked(bad)).status, 400);
    assert.deepEqual(await api(engine.socket, 'POST', '/slipway/folders', { Paths: [] }), []);
  },
);

test('a mount that is about to be says what it gives away, as the folder itself does', { skip }, async () => {
  const { Id } = await api<{ Id: string }>(engine.socket, 'POST', '/containers/create', { Image: 'busybox:test' });
  const { Warnings, Owner } = await api<MountPreview>(
    engine.socket,
    'POST',
    `/slipway/containers/${Id}/mounts?preview=1`,
    { Type: 'bind', Source: '/etc', Target: '/mnt/etc' },
  );
  assert.ok(Warnings.includes('system'));
  assert.equal(Owner?.Disk.User, 'root');
  await api(engine.socket, 'DELETE', `/containers/${Id}`);
});
