/** Volumes as a whole, on the real kernel: out and in as a tar, cloned, backed up and put back; and what becomes of them where something goes wrong. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readFile, readdir, rm, stat, statfs, truncate, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual, promisify } from 'node:util';
import { api, docker, loadBusybox, request, root, run, startEngine, type RunningEngine } from '../fixtures/engine.js';
import { makePerson } from '../fixtures/person.js';
import { assertTidy, assertTree, fillVolume, follow, isTidy, treeOf } from '../fixtures/volume-data.js';
import type {
  BackupSchedule,
  VolumeBackup,
  VolumeCloned,
  VolumeImported,
  VolumeOverview,
  VolumeRestored,
} from '../../main/contract/volume-data.js';

const skip = process.getuid?.() !== 0 && 'needs root';
const options = { skip, timeout: 600_000 };
let engine: RunningEngine;
let original: string[];

const dataOf = (name: string, { dataRoot } = engine): string => path.join(dataRoot, 'volumes', name, '_data');
const make = (name: string, more: object = {}, { socket } = engine) =>
  api(socket, 'POST', '/volumes/create', { Name: name, ...more });
const drop = async (...names: string[]) => {
  for (const name of names) await api(engine.socket, 'DELETE', `/volumes/${name}`);
};
const ok = async (...args: string[]): Promise<string> => {
  const ran = await docker(engine, args);
  assert.equal(ran.code, 0, `docker ${args.join(' ')}: ${ran.stderr}`);
  return ran.stdout.trim();
};
const backup = async (name: string, body: object = {}, { socket } = engine): Promise<VolumeBackup> => {
  const { done, error } = await follow<VolumeBackup>(socket, 'POST', `/slipway/volumes/${name}/backups`, { body });
  assert.ok(done, error);
  return done;
};
const backups = (name?: string) =>
  api<VolumeBackup[]>(engine.socket, 'GET', name ? `/slipway/volumes/${name}/backups` : '/slipway/backups');
const forget = async () => {
  for (const { Id } of await backups()) await api(engine.socket, 'DELETE', `/slipway/backups/${Id}`);
};
const states = async (names: string[], { socket } = engine): Promise<string[]> => {
  const all = await api<{ Names: string[]; State: string }[]>(socket, 'GET', '/containers/json?all=1');
  return names.map((name) => all.find(({ Names }) => Names.includes(`/${name}`))?.State ?? 'none');
};
/** Whether files of that disk can have the same blocks. */
const sharesContent = async (folder: string): Promise<boolean> => {
  const [one, other] = ['one', 'other'].map((name) => path.join(folder, `shared-${name}`)) as [string, string];
  await writeFile(one, 'x'.repeat(4096));
  const { code } = await run('cp', ['--reflink=always', one, other]);
  await Promise.all([one, other].map((file) => rm(file, { force: true })));
  return code === 0;
};
const until = async (what: () => Promise<boolean>) => {
  while (!(await what())) await sleep(20);
};
/** What is asked while something is under way comes too late where the machine stands still in between: all of it again, so and so often. */
const inTime = async <Seen>(look: () => Promise<Seen>, wanted: (seen: Seen) => boolean) => {
  for (let tries = 0; ; tries++) {
    const seen = await look();
    if (wanted(seen)) return;
    assert.ok(tries < 5, JSON.stringify(seen));
  }
};

before(async () => {
  if (skip) return;
  engine = await startEngine();
  await loadBusybox(engine);
  await make('data', { Labels: { 'com.docker.compose.project': 'shop', mine: 'yes' } });
  await fillVolume(dataOf('data'));
  original = await treeOf(dataOf('data'));
});
after(async () => {
  if (!skip) await engine[Symbol.asyncDispose]();
});

