import { test } from 'node:test';
import assert from 'node:assert/strict';
import { STREAM_WINDOW, type Bridge, type BridgeMessage } from '../main/contract/bridge.js';
import { bridgeTransport } from './bridge.js';

class FakeBridge {
  readonly sent: [verb: string, ...rest: unknown[]][] = [];
  #listener: (message: BridgeMessage) => void = () => undefined;
  open = (id: number, request: unknown) => void this.sent.push(['open', id, request]);
  write = (id: number, bytes: Uint8Array) => void this.sent.push(['write', id, bytes.length]);
  end = (id: number) => void this.sent.push(['end', id]);
  cancel = (id: number) => void this.sent.push(['cancel', id]);
  credit = (id: number, bytes: number) => void this.sent.push(['credit', id, bytes]);
  on = (listener: (message: BridgeMessage) => void) => void (this.#listener = listener);
  say = (message: BridgeMessage) => this.#listener(message);
  verbs = (verb: string) => this.sent.filter(([name]) => name === verb);
}

const setUp = () => {
  const bridge = new FakeBridge();
  return { bridge, transport: bridgeTransport(bridge as unknown as Bridge) };
};
const request = { method: 'GET', path: '/x' } as const;
const bytes = (text: string) => new TextEncoder().encode(text);

test('bytes are credited only when the reader comes back for more', async () => {
  const { bridge, transport } = setUp();
  const answer = transport.send(request);
  bridge.say({ id: 1, type: 'head', status: 200, headers: {} });
  const reader = (await answer).body[Symbol.asyncIterator]();
  bridge.say({ id: 1, type: 'data', bytes: bytes('abc') });
  bridge.say({ id: 1, type: 'data', bytes: bytes('de') });
  assert.equal((await reader.next()).value?.length, 3);
  assert.deepEqual(bridge.verbs('credit'), []);
  assert.equal((await reader.next()).value?.length, 2);
  assert.deepEqual(bridge.verbs('credit'), [['credit', 1, 3]]);
  bridge.say({ id: 1, type: 'end' });
  assert.equal((await reader.next()).done, true);
});

test('leaving a body early cancels the request', async () => {
  const { bridge, transport } = setUp();
  const answer = transport.send(request);
  bridge.say({ id: 1, type: 'head', status: 200, headers: {} });
  bridge.say({ id: 1, type: 'data', bytes: bytes('abc') });
  for await (const chunk of (await answer).body) if (chunk) break;
  assert.deepEqual(bridge.verbs('cancel'), [['cancel', 1]]);
});

test('an aborted signal cancels and rejects', async () => {
  const { bridge, transport } = setUp();
  const abort = new AbortController();
  const answer = transport.send(request, { signal: abort.signal });
  abort.abort();
  await assert.rejects(answer, { name: 'AbortError' });
  assert.deepEqual(bridge.verbs('cancel'), [['cancel', 1]]);
});

test('an error before the head rejects with its kind', async () => {
  const { bridge, transport } = setUp();
  const answer = transport.send(request);
  bridge.say({ id: 1, type: 'error', kind: 'unavailable', message: 'the engine is starting' });
  await assert.rejects(answer, { kind: 'unavailable', message: 'the engine is starting' });
});

test('a write is done when the other side says it has written that much', async () => {
  const { bridge, transport } = setUp();
  const upgraded = transport.upgrade({ method: 'POST', path: '/x' });
  bridge.say({ id: 1, type: 'head', status: 101, headers: {} });
  const stream = await upgraded;
  const done: number[] = [];
  const writes = [stream.write(bytes('abcd')), stream.write(bytes('ef'))].map((write, index) =>
    write.then(() => done.push(index)),
  );
  bridge.say({ id: 1, type: 'written', bytes: 5 });
  await writes[0];
  assert.deepEqual(done, [0]);
  bridge.say({ id: 1, type: 'written', bytes: 1 });
  await Promise.all(writes);
  assert.deepEqual(done, [0, 1]);
});

test('a refused upgrade says the engine’s reason', async () => {
  const { bridge, transport } = setUp();
  const upgraded = transport.upgrade({ method: 'POST', path: '/x' });
  bridge.say({ id: 1, type: 'head', status: 409, headers: {} });
  bridge.say({ id: 1, type: 'data', bytes: bytes('{"message":"container is not running"}') });
  bridge.say({ id: 1, type: 'end' });
  await assert.rejects(upgraded, { kind: 'conflict', message: 'container is not running' });
});

test('input waits while a whole window of it is under way, and the end waits for the input', async () => {
  const { bridge, transport } = setUp();
  const upgraded = transport.upgrade({ method: 'POST', path: '/x' });
  bridge.say({ id: 1, type: 'head', status: 101, headers: {} });
  const stream = await upgraded;
  const written = stream.write(new Uint8Array(STREAM_WINDOW + 10));
  stream.end();
  const posted = () => bridge.verbs('write').reduce((sum, [, , length]) => sum + Number(length), 0);
  assert.equal(posted(), STREAM_WINDOW);
  assert.equal(bridge.verbs('end').length, 0);
  bridge.say({ id: 1, type: 'written', bytes: STREAM_WINDOW });
  assert.equal(posted(), STREAM_WINDOW + 10);
  assert.equal(bridge.verbs('end').length, 1);
  bridge.say({ id: 1, type: 'written', bytes: 10 });
  await written;
});
