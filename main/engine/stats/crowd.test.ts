import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StatsTick } from '../../contract/stats.js';
import { Crowd } from './crowd.js';

const EVERY = 250;

/** This very process stands in for two containers; counts how often each is looked at. */
function crowd() {
  const looks: Record<string, number> = { a: 0, b: 0 };
  const running = new Set(['a', 'b']);
  const containers = {
    runningIds: () => [...running],
    glance: (id: string) => {
      looks[id] = (looks[id] ?? 0) + 0.5; // before and after a look
      return {
        name: id,
        image: { id: '', chainId: '' },
        pid: process.pid,
        ownNetwork: true,
        cgroup: 'nowhere/at-all',
        memoryLimit: 0,
      };
    },
  };
  return { crowd: new Crowd(containers), looks, running };
}

async function take(ticks: AsyncIterable<StatsTick>, count: number): Promise<StatsTick[]> {
  const seen: StatsTick[] = [];
  for await (const tick of ticks) if (seen.push(tick) === count) break;
  return seen;
}

test('however many watch at one pace, each container is looked at once', async ({ mock }) => {
  let clock = 0;
  mock.method(Date, 'now', () => ++clock);
  const { crowd: shared, looks } = crowd();
  const seen = await Promise.all(Array.from({ length: 5 }, () => take(shared.watch({ every: EVERY }), 3)));
  const first = seen[0]?.map(({ at }) => at);
  for (const each of seen)
    assert.deepEqual(
      each.map(({ at }) => at),
      first,
    );
  assert.equal(looks.a, 3);
});

test('a first look says no share of the processor, the next one does', async () => {
  const { crowd: shared } = crowd();
  const [first, second] = await take(shared.watch({ every: EVERY }), 2);
  assert.equal(first?.containers.a?.cpu, undefined);
  assert.ok((first?.containers.a?.memory ?? 0) > 0 && (first?.containers.a?.pids ?? 0) > 0);
  assert.equal(typeof second?.containers.a?.cpu, 'number');
});

test('only what is asked for is looked at, and what does not run is left out', async () => {
  const { crowd: shared, looks, running } = crowd();
  const ticks = shared.watch({ ids: new Set(['b', 'c']), every: EVERY });
  const seen: string[][] = [];
  for await (const { containers } of ticks) {
    seen.push(Object.keys(containers));
    running.delete('b');
    if (seen.length === 2) break;
  }
  assert.deepEqual(seen, [['b'], []]);
  assert.equal(looks.a, 0);
});

test('nobody is looked at while nobody waits, nor after the last has left', async () => {
  const { crowd: shared, looks } = crowd();
  const gone = new AbortController();
  const ticks = shared.watch({ every: EVERY, signal: gone.signal });
  await ticks.next();
  await sleep(3 * EVERY); // has not asked for another
  assert.equal(looks.a, 1);
  const next = ticks.next();
  gone.abort();
  assert.equal((await next).done, true);
  const before = looks.a;
  await sleep(3 * EVERY);
  assert.equal(looks.a, before);
});