test(
  'what is exported comes back to the last byte, hole and nanosecond, however it was compressed',
  options,
  async () => {
    const { socket } = engine;
    for (const compress of ['none', 'gzip', 'zstd']) {
      const { status, body } = await request(socket, 'GET', `/slipway/volumes/data/export?compress=${compress}`);
      assert.equal(status, 200);
      const { done, error } = await follow<VolumeImported>(socket, 'POST', '/slipway/volumes/back/import', { body });
      assert.ok(done, error);
      assert.deepEqual(
        [done.Name, done.Files],
        ['back', original.filter((l) => l && !l.includes('"directory"')).length],
      );
      await assertTree(dataOf('back'), original);
      if (compress !== 'none') await drop('back');
      else {
        const again = await follow(socket, 'POST', '/slipway/volumes/back/import', { body });
        assert.deepEqual([again.status, again.error?.slice(0, 32)], [409, 'there is a volume back already: ']);
        await writeFile(path.join(dataOf('back'), 'more'), 'more');
        const replaced = await follow<VolumeImported>(socket, 'POST', '/slipway/volumes/back/import?replace=1', {
          body,
        });
        assert.ok(replaced.done, replaced.error);
        await assertTree(dataOf('back'), original);
        await drop('back');
      }
    }
    const none = await request(socket, 'GET', '/slipway/volumes/none/export');
    assert.deepEqual([none.status, JSON.parse(none.body.toString())], [404, { message: 'get none: no such volume' }]);
    await assertTidy(engine.dataRoot, ['data'], 0);
  },
);

test(
  'a tar of nobody’s making keeps the volume as it looks, and a hostile one leaves it as it was',
  options,
  async () => {
    const { socket } = engine;
    await make('plain');
    await run('sh', [
      '-c',
      `chown 5:6 ${dataOf('plain')} && chmod 1750 ${dataOf('plain')} && echo old > ${dataOf('plain')}/old`,
    ]);
    const before = await treeOf(dataOf('plain'));
    const folder = await mkdtemp(path.join(tmpdir(), 'slipway-tars-'));
    try {
      await run('sh', [
        '-c',
        `cd ${folder} && mkdir in && echo new > in/new && tar -C in -cf good.tar new && ln -s ${folder} in/out && tar -C in -cf evil.tar -P --transform 's,new,../../../evil,' out new && head -c 700 good.tar > cut.tar`,
      ]);
      for (const name of ['evil', 'cut']) {
        const body = await readFile(path.join(folder, `${name}.tar`));
        const refused = await follow(socket, 'POST', '/slipway/volumes/plain/import?replace=1', { body });
        assert.match(refused.error ?? '', /leads out of the archive|is damaged at/);
        await assertTree(dataOf('plain'), before);
      }
      const body = await readFile(path.join(folder, 'good.tar'));
      assert.ok((await follow(socket, 'POST', '/slipway/volumes/plain/import?replace=1', { body })).done);
      assert.deepEqual(await readdir(dataOf('plain')), ['new']);
      const { uid, gid, mode } = await stat(dataOf('plain'));
      assert.deepEqual([uid, gid, mode & 0o7777], [5, 6, 0o1750]);
    } finally {
      await rm(folder, { recursive: true });
    }
    await drop('plain');
    await assertTidy(engine.dataRoot, ['data'], 0);
  },
);

test('a clone is the same and goes its own way; names that are taken are refused', options, async () => {
  const clone = (Name: string) =>
    follow<VolumeCloned>(engine.socket, 'POST', '/slipway/volumes/data/clone', { body: { Name } });
  const { done, error, lines } = await clone('twin');
  assert.ok(done, error);
  assert.deepEqual([done.Name, done.Files > 5], ['twin', true]);
  assert.ok(lines.some(({ Stage }) => Stage === 'copying'));
  await assertTree(dataOf('twin'), original);
  const { Labels } = await api<{ Labels: object }>(engine.socket, 'GET', '/volumes/twin');
  assert.deepEqual(Labels, { mine: 'yes' });
  await writeFile(path.join(dataOf('twin'), 'plain'), 'changed');
  await assertTree(dataOf('data'), original);
  assert.deepEqual(
    [(await clone('twin')).status, (await clone('../x')).status, (await clone('')).status],
    [409, 400, 400],
  );
  await drop('twin');
});

