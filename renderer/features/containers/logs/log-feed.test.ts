import { test } from 'node:test';
import assert from 'node:assert/strict';
import type { Client, LogsOptions, Output } from '../../../../main/client/index.js';
import { LogFeed } from './log-feed.js';

const stampAt = (index: number) => new Date(Date.UTC(2026, 10, 23) + index).toISOString().replace('Z', '000000Z');
const lines = (from: number, to: number): Output => ({
  stream: 'stdout',
  bytes: new TextEncoder().encode(
    Array.from({ length: to - from }, (_, index) => `${stampAt(from + index)} line ${from + index}\n`).join(''),
  ),
});

const settled = async () => {
  for (let round = 0; round < 20; round += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** Stands in for an engine that has written `written` lines, one each millisecond, and goes on without an end when `endless`. */
function fakeClient(written: number, endless = false) {
  const asked: LogsOptions[] = [];
  let given = written;
  async function* logs(_: string, options: LogsOptions, { signal }: { signal?: AbortSignal }): AsyncGenerator<Output> {
    asked.push(options);
    const milliseconds = (text: unknown) => Math.round(Number(text) * 1000) - Date.UTC(2026, 10, 23);
    if (options.until !== undefined) {
      yield lines(Math.max(0, milliseconds(options.since)), milliseconds(options.until) + 1);
      return;
    }
    const since = options.since === undefined ? given - Number(options.tail) : milliseconds(options.since);
    yield lines(Math.max(0, since), given);
    while (endless && !signal?.aborted) {
      yield lines(given, (given += 1000));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return {
    asked,
    given: () => given,
    write: (count: number) => void (given += count),
    client: { containers: { logs } } as unknown as Client,
  };
}

const frame = () => new Promise<void>((resolve) => setImmediate(resolve));
const words = (feed: LogFeed) => feed.view.shown.map(({ rule, text }) => rule ?? text);

test('reading further up brings earlier lines, once each, until there are no more', async () => {
  const { client } = fakeClient(5000);
  const feed = new LogFeed(client, 'x', frame);
  feed.open();
  await settled();
  assert.equal(words(feed)[0], 'line 3000');
  feed.setFollowing(false);
  for (let step = 0; step < 5; step += 1) await feed.loadEarlier();
  assert.deepEqual(
    words(feed),
    Array.from({ length: 5000 }, (_, index) => `line ${index}`),
  );
  assert.equal(feed.snapshot().earlier, 'none');
  feed.close();
});

test('after a restart the log goes on below a rule, without a gap and without a repetition', async () => {
  const engine = fakeClient(10);
  const feed = new LogFeed(engine.client, 'x', frame);
  feed.open();
  await settled();
  assert.equal(feed.snapshot().phase, 'ended');
  engine.write(2);
  feed.resume(stampAt(10));
  await settled();
  assert.deepEqual(words(feed).slice(-4), ['line 9', 'started', 'line 10', 'line 11']);
  feed.close();
});

test('a first run has no rule, and a second one has it where the first had ended', async () => {
  const { client } = fakeClient(10);
  const opened = async (run: { startedAt: string; finishedAt: string }) => {
    const feed = new LogFeed(client, 'x', frame);
    feed.open(run);
    await settled();
    feed.close();
    return words(feed);
  };
  // The engine says when it started a moment after the first lines were written.
  assert.ok(!(await opened({ startedAt: stampAt(3), finishedAt: '0001-01-01T00:00:00Z' })).includes('started'));
  assert.equal((await opened({ startedAt: stampAt(7), finishedAt: stampAt(3) }))[5], 'started');
});

test('a flood is bounded: who follows has the newest, who reads holds the source back and can go on', async () => {
  const engine = fakeClient(0, true);
  const feed = new LogFeed(engine.client, 'x', frame);
  feed.open();
  while (engine.given() < 200_000) await settled();
  assert.ok(feed.log.lines.length <= 60_000, `${feed.log.lines.length} lines`);
  assert.ok(feed.log.dropped > 100_000);

  feed.setFollowing(false);
  while (!feed.snapshot().held) await settled();
  const held = feed.log.lines.length;
  await settled();
  assert.ok(held <= 110_000, `${held} lines`);
  assert.equal(feed.log.lines.length, held);

  feed.setFollowing(true);
  await settled();
  assert.equal(feed.snapshot().held, false);
  assert.ok(words(feed).includes('skipped'));
  feed.close();
});
