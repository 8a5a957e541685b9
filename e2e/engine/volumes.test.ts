/** Volumes through the docker CLI and the API, on the real kernel: made, filled once, shared, kept and removed. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { api, docker, loadBusybox, request, run, startEngine, type RunningEngine } from '../fixtures/engine.js';
import { everybody, open, type Ground } from './security/ground.js';

const skip = process.getuid?.() !== 0 && 'needs root';
let engine: RunningEngine;

/** An image whose VOLUME /data has content of another owner, a hard link and a symbolic link. */
async function loadImage(): Promise<void> {
  const made = await docker(engine, [
    ...['run', '--name', 'seed', 'busybox:test', 'sh', '-c'],
    'mkdir -p /data/sub /empty && echo one > /data/a && ln /data/a /data/sub/b && ln -s a /data/l && chown -R 1000:1000 /data && chmod 2750 /data && chown 33:33 /empty && chmod 4755 /data/a && ln -s /data /link && echo x > /file',
  ]);
  assert.equal(made.code, 0, made.stderr);
  const changes = ['VOLUME /data', 'CMD ["sh"]'].flatMap((change) => ['--change', change]);
  const committed = await docker(engine, ['commit', ...changes, 'seed', 'seeded:test']);
  assert.equal(committed.code, 0, committed.stderr);
  await docker(engine, ['rm', 'seed']);
}

const ok = async (...args: string[]): Promise<string> => {
  const ran = await docker(engine, args);
  assert.equal(ran.code, 0, `docker ${args.join(' ')}: ${ran.stderr}`);
  return ran.stdout.trim();
};
const refused = async (status: number, method: string, url: string, body?: unknown): Promise<string> => {
  const answer = await request(engine.socket, method, url, body);
  assert.equal(answer.status, status, answer.body.toString());
  return (JSON.parse(answer.body.toString()) as { message: string }).message;
};
const names = async (...args: string[]): Promise<string[]> =>
  (await ok('volume', 'ls', '-q', ...args)).split('\n').filter(Boolean);
const dataOf = (name: string): string => path.join(engine.dataRoot, 'volumes', name, '_data');

before(async () => {
  if (skip) return;
  engine = await startEngine();
  await loadBusybox(engine);
  await loadImage();
});
after(async () => {
  if (!skip) await engine[Symbol.asyncDispose]();
});

test('a named volume is made by the first container and keeps what is written', { skip }, async () => {
  await ok('run', '--rm', '-v', 'keep:/v', 'busybox:test', 'sh', '-c', 'echo kept > /v/f');
  assert.equal(await ok('run', '--rm', '-v', 'keep:/v:ro', 'busybox:test', 'cat', '/v/f'), 'kept');
  const written = await docker(engine, ['run', '--rm', '-v', 'keep:/v:ro', 'busybox:test', 'touch', '/v/g']);
  assert.match(written.stderr, /Read-only file system/);
  const [volume] = JSON.parse(await ok('volume', 'inspect', 'keep')) as Record<string, unknown>[];
  assert.deepEqual(
    { ...volume, CreatedAt: '' },
    {
      ...{ CreatedAt: '', Driver: 'local', Labels: null, Mountpoint: dataOf('keep') },
      ...{ Name: 'keep', Options: null, Scope: 'local' },
    },
  );
  await ok('volume', 'rm', 'keep');
  assert.deepEqual(await names(), []);
});

test(
  "an empty volume takes what the image has in its place, with owners, modes and links; a full one doesn't",
  { skip },
  async () => {
    const look = 'stat -c "%u %g %a" /data /data/a; cat /data/sub/b; readlink /data/l; stat -c %h /data/a';
    assert.equal(
      await ok('run', '--rm', '-v', 'fill:/data', 'seeded:test', 'sh', '-c', look),
      '1000 1000 2750\n1000 1000 4755\none\na\n2',
    );
    await ok('run', '--rm', '-v', 'fill:/data', 'seeded:test', 'sh', '-c', 'rm -r /data/* && echo mine > /data/own');
    assert.equal(await ok('run', '--rm', '-v', 'fill:/data', 'seeded:test', 'ls', '/data'), 'own');
    assert.equal(await ok('run', '--rm', '-v', 'bare:/data:nocopy', 'seeded:test', 'ls', '/data'), '');
    assert.equal(await ok('run', '--rm', '-v', 'dir:/empty', 'seeded:test', 'stat', '-c', '%u', '/empty'), '33');
    // Through a symbolic link of the image, and no further than the image.
    assert.equal(await ok('run', '--rm', '-v', 'linked:/link', 'seeded:test', 'cat', '/link/a'), 'one');
    const file = await refused(400, 'POST', '/containers/create', {
      ...{ Image: 'seeded:test', HostConfig: { Binds: ['over:/file'] } },
    });
    assert.equal(file, 'cannot mount volume over existing file, file exists /file');
    assert.equal((await names()).includes('over'), false);
    await ok('volume', 'rm', 'fill', 'bare', 'dir', 'linked');
  },
);

