import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { access, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Helper } from '../helper/index.js';
import { Forwarder, type HoldRequest } from './index.js';
import { listenersOf } from './holder.js';

const binary = fileURLToPath(new URL('../../../native/build/slipway-helper', import.meta.url));
const built = await access(binary).then(
  () => true,
  () => false,
);
const skip = process.getuid?.() !== 0 ? 'needs root' : !built ? 'needs the helper: make -C native' : false;
const inside = process.env['SLIPWAY_OWN_NETNS'] === '1';

const NAMES = new Map([['one', 'web']]);

/** A forwarder in a run directory of its own, which is empty of it again at the end of the test. */
async function start(t: TestContext) {
  const root = await mkdtemp(join(tmpdir(), 'slipway-forwarder-'));
  const [runDir, dataRoot] = [join(root, 'run'), join(root, 'data')];
  await mkdir(dataRoot);
  const helper = await Helper.open({ binary, runDir, dataRoot, headless: null });
  const open = () => Forwarder.open({ helper, runDir, nameOf: (key) => NAMES.get(key) });
  const forwarder = await open();
  t.after(async () => {
    await forwarder.close({ last: true });
    await helper.goodbye({ end: true });
    await rm(root, { recursive: true, force: true });
  });
  return { forwarder, runDir, open };
}

/** The companion's process. */
async function companionOf(runDir: string): Promise<number> {
  const socket = connect(join(runDir, 'forwarder.sock'));
  socket.write('{"op":"hello"}\n');
  const [line] = (await new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))))).split(
    '\n',
  );
  socket.destroy();
  return (JSON.parse(line ?? '') as { ok: { pid: number } }).ok.pid;
}

/** A container's program: `serve` gets each connection. */
async function target(t: TestContext, serve: (socket: Socket) => void, host = '127.0.0.1'): Promise<number> {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  t.after(() => void server.close());
  return (server.address() as AddressInfo).port;
}

const tcp = (port: number, to: number, address = '0.0.0.0'): HoldRequest => ({
  protocol: 'tcp',
  address,
  first: port,
  last: port,
  target: { address: '127.0.0.1', port: to },
});

/** Sends all, half-closes, and reads until the other end does. */
async function exchange(host: string, port: number, sent: Buffer | string): Promise<Buffer> {
  const socket = connect({ host, port, allowHalfOpen: true });
  socket.end(sent);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** Answers the whole of what it got, backwards in time: only after its end. */
const echoAtEnd = (socket: Socket): void => {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => socket.end(Buffer.concat(chunks)));
};

/** It is gone, or waits for nothing but its parent to notice. */
async function assertEnded(pid: number): Promise<void> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '0 (gone) Z');
  assert.match(stat, /\) [ZX]/);
}

async function eventually(check: () => Promise<void>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return await check();
    } catch (error) {
      if (tries === 100) throw error;
      await sleep(50);
    }
  }
}

test('sockets in the way of an address are found in the tables of the kernel', () => {
  const header = 'sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode\n';
  const line = (local: string, state: string) =>
    `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000 100 0 0 10 0\n`;
  const table = (local: string, state = '0A') => header + line(local, state);
  assert.deepEqual(listenersOf(table('0100007F:1F90'), 'tcp', '127.0.0.1', 8080), ['4711']);
  assert.deepEqual(listenersOf(table('0100007F:1F90'), 'tcp', '0.0.0.0', 8080), ['4711']);
  assert.deepEqual(listenersOf(table('00000000:1F90'), 'tcp', '10.0.0.1', 8080), ['4711']);
  assert.deepEqual(listenersOf(table('0100007F:1F90'), 'tcp', '127.0.0.2', 8080), []);
  assert.deepEqual(listenersOf(table('0100007F:1F90', '01'), 'tcp', '127.0.0.1', 8080), []);
  assert.deepEqual(listenersOf(table('0100007F:1F90', '07'), 'udp', '127.0.0.1', 8080), ['4711']);
  assert.deepEqual(listenersOf(table('00000000000000000000000001000000:1F90'), 'tcp', '::1', 8080), ['4711']);
  assert.deepEqual(listenersOf(table('0000000000000000FFFF00000100007F:1F90'), 'tcp', '127.0.0.1', 8080), ['4711']);
});

