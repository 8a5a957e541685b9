/** Mounts of containers that run: put in, remembered, shown, taken out; and changes of what is mounted, with a restart where it must be. */
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { HistoryEntry } from '../../main/contract/changes.js';
import type { ContainerMount, Mounted, MountHolder, MountPreview, MountWish } from '../../main/contract/mounts.js';
import { api, docker, loadBusybox, request, startEngine, type RunningEngine } from '../fixtures/engine.js';
import { open, type Ground } from './security/ground.js';

const needsRoot = process.getuid?.() === 0 ? false : 'needs root';

interface Inspect {
  Id: string;
  State: { Pid: number; Running: boolean; StartedAt: string };
  HostConfig: { Binds: string[] | null; Mounts?: object[] | null };
  Mounts: { Type: string; Name?: string; Source: string; Destination: string; RW: boolean }[];
}

/** What can be asked of one engine. */
function asking(engine: () => Pick<RunningEngine, 'socket'>) {
  const at = (name: string, rest = '') => `/slipway/containers/${name}/mounts${rest}`;
  const says = async (...args: string[]) => {
    const ran = await docker(engine(), args);
    assert.equal(ran.code, 0, `docker ${args.join(' ')}: ${ran.stderr}`);
    return ran.stdout;
  };
  return {
    says,
    inside: (name: string, script: string) => says('exec', name, 'sh', '-c', script),
    inspect: (name: string) => api<Inspect>(engine().socket, 'GET', `/containers/${name}/json`),
    list: (name: string) => api<ContainerMount[]>(engine().socket, 'GET', at(name)),
    preview: (name: string, wish: MountWish) =>
      api<MountPreview>(engine().socket, 'POST', at(name, '?preview=1'), wish),
    attach: (name: string, wish: MountWish) => api<Mounted>(engine().socket, 'POST', at(name), wish),
    history: (name: string) => api<HistoryEntry[]>(engine().socket, 'GET', `/slipway/containers/${name}/history`),
    /** The answer to what is refused. */
    refused: async (method: string, name: string, rest: string, body?: object) => {
      const answer = await request(engine().socket, method, at(name, rest), body);
      const said = JSON.parse(answer.body.toString() || '{}') as { message?: string; Holders?: MountHolder[] };
      return { status: answer.status, message: said.message ?? '', holders: said.Holders };
    },
    detach: async (name: string, target: string, more = '') => {
      const query = `?target=${encodeURIComponent(target)}${more}`;
      const answer = await request(engine().socket, 'DELETE', at(name, query));
      assert.equal(answer.status, 204, answer.body.toString());
    },
    /** The last line of what a change or a way back answers. */
    change: async (name: string, what: 'change' | 'revert', body: object, query = '?watch=0') => {
      const answer = await request(engine().socket, 'POST', `/slipway/containers/${name}/${what}${query}`, body);
      const last = answer.body.toString().trim().split('\n').at(-1) ?? '';
      assert.equal(answer.status, 200, last);
      return JSON.parse(last) as { Restarted?: boolean; RolledBack?: { Reason: string }; error?: string };
    },
  };
}