test('a copy that was cut off in the middle of moving in is finished by the next engine', { skip }, async () => {
  await ok('volume', 'create', 'cut');
  const copied = path.join(engine.dataRoot, 'volumes/cut/_copied');
  await mkdir(copied, { mode: 0o700 });
  await writeFile(path.join(copied, 'late'), 'late');
  await writeFile(path.join(dataOf('cut'), 'early'), 'early');
  await engine.kill();
  await engine.restart();
  assert.deepEqual(await readdir(dataOf('cut')), ['early', 'late']);
  assert.equal((await stat(dataOf('cut'))).mode & 0o777, 0o700);
  await assert.rejects(stat(copied), { code: 'ENOENT' });
  await ok('volume', 'rm', 'cut');
});

test('an engine that is killed while it fills a volume leaves it empty or whole', { skip }, async () => {
  const many =
    'mkdir -p /data/many; for i in $(seq 1500); do echo $i > /data/many/$i; done; dd if=/dev/zero of=/data/big bs=1M count=64 2>/dev/null';
  await ok('run', '--name', 'many', '-v', '/other', '--network=none', 'busybox:test', 'sh', '-c', many);
  await ok('commit', 'many', 'many:test');
  await ok('rm', '-v', 'many');
  await ok('volume', 'create', 'torn');
  const beside = path.dirname(dataOf('torn'));
  const making = request(engine.socket, 'POST', '/containers/create', {
    ...{ Image: 'many:test', Cmd: ['true'], HostConfig: { Binds: ['torn:/data'] } },
  }).catch(() => undefined);
  while (!(await readdir(beside)).some((name) => name.startsWith('_cop')));
  await engine.kill();
  await making;
  await engine.restart();
  assert.deepEqual(await api(engine.socket, 'GET', '/containers/json?all=1'), []);
  assert.deepEqual(await readdir(beside), ['_data']);
  assert.match((await readdir(dataOf('torn'))).join(), /^(big,many)?$/);
  const count = 'ls /data/many | wc -l; stat -c %s /data/big';
  assert.equal(
    await ok('run', '--rm', '--network=none', '-v', 'torn:/data', 'many:test', 'sh', '-c', count),
    '1500\n67108864',
  );
  await ok('volume', 'rm', 'torn');
  await ok('rmi', 'many:test');
});

