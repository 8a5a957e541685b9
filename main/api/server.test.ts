import '../base/scopes.js';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, test } from 'node:test';
import { conflict, notFound, notModified } from '../base/errors.js';
import { createClient, readText } from '../client/index.js';
import { unixTransport } from '../client/transports/unix.js';
import type { AttachStream } from '../contract/streams.js';
import { empty, hijack, json, noContent, progress, stream, websocket } from './replies.js';
import { get, head, post } from './router.js';
import { ApiServer } from './server.js';

/** What a container is, as far as the connection can tell: it answers in capitals and says when its input ended. */
function shouting(): AttachStream & { closed: boolean } {
  const output: Uint8Array[] = [];
  let wake: () => void = () => undefined;
  let ended = false;
  const say = (text: string) => {
    output.push(Buffer.from(text));
    wake();
  };
  return {
    framed: false,
    closed: false,
    readable: {
      async *[Symbol.asyncIterator]() {
        for (;;) {
          for (let bytes = output.shift(); bytes; bytes = output.shift()) yield bytes;
          if (ended) return;
          await new Promise<void>((resolve) => (wake = resolve));
        }
      },
    },
    async write(bytes) {
      say(Buffer.from(bytes).toString().toUpperCase());
    },
    end() {
      ended = true;
      say('end of input');
    },
    close() {
      this.closed = true;
      ended = true;
      wake();
    },
  };
}

/** One that says nothing, whatever it hears. */
function quiet(): AttachStream & { closed: boolean } {
  const stream = { ...shouting(), end: () => undefined };
  stream.readable = {
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        while (!stream.closed) await sleep(5);
        return { done: true, value: undefined };
      },
    }),
  };
  stream.close = () => void (stream.closed = true);
  return stream;
}

let release: () => void = () => undefined;
let attached = shouting();
let execBody: unknown;
let sawAbort = false;
const directory = await mkdtemp(join(tmpdir(), 'slipway-api-'));
const socketPath = join(directory, 'private', 'api.sock');
const server = new ApiServer(
  [
    get('/_ping', () => json('pong')),
    head('/_ping', () => empty(200, { 'X-Head': 'yes' })),
    post('/containers/:id/attach', () => hijack((attached = shouting()), 'application/vnd.docker.raw-stream')),
    post('/containers/:id/attach-quiet', () => hijack((attached = quiet()), 'application/vnd.docker.raw-stream')),
    get('/containers/:id/attach/ws', () => websocket((attached = shouting()), true)),
    post('/exec/:id/start', async ({ body }) => {
      execBody = await body.json();
      return hijack((attached = shouting()), 'application/vnd.docker.raw-stream');
    }),
    post('/containers/:id/attach-fails', () => Promise.reject(conflict('it is paused'))),
    post('/containers/:id/start', () => Promise.reject(notModified('already started'))),
    post('/containers/:id/stop', () => noContent()),
    get('/missing/:id', ({ params }) => Promise.reject(notFound(`No such thing: ${params.id}`))),
    get(
      '/cut-off',
      ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    ),
    post('/eat', async ({ body }) => {
      for await (const _ of body.stream());
      return noContent();
    }),
    get('/broken', () => Promise.reject(new Error('the room caught fire'))),
    post('/containers/:id/wait', () =>
      stream(
        (async function* () {
          await new Promise<void>((resolve) => (release = resolve));
          yield '{"StatusCode":7}\n';
        })(),
        { 'Content-Type': 'application/json' },
      ),
    ),
    post('/echo', async ({ body }) => json({ got: await body.json() })),
    post('/upload', async ({ body }) => {
      let size = 0;
      for await (const chunk of body.stream()) size += chunk.length;
      return json({ size });
    }),
    post('/images/create', ({ query }) =>
      progress(async (report) => {
        if (query.get('fromImage') === 'absent') throw notFound('pull access denied for absent');
        for (let current = 0; current < 100; current++)
          report({ id: 'layer', status: 'Downloading', progressDetail: { current, total: 100 } });
        await sleep(1);
        report({ status: 'Verifying' });
        await sleep(1);
        throw conflict('the digest does not match');
      }),
    ),
    get('/events', ({ signal }) =>
      stream(
        (async function* () {
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
          sawAbort = true;
          yield '';
        })(),
      ),
    ),
  ],
  { product: 'Slipway/test (linux)' },
);
await server.listen(socketPath);
const transport = unixTransport(socketPath);
const client = createClient(transport);
after(async () => {
  await client.close();
  await server.close();
  await rm(directory, { recursive: true });
});

