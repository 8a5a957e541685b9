import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Content } from './index.js';

const HOUR_MS = 3600_000;
const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

async function place(t: TestContext) {
  const root = await mkdtemp(join(tmpdir(), 'slipway-content-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const content = await Content.open({ root });
  const blobs = join(root, 'blobs/sha256');
  const put = async (letter: string, ageMs: number, directory = blobs) => {
    const path = join(directory, letter.repeat(64));
    await writeFile(path, letter);
    const then = new Date(Date.now() - ageMs);
    await utimes(path, then, then);
  };
  const letters = async () => (await readdir(blobs)).map((name) => name[0]).sort().join(''); // prettier-ignore
  return { root, content, put, letters, ingest: join(root, 'ingest') };
}

test('what no image needs goes once it is old; what is young, needed or held stays', async (t) => {
  const { content, put, letters } = await place(t);
  for (const [letter, ageMs] of [['a', 48], ['b', 1], ['c', 48], ['d', 48]] as const) await put(letter, ageMs * HOUR_MS); // prettier-ignore
  using lease = content.lease();
  lease.pin(digest('d'));
  const needed = (each: string) => each === digest('c');
  assert.deepEqual(await content.collect(needed), { blobs: 1, bytes: 1 });
  assert.equal(await letters(), 'bcd');
  assert.deepEqual(await content.collect(needed, HOUR_MS / 2), { blobs: 1, bytes: 1 });
  assert.equal(await letters(), 'cd');
});

test('a download that nobody goes on with goes too, one that has no digest yet only after a day', async (t) => {
  const { content, put, ingest } = await place(t);
  await put('a', HOUR_MS, ingest);
  const receiving = join(ingest, 'receive-0123456789abcdef');
  await writeFile(receiving, 'on its way');
  const then = new Date(Date.now() - HOUR_MS);
  await utimes(receiving, then, then);
  assert.deepEqual(await content.collect(() => false, HOUR_MS / 2), { blobs: 1, bytes: 1 });
  assert.deepEqual(await readdir(ingest), ['receive-0123456789abcdef']);
});

test('what became somebody’s while a list of goners was worked through stays', async (t) => {
  const { content, put, letters } = await place(t);
  for (const letter of ['a', 'b', 'c']) await put(letter, 0);
  const needed = new Set<string>();
  await content.remove([digest('a'), digest('b'), digest('c')], {
    unless: (each) => {
      if (each === digest('a')) needed.add(digest('b'));
      return needed.has(each);
    },
  });
  assert.equal(await letters(), 'b');
});

test('what is held by nobody is told as left over, what is here as a whole', async (t) => {
  const { content, put, ingest } = await place(t);
  await put('a', 0);
  await put('b', 0);
  await put('c', 0, ingest);
  const usage = await content.usage((each) => each === digest('a'));
  assert.deepEqual(usage, { blobs: 2, bytes: 3, leftover: { blobs: 2, bytes: 2 } });
});

test('a lease that was not heard of for a day holds nothing any more', async (t) => {
  const { content, put, letters } = await place(t);
  await put('a', 0);
  using lease = content.lease();
  lease.pin(digest('a'));
  await content.remove([digest('a')]);
  assert.equal(await letters(), 'a');
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 25 * HOUR_MS });
  await content.remove([digest('a')]);
  assert.equal(await letters(), '');
});