test('containers have volumes from others that run, have ended or never began, and keep them', { skip }, async () => {
  await ok('run', '-d', '--name', 'runs', '-v', 'first:/a', '-v', '/anon', 'busybox:test', 'sleep', '1000');
  await ok('run', '--name', 'ended', '-v', 'second:/a', '-v', '/etc:/host:ro', 'busybox:test', 'touch', '/a/second');
  await ok('create', '--name', 'never', '-v', 'third:/c', '--mount', 'type=tmpfs,dst=/t', 'busybox:test');
  await ok('exec', 'runs', 'touch', '/a/first', '/anon/kept');
  const from = ['--volumes-from', 'never', '--volumes-from', 'runs', '--volumes-from', 'ended:ro'];
  const look =
    'ls /a /anon; test -e /host/passwd && touch /c/third; touch /a/x /host/x 2>&1 | grep -c Read-only; grep -c " /t tmpfs" /proc/mounts';
  const names3 = ['first', 'second', 'third'];
  // The last one wins where two have something, and reading alone stays so.
  assert.equal(
    await ok('run', '--name', 'heir', ...from, 'busybox:test', 'sh', '-c', look),
    ['/a:', 'second', '', '/anon:', 'kept', '2', '1'].join('\n'),
  );
  // A bind takes the place of what is inherited; the heir of an heir has all of it, after all of those are gone.
  const again = ['--volumes-from', 'heir', '-v', 'fourth:/c', 'busybox:test', 'sh', '-c'];
  await ok('create', '--name', 'next', ...again, 'ls /a /c /anon');
  await ok('rm', '-f', '-v', 'runs', 'ended', 'never', 'heir');
  assert.deepEqual((await names()).filter((name) => name.length < 64).sort(), [...names3, 'fourth'].sort());
  assert.match(await refused(409, 'DELETE', '/volumes/second'), /in use/);
  assert.equal(await ok('start', '-a', 'next'), ['/a:', 'second', '', '/anon:', 'kept', '', '/c:'].join('\n'));
  assert.equal(await ok('volume', 'prune', '-f'), 'Total reclaimed space: 0B');
  await ok('rm', '-v', 'next');
  // What nobody named went with the last who had it, and only then.
  assert.deepEqual((await names()).sort(), [...names3, 'fourth'].sort());
  await ok('volume', 'rm', ...names3, 'fourth');
});

test('paths of any kind, mounts within mounts in any order, and what is below is as read-only', { skip }, async () => {
  const odd = path.join(engine.dataRoot, '..', 'a b', 'ü\n:ö,"');
  await mkdir(path.join(odd, 'sub'), { recursive: true });
  await run('mount', ['-t', 'tmpfs', 'sub', path.join(odd, 'sub')]);
  try {
    await writeFile(path.join(odd, 'sub/file'), 'below\n');
    const bind = (Target: string, more: object = {}) => ({ Type: 'bind', Source: odd, Target, ...more });
    const Mounts = [
      { Type: 'tmpfs', Target: '/m/x y/ü\n:in/deep' },
      bind('/m/x y/ü\n:in', { ReadOnly: false }),
      { Type: 'volume', Source: 'outer', Target: '/m' },
      bind('/ro', { ReadOnly: true }),
    ];
    const script =
      'cd "$(printf "/m/x y/ü\\n:in")"; cat sub/file; touch deep/x && grep -c "deep tmpfs" /proc/mounts; touch /ro/x /ro/sub/x 2>&1 | grep -c Read-only';
    const HostConfig = { Mounts, NetworkMode: 'none' };
    const { Id } = await api<{ Id: string }>(engine.socket, 'POST', '/containers/create', {
      ...{ Image: 'busybox:test', Cmd: ['sh', '-c', script], HostConfig },
    });
    assert.equal(await ok('start', '-a', Id), 'below\n1\n2');
    await ok('rm', Id);
    await ok('volume', 'rm', 'outer');
  } finally {
    await run('umount', [path.join(odd, 'sub')]);
  }
});

test('volumes that nobody named go with --rm and rm -v, and only when nobody else has them', { skip }, async () => {
  await ok('run', '--rm', '-v', '/anon', 'seeded:test', 'sh', '-c', 'echo x > /anon/f && cat /data/a');
  assert.deepEqual(await names(), []);
  await ok('create', '--name', 'first', '-v', '/anon', '-v', 'named:/named', 'seeded:test');
  assert.equal((await names()).length, 3);
  await ok('create', '--name', 'second', '--volumes-from', 'first:ro', 'busybox:test', 'cat', '/data/a');
  assert.equal(await ok('start', '-a', 'second'), 'one');
  await ok('rm', '-v', 'first');
  assert.equal((await names()).length, 3);
  const inUse = await refused(409, 'DELETE', '/volumes/named');
  assert.match(inUse, /^remove named: volume is in use - \[[0-9a-f]{64}\]$/);
  await ok('rm', '-v', 'second');
  assert.deepEqual(await names(), ['named']);
  await ok('create', '--name', 'third', 'seeded:test');
  await ok('rm', 'third');
  assert.equal((await names('-f', 'dangling=true')).length, 2);
  assert.match(await ok('volume', 'prune', '-f'), /^Deleted Volumes:\n[0-9a-f]{64}\n/);
  assert.deepEqual(await names(), ['named']);
  assert.match(await ok('volume', 'prune', '-f', '--all'), /named/);
  const long = 'n'.repeat(255);
  await ok('create', '--name', 'fourth', '-v', '/v', '-v', `${long}:/n`, 'busybox:test');
  assert.match(
    await ok('system', 'prune', '-f', '--volumes'),
    /^Deleted Containers:.*Deleted Volumes:\n[0-9a-f]{64}\n/s,
  );
  assert.deepEqual(await names(), [long]);
  await ok('volume', 'rm', long);
});