test('a backup outlives its volume, is put back in one step, and first keeps what it replaces', options, async () => {
  const { socket } = engine;
  const { Id, ...made } = await backup('data', { Note: 'before the upgrade' });
  assert.deepEqual(
    { ...made, Created: '', Digest: '', Size: 0, Compressed: 0, Files: 0 },
    // prettier-ignore
    { Volume: 'data', Created: '', Size: 0, Compressed: 0, Files: 0, Digest: '', By: 'hand', Consistent: true, Note: 'before the upgrade' },
  );
  await writeFile(path.join(dataOf('data'), 'plain'), 'changed');
  const changed = await treeOf(dataOf('data'));
  const restore = (body: object = {}) =>
    follow<VolumeRestored>(socket, 'POST', `/slipway/backups/${Id}/restore`, { body });

  await ok('run', '-d', '--name', 'user', '-v', 'data:/d', 'busybox:test', 'sleep', '1000');
  const used = await restore();
  assert.equal(used.status, 409);
  assert.match(used.error ?? '', /in use by user: stop what runs with it/);
  await ok('stop', '-t', '0', 'user');
  const { done, error } = await restore();
  assert.ok(done, error);
  await assertTree(dataOf('data'), original);
  // What starts now sees what was put back.
  await ok('start', 'user');
  assert.equal(await ok('exec', 'user', 'cat', '/d/plain'), 'plain');
  await ok('rm', '-f', 'user');

  const [kept, first] = await backups('data');
  assert.deepEqual([kept?.Id, kept?.By, first?.Id], [done.Before, 'restore', Id]);
  const other = await follow(socket, 'POST', `/slipway/backups/${done.Before}/restore`, {
    body: { Name: 'as-it-was' },
  });
  assert.ok(other.done, other.error);
  await assertTree(dataOf('as-it-was'), changed);
  assert.equal((await restore({ Name: 'as-it-was' })).status, 409);

  await drop('as-it-was', 'data');
  assert.equal((await backups('data')).length, 2);
  const whole = await restore();
  assert.equal(whole.done?.Before, null);
  await assertTree(dataOf('data'), original);
  const { Labels } = await api<{ Labels: object }>(socket, 'GET', '/volumes/data');
  assert.deepEqual(Labels, { 'com.docker.compose.project': 'shop', mine: 'yes' });
  const archive = await request(socket, 'GET', `/slipway/backups/${Id}`);
  assert.equal(archive.body.length, made.Compressed);
  const usage = await api<{ Backups: { Count: number; Size: number } }>(socket, 'GET', '/slipway/disk');
  assert.deepEqual([usage.Backups.Count, usage.Backups.Size > made.Compressed], [2, true]);

  // One that the disk has falsified is not put back.
  await appendFile(path.join(engine.dataRoot, 'backups', `${Id}.tar.zst`), archive.body.subarray(0, 100));
  await truncate(path.join(engine.dataRoot, 'backups', `${done.Before}.tar.zst`), 5000);
  await writeFile(path.join(dataOf('data'), 'plain'), 'mine');
  const mine = await treeOf(dataOf('data'));
  assert.ok((await restore()).error);
  assert.ok((await follow(socket, 'POST', `/slipway/backups/${done.Before}/restore`)).error);
  await assertTree(dataOf('data'), mine);
  await writeFile(path.join(dataOf('data'), 'plain'), 'plain');
  await forget();
  assert.equal((await request(socket, 'DELETE', `/slipway/backups/${Id}`)).status, 404);
  await assertTidy(engine.dataRoot, ['data'], 0);
});

