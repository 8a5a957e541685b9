import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { STREAM_WINDOW, type ApiRequest, type ByteStream, type Transport } from '../../main/contract/bridge.js';
import { unavailable } from '../../main/base/errors.js';
import type { PortAnswer, PortMessage } from './port.js';
import { relay } from './relay.js';

/** The window's end of a port: collects what comes, gives credit only when told to. */
function openWindow(request: unknown, connection: () => Transport) {
  const { port1, port2 } = new MessageChannel();
  const answers: PortAnswer[] = [];
  let arrived: () => void = () => {};
  port1.on('message', (answer: PortAnswer) => {
    answers.push(answer);
    arrived();
  });
  void relay(
    {
      post: (answer) => port2.postMessage(answer),
      onMessage: (listener) => port2.on('message', listener),
      onClose: (listener) => port2.on('close', listener),
      close: () => port2.close(),
    },
    request,
    connection,
  );
  return {
    answers,
    bytes: () => answers.reduce((sum, answer) => sum + (answer.type === 'data' ? answer.bytes.length : 0), 0),
    post: (message: PortMessage | object) => port1.postMessage(message),
    until: async (isThere: () => boolean) => {
      while (!isThere()) await new Promise<void>((resolve) => (arrived = resolve));
    },
    close: () => port1.close(),
  };
}

const last = (answers: PortAnswer[]) => answers.at(-1);

/** Answers every request with the same head and this body. */
function fakeTransport(body: ByteStream, upgraded?: { written: Uint8Array[]; ended?: boolean }) {
  const seen: ApiRequest[] = [];
  let cancelled = false;
  const transport: Transport = {
    send: async (request) => {
      seen.push(request);
      return {
        status: 200,
        headers: { 'content-type': 'text/plain' },
        body: Object.assign(body, { cancel: () => void (cancelled = true) }),
      };
    },
    upgrade: async (request) => {
      seen.push(request);
      await sleep(10);
      return {
        readable: body,
        write: async (bytes) => void upgraded?.written.push(bytes),
        end: () => upgraded && (upgraded.ended = true),
        close: () => void (cancelled = true),
      };
    },
    close: async () => {},
  };
  return { transport, seen, isCancelled: () => cancelled };
}

async function* chunks(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield new TextEncoder().encode(part);
}

test('a request is answered by its head, its bytes and its end', async () => {
  const { transport, seen } = fakeTransport(chunks('hello ', 'world'));
  const window = openWindow({ method: 'GET', path: '/version' }, () => transport);
  await window.until(() => last(window.answers)?.type === 'end');
  assert.deepEqual(window.answers[0], { type: 'head', status: 200, headers: { 'content-type': 'text/plain' } });
  const text = window.answers.map((answer) => (answer.type === 'data' ? new TextDecoder().decode(answer.bytes) : ''));
  assert.equal(text.join(''), 'hello world');
  assert.deepEqual(seen, [{ method: 'GET', path: '/version' }]);
  window.close();
});

test('a source is not read on while the window has given no credit, and no byte is lost', async () => {
  const size = 4 * 1024 * 1024;
  let read = 0;
  async function* source(): AsyncGenerator<Uint8Array> {
    while (read < size) {
      const chunk = new Uint8Array(10_000).map((_, index) => ((read + index) * 7) % 251);
      read += chunk.length;
      yield chunk.subarray(0, Math.min(chunk.length, size - (read - chunk.length)));
    }
  }
  const window = openWindow({ method: 'GET', path: '/x' }, () => fakeTransport(source()).transport);
  await window.until(() => window.bytes() === STREAM_WINDOW);
  await sleep(50);
  assert.equal(window.bytes(), STREAM_WINDOW);
  assert.ok(read <= STREAM_WINDOW + 64 * 1024 + 20_000, `${read} bytes were read ahead`);

  let acknowledged = 0;
  while (last(window.answers)?.type !== 'end') {
    const bytes = window.bytes() - acknowledged;
    acknowledged += bytes;
    if (bytes > 0) window.post({ type: 'credit', bytes });
    const before = window.answers.length;
    await window.until(() => window.answers.length > before);
  }
  let at = 0;
  for (const answer of window.answers)
    if (answer.type === 'data') for (const byte of answer.bytes) assert.equal(byte, (at++ * 7) % 251);
  assert.equal(at, size);
  assert.ok(window.answers.every((answer) => answer.type !== 'data' || answer.bytes.length <= 64 * 1024));
  window.close();
});

