import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Bin, limitOn, type BinOptions } from './index.js';

const MINUTE = 60_000;

/** A bin with things of one byte that were removed one after the other; those in `stuck` cannot go. */
function place(t: TestContext, names: string[], options: BinOptions = {}) {
  const bin = new Bin(options);
  t.after(() => bin.close());
  const items = new Map(names.map((id, index) => [id, new Date(Date.now() + index)]));
  const stuck = new Set<string>();
  let tries = 0;
  bin.add({
    binned: () =>
      [...items].map(([id, removed]) => {
        return { id, name: id, removed: removed.toISOString(), until: bin.untilFrom(removed), size: 1 };
      }),
    contents: () => ({}),
    restore: () => Promise.reject(new Error('not here')),
    purge: (id) => {
      tries += 1;
      if (stuck.has(id)) return Promise.reject(new Error(`${id} is stuck`));
      const there = items.delete(id);
      bin.wind();
      return Promise.resolve(there);
    },
  });
  return { bin, stuck, left: () => [...items.keys()], tries: () => tries };
}

async function until(what: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !what(); i++) await new Promise((resolve) => setTimeout(resolve, 2));
  assert.ok(what(), 'it does not come');
}

test('what is due goes although something before it cannot, and that is tried again after a while', async (t) => {
  const { bin, stuck, left, tries } = place(t, ['one', 'two'], { keepMs: 0, retryMs: 50 });
  stuck.add('one');
  bin.open();
  await until(() => left().join() === 'one');
  const before = tries();
  await until(() => tries() > before);
  stuck.clear();
  await until(() => left().length === 0);
});

test('what cannot go is not tried over and over', async (t) => {
  const { bin, stuck, left, tries } = place(t, ['one', 'two'], { keepMs: -MINUTE });
  stuck.add('one');
  bin.open();
  await until(() => left().join() === 'one');
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 1));
  bin.wind();
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.ok(tries() <= 3, `${tries()} tries`);
});

test('emptied by hand, all that can go goes, and what could not is told', async (t) => {
  const { bin, stuck, left } = place(t, ['one', 'two', 'three']);
  stuck.add('one');
  await assert.rejects(bin.empty(), /one is stuck/);
  assert.deepEqual(left(), ['one']);
});

test('above the limit the next oldest goes where the oldest cannot', async (t) => {
  const { bin, stuck, left } = place(t, ['one', 'two', 'three'], { limit: 2 });
  bin.open();
  stuck.add('one');
  await bin.trim();
  assert.deepEqual(left(), ['one', 'three']);
});

test('it may take a tenth of a disk, half of what is free, and of a small one 2 GiB', () => {
  assert.equal(limitOn({ size: 10 ** 12, free: 10 ** 12 }), 10 ** 11);
  assert.equal(limitOn({ size: 10 ** 12, free: 10 ** 10 }), 5 * 10 ** 9);
  assert.equal(limitOn({ size: 2 ** 33, free: 2 ** 33 }), 2 ** 31);
});
