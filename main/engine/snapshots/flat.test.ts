import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Store } from '../../base/store.js';
import { Snapshots } from './index.js';

test('a layer that was unpacked again is copied again for containers that are copies of all files', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'slipway-flat-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const openStore = () => Store.open(join(root, 'slipway.db'), Snapshots.tables);
  const store = await openStore();
  const helper = {
    discard: (path: string) => rm(path, { recursive: true, force: true }),
    async flatten({ lower, target }: { lower: string[]; target: string }) {
      await mkdir(target);
      const texts = await Promise.all(lower.map((path) => readFile(join(path, 'text'), 'utf8')));
      await writeFile(join(target, 'text'), texts.join(' '));
    },
  };
  const snapshots = await Snapshots.open({ root, store, helper, driver: 'vfs' });
  const unpack = async (text: string) => {
    const draft = await snapshots.draft();
    await mkdir(draft.path);
    await writeFile(join(draft.path, 'text'), text);
    return draft;
  };
  for (const [chainId, parent] of [
    ['one', null],
    ['two', 'one'],
  ] as const) {
    const { number } = await unpack(chainId);
    await store.commit((change) => snapshots.commit(change, { chainId, parent, diffId: '', number, size: 3 }));
  }
  await snapshots.prepare('box', 'two');
  await store.commit((change) => snapshots.keep(change, 'box'));
  const below = async () => readFile(join(snapshots.mountsOf('box').lower[0] as string, 'text'), 'utf8');
  assert.equal(await below(), 'two one');
  assert.deepEqual(snapshots.copies(), { Count: 1, Size: 6 });

  const before = snapshots.get('one');
  const { number } = await unpack('mended');
  await store.commit((change) => snapshots.amend(change, 'one', { number, print: 'x' }));
  await snapshots.flattenAgain('one');
  await snapshots.dropAll([before as NonNullable<typeof before>]);
  assert.equal(await below(), 'two mended');
  // Who is being copied from the old one still can be; then it goes.
  assert.equal((await readdir(join(root, 'layers'))).length, 4);
  assert.deepEqual(await snapshots.strays(), []);
  await store.close();
  const again = await openStore();
  t.after(() => again.close());
  const next = await Snapshots.open({ root, store: again, helper, driver: 'vfs' });
  assert.equal((await readdir(join(root, 'layers'))).length, 3);
  assert.deepEqual(next.copies(), { Count: 1, Size: 6 });
});
