import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { access, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Change } from '../../base/store.js';
import { Bin, type BinOptions } from '../bin/index.js';
import { Volumes } from './index.js';

type Rows = Map<string, Map<string, unknown>>;

/** Rows by table, written whole or not at all; what there was before each commit can be had back. */
class FakeStore {
  readonly before: Rows[] = [];
  /** How many commits go well from here on. */
  left = Infinity;

  constructor(public kept: Rows = new Map()) {}

  rows<Row>(table: string): Map<string, Row> {
    return new Map(this.kept.get(table)) as Map<string, Row>;
  }

  commit(build: (change: Change) => void): Promise<void> {
    const reverts: (() => void)[] = [];
    const next: Rows = new Map([...this.kept].map(([table, rows]) => [table, new Map(rows)]));
    const tableOf = (name: string) => next.get(name) ?? (next.set(name, new Map()), next.get(name) as Map<string, unknown>); // prettier-ignore
    build({
      put: (table, key, record) => tableOf(table).set(key, JSON.parse(JSON.stringify(record))),
      remove: (table, key) => tableOf(table).delete(key),
      undo: (revert) => reverts.unshift(revert),
      urgent: () => undefined,
      passing: () => undefined,
    });
    if (this.left-- <= 0) {
      for (const revert of reverts) revert();
      return Promise.reject(new Error('the disk is full'));
    }
    this.before.push(this.kept);
    this.kept = next;
    return Promise.resolve();
  }
}

