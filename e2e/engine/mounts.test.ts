/** Kinds of mounts beside a whole volume and a plain bind: parts of volumes, images, what is shared with the machine; as root, with user namespaces, as an ordinary user. */
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { release, tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { api, docker, loadBusybox, request, run, startEngine, type RunningEngine } from '../fixtures/engine.js';
import { everybody, loadImage, needsRoot, open, type Ground } from './security/ground.js';

const [major = 0, minor = 0] = release().split('.').map(Number);
/** tmpfs under other ids. */
const unmappable = major < 6 || (major === 6 && minor < 3);

const create = (Mounts: object[], Cmd: string[] = ['true'], rest: object = {}) => ({
  ...{ Image: 'busybox:test', Cmd, NetworkDisabled: true },
  HostConfig: { Mounts, ...rest },
});

for (const who of everybody)
  describe(`mounts of ${who}`, { skip: needsRoot, timeout: 600_000 }, () => {
    let ground: Ground;
    before(async () => {
      ground = await open(who);
    });
    after(() => ground?.[Symbol.asyncDispose]());

    const ask = (method: string, url: string, body?: object) => request(ground.socket, method, url, body);
    const message = ({ body }: { body: Buffer }): string =>
      (JSON.parse(body.toString()) as { message: string }).message;
    /** What a new container with these mounts says. */
    const says = async (mounts: object[], script: string, rest: object = {}): Promise<string> => {
      const made = await ask('POST', '/containers/create?name=asked', create(mounts, ['sh', '-c', script], rest));
      assert.equal(made.status, 201, made.body.toString());
      try {
        return await ground.says('start', '-a', 'asked');
      } finally {
        await ground.says('rm', '-f', 'asked');
      }
    };

    test('a part of a volume, also where the container does not run, and nothing outside of it', async () => {
      const inside = ['mkdir -p /v/sub/deep', 'echo one > /v/sub/file', 'ln -s sub /v/link', 'chown -R 33:44 /v/sub'];
      const leading = ['ln -s /etc /v/out', 'ln -s ../../.. /v/up', 'ln -s /proc/self/root /v/magic'];
      await ground.says(
        ...['run', '--rm', '--network=none', '-v', 'parts:/v', 'busybox:test', 'sh', '-c'],
        [...inside, ...leading].join(' && '),
      );
      const part = (Subpath: string, more: object = {}) => ({
        ...{ Type: 'volume', Source: 'parts', Target: '/p', VolumeOptions: { Subpath }, ...more },
      });
      const script = 'ls /p; stat -c "%u %g" /p /p/file; echo two > /p/made';
      assert.equal(await says([part('sub')], script), 'deep\nfile\n33 44\n33 44\n');
      assert.equal(await says([part('link/')], 'cat /p/made'), 'two\n');
      assert.equal(await says([part('sub/file')], 'cat /p'), 'one\n');
      const readOnly = await says([part('sub', { ReadOnly: true })], 'touch /p/x 2>&1; true');
      assert.match(readOnly, /Read-only/);

      await ask('POST', '/containers/create?name=still', create([part('sub')]));
      const archive = await ask('GET', '/containers/still/archive?path=/p/file');
      assert.equal(archive.status, 200, archive.body.toString());
      assert.match(archive.body.toString(), /one\n/);
      await ground.says('rm', 'still');

      const wrong = (why: string) => `invalid mount config for type "volume": ${why}`;
      for (const [mount, why] of [
        [part('/etc'), 'subpath must be a relative path within the volume'],
        [part('a/../../b'), 'subpath must be a relative path within the volume'],
        [part('sub', { Source: '' }), 'must not set Subpath when using anonymous volumes'],
      ] as const)
        assert.equal(message(await ask('POST', '/containers/create', create([mount]))), wrong(why));
      for (const [subpath, why] of [
        ['nothing', /cannot access path .*\/nothing: no such file or directory/],
        ['out', /path concatenation escapes the base directory/],
        ['up/etc', /path concatenation escapes the base directory/],
        ['magic', /path concatenation escapes the base directory/],
      ] as const) {
        await ask('POST', '/containers/create?name=out', create([part(subpath)]));
        const started = await ask('POST', '/containers/out/start');
        assert.equal(started.status, 400, started.body.toString());
        assert.match(message(started), why);
        await ground.says('rm', 'out');
      }
      await ground.says('volume', 'rm', 'parts');
    });

    test('an image, read-only, all of it or a part, kept for as long as the container is there', async () => {
      await loadImage(ground, 'tool:test', {
        async change(layer) {
          await mkdir(path.join(layer, 'opt/tool'), { recursive: true });
          await writeFile(path.join(layer, 'opt/tool/run'), 'tool\n');
          await symlink('/etc', path.join(layer, 'opt/out'));
          await chmod(path.join(layer, 'opt/tool'), 0o750);
        },
      });
      const image = (more: object = {}) => ({ Type: 'image', Source: 'tool:test', Target: '/i', ...more });
      const whole =
        'cat /i/opt/tool/run; stat -c "%u %a" /i/opt/tool; ls -d /i/bin/busybox; touch /i/x 2>&1 | grep -o Read-only';
      assert.equal(await says([image()], whole), 'tool\n0 750\n/i/bin/busybox\nRead-only\n');
      const part = image({ ImageOptions: { Subpath: 'opt/tool' } });
      assert.equal(await says([part], 'ls /i'), 'run\n');
      assert.equal(await says([image({ ImageOptions: { Subpath: 'opt/tool/run' } })], 'cat /i'), 'tool\n');

      const out = await ask(
        'POST',
        '/containers/create?name=out',
        create([image({ ImageOptions: { Subpath: 'opt/out' } })]),
      );
      assert.equal(out.status, 201);
      assert.match(message(await ask('POST', '/containers/out/start')), /escapes the base directory/);
      await ground.says('rm', 'out');

      await ask('POST', '/containers/create?name=holder', create([part], ['sh', '-c', 'cat /i/run; sleep 1000']));
      const { Mounts } = await api<{ Mounts: Record<string, unknown>[] }>(
        ground.socket,
        'GET',
        '/containers/holder/json',
      );
      const [{ Type, Name, Destination, RW } = {}] = Mounts;
      assert.deepEqual(
        { Type, Name, Destination, RW },
        { Type: 'image', Name: 'tool:test', Destination: '/i', RW: false },
      );
      const archive = await ask('GET', '/containers/holder/archive?path=/i/run');
      assert.match(archive.body.toString(), /tool\n/);
      assert.match((await ground.run('rmi', 'tool:test')).stderr, /conflict/);
      // By force its name goes, but not what the container stands on.
      await ground.says('rmi', '-f', 'tool:test');
      await ground.says('start', 'holder');
      assert.equal(await ground.says('logs', 'holder'), 'tool\n');
      assert.equal(await says([], 'cat /i/run', { VolumesFrom: ['holder'] }), 'tool\n');
      await ground.says('rm', '-f', 'holder');
      const none = await ask('POST', '/containers/create', create([image()]));
      assert.deepEqual([none.status, message(none)], [400, 'No such image: tool:test']);
    });

    const old = who === 'root with user namespaces' && unmappable && 'tmpfs shows other ids from Linux 6.3 on';
    test('volumes in memory, shared and gone with the last who has them', { skip: old }, async () => {
      const data = path.join(ground.dataRoot, 'volumes/memory/_data');
      const options = { type: 'tmpfs', device: 'tmpfs', o: 'size=2m,mode=0750,uid=33' };
      await ask('POST', '/volumes/create', { Name: 'memory', DriverOpts: options });
      const inside = (name: string, script: string) => ground.says('exec', name, 'sh', '-c', script);
      for (const name of ['one', 'two'])
        await ground.says(
          ...['run', '-d', '--name', name, '--network=none', '-v', 'memory:/m', 'busybox:test', 'sleep', '1000'],
        );
      assert.equal(
        await inside('one', 'echo kept > /m/f; stat -c "%u %a" /m; df -k /m | tail -1 | awk \'{print $2}\''),
        '33 750\n2048\n',
      );
      assert.match(
        (await ground.run('exec', 'one', 'dd', 'if=/dev/zero', 'of=/m/big', 'bs=1M', 'count=4')).stderr,
        /No space/,
      );
      await ground.says('rm', '-f', 'one');
      assert.equal(await inside('two', 'cat /m/f'), 'kept\n');
      await ask('POST', '/containers/create?name=still', {
        ...create([], ['cat', '/m/f'], { Binds: ['memory:/m'] }),
      });
      // The files of one that does not run are those of the one that does.
      assert.match((await ask('GET', '/containers/still/archive?path=/m/f')).body.toString(), /kept\n/);
      await ground.says('rm', '-f', 'two');
      assert.match((await ground.run('start', '-a', 'still')).stderr, /can't open '\/m\/f'/);
      assert.ok(!(await readFile('/proc/self/mountinfo', 'utf8')).includes(data), 'what nobody has is unmounted');
      await ground.says('rm', '-f', 'still');
      const { Volumes } = await api<{ Volumes: { Name: string; UsageData: object }[] }>(
        ground.socket,
        'GET',
        '/system/df',
      );
      assert.deepEqual(Volumes.find(({ Name }) => Name === 'memory')?.UsageData, { Size: 0, RefCount: 0 });
      await ground.says('volume', 'rm', 'memory');
    });

    test('volumes that are elsewhere, and folders', async () => {
      await ask('POST', '/volumes/create', {
        Name: 'far',
        DriverOpts: { type: 'slipwayfs', device: ':/x', o: 'addr=127.0.0.1' },
      });
      const far = await ground.run('run', '--rm', '--network=none', '-v', 'far:/f', 'busybox:test', 'true');
      assert.match(
        far.stderr,
        /error while mounting volume '.*far\/_data': failed to mount local volume: this (machine's kernel has no|engine may not mount)/,
      );
      await ground.says('volume', 'rm', 'far');

      const folder = path.join(ground.folder, 'outside', 'a b\nü:c');
      await mkdir(folder);
      if (who === 'an ordinary user') await run('chown', ['--reference', path.dirname(folder), folder]);
      await ask('POST', '/volumes/create', { Name: 'folder', DriverOpts: { type: 'none', o: 'bind', device: folder } });
      await ground.says(
        'run',
        '--name',
        'seed',
        '--network=none',
        'busybox:test',
        'sh',
        '-c',
        'mkdir /data && echo one > /data/a && chmod 2750 /data',
      );
      await ground.says('commit', 'seed', 'seeded:test');
      // An empty folder takes what the image has there, as dockerd has it.
      const look = ['run', '--rm', '--network=none', '-v', 'folder:/data', 'seeded:test', 'sh', '-c'];
      assert.equal(await ground.says(...look, 'ls -A /data; stat -c %a /data'), 'a\n2750\n');
      assert.deepEqual(await readdir(folder), ['a']);
      await rm(path.join(folder, 'a'));
      // So does an empty part of a volume.
      await ground.says('run', '--rm', '--network=none', '-v', 'parts:/v', 'busybox:test', 'mkdir', '/v/empty');
      const part = { Type: 'volume', Source: 'parts', Target: '/data', VolumeOptions: { Subpath: 'empty' } };
      const filled = create([part], ['sh', '-c', 'ls -A /data; stat -c %a /data']);
      await ask('POST', '/containers/create?name=filled', { ...filled, Image: 'seeded:test' });
      assert.equal(await ground.says('start', '-a', 'filled'), 'a\n2750\n');
      await ground.says('rm', 'filled');
      await ground.says('volume', 'rm', 'parts');
      await writeFile(path.join(folder, 'own'), '');
      assert.equal(await ground.says(...look, 'ls -A /data'), 'own\n');
      await ground.says('volume', 'rm', 'folder');
      assert.deepEqual(await readdir(folder), ['own']);
      await ask('POST', '/volumes/create', {
        Name: 'folder',
        DriverOpts: { type: 'none', o: 'bind,ro', device: folder },
      });
      assert.match((await ground.run(...look, 'touch /data/x')).stderr, /Read-only/);
      await rm(folder, { recursive: true });
      const gone = await ground.run(...look, 'true');
      assert.match(gone.stderr, /failed to mount local volume: mount .*: no such file or directory/s);
      await ground.says('volume', 'rm', 'folder');
      await ground.says('rm', 'seed');
    });

    test('the source of a --mount that is gone at the start is missed, that of a -v is made', async () => {
      const folder = path.join(ground.folder, 'engine', 'goes');
      for (const [rest, mounts, status] of [
        [{}, [{ Type: 'bind', Source: folder, Target: '/b' }], 400],
        [{}, [{ Type: 'bind', Source: folder, Target: '/b', BindOptions: { CreateMountpoint: true } }], 204],
        [{ Binds: [`${folder}:/b`] }, [], 204],
      ] as [object, object[], number][]) {
        await mkdir(folder, { recursive: true });
        await ask('POST', '/containers/create?name=gone', create(mounts, ['true'], rest));
        await rm(folder, { recursive: true });
        const started = await ask('POST', '/containers/gone/start');
        assert.equal(started.status, status, started.body.toString());
        if (status === 400) assert.match(message(started), /bind source path does not exist: .*goes$/);
        await ground.says('rm', '-f', 'gone');
        await rm(folder, { recursive: true, force: true });
      }
    });
  });

describe('what is shared with the machine', { skip: needsRoot, timeout: 300_000 }, () => {
  let engine: RunningEngine;
  let folder: string;
  before(async () => {
    engine = await startEngine({ flags: ['--add-runtime', 'runc=/usr/sbin/runc'] });
    await loadBusybox(engine);
    folder = await mkdtemp(path.join(tmpdir(), 'slipway-shared-'));
    await mkdir(path.join(folder, 'private'));
    for (const name of ['shared', 'private']) {
      await mkdir(path.join(folder, name), { recursive: true });
      await run('mount', ['-t', 'tmpfs', name, path.join(folder, name)]);
      await run('mount', [`--make-${name}`, path.join(folder, name)]);
      await mkdir(path.join(folder, name, 'in'));
    }
  });
  after(async () => {
    await engine?.[Symbol.asyncDispose]();
    for (const name of ['shared', 'private']) await run('umount', ['-R', path.join(folder, name)]);
    await rm(folder, { recursive: true, force: true });
  });

  const start = async (name: string, mode: string, script: string) => {
    const ran = await docker(engine, [
      ...['run', '-d', '--name', name, '--network=none', '--cap-add=SYS_ADMIN', '--security-opt=seccomp=unconfined'],
      ...['-v', `${path.join(folder, name)}:/m:${mode}`, 'busybox:test', 'sh', '-c', script],
    ]);
    return ran;
  };
  const inside = async (script: string) => (await docker(engine, ['exec', 'shared', 'sh', '-c', script])).stdout.trim();
  const outside = () => readFile('/proc/self/mountinfo', 'utf8');

  test('is seen from both sides with shared, from one with slave', async () => {
    const make = 'mkdir -p /m/in/made; mount -t tmpfs made /m/in/made; touch /ready; exec sleep 1000';
    for (const [mode, seen] of [
      ['rshared', true],
      ['rslave', false],
    ] as const) {
      const ran = await start('shared', mode, make);
      assert.equal(ran.code, 0, ran.stderr);
      await until(async () => (await inside('ls /ready 2>/dev/null')) !== '');
      assert.equal((await outside()).includes(`${folder}/shared/in/made`), seen, mode);
      await mkdir(path.join(folder, 'shared/late'), { recursive: true });
      await run('mount', ['-t', 'tmpfs', 'late', path.join(folder, 'shared/late')]);
      assert.equal(await inside('grep -c " /m/late " /proc/mounts'), '1', mode);
      await run('umount', [path.join(folder, 'shared/late')]);
      assert.equal(await inside('grep -c " /m/late " /proc/mounts'), '0', mode);
      await docker(engine, ['rm', '-f', 'shared']);
      await run('umount', ['-q', path.join(folder, 'shared/in/made')]);
    }
    assert.deepEqual(await readdir(path.join(folder, 'shared')), ['in', 'late']);
  });

  test('reaches another runtime as well, and so do parts of volumes and images', async () => {
    await docker(engine, [
      'run',
      '--rm',
      '-v',
      'parts:/v',
      'busybox:test',
      'sh',
      '-c',
      'mkdir /v/sub && echo part > /v/sub/f',
    ]);
    const Mounts = [
      { Type: 'volume', Source: 'parts', Target: '/p', VolumeOptions: { Subpath: 'sub' } },
      { Type: 'image', Source: 'busybox:test', Target: '/i', ImageOptions: { Subpath: 'bin' } },
      { Type: 'bind', Source: path.join(folder, 'shared'), Target: '/m', BindOptions: { Propagation: 'rshared' } },
    ];
    const Cmd = [
      'sh',
      '-c',
      'cat /p/f; ls /i/busybox; touch /i/x 2>&1 | grep -o Read-only; grep -c " /m .* shared:" /proc/self/mountinfo',
    ];
    const HostConfig = { Mounts, Runtime: 'runc', NetworkMode: 'none' };
    await api(engine.socket, 'POST', '/containers/create?name=runc', { Image: 'busybox:test', Cmd, HostConfig });
    const ran = await docker(engine, ['start', '-a', 'runc']);
    assert.equal(ran.stdout, 'part\n/i/busybox\nRead-only\n1\n', ran.stderr);
    await docker(engine, ['rm', 'runc']);
    await docker(engine, ['volume', 'rm', 'parts']);
  });

  test('is mounted from a device, where a volume is one', async () => {
    const disk = path.join(folder, 'disk');
    await run('truncate', ['-s', '8M', disk]);
    await run('mkfs.ext4', ['-q', disk]);
    const device = (await run('losetup', ['-f', '--show', disk])).stdout.trim();
    try {
      await api(engine.socket, 'POST', '/volumes/create', {
        Name: 'disk',
        DriverOpts: { type: 'ext4', device, o: 'noatime' },
      });
      const into = ['run', '--rm', '--network=none', '-v', 'disk:/d', 'busybox:test', 'sh', '-c'];
      const wrote = await docker(engine, [...into, 'echo kept > /d/f; grep " /d " /proc/mounts']);
      assert.match(wrote.stdout, /\/d ext4 rw,noatime/, wrote.stderr);
      assert.equal((await docker(engine, [...into, 'cat /d/f'])).stdout, 'kept\n');
      assert.ok(!(await outside()).includes('volumes/disk'));
      await docker(engine, ['volume', 'rm', 'disk']);
    } finally {
      await run('losetup', ['-d', device]);
    }
  });

  test('outlives the engine, where a volume in memory is, and goes with its last container although nobody watches', async () => {
    const data = path.join(engine.dataRoot, 'volumes/memory/_data');
    const options = ['-o', 'type=tmpfs', '-o', 'device=tmpfs'];
    await docker(engine, ['volume', 'create', ...options, 'memory']);
    const wait = 'echo kept > /m/f; touch /m/here; while [ -e /m/here ]; do sleep 0.1; done';
    const began = [
      'run',
      '-d',
      '--name',
      'lasting',
      '--network=none',
      '-v',
      'memory:/m',
      'busybox:test',
      'sh',
      '-c',
      wait,
    ];
    assert.equal((await docker(engine, began)).code, 0);
    const { State } = await api<{ State: { Pid: number } }>(engine.socket, 'GET', '/containers/lasting/json');
    await until(async () => (await readdir(data)).includes('here'));
    await engine.kill();
    await engine.restart();
    const other = ['run', '--rm', '--network=none', '-v', 'memory:/m', 'busybox:test', 'cat', '/m/f'];
    assert.equal((await docker(engine, other)).stdout, 'kept\n');
    await engine.kill();
    await rm(path.join(data, 'here'));
    await until(async () => (await readdir('/proc')).every((name) => name !== String(State.Pid)));
    await engine.restart();
    await until(async () => !(await outside()).includes(data));
    assert.deepEqual(await readdir(data), []);
    await docker(engine, ['rm', 'lasting']);
    assert.equal((await docker(engine, ['volume', 'rm', 'memory'])).code, 0);
  });

  test('is refused in dockerd’s words where the source is not shared', async () => {
    const where = path.join(folder, 'private');
    for (const [mode, words] of [
      ['shared', `path ${where} is mounted on ${where} but it is not a shared mount`],
      ['slave', `path ${where} is mounted on ${where} but it is not a shared or slave mount`],
    ] as const) {
      const ran = await start('private', mode, 'true');
      assert.notEqual(ran.code, 0);
      assert.ok(ran.stderr.includes(words), ran.stderr);
      await docker(engine, ['rm', '-f', 'private']);
    }
  });
});

/** The test's own time is the limit. */
async function until(what: () => Promise<boolean>): Promise<void> {
  while (!(await what())) await new Promise((resolve) => setTimeout(resolve, 20));
}
