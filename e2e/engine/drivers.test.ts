/** One behaviour, whatever puts the layers together: the kernel, fuse-overlayfs, or a copy of all files. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access, chown, constants, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { api, docker, loadBusybox, startEngine, type Ran, type RunningEngine } from '../fixtures/engine.js';
import { makePerson } from '../fixtures/person.js';
import type { LayerListing, LayerStack } from '../../main/contract/layers.js';

const run = promisify(execFile);
const needsRoot = process.getuid?.() === 0 ? false : 'needs root';
const fuse = await Promise.all([
  access('/usr/bin/fuse-overlayfs', constants.X_OK),
  access('/dev/fuse', constants.R_OK | constants.W_OK),
]).then(
  () => undefined,
  () => 'needs fuse-overlayfs and /dev/fuse',
);

/** Something of everything that hides, replaces or moves what the image has. */
const WORK = [
  'mkdir -p /new/sub; echo x > /new/sub/f; ln /new/sub/f /new/hard; mkfifo /new/fifo',
  'rm /bin/vi; rm -rf /home; mkdir -p /home/app; echo 1 > /home/z; chmod 700 /var; ln -s /etc/passwd /lnk',
  'echo t > /tmp/t; rm /tmp/t; mv /bin/awk /bin/gawk; chown 3:4 /usr; rm /bin/bc; mkdir /bin/bc; echo > /bin/bc/in',
  'rm -rf /layered/old; mkdir /layered/old; echo again > /layered/old/kept; echo changed >> /layered/file',
].join('; ');

/** What a tree is, file by file; of directories their size and time are the file system's own business. */
const LOOK =
  'cd / && find . -xdev \\( -path ./proc -o -path ./sys -o -path ./dev -o -path ./etc/hosts -o -path ./etc/hostname -o -path ./etc/resolv.conf \\) -prune -o -exec stat -c "%n %F %a %u:%g" {} + | sort; cat /layered/file /layered/old/*';

const done = (ran: Ran): string => (assert.equal(ran.code, 0, ran.stderr + ran.stdout), ran.stdout);

/** An image of two layers, the upper one of which hides and replaces something of the lower. */
async function makeImage(engine: RunningEngine): Promise<void> {
  await loadBusybox(engine);
  const layers = [
    'mkdir -p /layered/old/deep /layered/gone /home/old; echo low > /layered/old/kept; echo deep > /layered/old/deep/x; echo 1 > /layered/file; echo g > /layered/gone/x',
    'rm -rf /layered/gone /home; mkdir /home; echo up > /home/up; echo 2 > /layered/file; chown -R 7:8 /layered/old',
  ];
  let from = 'busybox:test';
  for (const [at, work] of layers.entries()) {
    done(await docker(engine, ['run', '--name', 'maker', '--network', 'none', from, 'sh', '-c', work]));
    from = at === layers.length - 1 ? 'layered:test' : `layered:${at}`;
    done(await docker(engine, ['commit', 'maker', from]));
    done(await docker(engine, ['rm', 'maker']));
  }
}

interface Result {
  driver: string;
  tree: string;
  diff: string;
  committed: string;
  copied: string;
  volume: string;
  mounted: string;
  exported: string;
  explored: string[];
  size: number;
}