test(
  'who writes stands still while it is copied and goes on after it, after a killed engine too',
  options,
  async () => {
    const { socket, dataRoot } = engine;
    await make('busy');
    await fillVolume(dataOf('busy'), 160 << 20);
    await ok(
      'run',
      '-d',
      '--name',
      'writer',
      '-v',
      'busy:/d',
      'busybox:test',
      'sh',
      '-c',
      'while :; do date >> /d/log; sleep 0.01; done',
    );
    await ok('run', '-d', '--name', 'reader', '-v', 'busy:/d:ro', 'busybox:test', 'sleep', '1000');
    await ok('run', '-d', '--name', 'resting', '-v', 'busy:/d', 'busybox:test', 'sleep', '1000');
    await ok('pause', 'resting');
    const three = () => states(['writer', 'reader', 'resting']);
    const url = '/slipway/volumes/busy/backups';
    // Where the disk can share content it stands still for the moment of a clone, and not while that is compressed.
    const shares = await sharesContent(dataRoot);
    const whilePacked = async () => {
      let seen: Promise<string[]> | undefined;
      const { done, error } = await follow<VolumeBackup>(socket, 'POST', url, {
        body: { Pause: true },
        onLine: ({ Stage, Bytes }) => void (Stage === 'compressing' && Bytes === 0 && (seen = three())),
      });
      assert.ok(done, error);
      assert.deepEqual(await three(), ['running', 'running', 'paused']);
      assert.equal(done.Consistent, true);
      return seen;
    };
    await inTime(whilePacked, (seen) => shares || isDeepStrictEqual(seen, ['paused', 'running', 'paused']));
    assert.equal((await backup('busy')).Consistent, false);

    const inUse = await request(socket, 'DELETE', '/volumes/busy');
    assert.equal(inUse.status, 409);
    await follow(socket, 'POST', url, { body: { Pause: true }, onLine: ({ Stage }) => Stage !== 'compressing' });
    await until(async () => (await three())[0] === 'running');

    const ended = follow(socket, 'POST', url, {
      body: { Pause: true },
      onLine: ({ Stage }) => void (Stage === 'compressing' && engine.process.kill('SIGTERM')),
    });
    await ended.catch(() => undefined);
    await engine.stop();
    await engine.restart();
    assert.deepEqual(await three(), ['running', 'running', 'paused']);

    const killed = follow(socket, 'POST', url, {
      body: { Pause: true },
      onLine: ({ Stage }) => void (Stage === 'compressing' && engine.process.kill('SIGKILL')),
    });
    await killed.catch(() => undefined);
    await engine.kill();
    await engine.restart();
    assert.deepEqual(await three(), ['running', 'running', 'paused']);
    // One that was through before it heard of its end is whole.
    const whole = await backups('busy');
    assert.ok(whole.length >= 2 && whole.every(({ Size }) => Size >= 160 << 20), JSON.stringify(whole));
    await ok('rm', '-f', 'writer', 'reader', 'resting');
    await drop('busy');
    await forget();
    await assertTidy(dataRoot, ['data'], 0);
  },
);