test('inspect shows mounts as dockerd does', { skip }, async () => {
  await ok(
    'create',
    '--name',
    'mounts',
    '-v',
    'vol:/v:ro',
    '-v',
    '/etc:/e',
    '--mount',
    'type=tmpfs,dst=/t',
    'busybox:test',
  );
  const { Mounts } = await api<{ Mounts: { Destination: string }[] }>(engine.socket, 'GET', '/containers/mounts/json');
  assert.deepEqual(
    Mounts.sort((a, b) => (a.Destination < b.Destination ? -1 : 1)),
    [
      { Type: 'bind', Source: '/etc', Destination: '/e', Mode: '', RW: true, Propagation: 'rprivate' },
      { Type: 'tmpfs', Source: '', Destination: '/t', Mode: '', RW: true, Propagation: '' },
      {
        ...{ Type: 'volume', Name: 'vol', Source: dataOf('vol'), Destination: '/v', Driver: 'local', Mode: 'ro' },
        ...{ RW: false, Propagation: '' },
      },
    ],
  );
  await ok('rm', 'mounts');
  await ok('volume', 'rm', 'vol');
});

test('--mount: labels, nocopy, a directory of this machine by the local driver', { skip }, async () => {
  const folder = path.join(engine.dataRoot, '..', 'folder');
  await mkdir(folder);
  await writeFile(path.join(folder, 'here'), 'here');
  await ok('volume', 'create', '-o', 'type=none', '-o', 'o=bind', '-o', `device=${folder}`, 'dev');
  assert.equal(await ok('run', '--rm', '-v', 'dev:/d', 'busybox:test', 'cat', '/d/here'), 'here');
  await ok('volume', 'rm', 'dev');
  assert.equal(await readFile(path.join(folder, 'here'), 'utf8'), 'here');
  const mount = 'type=volume,src=lab,dst=/data,volume-nocopy,volume-label=a=b';
  assert.equal(await ok('run', '--rm', '--mount', mount, 'seeded:test', 'ls', '/data'), '');
  assert.deepEqual(await names('-f', 'label=a=b'), ['lab']);
  await ok('volume', 'rm', 'lab');
});

test('two containers at once fill one volume once', { skip }, async () => {
  const made = await Promise.all(
    ['pa', 'qu', 'ro'].map((name) => ok('run', '--name', name, '-v', 'both:/data', 'seeded:test', 'ls', '/data')),
  );
  assert.deepEqual(new Set(made), new Set(['a\nl\nsub']));
  await ok('rm', 'pa', 'qu', 'ro');
  await ok('volume', 'rm', 'both');
});

test('what cannot be is refused in the words of dockerd', { skip }, async () => {
  const create = (HostConfig: object) => ({ Image: 'busybox:test', HostConfig });
  const bad: [number, string, object, string][] = [
    [
      400,
      '/volumes/create',
      { Name: 'a' },
      'create a: volume name is too short, names should be at least two alphanumeric characters',
    ],
    [400, '/volumes/create', { Name: 'ab', DriverOpts: { foo: 'x' } }, 'create ab: invalid option: "foo"'],
    [400, '/containers/create', create({ VolumesFrom: ['nobody'] }), 'No such container: nobody'],
    [
      400,
      '/containers/create',
      create({ Binds: ['ab:/x'], VolumeDriver: 'foo' }),
      'create ab: error looking up volume plugin foo: plugin "foo" not found',
    ],
    [400, '/containers/create', create({ Binds: ['/a:ro'] }), "invalid volume specification: '/a:ro'"],
    [400, '/containers/create', create({ Binds: ['v1:/x', '/etc:/x'] }), 'Duplicate mount point: /x'],
    [
      400,
      '/containers/create',
      create({ Mounts: [{ Type: 'volume', Target: '/x', ReadOnly: true }] }),
      'invalid mount config for type "volume": must not set ReadOnly mode when using anonymous volumes',
    ],
  ];
  for (const [status, url, body, message] of bad) assert.equal(await refused(status, 'POST', url, body), message);
  assert.equal(await refused(404, 'GET', '/volumes/nothing'), 'get nothing: no such volume');
  assert.deepEqual(await names(), []);
});