async function liveWith(engine: RunningEngine, folder: string): Promise<Result> {
  const cli = async (...args: string[]) => done(await docker(engine, args));
  await makeImage(engine);
  const { Driver } = await api<{ Driver: string }>(engine.socket, 'GET', '/info');
  await cli(
    'run',
    '-d',
    '--name',
    'box',
    '--network',
    'none',
    'layered:test',
    'sh',
    '-c',
    `${WORK}; echo done; exec sleep 1000`,
  );
  for (let log = ''; !log.includes('done');) log = await cli('logs', 'box');
  const tree = await cli('exec', 'box', 'sh', '-c', LOOK);
  const diff = (await cli('diff', 'box')).split('\n').sort().join('\n');
  const { Steps } = await api<LayerStack>(engine.socket, 'GET', '/slipway/containers/box/layers');
  const { Entries } = await api<LayerListing>(
    engine.socket,
    'GET',
    '/slipway/containers/box/layers/files?path=/layered',
  );
  const explored = [
    ...Steps.map(
      ({ Layer }) => `${Layer?.Number} ${Layer?.Writable} ${Layer?.Added} ${Layer?.Changed} ${Layer?.Removed}`,
    ),
    ...Entries.map(({ Name, Change }) => `${Name} ${Change}`),
  ];
  // The engine dies; the container's files stay what they are, and the next engine knows them.
  await engine.kill();
  await engine.restart();
  assert.equal(await cli('exec', 'box', 'sh', '-c', LOOK), tree);
  await cli('stop', '-t', '0', 'box');
  assert.equal((await cli('diff', 'box')).split('\n').sort().join('\n'), diff);
  await cli('commit', 'box', 'committed:test');
  const committed = await cli('run', '--rm', '--network', 'none', 'committed:test', 'sh', '-c', LOOK);
  // Of one that does not run, files go out and in.
  await writeFile(path.join(folder, 'in'), 'from outside');
  await cli('cp', path.join(folder, 'in'), 'box:/root/in');
  await cli('cp', 'box:/home', path.join(folder, `home-${Driver}`));
  const copied = (await readdir(path.join(folder, `home-${Driver}`))).sort().join(' ');
  await cli('start', 'box');
  assert.equal(await cli('exec', 'box', 'cat', '/root/in'), 'from outside');
  await cli('export', '-o', path.join(folder, `${Driver}.tar`), 'box');
  const list = await run('tar', ['-tf', path.join(folder, `${Driver}.tar`)]);
  const exported = list.stdout.split('\n').sort().join('\n');
  const volume = await cli(
    'run',
    '--rm',
    '--network',
    'none',
    '-v',
    'filled:/layered',
    'layered:test',
    'sh',
    '-c',
    'cd /layered; find . | sort; cat file',
  );
  const Mounts = [{ Type: 'image', Source: 'layered:test', Target: '/i', ImageOptions: { Subpath: 'layered' } }];
  const { Id } = await api<{ Id: string }>(engine.socket, 'POST', '/containers/create', {
    ...{ Image: 'busybox:test', HostConfig: { Mounts, NetworkMode: 'none' } },
    Cmd: ['sh', '-c', 'cd /i; find . | sort; cat file; touch x 2>&1 | grep -o Read-only'],
  });
  const mounted = await cli('start', '-a', Id);
  await cli('rm', Id);
  await cli('exec', 'box', 'sh', '-c', 'head -c 300000 /dev/zero > /zeros');
  const { SizeRw } = await api<{ SizeRw: number }>(engine.socket, 'GET', '/containers/box/json?size=1');
  return { driver: Driver, tree, diff, committed, copied, volume, mounted, exported, explored, size: SizeRw };
}

/** The helper ends just after its engine, and has files open there until then. */
async function unmount(folder: string): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const done = await run('umount', [folder]).then(
      () => true,
      () => false,
    );
    if (done) return;
    await sleep(100);
  }
  await run('umount', [folder]);
}