describe('mounts of running containers', { skip: needsRoot, timeout: 900_000 }, () => {
  let engine: RunningEngine;
  let folder: string;
  const { says, inside, inspect, list, preview, attach, history, refused, detach, change } = asking(() => engine);
  before(async () => {
    engine = await startEngine();
    await loadBusybox(engine);
    folder = await mkdtemp(path.join(tmpdir(), 'slipway-live-'));
    await chmod(folder, 0o755);
    await mkdir(path.join(folder, 'site/deep'), { recursive: true });
    await writeFile(path.join(folder, 'site/index'), 'hello\n');
    await says('run', '-d', '--name', 'web', '--stop-timeout', '0', 'busybox:test', 'sleep', '1000');
  });
  after(async () => {
    await engine?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });
  const site = () => path.join(folder, 'site');

  test('a folder is there at once, stays over a restart, is shown and goes again', async () => {
    const { State } = await inspect('web');
    const wish: MountWish = { Type: 'bind', Source: site(), Target: '/srv/site', ReadOnly: true };
    const before = await preview('web', wish);
    assert.equal(before.Applies, 'live');
    assert.deepEqual(before.Target, { Kind: 'missing', Hidden: 0, Names: [] });
    assert.equal(before.Owner?.Inside.User, 'root');
    assert.equal(before.Owner?.Disk.User, 'root');
    const { Mount, Applied } = await attach('web', wish);
    assert.equal(Applied, 'live');
    assert.deepEqual(
      [Mount.Destination, Mount.Source, Mount.ReadOnly, Mount.Added, Mount.Mounted, Mount.From],
      ['/srv/site', site(), true, true, true, null],
    );
    assert.equal(
      await inside('web', 'cat /srv/site/index; touch /srv/site/deep/x 2>/dev/null || echo refused'),
      'hello\nrefused\n',
    );
    const there = await inspect('web');
    assert.equal(there.State.Pid, State.Pid);
    assert.deepEqual(there.HostConfig.Binds, [`${site()}:/srv/site:ro`]);
    assert.deepEqual(
      there.Mounts.map(({ Type, Source, Destination, RW }) => [Type, Source, Destination, RW]),
      [['bind', site(), '/srv/site', false]],
    );
    const [entry] = await history('web');
    assert.deepEqual(
      [entry?.Kind, entry?.Changes],
      ['changed', [{ Field: 'HostConfig.Binds', From: null, To: [`${site()}:/srv/site:ro`] }]],
    );
    assert.match((await refused('POST', 'web', '', wish)).message, /has something mounted on \/srv\/site already/);
    await says('restart', 'web');
    assert.equal(await inside('web', 'cat /srv/site/index'), 'hello\n');
    const [later] = await list('web');
    assert.deepEqual([later?.Added, later?.Live, later?.Mounted], [true, false, true]);
    await detach('web', '/srv/site');
    assert.equal(await inside('web', 'ls -d /srv 2>&1 || true'), 'ls: /srv: No such file or directory\n');
    assert.deepEqual((await inspect('web')).HostConfig.Binds, []);
    assert.deepEqual(await list('web'), []);
    assert.equal((await refused('DELETE', 'web', '?target=/srv/site')).status, 404);
  });

  test('a volume is made, filled as with -v, held, and kept when it goes', async () => {
    const { Applied } = await attach('web', { Type: 'volume', Source: 'data', Target: '/home' });
    assert.equal(Applied, 'live');
    await inside('web', 'echo mine > /home/file');
    assert.equal((await docker(engine, ['volume', 'rm', 'data'])).code, 1);
    assert.equal(await says('run', '--rm', '-v', 'data:/d', 'busybox:test', 'cat', '/d/file'), 'mine\n');
    const [mount] = await list('web');
    assert.deepEqual([mount?.Type, mount?.Name, mount?.Mounted], ['volume', 'data', true]);
    await detach('web', '/home');
    await says('volume', 'rm', 'data');
  });

  test('who has files open in it is named, and keeps them when it is detached anyway', async () => {
    await attach('web', { Type: 'bind', Source: site(), Target: '/held' });
    await says('exec', '-d', 'web', 'sh', '-c', 'exec 5</held/index; echo in > /tmp/in; while :; do sleep 1; done');
    while ((await docker(engine, ['exec', 'web', 'cat', '/tmp/in'])).code !== 0);
    const { status, message, holders } = await refused('DELETE', 'web', '?target=/held');
    assert.equal(status, 409);
    assert.match(message, /\bsh \(\d+\).* open in \/held: end what uses it, detach it anyway/);
    const shell = holders?.find(({ Name }) => Name === 'sh');
    assert.deepEqual(shell?.Paths, ['/held/index']);
    assert.ok((await stat(`/proc/${shell?.Pid}`)).isDirectory());
    assert.equal(await inside('web', 'cat /held/index'), 'hello\n');
    await detach('web', '/held', '&force=1');
    assert.match(await inside('web', 'ls -d /held 2>&1 || true'), /No such file/);
    assert.equal(await readFile(`/proc/${shell?.Pid}/fd/5`, 'utf8'), 'hello\n');
    process.kill(shell?.Pid as number, 'SIGKILL');
  });

  test('what hides something says so, and nothing goes where the system shows itself', async () => {
    const { Warnings } = await preview('web', { Type: 'bind', Source: '/etc', Target: '/host' });
    assert.deepEqual(
      Warnings.filter((one) => one === 'system'),
      ['system'],
    );
    const { Target } = await preview('web', { Type: 'bind', Source: site(), Target: '/etc' });
    assert.equal(Target.Kind, 'directory');
    assert.ok(Target.Hidden >= 3 && Target.Names.includes('passwd'), JSON.stringify(Target));
    for (const place of ['/', '/proc', '/proc/sys/kernel', '/sys/fs/cgroup', '/dev/pts', 'relative', '/proc/kcore'])
      assert.equal(
        (await refused('POST', 'web', '', { Type: 'bind', Source: site(), Target: place })).status,
        400,
        place,
      );
    await inside('web', 'ln -s /proc/sys /link; ln -s / /slash');
    for (const place of ['/link', '/slash', '/slash/proc/fs', '/etc/hosts'])
      assert.ok(
        (await refused('POST', 'web', '', { Type: 'bind', Source: site(), Target: place })).status >= 400,
        place,
      );
    for (const Source of [path.join(folder, 'none'), 'relative', ''])
      assert.equal((await refused('POST', 'web', '', { Type: 'bind', Source, Target: '/x' })).status, 400, Source);
    assert.equal((await refused('POST', 'web', '', { Type: 'volume', Source: '/etc', Target: '/x' })).status, 400);
    for (const [Source, Target, why] of [
      [site(), '/etc/passwd', '/etc/passwd is a file in the container, and the source is a directory'],
      ['/etc/passwd', '/etc', '/etc is a directory in the container, and the source is a file'],
    ] as const)
      assert.equal((await refused('POST', 'web', '', { Type: 'bind', Source, Target })).message, why);
    assert.deepEqual(await list('web'), []);
  });

  test('odd paths: spaces, colons, newlines, unicode', async () => {
    for (const [name, target] of [
      ['with space', '/a b'],
      ['colon:ro', '/c:d'],
      ['line\nbreak', '/容器\n'],
    ] as const) {
      const source = path.join(folder, name);
      await mkdir(source);
      await writeFile(path.join(source, 'file'), name);
      await attach('web', { Type: 'bind', Source: source, Target: target });
      const [mount] = await list('web');
      assert.deepEqual([mount?.Destination, mount?.Mounted], [target, true]);
      const shown = await docker(engine, ['exec', 'web', 'cat', `${target}/file`]);
      assert.equal(shown.stdout, name);
      await detach('web', target);
    }
  });

  test('a change is made while it runs where that can be, reverted, and with a restart where not', async () => {
    const { State, Id } = await inspect('web');
    const both = { HostConfig: { Binds: [`${site()}:/one`, 'shared:/two'] } };
    assert.equal((await change('web', 'change', both)).Restarted, false);
    assert.equal(await inside('web', 'cat /one/index; ls -d /two'), 'hello\n/two\n');
    const [entry] = await history('web');
    const seq = (entry?.Seq ?? 0) - 1;
    assert.equal((await change('web', 'revert', { Seq: seq })).Restarted, false);
    assert.equal(await inside('web', 'ls -d /one /two 2>/dev/null || true'), '');
    assert.equal((await inspect('web')).State.Pid, State.Pid);
    assert.equal((await docker(engine, ['volume', 'rm', 'shared'])).code, 0);
    const memory = { HostConfig: { Tmpfs: { '/fast': 'size=1m' }, Binds: ['shared:/two'] } };
    assert.equal((await change('web', 'change', memory)).Restarted, true);
    assert.match(await inside('web', 'grep -c /fast /proc/mounts; ls -d /two'), /^1\n\/two\n/);
    assert.equal((await inspect('web')).Id, Id);
    const broken = { HostConfig: { Binds: ['gone:/bin'], Tmpfs: {} } };
    const undone = await change('web', 'change', { ...broken, Config: { Cmd: ['/nothing'] } });
    assert.match(undone.RolledBack?.Reason ?? '', /does not start/);
    assert.match(await inside('web', 'ls -d /two; grep -c /fast /proc/mounts'), /^\/two\n1\n/);
    assert.equal((await docker(engine, ['volume', 'rm', 'shared'])).code, 1, 'it is held again');
    await change('web', 'change', { HostConfig: { Tmpfs: null, Binds: null } });
    assert.equal((await docker(engine, ['volume', 'rm', 'shared'])).code, 0);
    await docker(engine, ['volume', 'rm', 'gone']);
    const users = async () =>
      (await api<{ Images: { Containers: number }[] }>(engine.socket, 'GET', '/system/df')).Images[0]?.Containers;
    const before = await users();
    assert.ok((before ?? 0) > 0);
    const image = { HostConfig: { Mounts: [{ Type: 'image', Source: 'busybox:test', Target: '/img' }] } };
    assert.equal((await change('web', 'change', image)).Restarted, true);
    assert.equal(await inside('web', 'ls -d /img/bin/busybox'), '/img/bin/busybox\n');
    assert.equal((await change('web', 'change', { HostConfig: { Mounts: null } })).Restarted, true);
    assert.equal(await inside('web', 'ls -d /img/bin 2>/dev/null || true'), '');
    assert.equal(await users(), before, 'its own image is held as before');
  });

  test('volumes-from is followed, added and taken away while it runs', async () => {
    await says('create', '--name', 'source', '-v', 'kept:/kept', '-v', '/anon', 'busybox:test');
    assert.equal((await change('web', 'change', { HostConfig: { VolumesFrom: ['source'] } })).Restarted, false);
    const mounts = await list('web');
    assert.deepEqual(mounts.map(({ Destination, From, Mounted }) => [Destination, From?.Name, Mounted]).sort(), [
      ['/anon', 'source', true],
      ['/kept', 'source', true],
    ]);
    assert.match((await refused('DELETE', 'web', '?target=/kept')).message, /comes from container source/);
    await says('rm', 'source');
    await attach('web', { Type: 'bind', Source: site(), Target: '/also' });
    assert.equal((await list('web')).length, 3);
    assert.equal((await change('web', 'change', { HostConfig: { VolumesFrom: [], Binds: [] } })).Restarted, false);
    assert.deepEqual(await list('web'), []);
    await says('volume', 'rm', 'kept');
  });

  test('an anonymous volume that was taken away comes back as the one that it was', async () => {
    await says('run', '-d', '--name', 'anon', '-v', '/data', '--stop-timeout', '0', 'busybox:test', 'sleep', '1000');
    await inside('anon', 'echo kept > /data/file');
    const [first] = (await inspect('anon')).Mounts;
    await detach('anon', '/data');
    assert.equal(await inside('anon', 'ls /data'), '');
    assert.equal((await change('anon', 'revert', { Seq: 1 })).Restarted, false);
    const [again] = (await inspect('anon')).Mounts;
    assert.equal(again?.Name, first?.Name);
    assert.equal(await inside('anon', 'cat /data/file'), 'kept\n');
    await says('rm', '-fv', 'anon');
  });

  test('with a read-only root a missing place takes a restart, which is offered and made', async () => {
    await says('run', '-d', '--name', 'ro', '--read-only', '--stop-timeout', '0', 'busybox:test', 'sleep', '1000');
    const wish: MountWish = { Type: 'bind', Source: site(), Target: '/new' };
    const { Applies, Reason } = await preview('ro', wish);
    assert.equal(Applies, 'restart');
    assert.match(Reason ?? '', /read-only/);
    const { status, message } = await refused('POST', 'ro', '', wish);
    assert.equal(status, 409);
    assert.match(message, /only with a restart: \/new is not there/);
    assert.equal((await attach('ro', { ...wish, Restart: true })).Applied, 'restart');
    assert.equal(await inside('ro', 'cat /new/index'), 'hello\n');
    assert.equal((await attach('ro', { ...wish, Target: '/tmp' })).Applied, 'live');
    await says('rm', '-f', 'ro');
  });

  test('paused, stopped, and coming back by itself', async () => {
    const wish: MountWish = { Type: 'bind', Source: site(), Target: '/p' };
    await says('run', '-d', '--name', 'life', '--restart', 'always', 'busybox:test', 'sh', '-c', 'sleep 1000');
    await says('pause', 'life');
    assert.equal((await attach('life', wish)).Applied, 'live');
    await says('unpause', 'life');
    assert.equal(await inside('life', 'cat /p/index'), 'hello\n');
    const { State } = await inspect('life');
    process.kill(State.Pid, 'SIGKILL');
    for (;;) {
      const now = (await inspect('life')).State;
      if (now.Running && now.Pid !== State.Pid && now.Pid > 0) break;
    }
    assert.equal(await inside('life', 'cat /p/index'), 'hello\n');
    await says('stop', '-t', '0', 'life');
    assert.equal((await preview('life', { ...wish, Target: '/q' })).Applies, 'next-start');
    assert.equal((await attach('life', { ...wish, Target: '/q' })).Applied, 'next-start');
    await detach('life', '/p');
    assert.deepEqual(
      (await list('life')).map(({ Destination, Mounted }) => [Destination, Mounted]),
      [['/q', false]],
    );
    await says('start', 'life');
    assert.equal(await inside('life', 'cat /q/index; ls /p'), 'hello\n');
    await says('rm', '-f', 'life');
  });

  test('what stops meanwhile has it at its next start, and nothing is half there', async () => {
    await says('run', '-d', '--name', 'ends', 'busybox:test', 'sleep', '1000');
    for (const round of [1, 2, 3, 4]) {
      const wish: MountWish = { Type: 'volume', Source: `ends-${round}`, Target: `/m${round}` };
      const [{ Applied }] = await Promise.all([attach('ends', wish), says('kill', 'ends')]);
      assert.ok(['live', 'next-start'].includes(Applied), Applied);
      await says('start', 'ends');
      const seen = (await inside('ends', 'cut -d" " -f2 /proc/mounts')).split('\n');
      for (const { Destination, Mounted } of await list('ends'))
        assert.deepEqual([Mounted, seen.includes(Destination)], [true, true], Destination);
      assert.equal((await list('ends')).length, round);
    }
    await says('rm', '-f', 'ends');
  });

  test('an engine that comes anew knows them', async () => {
    await attach('web', { Type: 'bind', Source: site(), Target: '/before' });
    await engine.kill();
    await engine.restart();
    const [mount] = await list('web');
    assert.deepEqual([mount?.Destination, mount?.Added, mount?.Live, mount?.Mounted], ['/before', true, true, true]);
    await detach('web', '/before');
    assert.match(await inside('web', 'ls -d /before 2>&1 || true'), /No such file/);
  });

  test('this machine sees nothing of it', async () => {
    assert.ok(!(await readFile('/proc/self/mountinfo', 'utf8')).includes(folder));
    assert.deepEqual((await readdir(site())).sort(), ['deep', 'index']);
  });
});

