import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { access, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Helper } from '../helper/index.js';
import { HostResolver, Resolver, type HostServer, type ResolverView } from './index.js';

const run = promisify(execFile);
const binary = fileURLToPath(new URL('../../../native/build/slipway-helper', import.meta.url));
const built = await access(binary).then(
  () => true,
  () => false,
);
const skip = process.getuid?.() !== 0 ? 'needs root' : !built ? 'needs the helper: make -C native' : false;
const inside = process.env['SLIPWAY_OWN_NETNS'] === '1';

/** A process in a network namespace of its own, as a container's first process is. */
async function startContainer(t: TestContext): Promise<number> {
  const child = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up; echo ready; exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  t.after(() => child.kill('SIGKILL'));
  return child.pid as number;
}

/** Runs inside a container: sends queries one after another to 127.0.0.11, and prints what comes of each. `tcp`: all over one connection. */
const ASK = `
const [queries, tcp] = JSON.parse(process.argv[1]);
const TYPES = { A: 1, NS: 2, PTR: 12, TXT: 16, AAAA: 28 };
const CODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];
function encode(id, name, type) {
  const labels = name.replace(/\\.$/, '').split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  const head = Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([head, ...labels, Buffer.from([0, 0, TYPES[type], 0, 1])]);
}
function decode(reply, query) {
  const answers = [];
  let at = query.length;
  for (let left = reply.readUInt16BE(6); left > 0; left--) {
    const type = reply.readUInt16BE(at + 2), length = reply.readUInt16BE(at + 10), data = reply.subarray(at + 12, at + 12 + length);
    if (type === 1) answers.push([...data].join('.'));
    if (type === 28) answers.push(Array.from({ length: 8 }, (_, i) => data.readUInt16BE(2 * i).toString(16)).join(':'));
    if (type === 12) {
      const labels = [];
      for (let i = 0; data[i] > 0; i += data[i] + 1) labels.push(data.toString('latin1', i + 1, i + 1 + data[i]));
      answers.push(labels.join('.'));
    }
    at += 12 + length;
  }
  return { id: reply.readUInt16BE(0), code: CODES[reply[3] & 15], truncated: (reply[2] & 2) !== 0, recursion: (reply[3] & 128) !== 0, answers };
}
const messages = queries.map(([name, type], i) => encode(i + 1000, name, type));
const replies = [];
const done = () => { console.log(JSON.stringify(replies)); process.exit(0); };
if (tcp) {
  const socket = require('net').connect(53, '127.0.0.11', () => {
    for (const message of messages) socket.write(Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message]));
  });
  let got = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    for (got = Buffer.concat([got, chunk]); got.length >= 2 && got.length >= 2 + got.readUInt16BE(0); got = got.subarray(2 + got.readUInt16BE(0))) {
      const reply = got.subarray(2, 2 + got.readUInt16BE(0)), i = reply.readUInt16BE(0) - 1000;
      replies[i] = decode(reply, messages[i]);
    }
    if (Object.keys(replies).length === messages.length) done();
  });
} else {
  const socket = require('dgram').createSocket('udp4');
  let i = 0;
  const next = () => i < messages.length ? socket.send(messages[i], 53, '127.0.0.11') : done();
  socket.on('message', (reply, { port, address }) => {
    if (port !== 53 || address !== '127.0.0.11') throw new Error('answered from ' + address + ' ' + port);
    replies.push(decode(reply, messages[i++]));
    next();
  });
  next();
}
setTimeout(() => { console.error('no answer'); process.exit(1); }, 12000);
`;

interface Reply {
  id: number;
  code: string;
  truncated: boolean;
  recursion: boolean;
  answers: string[];
}

type Query = [name: string, type: string];

async function ask(pid: number, queries: Query[], { tcp = false } = {}): Promise<Reply[]> {
  const script = JSON.stringify([queries, tcp]);
  const { stdout } = await run('nsenter', ['-t', String(pid), '-n', process.execPath, '-e', ASK, script]);
  const replies = JSON.parse(stdout) as Reply[];
  replies.forEach(({ id, recursion }, i) => assert.deepEqual([id, recursion], [i + 1000, true]));
  return replies;
}