test(
  'what is cut off, by a client that goes or an engine that is killed, is there whole or not at all',
  options,
  async () => {
    const { socket, dataRoot } = engine;
    await make('big');
    await fillVolume(dataOf('big'), 64 << 20);
    const before = await treeOf(dataOf('big'));
    const kept = await backup('big');
    const { body } = await request(socket, 'GET', '/slipway/volumes/big/export');
    const works: [url: string, stage: string, body: unknown][] = [
      ['/slipway/volumes/big/clone', 'copying', { Name: 'copy' }],
      ['/slipway/volumes/big/import?replace=1', 'unpacking', body],
      ['/slipway/volumes/new/import', 'unpacking', body],
      [`/slipway/backups/${kept.Id}/restore`, 'unpacking', {}],
      [`/slipway/backups/${kept.Id}/restore`, 'compressing', {}],
      ['/slipway/volumes/big/backups', 'compressing', {}],
    ];
    const listed = async () =>
      (await api<{ Volumes: { Name: string }[] }>(socket, 'GET', '/volumes')).Volumes.map(({ Name }) => Name);
    /** What was through before it heard of its end is whole, and is taken away; everything else leaves nothing. */
    const clear = async () => {
      for (let tries = 0; tries < 2000 && !(await isTidy(dataRoot, ['big', 'data'], 1)); tries++) {
        for (const name of (await listed()).filter((each) => !['big', 'data'].includes(each))) {
          await assertTree(dataOf(name), before);
          await drop(name);
        }
        for (const each of (await backups()).filter((other) => other.Id !== kept.Id)) {
          assert.deepEqual([each.Size, each.Files], [kept.Size, kept.Files]);
          await api(socket, 'DELETE', `/slipway/backups/${each.Id}`);
        }
        await sleep(50);
      }
      await assertTidy(dataRoot, ['big', 'data'], 1);
    };
    for (const [url, stage, wanted] of works) {
      const left = await follow(socket, 'POST', url, { body: wanted, onLine: ({ Stage }) => Stage !== stage });
      assert.equal(left.done, undefined, url);
      await clear();
    }
    await assertTree(dataOf('big'), before);
    for (const [url, stage, wanted] of works) {
      const onLine = ({ Stage }: { Stage?: string }) => void (Stage === stage && engine.process.kill('SIGKILL'));
      await follow(socket, 'POST', url, { body: wanted, onLine }).catch(() => undefined);
      await engine.kill();
      await engine.restart();
      await clear();
      assert.deepEqual((await listed()).sort(), ['big', 'data']);
    }
    await assertTree(dataOf('big'), before);
    await drop('big');
    await forget();
  },
);

test('nobody starts with a volume that is being put back, and nobody takes it away', options, async () => {
  const { socket } = engine;
  await make('gate');
  await fillVolume(dataOf('gate'), 48 << 20);
  await ok('create', '--name', 'late', '-v', 'gate:/d', 'busybox:test', 'true');
  const { Id } = await backup('gate');
  const refused = async (method: string, url: string, body?: object) =>
    (JSON.parse((await request(socket, method, url, body)).body.toString() || '{}') as { message?: string }).message ??
    '';
  const whileRestored = async () => {
    await docker(engine, ['rm', '-f', 'new']);
    let tried: Promise<string>[] = [];
    const { done, error } = await follow<VolumeRestored>(socket, 'POST', `/slipway/backups/${Id}/restore`, {
      onLine: ({ Stage }) => {
        if (Stage !== 'compressing' || tried.length > 0) return;
        const wish = { Image: 'busybox:test', HostConfig: { Binds: ['gate:/d'] } };
        tried = [refused('POST', '/containers/late/start'), refused('POST', '/containers/create?name=new', wish)];
      },
    });
    assert.ok(done, error);
    assert.equal(tried.length, 2);
    const messages = await Promise.all(tried);
    await ok('wait', 'late');
    return messages;
  };
  await inTime(whileRestored, (messages) => messages.every((text) => /the volume gate is being restored/.test(text)));
  await ok('start', '-a', 'late');
  await ok('rm', 'late');
  await drop('gate');
  await forget();
});