if (!inside) {
  test('held ports, in a network namespace of the test', { skip, timeout: 120_000 }, () => {
    const run = 'ip link set lo up && exec "$0" --import tsx --test "$1"';
    const env: NodeJS.ProcessEnv = { ...process.env, SLIPWAY_OWN_NETNS: '1' };
    delete env['NODE_TEST_CONTEXT'];
    const argv = ['--net', 'sh', '-c', run, process.execPath, fileURLToPath(import.meta.url)];
    execFileSync('unshare', argv, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  });
} else {
  test('connections reach the container by 127.0.0.1 and ::1, whole and with their half-closes', async (t) => {
    const { forwarder } = await start(t);
    const port = await target(t, echoAtEnd);
    const held = await forwarder.hold('one', [tcp(8080, port), tcp(8080, port, '::')]);
    assert.deepEqual(
      held.map((each) => `${each.address} ${each.port}`),
      ['0.0.0.0 8080', ':: 8080'],
    );
    const much = Buffer.alloc(20 * 1024 * 1024, 'all that is said arrives. ');
    for (const host of ['127.0.0.1', '::1']) {
      assert.equal(String(await exchange(host, 8080, 'hello')), 'hello');
      assert.equal(sha(await exchange(host, 8080, much)), sha(much));
    }
    const many = await Promise.all(Array.from({ length: 100 }, (_, at) => exchange('127.0.0.1', 8080, `${at}`)));
    assert.deepEqual(many.map(String), [...many.keys()].map(String));
  });

  test('who does not read holds the container back, and nothing is lost', async (t) => {
    const { forwarder } = await start(t);
    const much = Buffer.alloc(20 * 1024 * 1024, 'slow');
    const port = await target(t, (socket) => void socket.resume().end(much));
    await forwarder.hold('one', [tcp(8080, port)]);
    const socket = connect(8080, '127.0.0.1');
    await sleep(300);
    let length = 0;
    for await (const chunk of socket) length += (chunk as Buffer).length;
    assert.equal(length, much.length);
  });

  test('a container that does not listen refuses its callers, and ends no others', async (t) => {
    const { forwarder } = await start(t);
    const port = await target(t, echoAtEnd);
    await forwarder.hold('one', [tcp(8080, port), tcp(8081, 9)]);
    await assert.rejects(exchange('127.0.0.1', 8081, 'hello'), { code: 'ECONNRESET' });
    assert.equal(String(await exchange('127.0.0.1', 8080, 'hello')), 'hello');
  });

  test('datagrams are answered from the address they were sent to', async (t) => {
    const { forwarder } = await start(t);
    const server = createSocket('udp4', (message, from) => server.send(`got ${String(message)}`, from.port));
    await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    const to = { address: '127.0.0.1', port: server.address().port };
    const wish: HoldRequest = { protocol: 'udp', address: '0.0.0.0', first: 5353, last: 5353, target: to };
    await forwarder.hold('one', [wish, { ...wish, address: '::' }]);
    for (const [type, address] of [
      ['udp4', '127.0.0.1'],
      ['udp4', '127.0.0.7'],
      ['udp6', '::1'],
    ] as const) {
      const client = createSocket(type);
      const answer = new Promise<string>((resolve) =>
        client.once('message', (message, from) => resolve(`${String(message)} ${from.address} ${from.port}`)),
      );
      client.send('a question', 5353, address);
      assert.equal(await answer, `got a question ${address} 5353`);
      client.close();
    }
  });

  test('a port that another program listens at is not taken, and the program is named', async (t) => {
    const { forwarder } = await start(t);
    const script = `require('net').createServer().listen(8080, '127.0.0.1', () => console.log('ready'))`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    t.after(() => child.kill('SIGKILL'));
    await new Promise((resolve) => child.stdout.once('data', resolve));
    await assert.rejects(forwarder.hold('one', [tcp(8081, 80), tcp(8080, 80)]), {
      kind: 'conflict',
      message: new RegExp(
        `^failed to bind host port 0\\.0\\.0\\.0:8080/tcp: address already in use: \\S+ \\(pid ${child.pid}\\) listens there$`,
      ),
    });
    assert.deepEqual(await forwarder.state(), [], 'all or none');
    await forwarder.hold('one', [tcp(8081, 80)]);
  });

  test('a port that another container has is not given twice, and the container is named', async (t) => {
    const { forwarder } = await start(t);
    await forwarder.hold('one', [tcp(8080, 80)]);
    await assert.rejects(forwarder.hold('two', [tcp(8080, 80, '127.0.0.1')]), {
      kind: 'conflict',
      message: 'Bind for 127.0.0.1:8080 failed: port is already allocated: container web has it',
    });
    await forwarder.release('one');
    await forwarder.hold('two', [tcp(8080, 80, '127.0.0.1')]);
    await assert.rejects(forwarder.hold('one', [tcp(8080, 80)]), {
      message: 'Bind for 0.0.0.0:8080 failed: port is already allocated',
    });
    await assert.rejects(forwarder.hold('one', [tcp(8090, 80, '192.0.2.1')]), /cannot assign requested address/);
  });

  test('any port is the same for IPv4 and IPv6, and a range gives its first free ones', async (t) => {
    const { forwarder } = await start(t);
    const port = await target(t, echoAtEnd);
    const any = [
      { ...tcp(0, port), group: 'a' },
      { ...tcp(0, port, '::'), group: 'a' },
    ];
    const [four, six] = await forwarder.hold('one', any);
    assert.ok(four && six && four.port === six.port && four.port >= 1024);
    assert.equal(String(await exchange('::1', six.port, 'hello')), 'hello');
    assert.deepEqual(await forwarder.hold('one', any), [four, six], 'again: the same');

    const range = { ...tcp(0, port), first: 9000, last: 9002 };
    const ports = async (key: string) => (await forwarder.hold(key, [range])).map((held) => held.port);
    assert.deepEqual(await ports('two'), [9000]);
    assert.deepEqual(await ports('three'), [9001]);
    assert.deepEqual((await forwarder.hold('four', [tcp(9002, port, '127.0.0.1')])).length, 1);
    await assert.rejects(ports('five'), {
      kind: 'conflict',
      message: 'failed to bind host port 0.0.0.0:9000-9002/tcp: address already in use: none of these ports is free',
    });
    await forwarder.release('two');
    assert.deepEqual(await ports('five'), [9000]);
  });

  test('where there is no IPv6, 0.0.0.0 is held alone', async (t) => {
    const { forwarder } = await start(t);
    execFileSync('sysctl', ['-qw', 'net.ipv6.conf.all.disable_ipv6=1']);
    t.after(() => void execFileSync('sysctl', ['-qw', 'net.ipv6.conf.all.disable_ipv6=0']));
    const wishes = [tcp(8080, 80), tcp(8080, 80, '::')].map((wish) => ({ ...wish, group: 'a' }));
    // Where the kernel binds [::] all the same, nothing is left out.
    const held = await forwarder.hold('one', wishes);
    assert.equal(held[0]?.address, '0.0.0.0');
  });

  test('what is released is free, and its connections end', async (t) => {
    const { forwarder } = await start(t);
    const port = await target(t, (socket) => void socket.write('hello'));
    await forwarder.hold('one', [tcp(8080, port)]);
    const socket = connect(8080, '127.0.0.1');
    await new Promise((resolve) => socket.once('data', resolve));
    const gone = new Promise((resolve) => socket.on('error', () => undefined).once('close', resolve));
    await forwarder.release('one');
    await forwarder.release('one');
    await gone;
    await assert.rejects(exchange('127.0.0.1', 8080, ''), { code: 'ECONNREFUSED' });
    const server = createServer();
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(8080, resolve));
    await new Promise((resolve) => server.close(resolve));
  });

  test('a container that comes back with another address keeps its ports, and changes among them', async (t) => {
    const { forwarder } = await start(t);
    const [first, second] = [
      await target(t, (socket) => void socket.end('first')),
      await target(t, (socket) => void socket.end('second')),
    ];
    await forwarder.hold('one', [tcp(8080, first), tcp(8081, first)]);
    assert.equal(String(await exchange('127.0.0.1', 8080, '')), 'first');
    await forwarder.hold('one', [tcp(8080, second), tcp(8081, second, '127.0.0.1'), tcp(8082, second)]);
    assert.equal(String(await exchange('127.0.0.1', 8080, '')), 'second');
    assert.deepEqual(
      (await forwarder.state())[0]?.ports.map((held) => `${held.address}:${held.port} ${held.target.port}`),
      [`0.0.0.0:8080 ${second}`, `127.0.0.1:8081 ${second}`, `0.0.0.0:8082 ${second}`],
    );
  });

  test('more connections than there are descriptors wait their turn', async (t) => {
    const { forwarder, runDir } = await start(t);
    const port = await target(t, (socket) => setTimeout(() => socket.end('served'), 20));
    await forwarder.hold('one', [tcp(8080, port)]);
    execFileSync('prlimit', ['--pid', String(await companionOf(runDir)), '--nofile=40:40']);
    const served = await Promise.all(
      Array.from({ length: 100 }, () => exchange('127.0.0.1', 8080, '').then(String, () => 'refused')),
    );
    assert.equal(served.filter((each) => each === 'served').length, 100);
  });

  test('a companion that was killed is replaced, and holds the same ports', async (t) => {
    const { forwarder, runDir } = await start(t);
    const port = await target(t, echoAtEnd);
    const wishes = [tcp(0, port), tcp(0, port, '::')].map((wish) => ({ ...wish, group: 'a' }));
    const held = await forwarder.hold('one', wishes);
    await forwarder.hold('two', [tcp(8080, port)]);
    await forwarder.release('two');
    const pid = await companionOf(runDir);
    process.kill(pid, 'SIGKILL');
    await eventually(async () => {
      assert.equal(String(await exchange('127.0.0.1', held[0]?.port ?? 0, 'hello')), 'hello');
    });
    assert.deepEqual(await forwarder.state(), [{ key: 'one', ports: held }]);
    assert.notEqual(await companionOf(runDir), pid);

    // Asked in the very moment of its death.
    process.kill(await companionOf(runDir), 'SIGKILL');
    assert.equal((await forwarder.hold('three', [tcp(8083, port)]))[0]?.port, 8083);
    assert.deepEqual((await forwarder.state()).map(({ key }) => key).sort(), ['one', 'three']);
  });

  test('one that ends again and again is given up with the reason', async (t) => {
    const { forwarder, runDir } = await start(t);
    await assert.rejects(
      async () => {
        for (let lives = 0; lives < 20; lives++) {
          process.kill(await companionOf(runDir), 'SIGKILL');
          await forwarder.state();
        }
      },
      { kind: 'unavailable', message: /killed or crashed 5 times within 10 seconds: .*forwarder\.log/ },
    );
  });

  test('it outlives the engine with few privileges, and ends with its name or when it is told', async (t) => {
    const { forwarder, runDir, open } = await start(t);
    await forwarder.hold('one', [tcp(8080, 80)]);
    const pid = await companionOf(runDir);
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    assert.match(status, /CapPrm:\s+0000000000000400\n/);
    assert.match(status, /CapBnd:\s+0000000000000000\n/);
    assert.match(status, /NoNewPrivs:\s+1\n/);
    assert.match(status, /Name:\s+slipway-forward\n/);
    assert.match(await readFile(`/proc/${pid}/cmdline`, 'utf8'), new RegExp(`^slipway-forwarder ${runDir}\0`));
    await forwarder.close({ last: false });
    const second = await open();
    assert.equal(await companionOf(runDir), pid);
    assert.equal((await second.state()).length, 1);
    await second.close({ last: true });
    await eventually(() => assertEnded(pid));
    assert.deepEqual(
      (await readdir(runDir)).filter((name) => /^forwarder\.(sock|lock)$/.test(name)),
      [],
    );
    await assert.rejects(exchange('127.0.0.1', 8080, ''), { code: 'ECONNREFUSED' });

    const third = await open();
    const next = await companionOf(runDir);
    await third.close({ last: false });
    await rm(join(runDir, 'forwarder.sock'));
    await eventually(() => assertEnded(next));
  });
}
