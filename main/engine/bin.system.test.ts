import '../base/scopes.js';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerInspect } from '../contract/containers.js';
import {
  cannotRun,
  closeRooms,
  createContainer,
  enginePlace,
  openRooms,
  testProgram,
  type Rooms,
} from './testing-rooms.js';
import type { ChangeWish } from './testing-change.js';

const MIB = 2 ** 20;

type BinWish = NonNullable<NonNullable<Parameters<typeof openRooms>[1]>['bin']>;

/** Rooms that can be closed and opened again, as an engine is ended and started. */
async function house(t: TestContext, bin: BinWish = {}) {
  const place = await enginePlace(t);
  let rooms = await openRooms(place, { bin });
  place.before(() => closeRooms(rooms));
  const again = async (with_: BinWish = bin): Promise<Rooms> => {
    await closeRooms(rooms);
    return (rooms = await openRooms(place, { bin: with_ }));
  };
  return { place, rooms, again };
}

const binTest = (name: string, body: (t: TestContext) => Promise<void>) =>
  test(name, { skip: cannotRun, timeout: 300_000 }, body);

const actions = ({ heard }: Rooms, id: string): string[] =>
  heard.filter(({ Type, Actor }) => Type === 'container' && Actor.ID === id).map(({ Action }) => Action);

/** What may not change in the bin: all that inspect knows but for its state. */
const lasting = ({ State, HostConfig, ...rest }: ContainerInspect): unknown => ({
  ...rest,
  HostConfig,
  exit: State.ExitCode,
});

async function ended(rooms: Rooms, cmd: string[], body = {}, name?: string): Promise<string> {
  const id = await createContainer(rooms, cmd, body, name);
  await rooms.containers.start(id);
  await rooms.containers.wait(id);
  await until(() => actions(rooms, id).includes('die'));
  return id;
}

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 6000; i++) {
    if (await what()) return;
    await sleep(10);
  }
  assert.fail('it does not come');
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

binTest('what is discarded is gone for everybody, and comes back as it was', async (t) => {
  const { rooms } = await house(t);
  const { bin, containers } = rooms;
  const id = await ended(
    rooms,
    ['sh', '-c', 'echo kept > /root/file; echo said; exit 3'],
    { Labels: { a: 'b' } },
    'web',
  );
  const before = await containers.inspect(id);
  const log = await readFile(before.LogPath);
  const put = await containers.discard('web');
  assert.deepEqual([put.Id, put.Name], [id, 'web']);
  assert.ok(Math.abs(Date.parse(put.Until) - Date.now() - 24 * 3600_000) < 60_000);
  for (const reference of [id, id.slice(0, 12), 'web'])
    await assert.rejects(containers.inspect(reference), {
      kind: 'not-found',
      message: `No such container: ${reference}`,
    });
  assert.deepEqual(await containers.list({ all: true }), []);
  assert.deepEqual(await containers.list({ filters: { id: [id] } }), []);
  assert.deepEqual(containers.counts(), { running: 0, paused: 0, stopped: 0 });
  assert.deepEqual(actions(rooms, id), ['create', 'start', 'die', 'destroy']);
  const [entry] = bin.contents().Containers;
  assert.deepEqual([entry?.Id, entry?.Name, entry?.Image, entry?.Created], [id, 'web', 'busybox', before.Created]);
  await until(() => bin.contents().Containers[0]?.Size !== null);
  assert.ok((bin.contents().Containers[0]?.Size ?? 0) > 0);
  assert.deepEqual(await bin.restore('web'), { Id: id, Name: 'web', Warnings: [] });
  assert.deepEqual(bin.contents().Containers, []);
  assert.deepEqual(lasting(await containers.inspect(id)), lasting(before));
  assert.deepEqual(await readFile(before.LogPath), log);
  assert.equal(await readFile(join(before.GraphDriver.Data['UpperDir'] as string, 'root/file'), 'utf8'), 'kept\n');
  assert.equal(actions(rooms, id).at(-1), 'create');
  assert.deepEqual(
    containers.history(id).map(({ Kind }) => Kind),
    ['restored', 'discarded', 'exited', 'started', 'created'],
  );
  await containers.start(id);
  assert.equal((await containers.wait(id)).StatusCode, 3);
});

binTest('what runs is discarded by force alone, in the words of a removal', async (t) => {
  const { rooms } = await house(t);
  const { bin, containers } = rooms;
  const id = await createContainer(rooms, ['sleep', '1000'], {}, 'web');
  await containers.start(id);
  await assert.rejects(containers.discard(id), {
    kind: 'conflict',
    message: 'cannot remove container "/web": container is running: stop the container before removing or force remove',
  });
  const waited = containers.wait(id, 'removed');
  await containers.discard(id, { force: true });
  assert.equal((await waited).StatusCode, 137);
  await bin.restore(id);
  assert.equal((await containers.inspect(id)).State.Status, 'exited');
  await containers.start(id);
  assert.equal((await containers.inspect(id)).State.Running, true);
});