const answersOf = async (pid: number, ...queries: Query[]): Promise<string[][]> =>
  (await ask(pid, queries)).map(({ code, answers }) => [code, ...answers]);

/** An upstream server's answer to a query: one address, or only a code. */
function reply(query: Buffer, { address, code = 0 }: { address?: string; code?: number }): Buffer {
  const head = Buffer.from(query);
  head[2] = 0x81;
  head[3] = 0x80 | code;
  if (!address) return head;
  head.writeUInt16BE(1, 6);
  return Buffer.concat([
    head,
    Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split('.').map(Number)]),
  ]);
}

interface FakeServer extends HostServer {
  /** How many queries came, over UDP and over TCP. */
  seen: { udp: number; tcp: number };
}

/** An upstream server at one port for UDP and TCP. Null: no answer. */
async function upstream(t: TestContext, answer: (query: Buffer) => Buffer | Buffer[] | null): Promise<FakeServer> {
  const seen = { udp: 0, tcp: 0 };
  const udp = createSocket('udp4');
  udp.on('message', (query, { port, address }) => {
    seen.udp++;
    for (const message of [answer(query) ?? []].flat()) udp.send(message, port, address);
  });
  await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve));
  const { port } = udp.address();
  const connections = new Set<Socket>();
  const tcp = createServer((socket) => {
    connections.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      seen.tcp++;
      for (const message of [answer(bytes.subarray(2)) ?? []].flat())
        socket.write(Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message]));
    });
  });
  await new Promise<void>((resolve) => tcp.listen(port, '127.0.0.1', resolve));
  t.after(() => {
    udp.close();
    tcp.close();
    for (const socket of connections) socket.destroy();
  });
  return { address: '127.0.0.1', port, seen };
}

const view = (more: Partial<ResolverView> = {}): ResolverView => ({
  networks: ['one'],
  own: {},
  servers: null,
  forward: true,
  ...more,
});

const NAMES = {
  names: {
    web: ['172.18.0.2', '172.18.0.3', '172.18.0.4'],
    dual: ['172.18.0.5', 'fd00::5'],
    db: ['172.18.0.6'],
    'my.app': ['172.18.0.7'],
  },
  reverse: { '172.18.0.2': 'web.mynet', 'fd00::5': 'dual.mynet' },
};

/** The one that listens now; undefined while none does. */
function pidOfCompanion(root: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = connect(join(root, 'resolver.sock'), () => socket.write('{"op":"hello"}\n'));
    socket.once('error', () => resolve(undefined));
    socket.once('data', (line) => {
      resolve((JSON.parse(line.toString()) as { ok: { pid: number } }).ok.pid);
      socket.destroy();
    });
  });
}

async function killCompanion(root: string): Promise<number> {
  const pid = await pidOfCompanion(root);
  assert.ok(pid);
  process.kill(pid, 'SIGKILL');
  return pid;
}

interface Opened {
  root: string;
  helper: Helper;
  /** The one that is closed with the test. */
  resolver: Resolver;
}

async function open(t: TestContext): Promise<Opened> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-resolver-'));
  const dataRoot = join(root, 'data');
  await mkdir(dataRoot);
  const helper = await Helper.open({ binary, runDir: root, dataRoot, headless: null });
  const opened = { root, helper, resolver: await Resolver.open({ helper, runDir: root }) };
  t.after(async () => {
    await opened.resolver.close({ last: true });
    await helper.goodbye({ end: true });
    await rm(root, { recursive: true, force: true });
  });
  return opened;
}