/** Speaks bytes to the socket, as netcat does. */
const dial = () => connect({ path: socketPath, allowHalfOpen: true });
async function everything(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}
async function until(socket: Socket, text: string): Promise<string> {
  let seen = '';
  while (!seen.includes(text)) {
    await new Promise((resolve) => socket.once('readable', resolve));
    seen += String((socket.read() as Buffer | null) ?? '');
  }
  return seen;
}
async function answer(method: 'GET' | 'POST' | 'HEAD', path: string, body?: string, headers?: Record<string, string>) {
  const response = await transport.send({ method, path, body, headers });
  return { status: response.status, headers: response.headers, text: await readText(response.body) };
}

test('every answer says which API it is of', async () => {
  const { headers } = await answer('GET', '/v1.30/_ping');
  assert.equal(headers['api-version'], '1.47');
  assert.equal(headers['ostype'], 'linux');
  assert.equal(headers['docker-experimental'], 'false');
  assert.equal(headers['server'], 'Slipway/test (linux)');
});

test('a failure is its status and a JSON message with a newline', async () => {
  const missing = await answer('GET', '/v1.41/missing/web');
  assert.deepEqual([missing.status, missing.text], [404, '{"message":"No such thing: web"}\n']);
  assert.equal(missing.headers['content-type'], 'application/json');
  assert.deepEqual((await answer('GET', '/broken')).text, '{"message":"the room caught fire"}\n');
  assert.equal((await answer('GET', '/broken')).status, 500);
  assert.deepEqual((await answer('GET', '/nowhere')).text, '{"message":"page not found"}\n');
  assert.equal((await answer('GET', '/v1.99/_ping')).status, 400);
});

test('not modified has no body at all', async () => {
  const { status, text, headers } = await answer('POST', '/containers/web/start');
  assert.deepEqual([status, text, headers['content-length'], headers['content-type']], [304, '', undefined, undefined]);
});

test('HEAD has a route of its own', async () => {
  assert.equal((await answer('HEAD', '/_ping')).headers['x-head'], 'yes');
});

test('a body must be JSON and say so', async () => {
  const type = { 'Content-Type': 'application/json; charset=utf-8' };
  assert.equal((await answer('POST', '/echo', '{"a":null}', type)).text, '{"got":{"a":null}}\n');
  assert.equal((await answer('POST', '/echo', '')).text, '{}\n');
  assert.match((await answer('POST', '/echo', '{', type)).text, /invalid JSON/);
  const plain = await answer('POST', '/echo', '{}', { 'Content-Type': 'text/plain' });
  assert.deepEqual(
    [plain.status, plain.text],
    [400, `{"message":"unsupported Content-Type header (text/plain): must be 'application/json'"}\n`],
  );
});

test('wait sends its headers at once and its body at the end', async () => {
  const { result } = await client.containers.wait('web');
  let ended = false;
  void result.then(() => (ended = true));
  await sleep(20);
  assert.equal(ended, false);
  release();
  assert.deepEqual(await result, { StatusCode: 7 });
});

test('a pull that fails before it begins is an ordinary failure', async () => {
  await assert.rejects(client.images.pull('absent').next(), {
    kind: 'not-found',
    message: 'pull access denied for absent',
  });
});

test('a pull that fails on its way says so in its last line, and reports that nobody could read are merged', async () => {
  const seen: unknown[] = [];
  await assert.rejects(
    async () => {
      for await (const line of client.images.pull('web')) seen.push(line);
    },
    { message: 'the digest does not match' },
  );
  assert.deepEqual(seen.at(0), { id: 'layer', status: 'Downloading', progressDetail: { current: 99, total: 100 } });
  assert.deepEqual(seen.at(-1), { status: 'Verifying' });
  const raw = await answer('POST', '/images/create?fromImage=web');
  assert.ok(
    raw.text.endsWith(
      '{"errorDetail":{"message":"the digest does not match"},"error":"the digest does not match"}\r\n',
    ),
  );
});

