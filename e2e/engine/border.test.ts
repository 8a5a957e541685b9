/**
 * Whatever arrives at the socket, the engine answers or hangs up, and goes on: broken and hostile HTTP, clients that leave in the middle of
 * every kind of answer, that never read, or that are a thousand. Afterwards it holds no descriptor more than before.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, readFile, readlink } from 'node:fs/promises';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { docker, loadBusybox, request, startEngine } from '../fixtures/engine.js';

let engine: Awaited<ReturnType<typeof startEngine>>;
before(async () => {
  engine = await startEngine();
  await loadBusybox(engine);
  const talk = ['sh', '-c', 'cat & while :; do echo talk; sleep 0.05; done'];
  const started = await docker(engine, [
    'run',
    '-d',
    '-i',
    '--name',
    'talks',
    '--network',
    'none',
    'busybox:test',
    ...talk,
  ]);
  assert.equal(started.code, 0, started.stderr);
  // The first who follows a log makes Node open the one inotify instance that it keeps.
  await docker(engine, ['run', '--name', 'once', '--network', 'none', 'busybox:test', 'sleep', '0.3']);
  await docker(engine, ['start', 'once']);
  await docker(engine, ['logs', '-f', 'once']);
  // The first large output is passed on by somebody with whom it keeps a channel.
  const large = ['run', '--rm', '--network', 'none', 'busybox:test', 'head', '-c', '200000', '/dev/zero'];
  assert.equal((await docker(engine, large)).stdout.length, 200_000);
});
after(() => engine?.[Symbol.asyncDispose]());

/**
 * Sends bytes, half-closes if asked to, and gives back all that comes until the other side hangs up or falls silent: answers others twice in a
 * row, and not this.
 */
async function say(bytes: string | Buffer, { end = false } = {}): Promise<string> {
  const socket = net.connect({ path: engine.socket, allowHalfOpen: true });
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  let answer = '';
  let over = false;
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
  for (const name of ['end', 'close']) socket.on(name, () => (over = true));
  if (end) socket.end(bytes);
  else socket.write(bytes);
  for (let silent = 0, length = 0; !over && silent < 2;) {
    await sleep(200);
    await ask('GET', '/containers/json');
    silent = answer.length === length ? silent + 1 : 0;
    length = answer.length;
  }
  socket.destroy();
  return answer;
}
/** A whole request on a connection of its own. */
const ask = (method: string, url: string, body?: unknown) =>
  request(engine.socket, method, url, body, { Connection: 'close' });
const statuses = (answer: string) => [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
/** What each descriptor of the engine is. */
const descriptors = async () => {
  const folder = `/proc/${engine.process.pid}/fd`;
  const links = (await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(() => undefined));
  return (await Promise.all(links)).filter((link) => link !== undefined);
};
const residentMiB = async () =>
  Number(/^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${engine.process.pid}/status`, 'utf8'))?.[1]) / 1024;

/** Runs it; then the engine answers as before and holds what it held. */
async function leavesNothing(work: () => Promise<void>): Promise<void> {
  const held = await descriptors();
  await work();
  assert.equal((await ask('GET', '/_ping')).body.toString(), 'OK');
  let now = await descriptors();
  for (let tries = 0; now.length > held.length && tries < 1000; tries++) {
    await sleep(50);
    now = await descriptors();
  }
  const further = now.filter((link) => !held.includes(link));
  assert.ok(now.length <= held.length, `${now.length} descriptors, ${held.length} before: ${further.join(' ')}`);
  assert.equal(engine.process.exitCode, null);
}

test('a request has one beginning and one end: what could mean two is refused, and the connection with it', () =>
  leavesNothing(async () => {
    const smuggled = 'GET /info HTTP/1.1\r\nHost: x\r\n\r\n';
    const post = 'POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
    for (const [name, bytes] of Object.entries({
      'both lengths': `${post}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
      'two lengths': `${post}Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}${smuggled}`,
      'a length that is none': `${post}Content-Length: +2\r\n\r\n{}${smuggled}`,
      'a negative length': `${post}Content-Length: -1\r\n\r\n${smuggled}`,
      'a space before the colon': `${post}Content-Length : 2\r\n\r\n{}${smuggled}`,
      'a chunk without a size': `${post}Transfer-Encoding: chunked\r\n\r\nzz\r\n${smuggled}`,
      'a line feed alone': `GET /_ping HTTP/1.1\nHost: x\n\n${smuggled}`,
      'no version': `GET /_ping\r\n\r\n${smuggled}`,
      'another protocol': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
      'a NUL in a header': `GET /_ping HTTP/1.1\r\nHost: x\0y\r\n\r\n${smuggled}`,
    })) {
      const answer = await say(bytes);
      assert.ok(statuses(answer).length <= 1, `${name}: ${answer}`);
      assert.doesNotMatch(answer, /"ServerVersion"/, name);
      if (answer) assert.equal(statuses(answer)[0], 400, `${name}: ${answer}`);
    }
    // Only an encoding that ends in chunks has an end.
    const odd = await say(`${post}Transfer-Encoding: chunked, identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n${smuggled}`);
    assert.doesNotMatch(odd, /"ServerVersion"/);
  }));

