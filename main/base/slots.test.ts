import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { forEachOf } from './slots.js';

test('something is done for each, some at a time, and answered in their order', async () => {
  let running = 0;
  let most = 0;
  const done = await forEachOf([5, 1, 4, 2, 3], 2, async (turns) => {
    most = Math.max(most, ++running);
    await sleep(turns);
    running--;
    return turns;
  });
  assert.deepEqual([done, most, running], [[5, 1, 4, 2, 3], 2, 0]);
  assert.deepEqual(await forEachOf([], 2, () => Promise.resolve()), []);
});

test('one that fails keeps none from its turn, and is told once all have ended', async () => {
  const ended: string[] = [];
  const work = async (name: string) => {
    if (name === 'bad') throw new Error('not this one');
    await sleep(1);
    ended.push(name);
  };
  await assert.rejects(forEachOf(['a', 'bad', 'b', 'c'], 1, work), /not this one/);
  assert.deepEqual(ended, ['a', 'b', 'c']);
});