async function house(t: TestContext, options: BinOptions = {}) {
  const root = await mkdtemp(join(tmpdir(), 'slipway-volume-bin-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const events: string[] = [];
  const sizes = { next: 7 };
  const open = async (store: FakeStore, at = root) => {
    const bin = new Bin(options);
    const volumes = await Volumes.open({
      ...{ root: at, store, bin },
      helper: {
        populate: () => Promise.resolve({ copied: false }),
        mountVolume: () => Promise.resolve(),
        unmountVolume: () => Promise.resolve(),
        swap: () => Promise.resolve(),
        discard: (path: string) => rm(path, { recursive: true, force: true }),
      },
      usage: {
        measure: () => Promise.resolve({ bytes: sizes.next }),
        recall: () => Promise.resolve({ bytes: 7, at: 1 }),
        outdate: () => undefined,
        forget: () => Promise.resolve(),
      },
      events: {
        publish: (type, action, id, { change = '' } = {}) =>
          void events.push([type, action, type === 'daemon' ? change : id].join(' ')),
      },
    });
    bin.open();
    t.after(() => bin.close());
    return { bin, volumes };
  };
  const store = new FakeStore();
  const at = (name: string, ...rest: string[]) => join(root, 'volumes', name, '_data', ...rest);
  return { root, store, events, sizes, open, at, ...(await open(store)) };
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    if (await what()) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  assert.fail('it does not come');
}

test('what is discarded is gone for everybody, its name is free, and it comes back as it was', async (t) => {
  const { bin, volumes, at, events } = await house(t);
  const before = await volumes.create({ Name: 'data', Labels: { a: 'b' } });
  await writeFile(at('data', 'file'), 'kept');
  const { Id, Name, Until } = await volumes.discard('data');
  assert.equal(Name, 'data');
  assert.ok(Math.abs(Date.parse(Until) - Date.now() - 24 * 3600_000) < 60_000);
  assert.throws(() => volumes.inspect('data'), { kind: 'not-found' });
  await assert.rejects(volumes.holdFiles('data'), { kind: 'not-found' });
  await volumes.create({ Name: 'data' });
  assert.deepEqual(await readdir(at('data')), []);
  await assert.rejects(bin.restore('data'), {
    kind: 'conflict',
    message: 'the name "data" is taken by another volume meanwhile: restore it under another name, or remove that one',
  });
  await assert.rejects(bin.restore(Id, 'no name'), { kind: 'invalid' });
  assert.deepEqual(await bin.restore(Id.slice(0, 8), 'again'), { Id, Name: 'again', Warnings: [] });
  assert.equal(await readFile(at('again', 'file'), 'utf8'), 'kept');
  assert.deepEqual(volumes.inspect('again'), { ...before, Name: 'again', Mountpoint: at('again') });
  assert.deepEqual(bin.contents().Volumes, []);
  await volumes.remove('data');
  await volumes.discard('again');
  assert.equal((await bin.restore('again')).Name, 'again');
  assert.equal(await readFile(at('again', 'file'), 'utf8'), 'kept');
  assert.deepEqual(events.slice(0, 6), [
    'volume create data',
    'daemon bin discarded',
    'volume destroy data',
    'volume create data',
    'daemon bin restored',
    'volume create again',
  ]);
});

test('what somebody has is not discarded, and whoever reads it from outside is cut off', async (t) => {
  const { volumes } = await house(t);
  await volumes.create({ Name: 'data' });
  volumes.hold(['data'], 'web');
  await assert.rejects(volumes.discard('data'), { kind: 'conflict', message: 'remove data: volume is in use - [web]' });
  await volumes.create({ Name: 'other' });
  using held = await volumes.holdFiles('other');
  using gone = await volumes.holdFiles('data');
  await volumes.discard('other');
  assert.deepEqual([held.signal.aborted, gone.signal.aborted], [true, false]);
});

test('a volume without a name of its own that comes back under one has it', async (t) => {
  const { bin, volumes } = await house(t);
  const { Name } = await volumes.create({});
  const { Id } = await volumes.discard(Name);
  await bin.restore(Id, 'chosen');
  assert.deepEqual([volumes.about('chosen').anonymous, volumes.inspect('chosen').Labels], [false, null]);
  assert.deepEqual((await volumes.prune()).VolumesDeleted, []);
});

test('it goes for good by hand, all at once, when it is due, and the oldest first when it is too much', async (t) => {
  const { bin, root, volumes, sizes } = await house(t, { limit: 10 });
  const left = () => (bin.contents().Volumes ?? []).map(({ Name }) => Name);
  for (const Name of ['one', 'two']) {
    await volumes.create({ Name });
    await volumes.discard(Name);
    await until(() => bin.contents().Volumes?.[0]?.Size === 7);
  }
  await until(() => left().join() === 'two');
  sizes.next = 1;
  await volumes.create({ Name: 'three' });
  const { Id } = await volumes.discard('three');
  assert.deepEqual(left(), ['three', 'two']);
  await bin.remove('two');
  await assert.rejects(bin.remove('two'), { kind: 'not-found' });
  await until(() => bin.contents().Size === 1);
  assert.deepEqual(await bin.empty(), { Deleted: [Id], SpaceReclaimed: 1 });
  assert.deepEqual(await readdir(join(root, 'volume-bin')), []);
  const short = await house(t, { keepMs: 20 });
  await short.volumes.create({ Name: 'due' });
  await short.volumes.discard('due');
  await until(() => short.bin.contents().Volumes?.length === 0);
});

test('a discard or a restore that the disk does not let be written leaves everything where it was', async (t) => {
  const { bin, volumes, store, at } = await house(t);
  await volumes.create({ Name: 'data' });
  await writeFile(at('data', 'file'), 'kept');
  store.left = 0;
  await assert.rejects(volumes.discard('data'), /the disk is full/);
  assert.equal(volumes.inspect('data').Name, 'data');
  store.left = Infinity;
  await volumes.discard('data');
  store.left = 0;
  await assert.rejects(bin.restore('data'), /the disk is full/);
  store.left = Infinity;
  // Something that is none of ours is in the way.
  await mkdir(at('data', 'strange'), { recursive: true });
  await assert.rejects(bin.restore('data'), /ENOTEMPTY/);
  await rm(at('data'), { recursive: true });
  assert.equal((await bin.restore('data')).Name, 'data');
  assert.equal(await readFile(at('data', 'file'), 'utf8'), 'kept');
});

/** Every way that rows and directories can stand when an engine is killed in the middle of something, opened again. */
async function killed(
  t: TestContext,
  place: Awaited<ReturnType<typeof kept>>,
  act: () => Promise<unknown>,
): Promise<{ where: string; names: string[]; binned: string[] }[]> {
  const found: { where: string; names: string[]; binned: string[] }[] = [];
  const copy = `${place.root}-copy`;
  t.after(() => rm(copy, { recursive: true, force: true }));
  const snapshots: string[] = [];
  const snapshot = async () => {
    const to = `${copy}/${snapshots.length}`;
    await cp(place.root, to, { recursive: true });
    snapshots.push(to);
  };
  await snapshot();
  const from = place.store.before.length;
  await act();
  await snapshot();
  const rows = [...place.store.before.slice(from), place.store.kept];
  // Directories were moved before or after any of the commits.
  for (const [index, kept] of rows.entries())
    for (const [moved, directory] of snapshots.entries()) {
      // A directory is moved only after the row that says so, and removed after the row that had it.
      if (moved === 1 && index === 0) continue;
      const at = `${copy}/try-${index}-${moved}`;
      await cp(directory, at, { recursive: true });
      const { volumes, bin } = await place.open(new FakeStore(kept), at);
      const where = `after commit ${index}, directories ${moved ? 'after' : 'before'}`;
      const names = volumes.list().map(({ Name }) => Name);
      const binned = (bin.contents().Volumes ?? []).map(({ Name }) => Name);
      for (const name of binned) await bin.restore(name);
      for (const { Name, Mountpoint } of volumes.list())
        assert.equal(await readFile(join(Mountpoint, 'file'), 'utf8'), 'kept', `${where}: ${Name}`);
      assert.deepEqual(await readdir(join(at, 'volume-bin')).catch(() => []), [], where);
      assert.deepEqual((await readdir(join(at, 'volumes'))).sort(), [...names, ...binned].sort(), where);
      found.push({ where, names, binned });
    }
  return found;
}

async function kept(t: TestContext) {
  const place = await house(t);
  await place.volumes.create({ Name: 'data' });
  await writeFile(place.at('data', 'file'), 'kept');
  return place;
}

test('killed in the middle of a discard, it is there or in the bin, whole', async (t) => {
  const place = await kept(t);
  const found = await killed(t, place, () => place.volumes.discard('data'));
  assert.ok(found.length > 2);
  for (const { where, names, binned } of found) assert.deepEqual([...names, ...binned], ['data'], where);
});

for (const name of ['data', 'other'])
  test(`killed in the middle of a restore as ${name}, it is there or in the bin, whole`, async (t) => {
    const place = await kept(t);
    const { Id } = await place.volumes.discard('data');
    await until(() => place.bin.contents().Volumes?.[0]?.Size === 7);
    const found = await killed(t, place, () => place.bin.restore(Id, name));
    assert.ok(found.some(({ names }) => names.length > 0) && found.some(({ binned }) => binned.length > 0));
    for (const { where, names, binned } of found)
      assert.deepEqual([...names, ...binned], [names.length > 0 ? name : 'data'], where);
  });

test('killed while it goes for good, nothing of it is left, and what a lost database knew is not touched', async (t) => {
  const { bin, volumes, root, store, open, at } = await kept(t);
  const { Id } = await volumes.discard('data');
  await until(() => bin.contents().Volumes?.[0]?.Size === 7);
  const directory = join(root, 'volume-bin', Id);
  const lost = Object.assign(new FakeStore(), { warnings: ['the database was damaged'] });
  await open(lost);
  assert.equal(await exists(join(directory, '_data/file')), true);
  await cp(directory, `${directory}-aside`, { recursive: true });
  await bin.remove(Id);
  await rename(`${directory}-aside`, directory);
  await open(store);
  assert.deepEqual([await exists(directory), await exists(at('data'))], [false, false]);
});