test('a client that leaves is noticed', async () => {
  const { body } = await transport.send({ method: 'GET', path: '/events' });
  body.cancel();
  for (let i = 0; i < 1000 && !sawAbort; i++) await sleep(5);
  assert.equal(sawAbort, true);
});

test('that a client has left is not logged as a failure', async (t) => {
  const logged = t.mock.method(process.stderr, 'write', () => true);
  for (const said of ['GET /cut-off HTTP/1.1\r\n', 'POST /eat HTTP/1.1\r\nContent-Length: 10\r\n']) {
    const leaver = dial();
    leaver.write(`${said}Host: docker\r\n\r\nhalf`);
    await sleep(20);
    leaver.destroy();
    await sleep(50);
  }
  assert.deepEqual(
    logged.mock.calls.map(({ arguments: [text] }) => String(text)).filter((text) => text.includes('api:')),
    [],
  );
});

test('attach becomes raw bytes each way; half-close is the end of input, and output goes on', async () => {
  const connection = await client.containers.attach('web', { stdin: true, stdout: true });
  await connection.write(Buffer.from('hello '));
  await sleep(10);
  connection.end();
  assert.equal(await readText(connection.readable), 'HELLO end of input');
});

test('bytes that come right behind the request of an upgrade are input', async () => {
  const socket = dial();
  socket.end(
    'POST /v1.41/containers/web/attach HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nearly',
  );
  const text = await everything(socket);
  assert.match(text, /^HTTP\/1\.1 101 UPGRADED\r\nContent-Type: application\/vnd\.docker\.raw-stream\r\n/);
  assert.match(text, /Connection: Upgrade\r\nUpgrade: tcp\r\n/);
  assert.ok(text.endsWith('\r\n\r\nEARLYend of input'));
});

test('an exec’s JSON body comes before its input, in one packet or in many, by length or in chunks', async () => {
  const upgrade = 'Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\n';
  for (const [framing, body] of [
    ['Content-Length: 15\r\n', '{"Detach":true}'],
    ['Transfer-Encoding: chunked\r\n', '8\r\n{"Detach\r\n7\r\n":true}\r\n0\r\n\r\n'],
  ] as const) {
    for (const size of [10_000, 7, 1]) {
      const request = `POST /exec/abc/start HTTP/1.1\r\nHost: docker\r\n${upgrade}${framing}\r\n${body}typed`;
      const socket = dial();
      for (let at = 0; at < request.length; at += size) {
        socket.write(request.slice(at, at + size));
        if (size === 7) await sleep(1);
      }
      socket.end();
      const text = await everything(socket);
      assert.deepEqual(execBody, { Detach: true });
      assert.ok(text.startsWith('HTTP/1.1 101 UPGRADED\r\n') && text.endsWith('end of input'), text);
      assert.ok(text.includes('TYPED') || size === 1, text);
    }
  }
});

test('a client that does not ask for an upgrade gets 200 and raw bytes each way', async () => {
  const socket = dial();
  socket.write('POST /containers/web/attach?stdin=1 HTTP/1.1\r\nHost: docker\r\n\r\nearly ');
  const first = await until(socket, 'EARLY ');
  assert.match(first, /^HTTP\/1\.1 200 OK\r\nContent-Type: application\/vnd\.docker\.raw-stream\r\n/);
  assert.doesNotMatch(first, /chunked|Content-Length|Upgrade/i);
  socket.end('late');
  assert.equal(await everything(socket), 'LATEend of input');
});

test('on a connection that has served other requests, such a client still gets the output', async () => {
  const socket = dial();
  socket.write('GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n');
  await until(socket, 'pong');
  socket.write('POST /containers/web/attach HTTP/1.1\r\nHost: docker\r\n\r\n');
  await until(socket, '\r\n\r\n');
  await attached.write(Buffer.from('hi'));
  attached.end();
  assert.equal(await everything(socket), 'HIend of input');
});

