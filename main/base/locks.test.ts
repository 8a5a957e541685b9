import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Locks } from './locks.js';

test('takers of one name go one after another, in the order they came', async () => {
  const locks = new Locks();
  const order: number[] = [];
  await Promise.all(
    [1, 2, 3].map(async (n) => {
      using _ = await locks.take('a');
      await new Promise((resolve) => setTimeout(resolve, 5 - n));
      order.push(n);
    }),
  );
  assert.deepEqual(order, [1, 2, 3]);
});

test('takers of several names in different orders do not deadlock', async () => {
  const locks = new Locks();
  const both = async (...keys: string[]) => {
    using _ = await locks.take(...keys);
    await new Promise((resolve) => setImmediate(resolve));
  };
  await Promise.all(Array.from({ length: 50 }, (_, n) => (n % 2 ? both('a', 'b') : both('b', 'a', 'b'))));
});