describe('mounts of containers whose user ids are their own', { skip: needsRoot, timeout: 600_000 }, () => {
  let engine: RunningEngine;
  let folder: string;
  const { says, inside, list, preview, attach, detach } = asking(() => engine);
  before(async () => {
    engine = await startEngine({ flags: ['--userns-remap=default'] });
    await loadBusybox(engine);
    folder = await mkdtemp(path.join(tmpdir(), 'slipway-live-'));
    await chmod(folder, 0o755);
    await writeFile(path.join(folder, 'file'), 'content\n');
    await says('run', '-d', '--name', 'web', 'busybox:test', 'sleep', '1000');
  });
  after(async () => {
    await engine?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  test('owners are nobody inside unless they are to be the same; volumes always are', async () => {
    const wish: MountWish = { Type: 'bind', Source: folder, Target: '/plain' };
    assert.deepEqual((await preview('web', wish)).Owner?.Inside, { Uid: 65534, Gid: 65534, User: null });
    assert.deepEqual((await preview('web', { ...wish, IdMap: true })).Owner?.Inside, { Uid: 0, Gid: 0, User: 'root' });
    await attach('web', wish);
    await attach('web', { ...wish, Target: '/mapped', IdMap: true });
    await attach('web', { Type: 'volume', Source: 'data', Target: '/data' });
    const script =
      'stat -c %u /plain/file /mapped/file /data; touch /plain/x 2>/dev/null || echo refused; touch /mapped/x /data/x';
    assert.equal(await inside('web', script), '65534\n0\n0\nrefused\n');
    assert.equal((await stat(path.join(folder, 'x'))).uid, 0);
    const owners = (await list('web')).map(({ Destination, Owner }) => [Destination, Owner?.Inside.Uid]);
    assert.deepEqual(owners, [
      ['/plain', 65534],
      ['/mapped', 0],
      ['/data', 0],
    ]);
    for (const target of ['/plain', '/mapped', '/data']) await detach('web', target);
    assert.equal(await inside('web', 'ls -d /plain /mapped /data 2>/dev/null || true'), '');
  });
});

describe('mounts of an ordinary user’s containers', { skip: needsRoot, timeout: 600_000 }, () => {
  let ground: Ground;
  const { says, inside, list, preview, attach, detach } = asking(() => ground);
  before(async () => {
    ground = await open('an ordinary user');
    await says('run', '-d', '--name', 'web', '--network', 'none', 'busybox:test', 'sleep', '1000');
  });
  after(() => ground?.[Symbol.asyncDispose]());

  test('what is theirs on disk is root’s inside, what is others’ is nobody’s', async () => {
    const own: MountWish = { Type: 'bind', Source: path.join(ground.folder, 'outside'), Target: '/own' };
    const { uid } = await stat(own.Source);
    const { Applies, Owner } = await preview('web', own);
    assert.deepEqual([Applies, Owner?.Disk.Uid, Owner?.Inside], ['live', uid, { Uid: 0, Gid: 0, User: 'root' }]);
    const others = { ...own, Source: path.join(ground.folder, 'tools'), Target: '/others', ReadOnly: true };
    assert.equal((await preview('web', others)).Owner?.Inside.Uid, 65534);
    await attach('web', own);
    await attach('web', others);
    await attach('web', { Type: 'volume', Source: 'data', Target: '/data' });
    assert.equal(await inside('web', 'touch /own/x /data/x; stat -c %u /own/x /others'), '0\n65534\n');
    assert.equal((await stat(path.join(own.Source, 'x'))).uid, uid);
    assert.ok((await list('web')).every(({ Live, Mounted }) => Live && Mounted));
    for (const target of ['/own', '/others', '/data']) await detach('web', target);
    assert.equal(await inside('web', 'ls -d /own /others /data 2>/dev/null || true'), '');
  });
});