test('events, sizes and a restart of the engine', { skip }, async () => {
  const since = Math.floor(Date.now() / 1000);
  await ok('run', '--name', 'user', '-v', 'told:/v', 'busybox:test', 'sh', '-c', 'head -c 5000 /dev/zero > /v/f');
  await engine.kill();
  await engine.restart();
  assert.match(await refused(409, 'DELETE', '/volumes/told'), /in use/);
  const { Volumes } = await api<{ Volumes: { UsageData: object }[] }>(engine.socket, 'GET', '/system/df');
  assert.deepEqual(
    Volumes.map(({ UsageData }) => UsageData),
    [{ Size: 5000, RefCount: 1 }],
  );
  await ok('rm', 'user');
  await ok('run', '--rm', '-v', 'told:/v', 'busybox:test', 'true');
  await ok('volume', 'rm', 'told');
  const until = Math.floor(Date.now() / 1000) + 1;
  const told = await run(
    'sh',
    [
      '-c',
      'docker events --since "$0" --until "$1" --filter type=volume --format "{{.Action}}"',
      String(since),
      String(until),
    ],
    {
      env: { DOCKER_HOST: `unix://${engine.socket}` },
    },
  );
  assert.deepEqual(told.stdout.trim().split('\n'), ['mount', 'unmount', 'destroy']);
});

for (const who of everybody) {
  test(`first content keeps to the image, as ${who}`, { skip }, async () => {
    await using ground = await open(who);
    await firstContent(ground);
  });
}

async function firstContent(ground: Ground): Promise<void> {
  const inside = (...args: string[]) => ground.says('run', '--network=none', ...args);
  await inside(
    '--name',
    'seed',
    'busybox:test',
    'sh',
    '-c',
    'mkdir /data && echo one > /data/a && mkfifo /data/pipe && chown -R 33:33 /data && chmod 2750 /data',
  );
  await ground.says('commit', '--change', 'VOLUME /data', '--change', 'VOLUME /../../etc', 'seed', 'seeded:test');
  const first = await inside('--rm', 'seeded:test', 'stat', '-c', '%F %u %g', '/data', '/data/a', '/data/pipe');
  assert.equal(first, 'directory 33 33\nregular file 33 33\nfifo 33 33\n');
  assert.equal(await inside('--rm', '--tmpfs', '/data', 'seeded:test', 'stat', '-c', '%a %u', '/data'), '2750 0\n');
  const file = path.join(ground.folder, 'file');
  await writeFile(file, '');
  await symlink('nowhere', path.join(ground.folder, 'dangling'));
  for (const [source, place, why] of [
    [file, '/data', /mount on \/data: not a directory/],
    [ground.folder, '/bin/sh', /open \/bin\/sh inside the container: not a directory/],
    [`${ground.folder}/dangling`, '/x', /error while creating mount source path '.*dangling': mkdir .*: file exists/],
    [`${file}/below`, '/x', /file\/below on \/x: not a directory/],
  ] as const)
    assert.match((await ground.run('run', '--rm', '-v', `${source}:${place}`, 'seeded:test', 'true')).stderr, why);
  assert.match(
    await inside('--rm', 'seeded:test', 'cat', '/etc/passwd'),
    /^root:x:0:0:root:\/root:\/bin\/sh\napp:x:1000/,
  );
  await inside('--rm', '-v', 'named:/data', 'seeded:test', 'sh', '-c', 'echo two > /data/b && chown 1000 /data/b');
  assert.equal(
    await inside('--rm', '-v', 'named:/d', 'busybox:test', 'stat', '-c', '%u', '/d/a', '/d/b'),
    '33\n1000\n',
  );
  await ground.says('volume', 'rm', 'named');
  await ground.says('rm', 'seed');
  assert.equal(await ground.says('volume', 'ls', '-q'), '');
}
