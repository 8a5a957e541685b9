import assert from 'node:assert/strict';
import { test } from 'node:test';
import '../../base/scopes.js';
import { Locks } from '../../base/locks.js';
import type { ContainerRecord, MountPoint } from './record.js';
import { runningWith, volumeUsers } from './volume-users.js';

const volume = (Name: string, Destination: string, RW = true): MountPoint => ({
  ...{ Type: 'volume', Name, Source: `/volumes/${Name}`, Destination, Driver: 'local', Mode: '', RW, Propagation: '' },
});

const container = (name: string, mounts: MountPoint[], hostConfig: Partial<ContainerRecord['hostConfig']> = {}) => ({
  ...{ id: Buffer.from(name).toString('hex').padEnd(64, '0'), name, mounts },
  hostConfig: hostConfig as ContainerRecord['hostConfig'],
});

const seen = (users: ReturnType<typeof volumeUsers>, name: string) =>
  (users.get(name) ?? []).map(({ Name, Destination, ReadOnly, From }) =>
    [Name, Destination, ReadOnly ? 'ro' : 'rw', From ? `from ${From.Name}` : ''].join(' ').trim(),
  );

test('a container has a volume from the last of those that it takes volumes from, and not what it asked for itself', () => {
  const one = container('one', [volume('data', '/d'), volume('more', '/m')]);
  const two = container('two', [volume('data', '/d')], { VolumesFrom: ['one:ro'] });
  const byId = container('three', [volume('data', '/d', false), volume('more', '/m')], {
    VolumesFrom: ['one', `${two.id.slice(0, 12)}:ro`],
  });
  const own = container('four', [volume('data', '/d'), volume('more', '/m')], {
    VolumesFrom: ['one'],
    Binds: ['data:/d/:rw'],
    Mounts: [{ Type: 'volume', Source: 'more', Target: '/m' }],
  });
  const users = volumeUsers(
    [one, two, byId, own].map((record) => ({ record, running: false })),
    [],
  );
  assert.deepEqual(seen(users, 'data'), ['one /d rw', 'two /d rw from one', 'three /d ro from two', 'four /d rw']);
  assert.deepEqual(seen(users, 'more'), ['one /m rw', 'three /m rw from one', 'four /m rw']);
});

test('where a mount is from is what is written down with it, by the name that its container has now', () => {
  const one = container('renamed', [volume('data', '/d')]);
  const two = container(
    'two',
    [
      { ...volume('data', '/d'), own: { from: { id: one.id, name: 'one' } } },
      { ...volume('more', '/m'), own: { from: { id: 'f'.repeat(64), name: 'gone' } } },
    ],
    { VolumesFrom: ['one', 'gone'] },
  );
  const users = volumeUsers(
    [one, two].map((record) => ({ record, running: false })),
    [],
  );
  assert.deepEqual(seen(users, 'data'), ['renamed /d rw', 'two /d rw from renamed']);
  assert.deepEqual(seen(users, 'more'), ['two /m rw from gone']);
});

test('a name is that of one that is there before one in the bin, and one that is gone is nobody', () => {
  const binned = { ...container('web', [volume('data', '/d')]), id: 'b'.repeat(64) };
  const web = container('web', [volume('data', '/d')]);
  const user = container('user', [volume('data', '/d')], { VolumesFrom: ['web'] });
  const lost = container('lost', [volume('data', '/d')], { VolumesFrom: ['gone'] });
  const there = [web, user, lost].map((record) => ({ record, running: record === web }));
  const users = volumeUsers(there, [binned]).get('data') ?? [];
  assert.deepEqual(
    users.map(({ Name, Running, Binned, From }) => [Name, Running, Binned, From?.Id ?? null]),
    [
      ['web', true, false, null],
      ['user', false, false, web.id],
      ['lost', false, false, null],
      ['web', false, true, null],
    ],
  );
  const left = volumeUsers(there.slice(1), [binned]).get('data') ?? [];
  assert.equal(left[0]?.From?.Id, binned.id);
});

test('who is just getting a volume while it runs is waited for, and who only was about to have it does not count', async () => {
  const mounted = container('mounted', []);
  const refused = container('refused', []);
  const stopped = container('stopped', [volume('data', '/d')]);
  const all = [mounted, refused, stopped].map((record) => {
    return [record.id, { id: record.id, live: record === stopped ? undefined : {}, record }] as const;
  });
  const known = new Map(all);
  const locks = new Locks();
  const lock = await locks.take(mounted.id);
  const ledger = { locks, get: (id: string) => known.get(id) } as never;
  const found = runningWith('data', ledger, { holdersOf: () => [...known.keys(), 'in the bin'] });
  mounted.mounts = [volume('data', '/d')];
  lock[Symbol.dispose]();
  assert.deepEqual(
    (await found).map(({ name, writes }) => [name, writes]),
    [['mounted', true]],
  );
});
