import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { inWords, requireRoom, roomOn } from './room.js';

test('sizes in words', () => {
  assert.deepEqual([0, 999, 1000, 1_234_567, 64_000_000, 1_200_000_000].map(inWords), [
    '0 B',
    '999 B',
    '1.0 kB',
    '1.2 MB',
    '64 MB',
    '1.2 GB',
  ]);
});

test('what fits is let through, what does not is refused with its numbers', async () => {
  const { free, keep, size } = await roomOn(tmpdir());
  assert.ok(free > 0 && keep > 0 && keep <= size / 50);
  await requireRoom(tmpdir(), { bytes: 0 }, 'nothing');
  await assert.rejects(requireRoom(tmpdir(), { bytes: 4 * size }, 'the image'), {
    kind: 'system',
    message:
      /^no space left on device: the image needs about [\d.]+ \wB, [\d.]+ \wB free on the disk that holds \S+ \([\d.]+ \wB of it are left alone\): /,
  });
});
