import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { notFound } from '../../base/errors.js';
import { digestOf } from './digest.js';
import { Content, type BlobSource } from './index.js';

async function open(t: TestContext): Promise<Content> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-content-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  return Content.open({ root, backOffMs: 1 });
}

const bytes = Buffer.from('the same, wherever it comes from');
const blob = { digest: digestOf(bytes), size: bytes.length };
const good: BlobSource = (offset) =>
  Promise.resolve({
    offset,
    body: (async function* () {
      yield bytes.subarray(offset);
    })(),
  });

test('a blob that two want comes once; where the one source fails the other is asked', async (t) => {
  const content = await open(t);
  let fail!: () => void;
  const failure = new Promise<never>((_, reject) => (fail = () => reject(notFound('not there'))));
  const bad = content.fetch(blob, () => failure);
  bad.catch(() => undefined);
  while (!content.arriving(blob.digest)) await new Promise((go) => setImmediate(go));
  let times = 0;
  const counted: BlobSource = (...at) => (times++, good(...at));
  const others = [content.fetch(blob, counted), content.fetch(blob, counted)];
  for (const other of others) other.catch(() => undefined);
  await content.size(blob.digest); // they ask that first, too
  fail();
  await assert.rejects(bad, { message: 'not there' });
  await Promise.all(others);
  assert.equal(times, 1);
  assert.equal(await content.size(blob.digest), bytes.length);
});

test('a source that fails is asked once, by whom it belongs to', async (t) => {
  const content = await open(t);
  let times = 0;
  const bad: BlobSource = () => (times++, Promise.reject(notFound('not there')));
  const all = await Promise.allSettled([content.fetch(blob, bad), content.fetch(blob, bad)]);
  assert.deepEqual(
    all.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.equal(times, 2);
});
