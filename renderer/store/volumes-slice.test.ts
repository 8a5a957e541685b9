import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, type Client } from '../../main/client/index.js';
import type { ContainerSummary } from '../../main/contract/containers.js';
import type { VolumeOverview, VolumeProgress } from '../../main/contract/volume-data.js';
import { createEngineStore } from './index.js';
import { kindOfVolume, usersAreTold, usersByVolume } from './volumes-slice.js';

/** Stands in for an engine with one volume. */
function fake(can: string[] | undefined) {
  const asked: string[] = [];
  const backups: { name: string; resolve(made: object): void; reject(error: Error): void }[] = [];
  let counting = true;
  const clone = async (
    _name: string,
    _body: object,
    { signal, onProgress }: { signal: AbortSignal; onProgress(progress: VolumeProgress): void },
  ) => {
    onProgress({ Stage: 'copying', Bytes: 5, Total: 10 });
    await new Promise((resolve) => setTimeout(resolve, 5));
    signal.throwIfAborted();
    return { Name: 'copy', How: 'reflink', Files: 1, Size: 10 };
  };
  const client = {
    volumes: {
      list: async () => {
        asked.push('list');
        return { Volumes: [{ Name: 'db', CreatedAt: 'then', Labels: null, Options: null, Mountpoint: '/v' }] };
      },
      overviews: async () => {
        asked.push('overviews');
        const Volumes = [
          { Name: 'db', Created: 'then', Size: counting ? null : 7, Users: [] } as unknown as VolumeOverview,
        ];
        const answer = { Volumes, Counting: counting };
        counting = false;
        return answer;
      },
      discard: async (Name: string) => (asked.push(`discard ${Name}`), { Id: 'b1', Name, Until: '' }),
      remove: async (name: string) => void asked.push(`remove ${name}`),
    },
    backups: {
      clone,
      create: (name: string) => new Promise((resolve, reject) => backups.push({ name, resolve, reject })),
      restore: async () => Promise.reject(new ApiError('conflict', 'volume db is in use', 409)),
    },
  } as unknown as Client;
  const store = createEngineStore(client);
  store.setState({ features: can && ({ can } as never) });
  return { store, asked, backups };
}

const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
};

test('names are enough until somebody looks; then all is read, and again while something is counted', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const { store, asked } = fake(['volumes']);
  await store.getState().loadVolumes();
  assert.deepEqual(asked, ['list']);
  assert.equal(store.getState().volumes?.[0]?.Size, null);
  await store.getState().loadVolumeUsers();
  assert.deepEqual(asked, ['list'], 'nobody looks at who uses them');
  assert.ok(!usersAreTold(store.getState()));
  context.mock.timers.tick(2000);
  const stop = store.getState().watchVolumes();
  for (let turns = 0; turns < 50 && store.getState().volumes?.[0]?.Size !== 7; turns += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    context.mock.timers.tick(2000);
  }
  assert.equal(store.getState().volumes?.[0]?.Size, 7);
  assert.deepEqual(asked, ['list', 'overviews', 'overviews']);
  assert.ok(usersAreTold(store.getState()));
  stop();
  assert.ok(!usersAreTold(store.getState()), 'what changes while nobody looks is not known');
});

test('what is removed goes to the bin where there is one, for good where that is wished or there is none', async () => {
  const ours = fake(['volumes']);
  assert.equal((await ours.store.getState().removeVolume('db'))?.Id, 'b1');
  await ours.store.getState().removeVolume('db', { forGood: true });
  assert.deepEqual(ours.asked, ['discard db', 'remove db']);
  const foreign = fake(undefined);
  assert.equal(await foreign.store.getState().removeVolume('db'), undefined);
  assert.deepEqual(foreign.asked, ['remove db']);
});

test('a clone is a task that says how far it is, ends with what came of it, and can be cancelled', async () => {
  const { store } = fake(['volumes', 'volume-backups']);
  const task = (id: number) => store.getState().tasks.find((each) => each.id === id);
  const done = store.getState().cloneVolume('db', { Name: 'copy', Pause: true });
  assert.deepEqual([task(done)?.kind, task(done)?.reference, task(done)?.state], ['clone', 'copy', 'running']);
  await until(() => task(done)?.state === 'done');
  assert.deepEqual(task(done)?.result, { size: 10, how: 'reflink' });
  assert.deepEqual(task(done)?.moved, { bytes: 5, total: 10 });
  const cancelled = store.getState().cloneVolume('db', { Name: 'other', Pause: true });
  store.getState().cancelTask(cancelled);
  await until(() => task(cancelled)?.state === 'cancelled');
  const failed = store.getState().restoreBackup({ Id: 'b', Volume: 'db' });
  await until(() => task(failed)?.state === 'failed');
  assert.equal(task(failed)?.problem, 'volume db is in use');
});

test('of many backups four are made at a time; those that wait say so and can be cancelled', async () => {
  const { store, backups } = fake(['volumes', 'volume-backups']);
  const how = { Pause: true, Note: '' };
  const ids = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => store.getState().backUpVolume(name, how));
  const task = (at: number) => store.getState().tasks.find(({ id }) => id === ids[at]);
  const begun = () => backups.map(({ name }) => name).join('');
  await until(() => task(5)?.stage === 'waiting');
  assert.equal(begun(), 'abcd');
  assert.equal(task(0)?.stage, undefined);
  store.getState().cancelTask(ids[4] ?? 0);
  await until(() => task(4)?.state === 'cancelled');
  backups[1]?.reject(new Error('the disk is full'));
  await until(() => begun() === 'abcdf');
  assert.deepEqual([task(1)?.state, task(5)?.state], ['failed', 'running']);
});

test('what follows a backup follows it when it goes well at last', async () => {
  const { store, backups } = fake(['volumes', 'volume-backups']);
  let followed = 0;
  const first = store.getState().backUpVolume('db', { Pause: true, Note: '' }, () => (followed += 1));
  backups[0]?.reject(new Error('the disk is full'));
  await until(() => store.getState().tasks[0]?.state === 'failed');
  assert.equal(followed, 0);
  store.getState().retryTask(first);
  backups[1]?.resolve({ Size: 1, Compressed: 1 });
  await until(() => store.getState().tasks[0]?.state === 'done');
  assert.equal(followed, 1);
});

test('another engine’s volumes are used by whom its containers say', () => {
  const mounted = { Type: 'volume', Name: 'db', Destination: '/data', RW: false };
  const containers = [
    {
      Id: 'x',
      Names: ['/web'],
      State: 'paused',
      Mounts: [mounted, { Type: 'bind', Source: '/', Destination: '/h', RW: true }],
    },
  ] as unknown as ContainerSummary[];
  const [only, ...others] = usersByVolume(containers).get('db') ?? [];
  assert.deepEqual(others, []);
  assert.deepEqual([only?.Name, only?.Running, only?.ReadOnly], ['web', true, true]);
});

test('what kind a volume is stands in its options', () => {
  assert.equal(kindOfVolume(null), 'local');
  assert.equal(kindOfVolume({ type: 'none', o: 'bind,ro', device: '/srv' }), 'folder');
  assert.equal(kindOfVolume({ type: 'tmpfs', device: 'tmpfs' }), 'tmpfs');
  assert.equal(kindOfVolume({ type: 'nfs', o: 'addr=1.2.3.4', device: ':/x' }), 'nfs');
});
