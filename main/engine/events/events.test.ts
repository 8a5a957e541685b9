import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Events } from './index.js';

const actions = (events: { Action: string }[]) => events.map(({ Action }) => Action);

async function collect(events: AsyncIterable<{ Action: string }>, count: number): Promise<string[]> {
  const seen: string[] = [];
  for await (const event of events) if (seen.push(event.Action) === count) break;
  return seen;
}

test('what happened is told in order, with moments that never repeat', () => {
  const events = new Events();
  for (let i = 0; i < 100; i++) events.publish('container', `step ${i}`, 'a', { name: 'web', image: 'debian' });
  const past = events.since({ since: 0 });
  assert.deepEqual(
    actions(past),
    Array.from({ length: 100 }, (_, i) => `step ${i}`),
  );
  assert.equal(new Set(past.map(({ timeNano }) => timeNano)).size, 100);
  assert.ok(past.every(({ time, timeNano }) => time === Math.floor(timeNano / 1e9)));
  assert.deepEqual([past[0]?.status, past[0]?.id, past[0]?.from], ['step 0', 'a', 'debian']);
});

test('the past is asked for by its beginning; without one there is none', () => {
  const events = new Events();
  events.publish('image', 'pull', 'debian:12');
  assert.deepEqual(events.since({}), []);
  const [pull] = events.since({ since: 0 });
  events.publish('image', 'untag', 'debian:12');
  assert.deepEqual(actions(events.since({ since: (pull?.timeNano ?? 0) + 256 })), ['untag']);
  assert.deepEqual(actions(events.since({ since: 0, until: pull?.timeNano })), ['pull']);
});

test('only so much of the past is kept', () => {
  const events = new Events();
  for (let i = 0; i < 300; i++) events.publish('container', `step ${i}`, 'a');
  assert.equal(events.since({ since: 0 }).length, 256);
  assert.equal(events.since({ since: 0 }).at(-1)?.Action, 'step 299');
});

test('a stream goes from the past into the present without a gap', async () => {
  const events = new Events();
  events.publish('container', 'create', 'a');
  const stream = events.stream({ since: 1 }, new AbortController().signal);
  const collected = collect(stream, 3);
  events.publish('container', 'start', 'a');
  setTimeout(() => events.publish('container', 'die', 'a'), 5);
  assert.deepEqual(await collected, ['create', 'start', 'die']);
});

test('a stream ends at its end, and when its reader leaves', async () => {
  const events = new Events();
  const until = (Date.now() + 20) * 1e6;
  assert.deepEqual(await collect(events.stream({ until }, new AbortController().signal), 1), []);
  const leaving = new AbortController();
  setTimeout(() => leaving.abort(), 5);
  assert.deepEqual(await collect(events.stream({}, leaving.signal), 1), []);
});

test('filters narrow by key and widen by value; an action is also found by its first word', () => {
  const events = new Events();
  events.publish('container', 'exec_start: sh', 'abcdef', { name: 'web', image: 'debian:12', tier: 'front' });
  events.publish('container', 'die', 'abcdef', { name: 'web', image: 'debian:12', exitCode: '0' });
  events.publish('image', 'pull', 'debian:12', { name: 'debian' });
  const found = (filters: Record<string, string[]>) => actions(events.since({ since: 0, filters }));
  assert.deepEqual(found({ type: ['image'] }), ['pull']);
  assert.deepEqual(found({ event: ['exec_start', 'pull'] }), ['exec_start: sh', 'pull']);
  assert.deepEqual(found({ container: ['web'], event: ['die'] }), ['die']);
  assert.deepEqual(found({ container: ['abc'] }), ['exec_start: sh', 'die']);
  assert.deepEqual(found({ label: ['tier=front'] }), ['exec_start: sh']);
  assert.deepEqual(found({ label: ['tier', 'exitCode'] }), []);
  assert.deepEqual(found({ image: ['debian'] }), ['exec_start: sh', 'die', 'pull']);
});

test('a listener that fails keeps the event from nobody', () => {
  const events = new Events();
  const heard: string[] = [];
  events.subscribe(() => {
    throw new Error('a broken listener, on purpose');
  });
  const subscription = events.subscribe(({ Action }) => heard.push(Action));
  events.publish('container', 'start', 'a');
  subscription[Symbol.dispose]();
  events.publish('container', 'die', 'a');
  assert.deepEqual(heard, ['start']);
});