test('requests that follow each other on one connection are answered in their order, bodies and all', () =>
  leavesNothing(async () => {
    const host = 'Host: x\r\n';
    const body = 'Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}';
    const chunks = 'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n';
    const answer = await say(
      `GET /_ping HTTP/1.1\r\n${host}\r\nPOST /containers/create HTTP/1.1\r\n${host}${body}` +
        `POST /containers/create HTTP/1.1\r\n${host}${chunks}GET /nowhere HTTP/1.1\r\n${host}\r\nHEAD /_ping HTTP/1.1\r\n${host}\r\n`,
    );
    assert.deepEqual(statuses(answer), [200, 400, 400, 404, 200]);
  }));

test('a client that has said all it wanted is answered though it sends no more', () =>
  leavesNothing(async () => {
    const answer = await say('GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n', { end: true });
    assert.match(answer, /\r\n\r\nOK$/);
    const list = await say('GET /containers/json HTTP/1.1\r\nHost: x\r\n\r\n', { end: true });
    assert.match(list, /"Names":\["\/talks"\]/);
  }));

test('a body is awaited, taken in chunks, or found too long, cut short or not text', () =>
  leavesNothing(async () => {
    const post = 'POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
    const asked = await say(`${post}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n`);
    assert.match(asked, /^HTTP\/1\.1 100 Continue/);
    assert.deepEqual(statuses(await say(`${post}Content-Length: 100\r\n\r\n{"Image":`, { end: true })), [400]);
    const deep = '['.repeat(100_000);
    assert.equal((await ask('POST', '/containers/create', Buffer.from(deep))).status, 400);
    const long = Buffer.alloc(20 * 2 ** 20, ' ');
    const refused = await ask('POST', '/containers/create', long).catch(() => undefined);
    if (refused) assert.equal(refused.status, 400);
    const strange = Buffer.from('{"Image":"\xff\xfe","Cmd":["\xc3\x28"]}', 'latin1');
    assert.equal((await ask('POST', '/containers/create', strange)).status, 400);
    const proto = Buffer.from('{"Image":"busybox:test","__proto__":{"a":1},"HostConfig":{"constructor":null}}');
    const made = await ask('POST', '/containers/create?name=proto', proto);
    assert.equal(made.status, 201, made.body.toString());
    await ask('DELETE', '/containers/proto');
  }));

