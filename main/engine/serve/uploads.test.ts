import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Content } from '../content/index.js';
import { Uploads } from './uploads.js';

const MINUTES = 60_000;
const sha256 = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;

async function* once(text: string) {
  yield Buffer.from(text);
}

async function opened(t: TestContext) {
  const root = await mkdtemp(join(tmpdir(), 'slipway-uploads-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const content = await Content.open({ root });
  t.mock.timers.enable({ apis: ['Date', 'setInterval'], now: Date.now() });
  const dropped: string[] = [];
  const uploads = new Uploads(content, async (digests) => {
    dropped.push(...digests);
    await content.remove(digests);
  });
  t.after(() => uploads.close());
  const bring = async (name: string, text: string) => {
    const id = await uploads.begin(name);
    await uploads.append(name, id, once(text));
    await uploads.finish(name, id, sha256(text));
  };
  return { content, uploads, bring, dropped };
}

test('what waits for its manifest does so while its repository is being brought to, and a quarter of an hour longer', async (t) => {
  const { content, uploads, bring, dropped } = await opened(t);
  await bring('app', 'first');
  await bring('other', 'elsewhere');
  for (const text of ['second', 'third']) {
    t.mock.timers.tick(14 * MINUTES);
    await bring('app', text);
  }
  {
    // One large layer on a thin line.
    using _ = uploads.bringing('app');
    t.mock.timers.tick(50 * MINUTES);
  }
  for (const text of ['first', 'second', 'third']) {
    assert.ok(uploads.has('app', sha256(text)), text);
    assert.notEqual(await content.size(sha256(text)), undefined, text);
  }
  assert.ok(!uploads.has('other', sha256('elsewhere')));
  t.mock.timers.tick(20 * MINUTES);
  while (dropped.length < 4) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(!uploads.has('app', sha256('first')));
});

test('what a manifest has named waits a quarter of an hour for a next one, whatever else comes', async (t) => {
  const { uploads, bring } = await opened(t);
  await bring('app', 'first');
  await bring('app', 'second');
  uploads.named('app', [sha256('first'), sha256('what is no upload')]);
  t.mock.timers.tick(10 * MINUTES);
  await bring('app', 'third');
  assert.ok(uploads.has('app', sha256('first')));
  t.mock.timers.tick(10 * MINUTES);
  await bring('app', 'fourth');
  assert.ok(!uploads.has('app', sha256('first')));
  assert.ok(uploads.has('app', sha256('second')));
});