test('the servers of this machine are followed, also through a link and when the file is replaced', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'slipway-resolv-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const [etc, target] = [join(root, 'etc'), join(root, 'run')];
  await mkdir(etc);
  await mkdir(target);
  const path = join(etc, 'resolv.conf');
  await writeFile(join(target, 'stub-resolv.conf'), '# made by hand\nnameserver 127.0.0.53\noptions edns0\n');
  await symlink('../run/stub-resolv.conf', path);
  const changes: HostServer[][] = [];
  let wake: (() => void) | undefined;
  const host = await HostResolver.open(
    (servers) => {
      changes.push(servers);
      wake?.();
    },
    { path },
  );
  t.after(() => host.close());
  const changed = async (act: () => Promise<void>): Promise<HostServer[]> => {
    const next = new Promise<void>((resolve) => (wake = resolve));
    await act();
    await Promise.race([next, sleep(5000)]);
    return host.servers();
  };
  assert.deepEqual(host.servers(), [{ address: '127.0.0.53', port: 53 }]);
  const replace = async (file: string, text: string) => {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  };
  assert.deepEqual(
    await changed(() =>
      replace(join(target, 'stub-resolv.conf'), 'nameserver 10.0.0.1\nnameserver fd00::1\nnameserver x\n'),
    ),
    [
      { address: '10.0.0.1', port: 53 },
      { address: 'fd00::1', port: 53 },
    ],
  );
  assert.deepEqual(await changed(() => replace(path, 'nameserver 10.0.0.2\n')), [{ address: '10.0.0.2', port: 53 }]);
  assert.deepEqual(await changed(() => rm(path)), [{ address: '127.0.0.1', port: 53 }]);
  assert.equal(changes.length, 3);
});

