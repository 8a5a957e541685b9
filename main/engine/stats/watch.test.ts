import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Watch } from './watch.js';

const PERIOD = 20;

function counting(until = Infinity) {
  const seen = { taken: 0, over: 0 };
  const take = () => Promise.resolve(seen.taken < until ? ++seen.taken : undefined);
  return { seen, watch: new Watch<number>(take, PERIOD, () => seen.over++) };
}

test('whoever joins shares the samples of who is there, and with the last who leaves nothing is sampled', async () => {
  const { seen, watch } = counting();
  {
    using first = watch.join();
    assert.equal(await first.next(), 1);
    {
      using second = watch.join();
      assert.deepEqual(await Promise.all([first.next(), second.next()]), [2, 2]);
    }
    assert.equal(await first.next(), 3);
    assert.equal(seen.over, 0);
  }
  assert.equal(seen.over, 1);
  await sleep(3 * PERIOD);
  assert.equal(seen.taken, 3);
  assert.equal(await watch.next(), undefined);
});

test('who reads slowly gets the newest sample, not all of them', async () => {
  const { seen, watch } = counting();
  using slow = watch.join();
  await slow.next();
  while (seen.taken < 4) await sleep(PERIOD);
  assert.ok(((await slow.next()) ?? 0) > 3);
});

test('it is over when there is nothing to look at any more, or when the watcher has gone', async () => {
  const { seen, watch } = counting(2);
  using ending = watch.join();
  assert.deepEqual([await ending.next(), await ending.next(), await ending.next()], [1, 2, undefined]);
  assert.equal(seen.over, 1);
  const { watch: endless } = counting();
  using left = endless.join();
  await left.next();
  const control = new AbortController();
  const next = left.next(control.signal);
  control.abort();
  assert.equal(await next, undefined);
});