binTest('a name that is taken meanwhile is said with its holder, and another one does', async (t) => {
  const { rooms } = await house(t);
  const { bin, containers } = rooms;
  const id = await createContainer(rooms, ['true'], {}, 'web');
  await containers.discard(id);
  const other = await createContainer(rooms, ['true'], {}, 'web');
  await assert.rejects(bin.restore(id), {
    kind: 'conflict',
    message: `the name "web" is taken by container ${other.slice(0, 12)} (/web) meanwhile: restore it under another name, or rename that one`,
  });
  assert.equal(bin.contents().Containers.length, 1);
  assert.equal((await bin.restore(id.slice(0, 8), 'site')).Name, 'site');
  assert.equal((await containers.inspect('site')).Id, id);
  await assert.rejects(bin.restore(id), { kind: 'not-found', message: `Nothing in the bin is called ${id}` });
});

binTest('its volumes are kept for it, and whoever wants one away is told of the bin', async (t) => {
  const { rooms, again } = await house(t);
  const Binds = ['data:/data'];
  const id = await ended(
    rooms,
    ['sh', '-c', 'echo 1 > /data/x; echo 2 > /anon/x'],
    { HostConfig: { Binds }, Volumes: { '/anon': {} } },
    'db',
  );
  const [anonymous = ''] = (await rooms.containers.inspect(id)).Mounts.flatMap((mount) => {
    const { Name, Destination } = mount as { Name: string; Destination: string };
    return Destination === '/anon' ? [Name] : [];
  });
  await rooms.containers.discard(id, { v: true });
  assert.deepEqual(rooms.bin.contents().Containers[0]?.Volumes.sort(), ['data', anonymous].sort());
  const kept = {
    kind: 'conflict',
    message: `remove data: volume is kept for what is in the bin: db (${id.slice(0, 12)}). Restore it, or delete it there for good`,
  };
  await assert.rejects(rooms.volumes.remove('data'), kept);
  assert.deepEqual((await rooms.volumes.prune({ all: ['true'] })).VolumesDeleted, []);
  const { bin, containers, volumes } = await again();
  await assert.rejects(volumes.remove('data', { force: true }), kept);
  await bin.restore(id);
  await assert.rejects(volumes.remove('data'), { message: `remove data: volume is in use - [${id}]` });
  await containers.discard(id, { v: true });
  await bin.remove(id);
  await until(() => volumes.list().length === 1);
  assert.deepEqual(
    volumes.list().map(({ Name }) => Name),
    ['data'],
  );
  await volumes.remove('data');
});

binTest('for good means for good: its files, its history, its place in the bin', async (t) => {
  const { place, rooms } = await house(t);
  const { bin, containers } = rooms;
  const ids = [
    await ended(rooms, ['true'], {}, 'one'),
    await ended(rooms, ['true'], {}, 'two'),
    await ended(rooms, ['true']),
  ];
  for (const id of ids) await containers.discard(id);
  await bin.remove('one');
  const left = bin.contents().Containers.map(({ Id }) => Id);
  assert.deepEqual(left, [ids[2], ids[1]]);
  assert.deepEqual((await bin.empty()).Deleted.sort(), [...left].sort());
  await until(async () => (await readdir(join(place.root, 'containers'))).length === 0);
  await assert.rejects(bin.remove('two'), { kind: 'not-found' });
});

binTest('what is due goes by itself, and after an engine that was off too', async (t) => {
  const { place, rooms, again } = await house(t, { keepMs: 2000 });
  const first = await createContainer(rooms, ['true'], {}, 'first');
  await rooms.containers.discard(first);
  assert.equal(rooms.bin.contents().Containers.length, 1);
  await until(() => rooms.bin.contents().Containers.length === 0);
  const second = await createContainer(rooms, ['true'], {}, 'second');
  await rooms.containers.discard(second);
  const third = await createContainer(rooms, ['true'], {}, 'third');
  const { bin } = await again({ keepMs: 60_000 });
  await until(() => bin.contents().Containers.length === 0);
  await until(async () => (await readdir(join(place.root, 'containers'))).join() === third);
});

