import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from '../../base/store.js';
import type { VolumeBackup } from '../../contract/volume-data.js';
import { Schedules } from './schedules.js';

const HOUR = 3600_000;

/** Volumes by when they were made, backups that cost nothing, and a clock that is set by hand. */
function place() {
  const rows = new Map<string, unknown>();
  const world = {
    now: Date.parse('2026-01-01T00:00:00Z'),
    volumes: new Map([['data', 'once']]),
    made: [] as { volume: string; volumeMade: string | undefined; id: string }[],
    beforeMake: () => Promise.resolve(),
    failure: undefined as string | undefined,
  };
  const commit = (build: (change: Change) => void): Promise<void> => {
    build({
      put: (_, key, record) => rows.set(key, record),
      remove: (_, key) => rows.delete(key),
      ...{ undo: () => undefined, urgent: () => undefined, passing: () => undefined },
    });
    return Promise.resolve();
  };
  const look = (name: string) => ({ record: { name, created: world.volumes.get(name) } });
  const volumes = { look, has: (name: string) => world.volumes.has(name), announce: () => undefined };
  let last = 0;
  const open = () =>
    new Schedules({ store: { rows: () => new Map(rows), commit }, volumes, now: () => world.now } as never, {
      make: async (volume) => {
        await world.beforeMake();
        if (world.failure) throw new Error(world.failure);
        world.made.unshift({ volume, volumeMade: world.volumes.get(volume), id: String(++last) });
        return {} as VolumeBackup;
      },
      made: (volume, volumeMade) =>
        world.made
          .filter((one) => one.volume === volume && one.volumeMade === volumeMade)
          .map(({ id }) => ({ Id: id }) as VolumeBackup),
      remove: (id) => {
        world.made = world.made.filter((one) => one.id !== id);
        return Promise.resolve();
      },
    });
  return { world, rows, open };
}

const every = (hours: number, Keep = 2) => ({ Every: hours, Keep, Pause: false });

test('a backup is made when it is due, and as many stay as were asked for', async () => {
  const { world, open } = place();
  const schedules = open();
  await schedules.set('data', every(6));
  await schedules.turn();
  assert.equal(world.made.length, 0);
  for (let i = 0; i < 3; i++) {
    world.now += 6 * HOUR;
    await schedules.turn();
    await schedules.turn();
  }
  assert.deepEqual(
    world.made.map(({ id }) => id),
    ['3', '2'],
  );
});

test('what was missed while there was no engine is made once, and the hour stays the same', async () => {
  const { world, open } = place();
  await open().set('data', every(24));
  world.now += 100 * HOUR;
  const next = open();
  await next.turn();
  assert.equal(world.made.length, 1);
  assert.equal(next.of('data')?.Next, '2026-01-06T00:00:00.000Z');
});

test('a failure is told until one succeeds, and the next is not put off for ever', async () => {
  const { world, open } = place();
  const schedules = open();
  await schedules.set('data', every(1));
  world.now += HOUR;
  world.failure = 'no space left on device';
  await schedules.turn();
  assert.deepEqual(schedules.of('data'), {
    ...every(1),
    ...{ Next: '2026-01-01T02:00:00.000Z', Problem: 'no space left on device' },
  });
  world.now += HOUR;
  world.failure = undefined;
  await schedules.turn();
  assert.equal(schedules.of('data')?.Problem, null);
});

test('a volume in the bin waits, and another one of its name has no schedule', async () => {
  const { world, rows, open } = place();
  const schedules = open();
  await schedules.set('data', every(1));
  world.volumes.delete('data');
  world.now += 5 * HOUR;
  await schedules.turn();
  assert.deepEqual([world.made.length, rows.size, schedules.of('data')], [0, 1, null]);
  world.volumes.set('data', 'another time');
  assert.equal(schedules.of('data'), null);
  await schedules.turn();
  assert.deepEqual([world.made.length, rows.size], [0, 0]);
});

test('what makes no sense is refused, and keeping more puts nothing off', async () => {
  const { world, open } = place();
  const schedules = open();
  for (const wrong of [every(0), every(8761), every(1.5), every(1, 0), every(1, 1001)])
    await assert.rejects(schedules.set('data', wrong), { kind: 'invalid' });
  const { Next } = await schedules.set('data', every(24));
  world.now += HOUR;
  assert.equal((await schedules.set('data', every(24, 5))).Next, Next);
  await schedules.remove('data');
  assert.equal(schedules.of('data'), null);
});

test('a clock that was ahead once stops no schedule', async () => {
  const { world, open } = place();
  const right = world.now;
  world.now = Date.parse('2099-01-01T00:00:00Z');
  const schedules = open();
  await schedules.set('data', every(24));
  world.now = right;
  await schedules.turn();
  assert.deepEqual([world.made.length, schedules.of('data')?.Next], [1, '2026-01-02T00:00:00.000Z']);
  await schedules.turn();
  assert.equal(world.made.length, 1);
  world.now += 24 * HOUR;
  await schedules.turn();
  assert.deepEqual([world.made.length, schedules.of('data')?.Next], [2, '2026-01-03T00:00:00.000Z']);
});

test('the backups of a volume that is gone are not thinned by another one of its name', async () => {
  const { world, open } = place();
  const schedules = open();
  const due = async () => {
    world.now += HOUR;
    await schedules.turn();
  };
  await schedules.set('data', every(1));
  for (let i = 0; i < 3; i++) await due();
  world.volumes.set('data', 'another time');
  await schedules.set('data', every(1));
  for (let i = 0; i < 3; i++) await due();
  assert.deepEqual(
    world.made.map(({ id }) => id),
    ['6', '5', '3', '2'],
  );
});

test('closing waits until what is being made is written down', async () => {
  const { world, rows, open } = place();
  const schedules = open();
  await schedules.set('data', every(1));
  world.now += HOUR;
  let make!: () => void;
  world.beforeMake = () => new Promise((resolve) => (make = resolve));
  void schedules.turn();
  await new Promise((resolve) => setImmediate(resolve));
  const closed = schedules.close().then(() => (rows.get('data') as { next: number }).next);
  make();
  assert.equal(await closed, world.now + HOUR);
});