if (!inside) {
  test('the resolver, in a network namespace of the test', { skip, timeout: 120_000 }, async () => {
    const env: NodeJS.ProcessEnv = { ...process.env, SLIPWAY_OWN_NETNS: '1' };
    delete env['NODE_TEST_CONTEXT'];
    const command = 'ip link set lo up && exec "$0" --import tsx --test "$1"';
    const argv = ['--net', 'sh', '-c', command, process.execPath, fileURLToPath(import.meta.url)];
    await run('unshare', argv, { env }).catch((error: Error & { stdout?: string }) => {
      throw new Error(error.stdout ?? error.message);
    });
  });
} else {
  test('a container asks for names, aliases and addresses of its networks', async (t) => {
    const { resolver } = await open(t);
    const pid = await startContainer(t);
    await resolver.setNetwork('one', NAMES);
    await resolver.setNetwork('two', { names: { web: ['172.19.0.9'], six: ['fd01::1'] }, reverse: {} });
    await resolver.attach('c', pid, view({ networks: ['one', 'two'], own: { db: ['172.18.9.9'] } }));
    const [first, second, third, fourth] = (await answersOf(pid, ...Array<Query>(4).fill(['web', 'A']))).map(
      ([, ...answers]) => answers,
    ) as [string[], string[], string[], string[]];
    assert.deepEqual(first, NAMES.names.web);
    assert.deepEqual([second[0], third[0], fourth[0]], ['172.18.0.3', '172.18.0.4', '172.18.0.2']);
    assert.deepEqual([...second].sort(), NAMES.names.web);
    assert.deepEqual(
      await answersOf(
        pid,
        ['dual', 'A'],
        ['dual', 'AAAA'],
        ['db', 'A'],
        ['DB.', 'AAAA'],
        ['MY.App', 'A'],
        ['six', 'A'],
        ['six', 'AAAA'],
        ['web', 'TXT'],
        ['2.0.18.172.in-addr.arpa', 'PTR'],
        ['5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa', 'PTR'],
      ),
      [
        ['NOERROR', '172.18.0.5'],
        ['NOERROR', 'fd00:0:0:0:0:0:0:5'],
        ['NOERROR', '172.18.9.9'],
        ['NOERROR'],
        ['NOERROR', '172.18.0.7'],
        ['NOERROR'],
        ['NOERROR', 'fd01:0:0:0:0:0:0:1'],
        ['NOERROR'],
        ['NOERROR', 'web.mynet'],
        ['NOERROR', 'dual.mynet'],
      ],
    );
    await resolver.update('c', view({ networks: ['two'] }));
    assert.deepEqual(await answersOf(pid, ['web', 'A'], ['db', 'A']), [['NOERROR', '172.19.0.9'], ['SERVFAIL']]);
    await resolver.detach('c');
    assert.equal(execFileSync('nsenter', ['-t', String(pid), '-n', 'nft', 'list', 'tables'], { encoding: 'utf8' }), '');
  });

  test('what nobody here is called is asked upstream: the next server where one refuses, is silent or lies', async (t) => {
    const { resolver } = await open(t);
    const pid = await startContainer(t);
    await resolver.setNetwork('one', NAMES);
    await resolver.attach('c', pid, view());
    assert.deepEqual(await answersOf(pid, ['example.org', 'A']), [['SERVFAIL']], 'nobody to ask');
    const good = await upstream(t, (query) => reply(query, { address: '192.0.2.1' }));
    const refusing = await upstream(t, (query) => reply(query, { code: 5 }));
    const silent = await upstream(t, () => null);
    const lying = await upstream(t, (query) => {
      const [otherId, otherName] = [Buffer.from(query), Buffer.from(query)];
      otherId[0] = (otherId[0] ?? 0) ^ 0xff;
      otherName[13] = (otherName[13] ?? 0) ^ 0x01;
      return [
        reply(otherId, { address: '192.0.2.66' }),
        reply(otherName, { address: '192.0.2.66' }),
        Buffer.from('no'),
        reply(query, { address: '192.0.2.2' }),
      ];
    });
    const missing = await upstream(t, (query) => reply(query, { code: 3 }));
    const closed = { address: '127.0.0.1', port: 1 };
    const through = async (...servers: HostServer[]) => {
      await resolver.setUpstream(servers.map(({ address, port }) => ({ address, port })));
      const began = Date.now();
      const [got] = await answersOf(pid, ['Example.org', 'A']);
      return [got?.join(' '), Date.now() - began < 900 ? 'at once' : 'later'];
    };
    assert.deepEqual(await through(good), ['NOERROR 192.0.2.1', 'at once']);
    assert.deepEqual(await through(refusing, good), ['NOERROR 192.0.2.1', 'at once']);
    assert.deepEqual(await through(closed, good), ['NOERROR 192.0.2.1', 'at once']);
    assert.deepEqual(await through(silent, good), ['NOERROR 192.0.2.1', 'later']);
    assert.deepEqual(await through(lying), ['NOERROR 192.0.2.2', 'at once']);
    assert.deepEqual(await through(missing, good), ['NXDOMAIN', 'at once']);
    assert.deepEqual(await through(refusing), ['REFUSED', 'at once']);
    const before = good.seen.udp;
    await resolver.setUpstream([{ address: good.address, port: good.port }]);
    assert.deepEqual(await answersOf(pid, ['single', 'A'], ['web', 'AAAA']), [['NOERROR', '192.0.2.1'], ['NOERROR']]);
    assert.equal(good.seen.udp, before + 1, 'a known name is nobody else’s business');
    await resolver.setUpstream([{ address: silent.address, port: silent.port }]);
    const began = Date.now();
    assert.deepEqual(await answersOf(pid, ['example.org', 'A']), [['SERVFAIL']]);
    assert.ok(Date.now() - began > 7000);
  });

  test('a container on internal networks alone asks nobody outside', async (t) => {
    const { resolver } = await open(t);
    const pid = await startContainer(t);
    const good = await upstream(t, (query) => reply(query, { address: '192.0.2.1' }));
    await resolver.setNetwork('one', NAMES);
    await resolver.setUpstream([{ address: good.address, port: good.port }]);
    await resolver.attach('c', pid, view({ forward: false }));
    assert.deepEqual(await answersOf(pid, ['db', 'A'], ['nobody', 'A'], ['example.org', 'A']), [
      ['NOERROR', '172.18.0.6'],
      ['NXDOMAIN'],
      ['SERVFAIL'],
    ]);
    assert.equal(good.seen.udp, 0);
  });

  test('questions over TCP are answered over one connection, and passed on over TCP; what is too large for a datagram is cut', async (t) => {
    const { resolver } = await open(t);
    const pid = await startContainer(t);
    const large = await upstream(t, (query) =>
      Buffer.concat([reply(query, { address: '192.0.2.1' }), Buffer.alloc(2000)]),
    );
    const many = Array.from({ length: 60 }, (_, i) => `172.18.1.${i + 1}`);
    await resolver.setNetwork('one', { names: { ...NAMES.names, many }, reverse: {} });
    await resolver.setUpstream([{ address: large.address, port: large.port }]);
    await resolver.attach('c', pid, view());
    const queries = Array.from({ length: 30 }, (_, i): Query => (i % 2 ? [`host${i}.example.org`, 'A'] : ['db', 'A']));
    const replies = await ask(pid, [...queries, ['many', 'A']], { tcp: true });
    replies
      .slice(0, 30)
      .forEach(({ answers }, i) => assert.deepEqual(answers, [i % 2 ? '192.0.2.1' : '172.18.0.6'], `query ${i}`));
    assert.equal(replies[30]?.answers.length, 60);
    assert.deepEqual(large.seen, { udp: 0, tcp: 15 });
    const [cut, some] = await ask(pid, [
      ['example.org', 'A'],
      ['many', 'A'],
    ]);
    assert.deepEqual([cut?.code, cut?.truncated, cut?.answers.length], ['NOERROR', true, 0]);
    assert.deepEqual([some?.code, some?.truncated], ['NOERROR', true]);
    assert.ok((some?.answers.length ?? 0) > 20, 'as many as fit');
  });

  test('what is no question is refused or dropped, and too many connections are closed; others are answered all the same', async (t) => {
    const { root, resolver } = await open(t);
    const pid = await startContainer(t);
    const silent = await upstream(t, () => null);
    await resolver.setUpstream([{ address: silent.address, port: silent.port }]);
    await resolver.setNetwork('one', NAMES);
    await resolver.attach('c', pid, view());
    const companion = await pidOfCompanion(root);
    const script = `
      const { randomBytes } = require('crypto');
      const net = require('net');
      const socket = require('dgram').createSocket('udp4');
      const codes = [];
      socket.on('message', (reply) => codes.push(reply.readUInt16BE(0) + ':' + (reply[3] & 15)));
      const send = (...bytes) => socket.send(Buffer.from(bytes), 53, '127.0.0.11');
      send(1, 2, 3);
      send(0, 7, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0);
      send(0, 8, 0x28, 0, 0, 1, 0, 0, 0, 0, 0, 0);
      send(0, 9, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0);
      send(0, 10, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1);
      setTimeout(() => {
        console.log(codes.sort().join(' '));
        codes.length = 0;
        for (let i = 0; i < 2000; i++) send(...randomBytes(i % 200));
        // More than may be under way: the rest is told so at once.
        for (let i = 0; i < 1200; i++) send(i >> 8, i & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, 97 + (i % 26), 97, 1, 98, 0, 0, 1, 0, 1);
        let closed = 0;
        for (let i = 0; i < 130; i++) {
          const connection = net.connect(53, '127.0.0.11', () => connection.write(randomBytes(300)));
          connection.on('close', () => { if (++closed === 30) { console.log('closed'); process.exit(0); } });
          connection.on('error', () => {}).resume();
        }
        setTimeout(() => process.exit(1), 9000);
      }, 300);`;
    const { stdout } = await run('nsenter', ['-t', String(pid), '-n', process.execPath, '-e', script]);
    assert.deepEqual(stdout.trim().split('\n'), ['10:1 7:1 8:4', 'closed']);
    assert.deepEqual(await answersOf(pid, ['db', 'A']), [['NOERROR', '172.18.0.6']]);
    const tcp = await ask(pid, [['db', 'A']], { tcp: true });
    assert.deepEqual(tcp[0]?.answers, ['172.18.0.6']);
    assert.equal(await pidOfCompanion(root), companion, 'it never died over it');
  });

  test('servers of a container’s own are asked from inside it, where port 53 is still its own', async (t) => {
    const { resolver } = await open(t);
    const pid = await startContainer(t);
    const outside = await upstream(t, (query) => reply(query, { address: '192.0.2.1' }));
    await resolver.setUpstream([{ address: outside.address, port: outside.port }]);
    await resolver.attach('c', pid, view({ servers: ['127.0.0.11', '127.0.0.1'] }));
    const script = `
      const socket = require('dgram').createSocket('udp4');
      socket.on('message', (query, { port, address }) => {
        query[2] = 0x81; query[3] = 0x80; query[7] = 1;
        socket.send(Buffer.concat([query, Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 198, 51, 100, 7])]), port, address);
      });
      socket.bind(53, '0.0.0.0', () => require('net').createServer().listen(53, '0.0.0.0', () => console.log('bound')));`;
    const server = spawn('nsenter', ['-t', String(pid), '-n', process.execPath, '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => server.kill('SIGKILL'));
    await new Promise((resolve) => server.stdout.once('data', resolve));
    assert.deepEqual(await answersOf(pid, ['example.org', 'A']), [['NOERROR', '198.51.100.7']]);
    assert.equal(outside.seen.udp, 0);
  });

  test('it outlives the engine, knows what it knew, and is told all again when it was killed', async (t) => {
    const opened = await open(t);
    const { root, helper, resolver } = opened;
    const [one, two] = [await startContainer(t), await startContainer(t)];
    await resolver.setNetwork('one', NAMES);
    await resolver.attach('one', one, view());
    await resolver.attach('two', two, view());
    await resolver.close({ last: false });
    assert.deepEqual(await answersOf(one, ['db', 'A']), [['NOERROR', '172.18.0.6']]);

    const next = await Resolver.open({ helper, runDir: root });
    opened.resolver = next;
    const rules = () =>
      execFileSync('nsenter', ['-t', String(one), '-n', 'nft', 'list', 'ruleset'], { encoding: 'utf8' });
    const before = rules();
    await next.setNetwork('one', { ...NAMES, names: { db: ['172.18.0.8'] } });
    await next.attach('one', one, view());
    assert.equal(rules(), before, 'the same process keeps its sockets');
    await next.keepOnly(new Set(['one']));
    assert.deepEqual(await answersOf(one, ['db', 'A']), [['NOERROR', '172.18.0.8']]);
    assert.equal(execFileSync('nsenter', ['-t', String(two), '-n', 'nft', 'list', 'tables'], { encoding: 'utf8' }), '');

    const pid = await killCompanion(root);
    for (let tries = 0; ; tries++) {
      await sleep(50);
      const again = await pidOfCompanion(root);
      if (again !== undefined && again !== pid && rules() !== before) break;
      assert.ok(tries < 100, 'it was not started again');
    }
    assert.deepEqual(await answersOf(one, ['db', 'A']), [['NOERROR', '172.18.0.8']]);
    await killCompanion(root);
    await next.setNetwork('one', NAMES);
    await next.attach('two', two, view());
    assert.deepEqual(await answersOf(two, ['db', 'A']), [['NOERROR', '172.18.0.6']]);
  });

  test('a container that ends is let go of with its namespace; after the last, nothing is left', async (t) => {
    const { root, resolver } = await open(t);
    await resolver.setNetwork('one', NAMES);
    await assert.rejects(resolver.attach('gone', 2 ** 22 + 1, view()), { kind: 'not-found' });
    await assert.rejects(resolver.attach('here', process.pid, view()), { kind: 'invalid' });
    const pid = await startContainer(t);
    await resolver.attach('c', pid, view());
    const companion = await pidOfCompanion(root);
    const held = async () => (await run('ls', ['-l', `/proc/${companion}/fd`])).stdout;
    assert.match(await held(), /net:\[\d+\][\s\S]*net:\[\d+\]/);
    process.kill(pid, 'SIGKILL');
    for (let tries = 0; /net:\[\d+\][\s\S]*net:\[\d+\]/.test(await held()); tries++) {
      assert.ok(tries < 100, 'the namespace is still held');
      await sleep(20);
    }
    const status = await readFile(`/proc/${companion}/status`, 'utf8');
    assert.match(status, /^NoNewPrivs:\t1$/m);
    assert.match(status, /^CapPrm:\t0000000000281400$/m);
    const again = await startContainer(t);
    await resolver.attach('c', again, view());
    assert.deepEqual(await answersOf(again, ['db', 'A']), [['NOERROR', '172.18.0.6']]);
    await resolver.detach('c');
    await resolver.close({ last: true });
    await assert.rejects(access(join(root, 'resolver.sock')));
    await assert.rejects(access(join(root, 'resolver.lock')));
    await assert.rejects(access(`/proc/${companion}/exe`));
  });
}
