import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { ConnectionInfo } from '../../main/contract/bridge.js';
import type { SlipwayFeatures } from '../../main/contract/system.js';
import { unixTransport } from '../../main/client/transports/unix.js';
import { LocalConnection, type LocalOptions } from './local.js';

interface FakeEngine {
  host?: SlipwayFeatures['host'];
  running?: number;
  /** Its images are served. */
  serves?: boolean;
  /** The process that `handover` names and ends; without one the answer is a conflict. */
  standby?: ChildProcess;
}

/** An engine's face on a unix socket: features, handover, events and a list of running containers. */
async function listen(socket: string, { host, running = 0, serves = false, standby }: FakeEngine): Promise<Server> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: unknown) => response.writeHead(status).end(JSON.stringify(body));
    const { pathname } = new URL(request.url ?? '/', 'http://engine');
    if (pathname === '/slipway/features') return host ? answer(200, { host }) : answer(404, { message: 'not found' });
    if (pathname === '/events') return response.writeHead(200).flushHeaders();
    if (pathname === '/slipway/serve') return answer(200, { serving: serves ? { address: '127.0.0.1:5000' } : null });
    if (pathname === '/containers/json') return answer(200, new Array(running).fill({}));
    if (pathname === '/slipway/handover' && !standby) return answer(409, { message: 'somebody started this engine' });
    answer(200, { pid: standby?.pid });
    standby?.kill();
    void end(server);
  });
  server.listen(socket);
  await once(server, 'listening');
  return server;
}

function end(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

async function open(t: TestContext, options: Partial<LocalOptions> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-app-'));
  const socket = join(folder, 'docker.sock');
  const happened: string[] = [];
  const connection = new LocalConnection({
    host: `unix://${socket}`,
    transport: unixTransport(socket),
    openEngine: async () => {
      happened.push('hosted');
      const server = await listen(socket, { host: 'app', running: 1 });
      return {
        close: async ({ handover }) => {
          happened.push(handover ? 'handed over' : 'closed');
          await end(server);
        },
      };
    },
    startStandby: async () => void happened.push('standby started'),
    ...options,
  });
  t.after(async () => {
    await connection.close();
    await rm(folder, { recursive: true });
  });
  const until = (state: ConnectionInfo['state']) =>
    new Promise<ConnectionInfo>((resolve) => {
      if (connection.info.state === state) return resolve(connection.info);
      connection.subscribe((info) => info.state === state && resolve(info));
    });
  return { connection, socket, happened, until };
}

test('where nobody answers the app hosts the engine', async (t) => {
  const { connection, happened, until } = await open(t);
  assert.throws(() => connection.transport(), { kind: 'unavailable' });
  connection.open();
  await until('ready');
  assert.deepEqual(happened, ['hosted']);
  assert.equal((await connection.transport().send({ method: 'GET', path: '/slipway/features' })).status, 200);
});

test('quitting while containers run hands over to a headless engine', async (t) => {
  const { connection, happened, until } = await open(t);
  connection.open();
  await until('ready');
  await connection.close();
  assert.deepEqual(happened, ['hosted', 'handed over', 'standby started']);
});

test('quitting while the engine is still being opened closes it', { timeout: 10_000 }, async (t) => {
  let opened = (_: { close(): Promise<void> }): void => undefined;
  let asked = (): void => undefined;
  const opening = new Promise<void>((resolve) => (asked = resolve));
  const { connection, happened } = await open(t, {
    openEngine: () => (asked(), new Promise((resolve) => (opened = resolve))),
    startStandby: async () => undefined,
  });
  connection.open();
  await opening;
  const closed = connection.close();
  opened({ close: async () => void happened.push('closed') });
  await closed;
  assert.deepEqual(happened, ['closed']);
});

test('where images are served a headless engine goes on with that, whether or not anything runs', async (t) => {
  for (const serves of [true, false]) {
    const happened: string[] = [];
    let socket = '';
    const opened = await open(t, {
      openEngine: async () => {
        const server = await listen(socket, { host: 'app', serves });
        return {
          close: async ({ handover }) => {
            happened.push(handover ? 'handed over' : 'closed');
            await end(server);
          },
        };
      },
      startStandby: async () => void happened.push('standby started'),
    });
    socket = opened.socket;
    opened.connection.open();
    await opened.until('ready');
    await opened.connection.close();
    assert.deepEqual(happened, serves ? ['handed over', 'standby started'] : ['closed']);
  }
});

test('a standby engine is taken back from, and its process has ended before ours opens the data', async (t) => {
  const { connection, socket, happened, until } = await open(t);
  const standby = spawn('sleep', ['60']);
  standby.once('exit', () => happened.push('standby ended'));
  await listen(socket, { host: 'headless', standby });
  connection.open();
  await until('ready');
  assert.deepEqual(happened, ['standby ended', 'hosted']);
});

test('of an engine that somebody started the app is a client, and hosts its own when that one has ended', async (t) => {
  const { connection, socket, happened, until } = await open(t);
  const server = await listen(socket, { host: 'headless', running: 1 });
  connection.open();
  await until('ready');
  assert.deepEqual(happened, []);
  await end(server);
  await until('gone');
  await until('ready');
  assert.deepEqual(happened, ['hosted']);
});

test('a client that quits leaves the engine and its containers alone', async (t) => {
  const { connection, socket, happened, until } = await open(t);
  const server = await listen(socket, { running: 3 });
  connection.open();
  await until('ready');
  await connection.close();
  assert.deepEqual(happened, []);
  await end(server);
});

test('an engine that cannot be opened says why and is tried again', async (t) => {
  let tries = 0;
  const { connection, until } = await open(t, {
    openEngine: async () => {
      if (++tries === 1) throw new Error('the data directory is on a read-only file system');
      return { close: async () => {} };
    },
  });
  const problem = new Promise<ConnectionInfo>((resolve) =>
    connection.subscribe((info) => info.problem && resolve(info)),
  );
  connection.open();
  assert.equal((await problem).problem, 'the data directory is on a read-only file system');
  assert.throws(() => connection.transport(), { message: 'the data directory is on a read-only file system' });
  await until('ready');
  assert.equal(tries, 2);
});