test('a failure before the connection is taken over is an ordinary answer', async () => {
  await assert.rejects(transport.upgrade({ method: 'POST', path: '/containers/web/attach-fails' }), {
    kind: 'conflict',
    message: 'it is paused',
    status: 409,
  });
});

test('an upgrade that means nothing here is an ordinary request, body and all', async () => {
  const socket = dial();
  const body = 'x'.repeat(200_000);
  socket.write(
    `POST /upload HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  assert.match(await everything(socket), /^HTTP\/1\.1 200 OK[^]*\{"size":200000\}\n$/);
});

test('a client that asks whether it may send its body is told to go on', async () => {
  const socket = dial();
  socket.write('POST /upload HTTP/1.1\r\nHost: docker\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n');
  assert.match(await until(socket, '\r\n\r\n'), /^HTTP\/1\.1 100 Continue/);
  socket.write('abc');
  assert.match(await until(socket, '}'), /\{"size":3\}/);
  socket.destroy();
});

test('a client that goes away ends its attachment', async () => {
  const connection = await client.containers.attach('web', { stdin: true, stdout: true });
  const mine = attached;
  connection.close();
  for (let i = 0; i < 1000 && !mine.closed; i++) await sleep(5);
  assert.equal(mine.closed, true);
});

test('a client of a process that says nothing may close its half; when it goes, its attachment ends', async () => {
  const request = 'POST /containers/a/attach-quiet HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n';
  const reader = dial();
  reader.write(request);
  await until(reader, '\r\n\r\n');
  const reading = attached;
  reader.end();
  const leaver = dial();
  leaver.write(request);
  await until(leaver, '\r\n\r\n');
  const left = attached;
  leaver.destroy();
  for (let i = 0; i < 1000 && !left.closed; i++) await sleep(5);
  assert.equal(left.closed, true);
  assert.equal(reading.closed, false);
  reader.destroy();
});

test('a websocket carries messages each way', async () => {
  const socket = dial();
  const key = Buffer.from('0123456789abcdef').toString('base64');
  socket.write(
    `GET /containers/web/attach/ws?stream=1 HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  );
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  assert.ok((await until(socket, '\r\n\r\n')).includes(`Sec-WebSocket-Accept: ${accept}\r\n`));
  const mask = [1, 2, 3, 4];
  const payload = [...Buffer.from('hi')].map((byte, i) => byte ^ mask[i]!);
  socket.write(Buffer.from([0x82, 0x82, ...mask, ...payload]));
  const frame = await until(socket, 'HI');
  assert.deepEqual(Buffer.from(frame, 'latin1').subarray(1), Buffer.from('\u0002HI', 'latin1'));
  socket.end(Buffer.from([0x88, 0x80, 0, 0, 0, 0]));
  await everything(socket);
  assert.equal(attached.closed, true);
});

test('a plain request for a websocket is refused with a reason', async () => {
  const { status, text } = await answer('GET', '/containers/web/attach/ws');
  assert.deepEqual([status, text], [400, '{"message":"this endpoint speaks websocket only"}\n']);
});

test('the socket is for its owner, a stale one is replaced, a living engine’s never', async () => {
  const mode = (await stat(socketPath)).mode & 0o777;
  assert.equal(mode, process.getuid?.() === 0 ? 0o660 : 0o600);
  assert.equal((await stat(join(directory, 'private'))).mode & 0o777, 0o700);
  const second = new ApiServer([], { product: 'second' });
  await assert.rejects(second.listen(socketPath), {
    kind: 'conflict',
    message: `another engine already answers at ${socketPath}`,
  });

  const stale = join(directory, 'stale.sock');
  const { spawnSync } = await import('node:child_process');
  const bindAndDie = `require('node:net').createServer().listen(${JSON.stringify(stale)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', bindAndDie]);
  assert.ok((await stat(stale)).isSocket());
  await second.listen(stale);
  await second.close();

  await writeFile(stale, 'precious');
  await assert.rejects(second.listen(stale), { message: `${stale} is in the way: it is not a socket` });
  await assert.rejects(second.listen(`/tmp/${'x'.repeat(110)}`), /has 115 bytes, and Linux allows 107/);
});