binTest('above its size the oldest go, never the one that was removed last', async (t) => {
  const { rooms } = await house(t, { limit: 5 * MIB });
  const { bin, containers } = rooms;
  const large = (name: string) => ended(rooms, ['sh', '-c', 'head -c 3000000 /dev/zero > /root/file'], {}, name);
  for (const name of ['first', 'second', 'third']) {
    await containers.discard(await large(name));
    await until(() => bin.contents().Containers[0]?.Size !== null);
  }
  await until(() => bin.contents().Containers.length === 1);
  assert.deepEqual(
    bin.contents().Containers.map(({ Name }) => Name),
    ['third'],
  );
  const { Size, Limit } = bin.contents();
  assert.ok(Size >= 3_000_000 && Size < 5 * MIB);
  assert.equal(Limit, 5 * MIB);
  const huge = await ended(rooms, ['sh', '-c', 'head -c 7000000 /dev/zero > /root/file'], {}, 'huge');
  await containers.discard(huge);
  await until(
    () =>
      bin
        .contents()
        .Containers.map(({ Name }) => Name)
        .join() === 'huge' && bin.contents().Size > 5 * MIB,
  );
});

binTest('a container that removes itself can be discarded while it runs, and stays once it is back', async (t) => {
  const { rooms, again } = await house(t);
  const id = await createContainer(rooms, ['sleep', '1000'], { HostConfig: { AutoRemove: true } }, 'web');
  await rooms.containers.start(id);
  await rooms.containers.discard(id, { force: true });
  const { Warnings } = await rooms.bin.restore(id);
  assert.deepEqual(Warnings, ['It was made with --rm; from now on it stays when it ends.']);
  const { containers } = await again();
  assert.equal((await containers.inspect('web')).Id, id);
});

binTest('a removal by the API goes on to the end, even of what somebody is discarding', async (t) => {
  const { place, rooms } = await house(t);
  const { bin, containers } = rooms;
  const id = await createContainer(rooms, ['sleep', '1000'], {}, 'web');
  await containers.start(id);
  await Promise.all([containers.discard(id, { force: true }), containers.remove(id, { force: true })]);
  assert.deepEqual(bin.contents().Containers, []);
  await until(async () => !(await exists(join(place.root, 'containers', id))));
});

binTest('an engine that ends finds what is in the bin untouched, and gives what has no row to the trash', async (t) => {
  const { place, rooms, again } = await house(t);
  const RestartPolicy = { Name: 'always' as const, MaximumRetryCount: 0 };
  const id = await createContainer(rooms, ['sh', '-c', 'echo kept > /root/file; exec sleep 1000'], {
    HostConfig: { RestartPolicy },
  });
  await rooms.containers.start(id);
  await until(async () => exists(join(place.root, 'containers', id, 'upper/root/file')));
  await rooms.containers.discard(id, { force: true });
  const stray = join(place.root, 'containers', 'f'.repeat(64));
  await mkdir(stray);
  const next = await again();
  assert.equal(await exists(stray), false);
  assert.deepEqual(
    next.bin.contents().Containers.map(({ Id }) => Id),
    [id],
  );
  assert.deepEqual(await next.containers.list({ all: true }), []);
  await next.bin.restore(id);
  const { GraphDriver, State } = await next.containers.inspect(id);
  assert.equal(State.Status, 'exited');
  assert.equal(await readFile(join(GraphDriver.Data['UpperDir'] as string, 'root/file'), 'utf8'), 'kept\n');
});

const [node, ...program] = testProgram('testing-change') as [string, ...string[]];

for (const when of ['before', 'after'] as const) {
  const name = `killed ${when} any of its commits, what was being discarded is there or in the bin, whole`;
  test(name, { skip: cannotRun, timeout: 900_000 }, async (t) => {
    for (let commit = 1; ; commit++) {
      const place = await enginePlace(t);
      const wish: ChangeWish = {
        root: place.root,
        commit,
        when,
        cmd: ['sh', '-c', 'echo kept > /root/file; echo up; exec sleep 1000'],
      };
      const child = spawn(node, [...program, JSON.stringify(wish)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
      await once(child, 'close');
      const rooms = await openRooms(place);
      place.before(() => closeRooms(rooms));
      const { bin, containers } = rooms;
      const listed = await containers.list({ all: true });
      const binned = bin.contents().Containers;
      assert.equal(listed.length + binned.length, 1, `commit ${commit}`);
      if (binned[0]) await bin.restore(binned[0].Id);
      const { Name, GraphDriver } = await containers.inspect('web');
      assert.equal(Name, '/web');
      assert.equal(await readFile(join(GraphDriver.Data['UpperDir'] as string, 'root/file'), 'utf8'), 'kept\n');
      await containers.remove('web', { force: true });
      if (said.includes('done')) return;
    }
  });
}
