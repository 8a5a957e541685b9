import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { endsWithin } from './live.js';

test('who is given months to end has them', async () => {
  const ended = new Promise<void>(() => undefined);
  const late = endsWithin({ ended }, 2 ** 31 + 1000).then(() => 'killed');
  assert.equal(await Promise.race([late, sleep(50, 'waiting')]), 'waiting');
  assert.equal(await endsWithin({ ended }, 1), false);
});
