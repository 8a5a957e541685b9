import { test } from 'node:test';
import assert from 'node:assert/strict';
import { advance, noProgress, share, Speed, sums } from './pull-progress.js';
import type { Progress } from '../../main/contract/images.js';

const after = (...lines: Progress[]) => lines.reduce(advance, noProgress);
const a = 'a3ed95caeb02';
const b = 'b1ed95caeb02';

test('a layer goes from waiting to done and keeps its size', () => {
  const progress = after(
    { status: 'Pulling from library/debian', id: '12' },
    { status: 'Pulling fs layer', id: a },
    { status: 'Downloading', id: a, progressDetail: { current: 40, total: 100 } },
    { status: 'Download complete', id: a },
    { status: 'Extracting', id: a, progressDetail: { current: 10, total: 100 } },
    { status: 'Pull complete', id: a },
  );
  assert.deepEqual(progress.layers, [{ id: a, phase: 'done', current: 100, total: 100 }]);
  assert.equal(share(progress), 1);
});

test('the tag line is not a layer', () => {
  assert.deepEqual(after({ status: 'Pulling from library/debian', id: 'latest' }).layers, []);
});

test('layers that were here already count neither as bytes nor as work', () => {
  const progress = after(
    { status: 'Already exists', id: a },
    { status: 'Downloading', id: b, progressDetail: { current: 50, total: 100 } },
  );
  assert.deepEqual(sums(progress), { current: 50, total: 100, sized: true });
  assert.equal(share(progress), 0.45);
});

test('an error line is kept as the reason', () => {
  assert.equal(
    after({ error: 'x', errorDetail: { message: 'no space left on device' } }).error,
    'no space left on device',
  );
});

test('digest and summary come from the last lines', () => {
  const progress = after({ status: 'Digest: sha256:00' }, { status: 'Status: Image is up to date for x' });
  assert.equal(progress.digest, 'sha256:00');
  assert.equal(progress.summary, 'Image is up to date for x');
});

test('a retry keeps what was moved', () => {
  const progress = after(
    { status: 'Downloading', id: a, progressDetail: { current: 60, total: 100 } },
    { status: 'Retrying in 1 second', id: a },
  );
  assert.deepEqual(progress.layers[0], { id: a, phase: 'retrying', current: 60, total: 100 });
});

test('speed looks at the last seconds only', () => {
  const speed = new Speed(1000);
  speed.sample(0, 0);
  assert.equal(speed.sample(500, 1000), 2000);
  speed.sample(1400, 1000);
  assert.equal(speed.sample(2400, 1000), 0);
});
