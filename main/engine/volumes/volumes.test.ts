import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { access, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Change } from '../../base/store.js';
import { Volumes, type VolumeWish } from './index.js';

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Rows that outlive a room, and a switch that makes commits fail. */
class FakeStore {
  readonly kept = new Map<string, unknown>();
  failing = false;

  rows<Row>(table: string): Map<string, Row> {
    const own = [...this.kept].filter(([key]) => key.startsWith(`${table} `));
    return new Map(own.map(([key, row]) => [key.slice(table.length + 1), row as Row]));
  }

  commit(build: (change: Change) => void): Promise<void> {
    const reverts: (() => void)[] = [];
    const steps: (() => void)[] = [];
    build({
      put: (table, key, record) => steps.push(() => this.kept.set(`${table} ${key}`, record)),
      remove: (table, key) => steps.push(() => this.kept.delete(`${table} ${key}`)),
      undo: (revert) => reverts.unshift(revert),
      urgent: () => undefined,
      passing: () => undefined,
    });
    for (const step of this.failing ? reverts : steps) step();
    return this.failing ? Promise.reject(new Error('the disk is full')) : Promise.resolve();
  }
}

async function place(t: TestContext) {
  const root = await mkdtemp(join(tmpdir(), 'slipway-volumes-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const store = new FakeStore();
  const filled: string[] = [];
  const fill = { before: () => Promise.resolve() };
  const events: string[] = [];
  const mounts: string[] = [];
  const helper = {
    populate: async ({ volume, path = '' }: { volume: string; path?: string }) => {
      await fill.before();
      filled.push(`${volume.slice(root.length + 1)} ${path}`);
      return { copied: true };
    },
    mountVolume: ({ volume, type, device }: { volume: string; type: string; device: string }) => {
      if (device === 'away') return Promise.reject(new Error('no route to host'));
      mounts.push(`mount ${volume.slice(root.length + 1)} ${type}`);
      return Promise.resolve();
    },
    unmountVolume: (volume: string) => {
      mounts.push(`unmount ${volume.slice(root.length + 1)}`);
      return Promise.resolve();
    },
    discard: (path: string) => rm(path, { recursive: true, force: true }),
    swap: () => Promise.resolve(),
  };
  const outdated: string[] = [];
  const usage = {
    measure: () => Promise.resolve({ bytes: 7 }),
    recall: () => Promise.resolve({ bytes: 7, at: 1 }),
    outdate: (paths: Iterable<string>) => void outdated.push(...paths),
    forget: () => Promise.resolve(),
  };
  const open = () =>
    Volumes.open({
      ...{ root, store, helper, usage },
      events: { publish: (type, action, id) => void events.push(`${type} ${action} ${id}`) },
    });
  return {
    root,
    store,
    filled,
    fill,
    events,
    mounts,
    outdated,
    open,
    volumes: await open(),
    at: (name: string) => join(root, 'volumes', name),
  };
}

const wish = (Name: string, more: Partial<VolumeWish> = {}): VolumeWish => ({ Name, anonymous: false, ...more });

test('a volume held by a container cannot be removed, and can be once that is gone', async (t) => {
  const { volumes, store } = await place(t);
  await volumes.create({ Name: 'data' });
  volumes.hold(['data'], 'web');
  await assert.rejects(volumes.remove('data'), { kind: 'conflict', message: 'remove data: volume is in use - [web]' });
  await store.commit((change) => void volumes.release(change, 'web'));
  await volumes.remove('data');
  assert.deepEqual(volumes.list(), []);
});

test('what was made for a container that never came to be is gone', async (t) => {
  const { volumes, at, events, store } = await place(t);
  {
    await using reserved = await volumes.reserve([wish('new', { path: '/x' })], 'web', ['/layer']);
    assert.equal(await exists(join(reserved.sourceOf('new'), '.')), true);
    store.failing = true;
    await assert.rejects(store.commit((change) => reserved.hold(change)));
  }
  assert.deepEqual([volumes.list(), await exists(at('new')), events], [[], false, []]);
});

test('a new container keeps a volume that the last other one is just giving up', async (t) => {
  const { volumes, store, at } = await place(t);
  await volumes.create({});
  const [{ Name } = { Name: '' }] = volumes.list();
  volumes.hold([Name], 'old');
  await using reserved = await volumes.reserve([wish(Name)], 'young', []);
  let drop = (): Promise<void> => Promise.resolve();
  await store.commit((change) => (drop = volumes.release(change, 'old', [Name])));
  await drop();
  await store.commit((change) => reserved.hold(change));
  reserved.announce();
  assert.equal(await exists(at(Name)), true);
  assert.equal(volumes.inspect(Name).Name, Name);
});

test('a new container keeps the files of a volume whose row the last other one took along', async (t) => {
  const { volumes, store, at, events } = await place(t);
  const { Name } = await volumes.create({});
  volumes.hold([Name], 'old');
  let drop = (): Promise<void> => Promise.resolve();
  await store.commit((change) => (drop = volumes.release(change, 'old', [Name])));
  let dropped: Promise<void>;
  {
    await using reserved = await volumes.reserve([wish(Name)], 'young', []);
    dropped = drop();
    await store.commit((change) => reserved.hold(change));
    reserved.announce();
  }
  await dropped;
  assert.deepEqual([await exists(at(Name)), volumes.holdersOf(Name)], [true, ['young']]);
  assert.deepEqual(events, [`volume create ${Name}`, `volume create ${Name}`]);
});

test('what a reservation was for goes by the hand of who has reserved it', async (t) => {
  const { volumes, store, at, events } = await place(t);
  await using reserved = await volumes.reserve([wish('new')], 'web', []);
  await store.commit((change) => reserved.hold(change));
  reserved.announce();
  let drop: ReturnType<Volumes['release']> = () => Promise.resolve();
  await store.commit((change) => (drop = volumes.release(change, 'web', ['new'])));
  await drop({ locked: true });
  assert.deepEqual([await exists(at('new')), events], [false, ['volume create new', 'volume destroy new']]);
});

test('nobody has what nobody ever had, and who gave a volume up has it again where that cannot be written', async (t) => {
  const { volumes, store } = await place(t);
  for (const name of ['never', 'was', 'there']) assert.deepEqual(volumes.holdersOf(name), []);
  volumes.hold(['was'], 'web');
  store.failing = true;
  await assert.rejects(store.commit((change) => void volumes.release(change, 'web')));
  assert.deepEqual(volumes.holdersOf('was'), ['web']);
  store.failing = false;
  await store.commit((change) => void volumes.release(change, 'web'));
  assert.deepEqual(volumes.holdersOf('was'), []);
});

test('none is taken that is lent to a task while its lock is waited for', async (t) => {
  const { volumes } = await place(t);
  await volumes.create({ Name: 'data' });
  const first = await volumes.reserve([wish('data')], 'one', []);
  const second = volumes.reserve([wish('data')], 'two', []);
  using loan = volumes.lend('data', 'the volume data is being restored', { alone: true });
  await first[Symbol.asyncDispose]();
  await assert.rejects(second, { kind: 'conflict', message: /the volume data is being restored/ });
  assert.deepEqual([volumes.holdersOf('data'), loan.record.name], [[], 'data']);
});

test('who borrows a volume sees a container that is about to have it, however long another takes to be filled', async (t) => {
  const { volumes, fill } = await place(t);
  await volumes.create({ Name: 'data' });
  let seen: string[] = [];
  fill.before = () => {
    seen = volumes.holdersOf('data');
    return Promise.resolve();
  };
  await using _ = await volumes.reserve([wish('other', { path: '/x' }), wish('data')], 'web', []);
  assert.deepEqual(seen, ['web']);
});

test('whoever changes the files of a volume is known, from its filling to a use from outside', async (t) => {
  const { volumes, fill, outdated, at } = await place(t);
  let seen: number | undefined = -1;
  fill.before = () => Promise.resolve(void (seen = volumes.writesOf('data')));
  {
    await using reserved = await volumes.reserve([wish('data', { path: '/x' })], 'web', []);
    reserved.announce();
  }
  await volumes.create({ Name: 'data' });
  const filled = volumes.writesOf('data');
  using held = await volumes.holdFiles('data');
  const looked = volumes.writesOf('data');
  const upload = held.writing();
  const meanwhile = volumes.writesOf('data');
  outdated.length = 0;
  upload[Symbol.dispose]();
  assert.deepEqual(outdated, [join(at('data'), '_data')]);
  assert.deepEqual([seen, looked, meanwhile], [undefined, filled, undefined]);
  assert.notEqual(volumes.writesOf('data'), filled);
});

test('the next engine throws away what has no row, and finishes a copy that was cut off', async (t) => {
  const { volumes, at, open, filled } = await place(t);
  await volumes.create({ Name: 'kept' });
  await mkdir(join(at('kept'), '_copied'));
  await mkdir(join(at('stray'), '_data'), { recursive: true });
  const next = await open();
  assert.deepEqual(
    next.list().map(({ Name }) => Name),
    ['kept'],
  );
  assert.equal(await exists(at('stray')), false);
  assert.deepEqual(filled, ['volumes/kept ']);
});

test('a prune takes those without a name, and with all the others; what is used stays', async (t) => {
  const { volumes, events } = await place(t);
  await volumes.create({ Name: 'named', Labels: { a: 'b' } });
  await volumes.create({ Name: 'used' });
  await volumes.create({ Name: 'memory', DriverOpts: { type: 'tmpfs', device: 'tmpfs' } });
  const { Name } = await volumes.create({});
  volumes.hold(['used'], 'web');
  assert.deepEqual(await volumes.prune(), { VolumesDeleted: [Name], SpaceReclaimed: 7 });
  assert.deepEqual(await volumes.prune({ all: ['1'], 'label!': ['a'] }), { VolumesDeleted: [], SpaceReclaimed: 0 });
  assert.deepEqual(await volumes.prune({ all: ['1'] }), { VolumesDeleted: ['named'], SpaceReclaimed: 7 });
  assert.deepEqual(events.slice(-2), ['volume destroy named', 'volume prune ']);
  await assert.rejects(volumes.prune({ all: ['perhaps'] }), { kind: 'invalid' });
});

test('lists are filtered by use, name, label and driver', async (t) => {
  const { volumes } = await place(t);
  await volumes.create({ Name: 'one', Labels: { a: 'b' } });
  await volumes.create({ Name: 'two' });
  volumes.hold(['two'], 'web');
  const listed = (filters: Record<string, string[]>) => volumes.list(filters).map(({ Name }) => Name);
  assert.deepEqual(listed({ dangling: ['true'] }), ['one']);
  assert.deepEqual(listed({ dangling: ['0'] }), ['two']);
  assert.deepEqual(listed({ name: ['w'] }), ['two']);
  assert.deepEqual(listed({ label: ['a=b'] }), ['one']);
  assert.deepEqual(listed({ label: ['a=c'] }), []);
  assert.deepEqual(listed({ driver: ['other'] }), []);
});

test('a file system is mounted for the first who uses it and unmounted after the last', async (t) => {
  const { volumes, mounts, open } = await place(t);
  const DriverOpts = { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,uid=33' };
  await volumes.create({ Name: 'memory', DriverOpts });
  await volumes.create({ Name: 'plain' });
  assert.equal(await volumes.mount(['plain'], 'one'), false);
  await Promise.all(['one', 'two'].map((user) => volumes.mount(['plain', 'memory'], user)));
  await volumes.unmount('one');
  await volumes.unmount('nobody');
  assert.deepEqual(mounts.splice(0), ['mount volumes/memory tmpfs']);
  await volumes.unmount('two');
  await (await open()).unmountIdle();
  assert.deepEqual(mounts.splice(0), ['unmount volumes/memory', 'unmount volumes/memory']);
  await volumes.remove('memory');
  assert.deepEqual(mounts, ['unmount volumes/memory']);
});

test('one that cannot be mounted takes none of the others away; one that goes has no users left', async (t) => {
  const { volumes, mounts } = await place(t);
  await volumes.create({ Name: 'memory', DriverOpts: { type: 'tmpfs', device: 'tmpfs' } });
  await volumes.create({ Name: 'far', DriverOpts: { type: 'ext4', device: 'away' } });
  await volumes.mount(['memory'], 'web');
  await assert.rejects(volumes.mount(['memory', 'far'], 'web'), /no route to host/);
  assert.deepEqual(mounts.splice(0), ['mount volumes/memory tmpfs']);
  await volumes.unmount('web', ['memory']);
  assert.deepEqual(mounts.splice(0), ['unmount volumes/memory']);
  await volumes.mount(['memory'], 'web');
  await volumes.remove('memory');
  await volumes.create({ Name: 'memory', DriverOpts: { type: 'tmpfs', device: 'tmpfs' } });
  mounts.length = 0;
  await volumes.mount(['memory'], 'other');
  assert.deepEqual(mounts, ['mount volumes/memory tmpfs']);
});

test('a run that another engine began asks nothing of a server, and the next one does', async (t) => {
  const { volumes, mounts } = await place(t);
  await volumes.create({ Name: 'far', DriverOpts: { type: 'ext4', device: 'away' } });
  await volumes.create({ Name: 'memory', DriverOpts: { type: 'tmpfs', device: 'tmpfs' } });
  volumes.adoptMounts(['far', 'memory', 'gone'], 'web');
  await volumes.unmountIdle();
  assert.deepEqual(mounts, []);
  await assert.rejects(volumes.mount(['far'], 'other'), /no route to host/);
  await volumes.mount(['memory'], 'other');
  assert.deepEqual(mounts.splice(0), ['mount volumes/memory tmpfs']);
  await volumes.unmount('other');
  await volumes.unmount('web');
  assert.deepEqual(mounts.sort(), ['unmount volumes/far', 'unmount volumes/memory']);
});

test('options of a volume are checked when it is made', async (t) => {
  const { volumes } = await place(t);
  for (const [DriverOpts, why] of [
    [{ device: '/x' }, 'missing required option: "type"'],
    [{ o: 'size=1m', device: 'tmpfs' }, 'missing required option: "type"'],
    [{ type: 'tmpfs', device: 'tmpfs', size: '1m' }, 'quota size requested but no quota support'],
    [{ size: 'much' }, "invalid size: 'much'"],
    [{ type: 'none', device: '/x' }, 'type=none is a directory of this machine, which takes o=bind'],
    [{ type: 'none', o: 'bind', device: 'x' }, 'the directory of this machine must be an absolute path: x'],
    [{ type: 'none', o: 'bind,uid=1', device: '/x' }, 'a directory has no mount option "uid=1"'],
    [{ type: 'cifs', device: '//host:445/x' }, "port not allowed in CIFS device URL, include 'port' in 'o='"],
  ] as [Record<string, string>, string][])
    await assert.rejects(volumes.create({ Name: 'odd', DriverOpts }), {
      kind: 'invalid',
      message: `create odd: ${why}`,
    });
  await volumes.create({ Name: 'folder', DriverOpts: { type: 'none', o: 'bind,ro', device: '/x' } });
  await using reserved = await volumes.reserve([wish('folder')], 'web', []);
  assert.deepEqual(reserved.folderOf('folder'), { device: '/x', words: ['bind', 'ro'] });
});
