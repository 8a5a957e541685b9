import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conflict } from '../../base/errors.js';
import type { Change } from '../../base/store.js';
import { Writes } from '../volumes/writes.js';
import { Writers } from './writers.js';

/** Containers that write to the volumes that they have, and take as long to stand still as a test wants. */
function place(has: Record<string, string[]>) {
  const paused = new Set<string>();
  const rows = new Set<string>();
  const world = {
    beforePause: () => Promise.resolve(),
    beforeUnpause: () => Promise.resolve(),
  };
  const commit = (build: (change: Change) => void): Promise<void> => {
    build({
      put: (_, key) => rows.add(key),
      remove: (_, key) => rows.delete(key),
      ...{ undo: () => undefined, urgent: () => undefined, passing: () => undefined },
    });
    return Promise.resolve();
  };
  const containers = {
    runningWith: (volume: string) =>
      Promise.resolve(
        Object.keys(has)
          .filter((id) => has[id]?.includes(volume))
          .map((id) => ({ id, name: id, paused: paused.has(id), writes: true })),
      ),
    pause: async (id: string) => {
      await world.beforePause();
      if (paused.has(id)) throw conflict(`Container ${id} is already paused`);
      paused.add(id);
    },
    unpause: async (id: string) => {
      await world.beforeUnpause();
      if (!paused.delete(id)) throw conflict(`Container ${id} is not paused`);
    },
  };
  const writes = new Writes();
  const volumes = { writesOf: (name: string) => writes.of(name) };
  const writers = new Writers({ store: { rows: () => new Map(), commit }, containers, volumes } as never);
  const still = (volume: string) => writers.still(volume, true, { report: () => undefined });
  const copy = (volume: string) => writers.still(volume, false, { report: () => undefined });
  return { has, world, paused, rows, writes, still, copy };
}

/** Everything that is under way has come as far as it can. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a container with two volumes stands still until both tasks are done, whichever comes when', async () => {
  const { world, paused, rows, still } = place({ web: ['one', 'two'] });
  let pause!: () => void;
  const pausing = new Promise<void>((resolve) => (pause = resolve));
  world.beforePause = () => pausing;
  const first = still('one');
  await settled();
  let early = true;
  const second = still('two').then((stillness) => {
    early = !paused.has('web');
    return stillness;
  });
  await settled();
  pause();
  const [one, two] = await Promise.all([first, second]);
  assert.deepEqual([early, one.paused, two.paused], [false, true, true]);
  await one[Symbol.asyncDispose]();
  assert.deepEqual([...paused], ['web']);
  await two[Symbol.asyncDispose]();
  assert.deepEqual([paused.size, rows.size], [0, 0]);
});

test('who comes while a container is let go has it stand still again', async () => {
  const { world, paused, still } = place({ web: ['one', 'two'] });
  const one = await still('one');
  let letGo!: () => void;
  const going = new Promise<void>((resolve) => (letGo = resolve));
  world.beforeUnpause = () => going;
  const gone = one[Symbol.asyncDispose]();
  await settled();
  const second = still('two');
  await settled();
  letGo();
  await gone;
  const two = await second;
  assert.deepEqual([two.paused, [...paused]], [true, ['web']]);
  await two[Symbol.asyncDispose]();
  assert.equal(paused.size, 0);
});

test('whom a person pauses just then is not let go by us', async () => {
  const { world, paused, rows, still } = place({ web: ['one'] });
  world.beforePause = () => {
    paused.add('web');
    return Promise.resolve();
  };
  const one = await still('one');
  assert.equal(one.paused, false);
  await one[Symbol.asyncDispose]();
  assert.deepEqual([[...paused], rows.size], [['web'], 0]);
});

test('who wrote for a moment while it was copied is noticed, and who writes to another volume is not', async () => {
  const { writes, copy } = place({});
  const quiet = await copy('one');
  writes.begin(['two'])[Symbol.dispose]();
  assert.equal(await quiet.check(), true);
  writes.begin(['one'])[Symbol.dispose]();
  assert.equal(await quiet.check(), false);
});

test('who was at it when the copy began, or ran then and has ended, is noticed', async () => {
  const { has, writes, copy } = place({ web: ['one'] });
  const whileItRan = await copy('one');
  delete has['web'];
  assert.equal(await whileItRan.check(), false);
  const upload = writes.begin(['one']);
  const whileUploaded = await copy('one');
  upload[Symbol.dispose]();
  assert.deepEqual([await whileUploaded.check(), await (await copy('one')).check()], [false, true]);
});
