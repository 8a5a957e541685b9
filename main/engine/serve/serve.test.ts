import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Store } from '../../base/store.js';
import { Content } from '../content/index.js';
import type { Shelf } from '../images/index.js';
import { Serve } from './index.js';

test('what is left out of a change is as it was: who asked for a token is not served to everybody after it', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'slipway-serve-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const store = await Store.open(join(root, 'slipway.db'), Serve.tables);
  const content = await Content.open({ root });
  const images = { shelf: {} as Shelf, removeUnused: () => Promise.resolve() };
  const serve = await Serve.open({ store, content, images });
  try {
    const first = await serve.start({ address: '127.0.0.1:0', token: true });
    const { token, serving } = await serve.start({ writable: true });
    assert.deepEqual(serving, { ...first.serving, writable: true, token: true });
    assert.ok(token !== undefined && token !== first.token);
    const open = await serve.start({ token: false });
    assert.deepEqual([open.serving?.token, open.token], [false, undefined]);
  } finally {
    await serve.close();
    await store.close();
  }
});