describe('storage drivers', { skip: needsRoot, timeout: 900_000 }, () => {
  let folder: string;
  let kernel: Result;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'slipway-drivers-'));
    await using engine = await startEngine();
    kernel = await liveWith(engine, folder);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('by the kernel: what is committed is what the container was', () => {
    assert.equal(kernel.driver, 'overlay2');
    assert.equal(kernel.committed, kernel.tree);
    assert.match(kernel.diff, /^D \/layered\/old\/deep$/m);
    assert.match(kernel.diff, /^D \/bin\/vi$/m);
    assert.equal(kernel.mounted, `${kernel.volume}Read-only\n`);
  });

  for (const driver of ['fuse-overlayfs', 'vfs'])
    test(
      `by ${driver}: everything looks as it does by the kernel`,
      { skip: driver === 'vfs' ? false : fuse },
      async () => {
        await using engine = await startEngine({ flags: ['--storage-driver', driver] });
        const { size, ...result } = await liveWith(engine, folder);
        const { size: _, ...expected } = kernel;
        assert.deepEqual(result, { ...expected, driver });
        assert.ok(size >= 300_000 && size < 2_000_000, `the container’s own files are said to have ${size} bytes`);
        // Nothing of it is left when the container is gone.
        done(await docker(engine, ['rm', '-f', 'box']));
        done(await docker(engine, ['volume', 'rm', 'filled']));
        assert.deepEqual(await programsOf(engine.dataRoot), []);
        done(
          await docker(engine, [
            'rmi',
            '-f',
            'committed:test',
            'layered:test',
            'layered:0',
            'busybox:test',
            'busybox:latest',
          ]),
        );
        assert.deepEqual(await api<unknown[]>(engine.socket, 'GET', '/images/json?all=1'), []);
        // What nobody has any more goes after the answer.
        const left = () => readdir(path.join(engine.dataRoot, 'layers'));
        for (let tries = 0; tries < 1000 && (await left()).length > 0; tries++) await sleep(100);
        assert.deepEqual(await left(), []);
      },
    );

  test('where the kernel cannot stack layers on the data root’s file system, the next best driver is taken, and it is said', async () => {
    const places = ['lower', 'upper', 'work', 'merged'].map((name) => path.join(folder, name));
    for (const place of places) await mkdir(place);
    const [lower, upper, work, merged] = places as [string, string, string, string];
    await run('mount', [
      '-t',
      'overlay',
      'overlay',
      '-o',
      `lowerdir=${lower},upperdir=${upper},workdir=${work}`,
      merged,
    ]);
    try {
      await using engine = await startEngine({ folder: merged, runDir: path.join(folder, 'run') });
      const info = await api<{ Driver: string; Warnings: string[] }>(engine.socket, 'GET', '/info');
      assert.equal(info.Driver, fuse === undefined ? 'fuse-overlayfs' : 'vfs');
      assert.match(info.Warnings.join('\n'), /kernel cannot mount overlayfs on the data root/);
      await loadBusybox(engine);
      const ran = await docker(engine, [
        'run',
        '--rm',
        '--network',
        'none',
        'busybox:test',
        'sh',
        '-c',
        'rm -rf /home; echo hi > /x; cat /x; ls -d /home',
      ]);
      assert.equal(ran.stdout, 'hi\n');
      assert.match(ran.stderr, /\/home: No such file/);
    } finally {
      await unmount(merged);
    }
  });

  test('an ordinary user’s containers can be copies too', async () => {
    await using person = await makePerson({ window: false });
    const own = await mkdtemp(path.join(tmpdir(), 'slipway-person-'));
    await chown(own, person.uid, person.gid);
    try {
      const command = [...person.become, process.execPath, path.join(person.checkout, 'out/daemon.cjs')];
      await using engine = await startEngine({ folder: own, command, flags: ['--storage-driver', 'vfs'] });
      const { size: _, ...result } = await liveWith(engine, folder);
      const { tree, diff, volume } = kernel;
      assert.deepEqual([result.tree, result.diff, result.volume, result.committed], [tree, diff, volume, tree]);
    } finally {
      await rm(own, { recursive: true, force: true });
    }
  });

  test('a driver that cannot be had is refused with the way out', async () => {
    await assert.rejects(startEngine({ flags: ['--storage-driver', 'zfs'] }), /zfs.*overlay2, fuse-overlayfs, vfs/s);
  });

  test('the image of a container whose files are a copy cannot be exchanged, and that is said before anything is stopped', async () => {
    await using engine = await startEngine({ flags: ['--storage-driver', 'vfs'] });
    await loadBusybox(engine);
    done(await docker(engine, ['tag', 'busybox:test', 'other:test']));
    done(await docker(engine, ['run', '-d', '--name', 'box', '--network', 'none', 'busybox:test', 'sleep', '1000']));
    done(await docker(engine, ['commit', '-c', 'CMD ["sleep","2000"]', 'box', 'next:test']));
    const answer = await api<{ message?: string }>(engine.socket, 'POST', '/slipway/containers/box/change', {
      Image: 'next:test',
    }).catch((error: unknown) => ({ message: String(error) }));
    assert.match(JSON.stringify(answer), /cannot be changed: its files are a copy/);
    assert.equal(
      done(await docker(engine, ['inspect', '-f', '{{.State.Running}} {{.RestartCount}}', 'box'])).trim(),
      'true 0',
    );
  });
});

/** The programs that stack layers of this data root. */
async function programsOf(dataRoot: string): Promise<string[]> {
  const found: string[] = [];
  for (let tries = 0; tries < 500; tries++) {
    found.length = 0;
    for (const pid of await readdir('/proc')) {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (line.startsWith('fuse-overlayfs') && line.includes(dataRoot)) found.push(line.replaceAll('\0', ' '));
    }
    if (found.length === 0) break;
    await sleep(100);
  }
  return found;
}
