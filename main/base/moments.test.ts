import assert from 'node:assert/strict';
import { test } from 'node:test';
import { momentOf } from './moments.js';

test('a moment is unix seconds, a date, or so long ago', () => {
  assert.equal(momentOf('1.5'), 1500);
  assert.equal(momentOf('2026-01-01T00:00:00Z'), 1767225600000);
  const before = Date.now();
  const moment = momentOf('1h1m1s500ms') + 3_661_500;
  assert.ok(before <= moment && moment <= Date.now(), String(moment - before));
  for (const wrong of ['x', '1x', '', 'h', '1h x'])
    assert.throws(() => momentOf(wrong), {
      kind: 'invalid',
      message: `failed to parse value as time or duration: ${JSON.stringify(wrong)}`,
    });
});
