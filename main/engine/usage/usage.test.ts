import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from '../../base/store.js';
import { Usage } from './index.js';

/** Rows that outlive a room. */
class FakeStore {
  readonly kept = new Map<string, unknown>();

  rows<Row>(): Map<string, Row> {
    return new Map(this.kept) as Map<string, Row>;
  }

  commit(build: (change: Change) => void): Promise<void> {
    build({
      put: (_, key, record) => void this.kept.set(key, record),
      remove: (_, key) => void this.kept.delete(key),
      undo: () => undefined,
      urgent: () => undefined,
      passing: () => undefined,
    });
    return Promise.resolve();
  }
}

function place() {
  const store = new FakeStore();
  const counted: string[] = [];
  const sizes = new Map<string, number>();
  let hold: Promise<void> = Promise.resolve();
  const helper = {
    async usage(path: string) {
      counted.push(path);
      await hold;
      const bytes = sizes.get(path);
      if (bytes === undefined) throw new Error('No such file or directory');
      return { bytes, entries: 1 };
    },
  };
  return {
    ...{ store, counted, sizes },
    open: () => new Usage({ root: '/data', store, helper }),
    holdUp: () => {
      let go = (): void => undefined;
      hold = new Promise((resolve) => (go = resolve));
      return () => go();
    },
  };
}

test('what was counted is remembered, by the next engine too, and not counted again at once', async () => {
  const { open, sizes, counted } = place();
  sizes.set('/data/containers/a/upper', 5);
  const usage = open();
  assert.equal((await usage.recall('/data/containers/a/upper'))?.bytes, 5);
  assert.equal((await usage.recall('/data/containers/a/upper'))?.bytes, 5);
  assert.equal((await open().recall('/data/containers/a/upper'))?.bytes, 5);
  assert.equal(counted.length, 1);
});

test('who asks for it now has it counted now, once for all who do', async () => {
  const { open, sizes, counted } = place();
  sizes.set('/data/x', 5);
  const usage = open();
  await usage.recall('/data/x');
  sizes.set('/data/x', 7);
  const both = await Promise.all([usage.measure('/data/x'), usage.measure('/data/x')]);
  assert.deepEqual(
    both.map(({ bytes }) => bytes),
    [7, 7],
  );
  assert.equal(counted.length, 2);
});

test('what takes its time to be counted is not waited for, and is there later', async () => {
  const { open, sizes, holdUp } = place();
  sizes.set('/data/x', 5);
  const go = holdUp();
  const usage = open();
  assert.equal(await usage.recall('/data/x'), undefined);
  assert.equal(usage.counting, true);
  go();
  while (usage.counting) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(usage.known('/data/x')?.bytes, 5);
});

test('what is gone counts as not known, and what is forgotten is counted anew', async () => {
  const { open, sizes, store } = place();
  const usage = open();
  assert.equal(await usage.recall('/data/gone'), undefined);
  sizes.set('/data/x', 5);
  await usage.recall('/data/x');
  await usage.forget(['/data/x', '/data/never']);
  assert.deepEqual([usage.known('/data/x'), store.kept.size, usage.paths()], [undefined, 0, []]);
});

test('what was changed through us is counted again for who asks next, however lately it was, and behind him where it takes its time', async () => {
  const { open, sizes, counted, holdUp } = place();
  sizes.set('/data/x', 5);
  const usage = open();
  await usage.recall('/data/x');
  sizes.set('/data/x', 7);
  usage.outdate(['/data/x', '/data/never']);
  assert.equal((await usage.recall('/data/x'))?.bytes, 7);
  assert.equal((await usage.recall('/data/x'))?.bytes, 7);
  assert.deepEqual(counted, ['/data/x', '/data/x']);
  const go = holdUp();
  sizes.set('/data/x', 8);
  usage.outdate(['/data/x']);
  assert.equal((await usage.recall('/data/x', 1))?.bytes, 7);
  go();
  while (usage.counting) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(usage.known('/data/x')?.bytes, 8);
});

test('what is changed through us while it is counted is counted once more', async () => {
  const { open, sizes, counted, holdUp } = place();
  sizes.set('/data/x', 5);
  const usage = open();
  const go = holdUp();
  const asked = usage.recall('/data/x');
  while (counted.length === 0) await new Promise((resolve) => setImmediate(resolve));
  usage.outdate(['/data/x']);
  go();
  await asked;
  assert.deepEqual(counted, ['/data/x', '/data/x']);
});