test('heads that are strange, long or many are answered or refused', () =>
  leavesNothing(async () => {
    const head = (lines: string) => say(`GET /_ping HTTP/1.1\r\nHost: x\r\n${lines}\r\n`);
    assert.deepEqual(statuses(await head('X-Odd: \xff\xfe\xc3\x28\r\n')), [200]);
    assert.deepEqual(statuses(await head('X-Many: 1\r\n'.repeat(5000))), [200]);
    assert.match(String(statuses(await head(`X-Long: ${'x'.repeat(2 ** 21)}\r\n`))), /^(431|400|)$/);
    assert.match(String(statuses(await say(`GET /${'x'.repeat(2 ** 21)} HTTP/1.1\r\n\r\n`))), /^(431|400|)$/);
    const endless = await say(`POST /containers/talks/attach HTTP/1.1\r\nX: ${'x'.repeat(2 ** 21)}`);
    assert.match(String(statuses(endless)), /^(431|400|)$/);
    for (const path of ['/%ff%fe/json', '/containers/\xff\xfe/json', '/containers/%c3%28/json', '/images/%00/json'])
      assert.match(String(statuses(await say(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`))), /^(400|404)$/, path);
  }));

test('clients that leave before they have said anything, or all of it, leave nothing behind', () =>
  leavesNothing(async () => {
    for (const bytes of ['', 'G', 'POST', 'POST /containers/talks/attach?stream=1 HTTP/1.1\r\nHost: x\r\n'])
      for (let round = 0; round < 10; round++) {
        const socket = net.connect({ path: engine.socket, allowHalfOpen: true });
        await once(socket, 'connect');
        socket.end(bytes).resume();
        await once(socket, 'close');
      }
  }));

test('clients that leave in the middle of an answer leave nothing behind', () =>
  leavesNothing(async () => {
    const wish = { AttachStdin: true, AttachStdout: true, Cmd: ['cat', '/dev/zero'] };
    const { Id } = JSON.parse(String((await ask('POST', '/containers/talks/exec', wish)).body)) as { Id: string };
    const upgrade = 'Connection: Upgrade\r\nUpgrade: tcp\r\n';
    const key =
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n';
    const exec = 'Content-Type: application/json\r\nContent-Length: 2\r\n';
    for (const [line, headers, body] of [
      ['GET /events', '', ''],
      ['GET /containers/talks/logs?follow=1&stdout=1', '', ''],
      ['GET /containers/talks/stats', '', ''],
      ['POST /containers/talks/wait', '', ''],
      ['POST /containers/talks/attach?stream=1&stdin=1&stdout=1', upgrade, ''],
      ['POST /containers/talks/attach?stream=1&stdin=1&stdout=1', '', ''],
      ['POST /containers/talks/attach?stream=1&logs=1&stdout=1', upgrade, ''],
      ['GET /containers/talks/attach/ws?stream=1&stdin=1&stdout=1', key, ''],
      [`POST /exec/${Id}/start`, `${upgrade}${exec}`, '{}'],
      ['GET /containers/talks/export', '', ''],
      ['GET /containers/talks/archive?path=/bin', '', ''],
      ['GET /images/busybox:test/get', '', ''],
      ['POST /images/load', 'Content-Length: 100000000\r\n', 'some bytes'],
      ['PUT /containers/talks/archive?path=/tmp', 'Content-Length: 100000000\r\n', 'some bytes'],
      ['POST /containers/create', `Content-Length: 100000000\r\n${exec.split('\r\n')[0]}\r\n`, '{'],
    ] as const)
      for (let round = 0; round < 3; round++) {
        const socket = net.connect(engine.socket);
        socket.on('error', () => undefined);
        socket.write(`${line} HTTP/1.1\r\nHost: x\r\n${headers}\r\n${body}`);
        await sleep(round * 40);
        socket.destroy();
      }
    await docker(engine, ['exec', 'talks', 'killall', 'cat']);
  }));

test('a client that never reads holds up neither the others nor the engine’s memory', () =>
  leavesNothing(async () => {
    const flood = [
      'run',
      '-d',
      '--name',
      'floods',
      '--network',
      'none',
      'busybox:test',
      'head',
      '-c',
      '60000000',
      '/dev/zero',
    ];
    assert.equal((await docker(engine, flood)).code, 0);
    await docker(engine, ['wait', 'floods']);
    const before = await residentMiB();
    const lazy = Array.from({ length: 10 }, () => {
      const socket = net.connect(engine.socket);
      socket.pause();
      socket.write('GET /containers/floods/logs?stdout=1 HTTP/1.1\r\nHost: x\r\n\r\n');
      return socket;
    });
    await sleep(1000);
    assert.equal((await docker(engine, ['exec', 'talks', 'echo', 'still here'])).stdout, 'still here\n');
    assert.ok((await residentMiB()) - before < 150, `${before} MiB before, ${await residentMiB()} now`);
    for (const socket of lazy) socket.destroy();
    await docker(engine, ['rm', 'floods']);
  }));

test('a thousand connections at once are held, and one more is served', () =>
  leavesNothing(async () => {
    const many = await Promise.all(
      Array.from({ length: 1000 }, async () => {
        const socket = net.connect(engine.socket);
        await once(socket, 'connect');
        return socket;
      }),
    );
    for (const socket of many) socket.write('GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n');
    await Promise.all(many.map((socket) => once(socket, 'data')));
    assert.equal((await docker(engine, ['exec', 'talks', 'echo', 'one more'])).stdout, 'one more\n');
    for (const socket of many) socket.destroy();
  }));

test('attach over a websocket carries a container’s bytes both ways, as text for the clients of old', () =>
  leavesNothing(async () => {
    await docker(engine, ['create', '-i', '--name', 'echoes', '--network', 'none', 'busybox:test', 'cat']);
    for (const [version, opcode] of [
      ['1.27', 1],
      ['1.47', 2],
    ] as const) {
      const socket = net.connect(engine.socket);
      const query = 'stream=1&stdin=1&stdout=1';
      socket.write(
        `GET /v${version}/containers/echoes/attach/ws?${query} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n',
      );
      let seen = Buffer.alloc(0);
      socket.on('data', (chunk: Buffer) => (seen = Buffer.concat([seen, chunk])));
      const until = async (done: () => boolean, what: string) => {
        for (let tries = 0; !done() && tries < 2000; tries++) await sleep(20);
        assert.ok(done(), `${what}: ${seen.toString('latin1')}`);
      };
      await until(() => seen.includes('\r\n\r\n'), 'a handshake');
      assert.match(seen.toString('latin1'), /^HTTP\/1\.1 101 /);
      await ask('POST', '/containers/echoes/start');
      const payload = Buffer.from('a message\n');
      const mask = Buffer.from([1, 2, 3, 4]);
      const masked = payload.map((byte, i) => byte ^ mask[i & 3]!);
      // In two fragments, as large messages come.
      socket.write(Buffer.concat([Buffer.from([opcode, 0x80 | 4]), mask, masked.subarray(0, 4)]));
      socket.write(Buffer.concat([Buffer.from([0x80, 0x80 | 6]), mask, masked.subarray(4)]));
      await until(() => seen.includes('ssage\n'), 'its echo');
      const frame = seen.subarray(seen.indexOf('\r\n\r\n') + 4);
      assert.equal(frame[0], 0x80 | opcode);
      await ask('POST', '/containers/echoes/kill');
      await until(() => seen.includes(Buffer.from([0x88, 2, 0x03, 0xe8])), 'a goodbye');
      socket.destroy();
    }
    await docker(engine, ['rm', 'echoes']);
  }));