test('small chunks are gathered into frames', async () => {
  async function* source(): AsyncGenerator<Uint8Array> {
    for (let count = 0; count < 10_000; count++) yield new Uint8Array(10);
  }
  const window = openWindow({ method: 'GET', path: '/x' }, () => fakeTransport(source()).transport);
  await window.until(() => last(window.answers)?.type === 'end');
  assert.equal(window.bytes(), 100_000);
  assert.ok(window.answers.length < 20, `${window.answers.length} messages`);
  window.close();
});

test('the first byte after a pause does not wait for more', async () => {
  async function* source(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(1);
    await new Promise((resolve) => setTimeout(resolve, 5000).unref());
  }
  const { transport, isCancelled } = fakeTransport(source());
  const window = openWindow({ method: 'GET', path: '/x' }, () => transport);
  const started = Date.now();
  await window.until(() => window.bytes() === 1);
  assert.ok(Date.now() - started < 4000);
  window.post({ type: 'cancel' });
  while (!isCancelled()) await sleep(5);
  window.close();
});

test('what is typed before the connection stands arrives in order, and is acknowledged', async () => {
  const upgraded = { written: [] as Uint8Array[], ended: false };
  let finish: () => void = () => {};
  async function* source(): AsyncGenerator<Uint8Array> {
    await new Promise<void>((resolve) => (finish = resolve));
    yield* [];
  }
  const { transport } = fakeTransport(source(), upgraded);
  const window = openWindow({ method: 'POST', path: '/containers/x/attach?stdin=1', upgrade: true }, () => transport);
  window.post({ type: 'write', bytes: new Uint8Array([1]) });
  window.post({ type: 'write', bytes: new Uint8Array([2, 3]) });
  window.post({ type: 'end' });
  await window.until(() => window.answers.filter(({ type }) => type === 'written').length === 2);
  await sleep(10);
  assert.deepEqual(upgraded, { written: [new Uint8Array([1]), new Uint8Array([2, 3])], ended: true });
  assert.deepEqual(window.answers[0], { type: 'head', status: 101, headers: {} });
  finish();
  await window.until(() => last(window.answers)?.type === 'end');
  window.close();
});

test('a window that goes away ends its requests', async () => {
  async function* source(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(1);
    await new Promise((resolve) => setTimeout(resolve, 60_000).unref());
  }
  const { transport, isCancelled } = fakeTransport(source());
  const window = openWindow({ method: 'GET', path: '/events' }, () => transport);
  await window.until(() => window.bytes() === 1);
  window.close();
  while (!isCancelled()) await sleep(5);
});

test('a request while no engine answers fails with the reason', async () => {
  const window = openWindow({ method: 'GET', path: '/info' }, () => {
    throw unavailable('The engine is starting.');
  });
  await window.until(() => window.answers.length > 0);
  assert.deepEqual(window.answers, [{ type: 'error', kind: 'unavailable', message: 'The engine is starting.' }]);
  window.close();
});

for (const [what, request] of Object.entries({
  'a path without its slash': { method: 'GET', path: 'version' },
  'a whole address': { method: 'GET', path: 'http://example.org/' },
  'another host in the path': { method: 'GET', path: '//example.org/' },
  'a line break in the path': { method: 'GET', path: '/version HTTP/1.1\r\nHost: x' },
  'an unknown method': { method: 'CONNECT', path: '/' },
  'a header of the connection': { method: 'GET', path: '/', headers: { Upgrade: 'h2c' } },
  'a line break in a header': { method: 'GET', path: '/', headers: { 'X-A': 'a\r\nb: c' } },
  'a body that is no bytes': { method: 'POST', path: '/', body: { evil: true } },
  'an unknown field': { method: 'GET', path: '/', socketPath: '/run/docker.sock' },
  'no request at all': 42,
}))
  test(`${what} is refused before anything is sent`, async () => {
    const { transport, seen } = fakeTransport(chunks());
    const window = openWindow(request, () => transport);
    await window.until(() => window.answers.length > 0);
    assert.equal((window.answers[0] as { kind?: string }).kind, 'invalid');
    assert.deepEqual(seen, []);
    window.close();
  });

test('a message that is none of the bridge’s ends the stream', async () => {
  async function* source(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(1);
    await new Promise((resolve) => setTimeout(resolve, 60_000).unref());
  }
  const { transport, isCancelled } = fakeTransport(source());
  const window = openWindow({ method: 'GET', path: '/events' }, () => transport);
  await window.until(() => window.bytes() === 1);
  window.post({ type: 'credit', bytes: -5 });
  await window.until(() => last(window.answers)?.type === 'error');
  assert.ok(isCancelled());
  window.close();
});