test('a folder can be copied and not replaced; memory has nothing to copy', options, async () => {
  const { socket } = engine;
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-folder-'));
  try {
    await writeFile(path.join(folder, 'f'), 'theirs');
    await make('folder', { DriverOpts: { type: 'none', o: 'bind', device: folder } });
    const { Id, Files } = await backup('folder');
    assert.equal(Files, 1);
    const into = await follow(socket, 'POST', `/slipway/backups/${Id}/restore`);
    assert.match(into.error ?? '', /stands for the folder .* which is not replaced/);
    const other = await follow(socket, 'POST', `/slipway/backups/${Id}/restore`, { body: { Name: 'other' } });
    assert.ok(other.done, other.error);
    const copied = await follow<VolumeCloned>(socket, 'POST', '/slipway/volumes/folder/clone', {
      body: { Name: 'ours' },
    });
    assert.ok(copied.done, copied.error);
    assert.equal(await readFile(path.join(dataOf('ours'), 'f'), 'utf8'), 'theirs');
    assert.equal(await readFile(path.join(dataOf('other'), 'f'), 'utf8'), 'theirs');
    await make('memory', { DriverOpts: { type: 'tmpfs', device: 'tmpfs' } });
    const memory = await follow(socket, 'POST', '/slipway/volumes/memory/backups');
    assert.match(memory.error ?? '', /is of type tmpfs: it has no files of its own on this disk/);
    await drop('other', 'ours', 'folder', 'memory');
    await forget();
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('what is due is made by the clock, also what was missed, and only so many of them stay', options, async () => {
  const { socket, dataRoot } = engine;
  const url = '/slipway/volumes/data/schedule';
  const wrong = await request(socket, 'PUT', url, { Every: 0, Keep: 1, Pause: false });
  assert.equal(wrong.status, 400);
  const set = await api<BackupSchedule>(socket, 'PUT', url, { Every: 24, Keep: 2, Pause: true });
  assert.ok(Math.abs(Date.parse(set.Next ?? '') - Date.now() - 24 * 3600_000) < 60_000, set.Next);
  const byHand = await backup('data');
  const Database = createRequire(import.meta.url)('libsql') as new (file: string) => {
    prepare(sql: string): { get(key: string): { record: string }; run(...values: string[]): void };
    close(): void;
  };
  let newest = byHand.Id;
  for (let i = 0; i < 3; i++) {
    await engine.stop();
    const database = new Database(path.join(dataRoot, 'slipway.db'));
    const { record } = database.prepare('select record from backup_schedules where key = ?').get('data');
    const due = { ...(JSON.parse(record) as object), next: Date.now() - 50 * 3600_000 };
    database.prepare('update backup_schedules set record = ? where key = ?').run(JSON.stringify(due), 'data');
    database.close();
    await engine.restart();
    await until(async () => {
      const there = await backups('data');
      return there[0]?.Id !== newest && there.length === Math.min(i + 2, 3);
    });
    newest = (await backups('data'))[0]?.Id ?? '';
  }
  const left = await backups('data');
  const seen = await api<VolumeOverview>(socket, 'GET', '/slipway/volumes/data');
  assert.deepEqual([seen.Backups, seen.Schedule?.Every, seen.Schedule?.Problem], [3, 24, null]);
  assert.deepEqual(
    left.map(({ By }) => By),
    ['schedule', 'schedule', 'hand'],
  );
  assert.equal(left[2]?.Id, byHand.Id);
  assert.equal((await request(socket, 'DELETE', url)).status, 204);
  await forget();
  await assertTidy(dataRoot, ['data'], 0);
});

test('a disk without room is said before or on the way, and nothing of it stays', options, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-small-'));
  await run('mount', ['-t', 'tmpfs', '-o', 'size=64m,mode=755', 'small', folder]);
  const runDir = await mkdtemp(path.join(tmpdir(), 'slipway-small-run-'));
  try {
    await using small = await startEngine({ folder, runDir });
    const { socket, dataRoot } = small;
    await make('half', {}, small);
    await fillVolume(dataOf('half', small), 36 << 20);
    const before = await treeOf(dataOf('half', small));
    const early = await follow(socket, 'POST', '/slipway/volumes/half/clone', { body: { Name: 'twin' } });
    assert.match(
      early.error ?? '',
      /no space left on device: a copy of the volume half needs about 4\d MB, \d+ MB free/,
    );
    const whole = await follow(socket, 'POST', '/slipway/volumes/half/backups');
    assert.match(whole.error ?? '', /no space left on device/);
    await promisify(execFile)('sh', ['-c', 'head -c 200000000 /dev/zero | tr "\\0" x > big && tar -c big | gzip > ../bomb', '--'], { cwd: runDir, maxBuffer: 1 << 28 }); // prettier-ignore
    const bomb = path.join(runDir, '../bomb');
    const body = await readFile(bomb);
    await rm(bomb);
    const middle = await follow(socket, 'POST', '/slipway/volumes/half/import?replace=1', { body });
    assert.match(middle.error ?? '', /[Nn]o space left on device/);
    await assertTree(dataOf('half', small), before);
    await assertTidy(dataRoot, ['half'], 0);
    const { status } = await request(socket, 'GET', '/slipway/volumes/half/export?compress=zstd');
    assert.equal(status, 200);
  } finally {
    await run('umount', ['-l', folder]);
    await rm(folder, { recursive: true });
    await rm(runDir, { recursive: true });
  }
});

test(
  'where the disk can, a clone has the same blocks, and who writes stands still for a moment only',
  options,
  async () => {
    const base = await mkdtemp(path.join(tmpdir(), 'slipway-xfs-'));
    const [image, folder, runDir] = [path.join(base, 'image'), path.join(base, 'disk'), path.join(base, 'run')];
    await writeFile(image, '');
    await truncate(image, 600 << 20);
    await mkdir(folder);
    const sbin = { env: { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` } };
    const formatted = await run('mkfs.xfs', ['-q', '-m', 'reflink=1', image], sbin);
    assert.equal(formatted.code, 0, formatted.stderr);
    assert.equal((await run('mount', ['-o', 'loop', image, folder], sbin)).code, 0);
    try {
      await using xfs = await startEngine({ folder, runDir });
      await loadBusybox(xfs);
      const { socket, dataRoot } = xfs;
      await make('data', {}, xfs);
      await fillVolume(dataOf('data', xfs), 64 << 20);
      const before = await treeOf(dataOf('data', xfs));
      await run('sync', []);
      const free = async () => {
        const { bavail, bsize } = await statfs(folder);
        return bavail * bsize;
      };
      const room = await free();
      const body = { Name: 'twin', Pause: true };
      const { done, error } = await follow<VolumeCloned>(socket, 'POST', '/slipway/volumes/data/clone', { body });
      assert.ok(done, error);
      assert.equal(done.How, 'reflink');
      await assertTree(dataOf('twin', xfs), before);
      assert.ok(room - (await free()) < 8 << 20, 'the clone takes no room of its own');
      const ran = await docker(xfs, [
        'run',
        '-d',
        '--name',
        'writer',
        '-v',
        'data:/d',
        'busybox:test',
        'sleep',
        '1000',
      ]);
      assert.equal(ran.code, 0, ran.stderr);
      let seen: Promise<string[]> | undefined;
      const made = await follow<VolumeBackup>(socket, 'POST', '/slipway/volumes/data/backups', {
        body: { Pause: true },
        onLine: ({ Stage, Bytes }) => void (Stage === 'compressing' && Bytes === 0 && (seen = states(['writer'], xfs))),
      });
      assert.equal(made.done?.Consistent, true, made.error);
      assert.deepEqual(await seen, ['running']);
      const exported = await request(socket, 'GET', '/slipway/volumes/data/export?pause=1');
      const again = await follow<VolumeImported>(socket, 'POST', '/slipway/volumes/again/import', {
        body: exported.body,
      });
      assert.ok(again.done, again.error);
      await assertTree(dataOf('again', xfs), before);
      await assertTidy(dataRoot, ['again', 'data', 'twin'], 1);
    } finally {
      await run('umount', ['-l', folder]);
      await rm(base, { recursive: true });
    }
  },
);

test('a volume that nobody has stays until its backup is made', options, async () => {
  let before: string[] = [];
  let Id = '';
  const whilePacked = async () => {
    await make('lone');
    await fillVolume(dataOf('lone'), 80 << 20);
    before = await treeOf(dataOf('lone'));
    let removal: Promise<{ status: number }> | undefined;
    const { done, error } = await follow<VolumeBackup>(engine.socket, 'POST', '/slipway/volumes/lone/backups', {
      body: {},
      onLine: ({ Stage }) => void (Stage === 'compressing' && (removal ??= request(engine.socket, 'DELETE', '/volumes/lone'))), // prettier-ignore
    });
    assert.ok(done, error);
    Id = done.Id;
    return (await removal)?.status;
  };
  await inTime(whilePacked, (status) => status === 409);
  await drop('lone');
  const restored = await follow(engine.socket, 'POST', `/slipway/backups/${Id}/restore`);
  assert.ok(restored.done, restored.error);
  await assertTree(dataOf('lone'), before);
  await drop('lone');
  await forget();
});

test(
  'an ordinary user’s volumes with others’ files in them are copied and put back all the same',
  options,
  async () => {
    await using person = await makePerson({ window: false });
    await using theirs = await startEngine({
      uid: person.uid,
      command: [process.execPath, path.join(person.checkout, 'out/daemon.cjs')],
      env: { XDG_RUNTIME_DIR: '' },
    });
    const { socket } = theirs;
    await loadBusybox(theirs);
    const script =
      'echo one > /d/f && chown 33:34 /d/f && chmod 640 /d/f && mkdir /d/sub && chown 1000 /d /d/sub && ln /d/f /d/g';
    const ran = await docker(theirs, ['run', '--rm', '-v', 'data:/d', 'busybox:test', 'sh', '-c', script]);
    assert.equal(ran.code, 0, ran.stderr);
    const before = await treeOf(dataOf('data', theirs));
    const { Id } = await backup('data', {}, theirs);
    const clone = await follow(socket, 'POST', '/slipway/volumes/data/clone', { body: { Name: 'twin' } });
    assert.ok(clone.done, clone.error);
    await assertTree(dataOf('twin', theirs), before);
    await writeFile(path.join(dataOf('data', theirs), 'f'), 'changed');
    const { done, error } = await follow<VolumeRestored>(socket, 'POST', `/slipway/backups/${Id}/restore`);
    assert.ok(done, error);
    await assertTree(dataOf('data', theirs), before);
    await assertTidy(theirs.dataRoot, ['data', 'twin'], 2);
  },
);

test('all of it by the command line', options, async () => {
  const slipway = async (...args: string[]) => {
    const ran = await run(process.execPath, [path.join(root, 'out/cli/slipway.cjs'), 'volume', ...args], {
      env: { DOCKER_HOST: `unix://${engine.socket}` },
    });
    assert.equal(ran.code, 0, `slipway volume ${args.join(' ')}: ${ran.stderr}`);
    return ran.stdout.trim();
  };
  const now = await treeOf(dataOf('data'));
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-cli-'));
  try {
    const file = path.join(folder, 'data.tar.zst');
    await slipway('export', '-o', file, 'data');
    assert.equal((await run('zstd', ['-t', file])).code, 0);
    assert.equal(await slipway('import', '-i', file, 'imported'), 'imported');
    await assertTree(dataOf('imported'), now);
    assert.equal(await slipway('clone', '--pause', 'data', 'cloned'), 'cloned');
    const id = await slipway('backup', '--note', 'by hand', 'data');
    assert.equal(await slipway('backups', '-q', 'data'), id);
    assert.match(await slipway('backups'), new RegExp(`^${id} +data +.* +hand +yes +by hand$`, 'm'));
    await rm(path.join(dataOf('data'), 'plain'));
    assert.equal(await slipway('restore', id), 'data');
    await assertTree(dataOf('data'), now);
    assert.equal(await slipway('restore', '--as', 'restored', id), 'restored');
    assert.match(await slipway('schedule', '--every', '24', '--keep', '3', 'data'), /^next backup: 20/);
    await slipway('schedule', '--off', 'data');
    await slipway('backup-rm', ...(await slipway('backups', '-q')).split('\n'));
    await drop('imported', 'cloned', 'restored');
    await assertTidy(engine.dataRoot, ['data'], 0);
  } finally {
    await rm(folder, { recursive: true });
  }
});
