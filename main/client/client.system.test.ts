/** The client's promises, kept by our engine and, where it is installed, by Debian's dockerd. Both in network namespaces of their own. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { slipwayStories, stories } from './conformance.js';
import { createClient, demultiplex, readJsonLines, splitReference, type Client } from './index.js';
import { connect } from './transports/connect.js';
import { unixTransport } from './transports/unix.js';

const root = resolve(fileURLToPath(import.meta.url), '../../..');
const helper = join(root, 'native/build/slipway-helper');
const there = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );
const isRoot = process.getuid?.() === 0;

/** The headless engine: its source, which tsx runs; or, where this test is bundled, the bundle in its place. */
const daemon =
  typeof __dirname === 'string' ? [join(__dirname, '../daemon/main.mjs')] : ['--import', 'tsx', 'main/daemon/main.ts'];

const engines: Record<string, { program: string; command: (base: string) => string[] }> = {
  slipway: {
    program: helper,
    command: (base) => [process.execPath, ...daemon, ...places(base), '--helper', helper],
  },
  dockerd: {
    program: '/usr/sbin/dockerd',
    command: (base) => [
      '/usr/sbin/dockerd',
      ...places(base),
      '--pidfile',
      `${base}/pid`,
      '--bridge=none',
      '--iptables=false',
      '--log-level=error',
    ],
  },
};

const places = (base: string) => [
  '--data-root',
  `${base}/data`,
  '--exec-root',
  `${base}/run`,
  '--host',
  `unix://${base}/docker.sock`,
];

for (const [name, { program, command }] of Object.entries(engines)) {
  const missing = !isRoot ? 'needs root' : !(await there(program)) ? `${program} is not there` : false;
  test(`the client's promises, kept by ${name}`, { skip: missing }, async (suite) => {
    const base = await mkdtemp(join(tmpdir(), 'slipway-client-'));
    const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
    const script = 'ip link set lo up; exec "$@"';
    const child = spawn('unshare', ['--net', 'sh', '-c', script, 'sh', ...command(base)], {
      cwd: root,
      env: { ...process.env, PATH: path },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (said: string) => (complaint += said));
    const client = createClient(unixTransport(`${base}/docker.sock`));
    try {
      await answers(client, child, () => complaint);
      const image = await anImage(client, base);
      const all = { ...stories, ...((await client.slipway.features()) && slipwayStories) };
      for (const [story, tell] of Object.entries(all)) await suite.test(story, () => tell(client, image));
    } finally {
      await client.close();
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
      await rm(base, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    }
  });
}

async function answers(client: Client, child: ChildProcess, complaint: () => string): Promise<void> {
  for (let tries = 0; ; tries++) {
    if (await client.system.ping().catch(() => undefined)) return;
    if (child.exitCode !== null || tries > 2000) throw new Error(`the engine does not answer: ${complaint()}`);
    await sleep(100);
  }
}

/** Our engine makes its starter image; any other is given an image of the same busybox, as `docker import` would make it. */
async function anImage(client: Client, base: string): Promise<string> {
  if (await client.slipway.features()) return (await client.slipway.starter()).Reference;
  const run = async (program: string, args: string[]) => {
    const [code] = (await once(spawn(program, args, { stdio: 'inherit' }), 'exit')) as [number];
    assert.equal(code, 0, `${program} ${args.join(' ')}`);
  };
  const links = 'for name in $(/bin/busybox --list); do ln -sf busybox "$1/bin/$name"; done';
  const script = `mkdir -p "$1/bin" && ${links} && rm "$1/bin/busybox" && cp /bin/busybox "$1/bin/" && tar -C "$1" -cf "$1.tar" .`;
  await run('sh', ['-c', script, 'sh', `${base}/rootfs`]);
  const transport = unixTransport(`${base}/docker.sock`);
  const headers = { 'Content-Type': 'application/x-tar' };
  const path = '/images/create?fromSrc=-&repo=story&tag=busybox';
  const { body } = await transport.send({
    method: 'POST',
    path,
    headers,
    body: createReadStream(`${base}/rootfs.tar`),
  });
  for await (const line of readJsonLines<{ error?: string }>(body)) assert.equal(line.error, undefined);
  await transport.close();
  return 'story:busybox';
}

async function* pieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const frame = (stream: number, payload: string) => {
  const head = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(Buffer.byteLength(payload), 4);
  return Buffer.concat([head, Buffer.from(payload)]);
};

test('frames are taken apart wherever the network has cut them', async () => {
  const bytes = Buffer.concat([frame(1, 'out '), frame(2, 'err'), frame(1, ''), frame(1, 'put')]);
  for (const size of [1, 3, 7, 8, 9, 100]) {
    const all = { stdout: '', stderr: '' };
    for await (const { stream, bytes: part } of demultiplex(pieces(bytes, size)))
      all[stream] += Buffer.from(part).toString();
    assert.deepEqual(all, { stdout: 'out put', stderr: 'err' });
  }
});

test('a frame of the engine’s own is an error, and so is one that is cut short', async () => {
  const drain = async (bytes: Buffer) => {
    for await (const _ of demultiplex(pieces(bytes, 5)));
  };
  await assert.rejects(drain(frame(3, 'the log is broken')), { kind: 'system', message: 'the log is broken' });
  await assert.rejects(drain(frame(1, 'whole').subarray(0, 11)), { kind: 'unavailable' });
  await assert.rejects(drain(Buffer.from('a terminal’s bytes')), { message: /the container has a terminal/ });
});

test('JSON lines survive being cut within a character', async () => {
  const bytes = Buffer.from('{"a":"容器"}\r\n\n{"a":2}');
  for (const size of [1, 2, 5, 64]) {
    const lines: unknown[] = [];
    for await (const line of readJsonLines(pieces(bytes, size))) lines.push(line);
    assert.deepEqual(lines, [{ a: '容器' }, { a: 2 }]);
  }
});

test('a reference without a tag is the latest, never all of them', () => {
  assert.deepEqual(splitReference('debian'), { name: 'debian', tag: 'latest' });
  assert.deepEqual(splitReference('localhost:5000/a/b'), { name: 'localhost:5000/a/b', tag: 'latest' });
  assert.deepEqual(splitReference('localhost:5000/a:1'), { name: 'localhost:5000/a', tag: '1' });
  assert.deepEqual(splitReference('a:1@sha256:0f'), { name: 'a', tag: 'sha256:0f' });
});

test('nobody at the address is one sentence', async () => {
  const client = createClient(unixTransport('/nonexistent/docker.sock'));
  await assert.rejects(client.system.ping(), {
    kind: 'unavailable',
    message: 'no engine answers at /nonexistent/docker.sock: is it running?',
  });
  await assert.rejects(client.containers.attach('web', {}), { kind: 'unavailable' });
  assert.throws(() => connect('ssh://somewhere'), /unix:\/\/\/path or tcp:\/\/host:port/);
});
