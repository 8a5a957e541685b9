/** Wrong words, full disks, killed programs: each is said in a sentence, the engine goes on, and nothing half-made stays. */
import assert from 'node:assert/strict';
import { chmod, copyFile, mkdtemp, readdir, readlink, readFile, rm, stat, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { dice } from '../fixtures/campaign.js';
import {
  api,
  busyboxArchive,
  docker,
  end,
  hijack,
  loadBusybox,
  request,
  root,
  run,
  startEngine,
  type RunningEngine,
} from '../fixtures/engine.js';

const needs = { skip: process.getuid?.() !== 0 && 'needs root', timeout: 300_000 };

/** Where nothing of a container is left: files, state directories, processes, mounts. */
async function isClean(engine: RunningEngine, but: { images?: boolean } = {}): Promise<void> {
  const at = (...parts: string[]) => readdir(path.join(...parts)).catch(() => []);
  for (let tries = 0; ; tries++) {
    const left = [
      ...(await at(engine.dataRoot, 'containers')),
      ...(await at(engine.dataRoot, 'ingest')),
      ...(await at(engine.dataRoot, 'trash')),
      ...(await at(engine.runDir, 'c')),
      ...(await at(engine.runDir, 'x')),
      ...(but.images ? [] : await at(engine.dataRoot, 'layers')),
      ...(await helpersOf(engine)).slice(1).map((pid) => `helper ${pid}`),
    ];
    if (left.length === 0) return;
    if (tries > 1000) assert.deepEqual(left, [], engine.log());
    await sleep(50);
  }
}

async function removeAll(engine: RunningEngine): Promise<void> {
  for (const { Id } of await api<{ Id: string }[]>(engine.socket, 'GET', '/containers/json?all=1'))
    await api(engine.socket, 'DELETE', `/containers/${Id}?force=1`);
}

async function processes(wanted: (command: string) => boolean): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return pids.filter((_, i) => wanted(commands[i]!.replaceAll('\0', ' ')));
}

const helpersOf = ({ runDir }: RunningEngine) =>
  processes((command) => command.startsWith(`slipway-helper serve --run-dir ${runDir} `));

const parentOf = async (pid: number): Promise<number> =>
  Number((await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ').pop()!.split(' ')[1]);

const lives = (pid: number): Promise<boolean> =>
  readFile(`/proc/${pid}/stat`, 'utf8').then(
    (text) => !/\) [ZX]/.test(text),
    () => false,
  );

/** What was killed may take a moment to be gone. */
async function ends(pid: number): Promise<void> {
  for (let tries = 0; await lives(pid); tries++) {
    assert.ok(tries < 1000, `process ${pid} lives`);
    await sleep(20);
  }
}

const pidOf = async (engine: RunningEngine, name: string): Promise<number> =>
  (await api<{ State: { Pid: number } }>(engine.socket, 'GET', `/containers/${name}/json`)).State.Pid;

/** A data root on a small disk of its own. */
async function smallDisk(t: TestContext, size = '40m'): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-disk-'));
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'slipway-test', folder]);
  assert.equal(mounted.code, 0, mounted.stderr);
  t.after(async () => {
    await run('umount', ['--lazy', folder]);
    await rm(folder, { recursive: true });
  });
  return folder;
}

/** Takes all the room that is left. */
const fill = (folder: string) => run('dd', ['if=/dev/zero', `of=${folder}/filler`, 'bs=4k']);
const noRoom = /slipway: .*(no space left|is full).*free some space/i;

const slipway = (engine: RunningEngine, args: string[]) =>
  run(process.execPath, [path.join(root, 'out/cli/slipway.cjs'), ...args], {
    env: { DOCKER_HOST: `unix://${engine.socket}` },
  });

test('what cannot run is one sentence and an exit status, and leaves nothing', needs, async () => {
  await using engine = await startEngine();
  await loadBusybox(engine);
  const cases: [options: string[], command: string[], code: number, said: RegExp][] = [
    [[], ['nosuch'], 127, /exec: "nosuch": executable file not found in \$PATH/],
    [[], ['/no/such'], 127, /no such file or directory/],
    [[], ['/etc/passwd'], 126, /permission denied/],
    [[], ['/etc'], 126, /is a directory/],
    [['-u', 'nobody-here'], ['id'], 125, /unable to find user nobody-here: no matching entries in passwd file/],
    [['-u', 'app:nogroup'], ['id'], 125, /unable to find group nogroup: no matching entries in group file/],
    [['-u', '99999999999'], ['id'], 125, /uids and gids must be in range 0-2147483647/],
    [['-w', 'etc'], ['id'], 125, /working directory 'etc' is invalid, it needs to be an absolute path/],
    [['-w', '/etc/passwd'], ['id'], 125, /chdir to cwd \("\/etc\/passwd"\) .*not a directory/i],
    [['-h', 'h'.repeat(65)], ['id'], 125, /invalid hostname: h+ is longer than 64 bytes/],
    [['--name', '-x'], ['id'], 125, /Invalid container name \(-x\)/],
    [['-v', '/etc/hostname:/etc'], ['id'], 125, /not a directory.*Are you trying to mount a directory onto a file/i],
    [['--network', 'container:nosuch'], ['id'], 125, /No such container: nosuch/],
    [['--network', 'nosuch'], ['id'], 125, /network nosuch not found/],
    [['--device', '/dev/nosuch'], ['id'], 127, /: error gathering device information .*"\/dev\/nosuch": no such file/],
    [['--device', '/etc/passwd'], ['id'], 125, /: error gathering device information .*not a device node/],
    [['--cap-add', 'NOSUCH'], ['id'], 125, /unknown capability: "CAP_NOSUCH"/],
    [['--cpuset-cpus', '4095'], ['id'], 125, /Requested CPUs are not available/],
    [['--security-opt', 'seccomp=/no/such'], ['id'], 125, /opening seccomp profile \(\/no\/such\) failed/],
    [['--stop-signal', 'BOGUS'], ['id'], 125, /Invalid signal: BOGUS/],
    [['--pids-limit', '1'], ['sh', '-c', 'id; id'], 2, /can't fork: Resource temporarily unavailable/],
    [['-e', `BIG=${'x'.repeat(130_000)}`], ['true'], 0, /^$/],
    [['--name', 'n'.repeat(200)], ['true'], 0, /^$/],
  ];
  for (const [options, command, code, said] of cases) {
    const shown = [...options, ...command].join(' ').slice(0, 200);
    for (const cli of [docker, slipway]) {
      const ran = await cli(engine, ['run', '--rm', ...options, 'busybox:test', ...command]);
      assert.equal(ran.code, code, `${shown}: ${ran.stderr}`);
      assert.match(ran.stderr, said, shown);
    }
  }
  const long = await request(engine.socket, 'POST', '/containers/create', {
    Image: 'busybox:test',
    Cmd: ['echo', 'x'.repeat(3_000_000)],
  });
  const { Id } = JSON.parse(long.body.toString()) as { Id: string };
  const started = await request(engine.socket, 'POST', `/containers/${Id}/start`);
  assert.match(started.body.toString(), /argument list too long/i);
  const other = await request(engine.socket, 'POST', '/containers/create?platform=linux/s390x', {
    Image: 'busybox:test',
  });
  assert.equal(other.status, 404);
  assert.match(
    other.body.toString(),
    /does not match the specified platform: wanted linux\/s390x, actual: linux\/amd64/,
  );
  for (const body of [Buffer.from('{'), Buffer.from('[]'), Buffer.from('null'), Buffer.from('{"Image":5}')])
    assert.equal((await request(engine.socket, 'POST', '/containers/create', body)).status, 400, body.toString());
  await removeAll(engine);
  await isClean(engine, { images: true });
});

test('archives that are cut or lie are refused and leave nothing', needs, async () => {
  await using engine = await startEngine();
  const whole = await readFile(await busyboxArchive());
  for (const bytes of [
    whole.subarray(0, whole.length / 2),
    whole.subarray(0, 100),
    Buffer.alloc(0),
    Buffer.alloc(4096, 'x'),
  ]) {
    const answer = await request(engine.socket, 'POST', '/images/load', bytes, { 'Content-Type': 'application/x-tar' });
    assert.match(answer.body.toString(), /archive/, String(bytes.length));
    assert.deepEqual(await readdir(path.join(engine.dataRoot, 'blobs/sha256')), []);
  }
  await isClean(engine);
});

test('a full disk is said to be full by everything, and once there is room all goes on', needs, async (t) => {
  const folder = await smallDisk(t);
  await using engine = await startEngine({ folder });
  await loadBusybox(engine);
  const print = 'i=0; while :; do echo line $i; i=$((i+1)); usleep 1000; done';
  await docker(engine, ['run', '-d', '--name', 'printing', '--network', 'none', 'busybox:test', 'sh', '-c', print]);
  await docker(engine, ['run', '-d', '--name', 'idle', '--network', 'none', 'busybox:test', 'sleep', '1000']);
  await docker(engine, ['create', '--name', 'made', '--network', 'none', 'busybox:test', 'true']);
  await fill(folder);
  const full = /no space left on device|is full: free some space/i;
  for (const args of [
    ['start', 'made'],
    ['run', '--rm', '--network', 'none', 'busybox:test', 'true'],
    ['load', '-i', await busyboxArchive()],
    ['tag', 'busybox:test', 'other:name'],
    ['exec', 'idle', 'sh', '-c', 'echo x > /x'],
  ]) {
    const ran = await docker(engine, args);
    assert.notEqual(ran.code, 0, args.join(' '));
    assert.match(ran.stdout + ran.stderr, full, args.join(' '));
  }
  assert.equal((await docker(engine, ['kill', 'idle', 'printing'])).code, 0, 'what runs can be ended');
  await engine.kill();
  // The next one may do with the room that its files already have; where it cannot, it says so.
  await engine.restart().then(engine.kill, (error: unknown) => assert.match(String(error), noRoom));
  await rm(path.join(folder, 'filler'));
  await engine.restart();
  const statuses = await docker(engine, ['ps', '-a', '--format', '{{.Names}} {{.Status}}']);
  assert.match(statuses.stdout, /^made Created\nidle Exited \(137\).*\nprinting Exited \(137\).*\n$/);
  const { stdout } = await docker(engine, ['logs', 'printing']);
  // Whenever somebody gives room back there is some for what is printed then: it is whole, and in order.
  const numbers = stdout.trimEnd().split('\n').map((text) => Number(/^line (\d+)$/.exec(text)?.[1])); // prettier-ignore
  numbers.forEach((number, i) => assert.ok(i === 0 ? number === 0 : number > numbers[i - 1]!, stdout));
  assert.equal((await docker(engine, ['start', '-a', 'made'])).code, 0);
  await removeAll(engine);
  await isClean(engine, { images: true });
});

test('a data root that is full, read-only or somebody’s file is named', needs, async (t) => {
  const folder = await smallDisk(t, '20m');
  await using engine = await startEngine({ folder });
  await engine.stop();
  for (let tries = 0; (await run('mount', ['-o', 'remount,ro', folder])).code !== 0; tries++) {
    assert.ok(tries < 500, 'somebody still writes there');
    await sleep(50);
  }
  await assert.rejects(engine.restart(), /slipway: the disk that holds .* is read-only: make it writable/);
  await run('mount', ['-o', 'remount,rw', folder]);
  await rm(engine.dataRoot, { recursive: true });
  await fill(folder);
  await assert.rejects(engine.restart(), noRoom);
  await rm(path.join(folder, 'filler'));
  await rm(engine.dataRoot, { recursive: true, force: true });
  await writeFile(engine.dataRoot, 'mine');
  await assert.rejects(engine.restart(), /slipway: .*data is a file/);
  assert.equal(await readFile(engine.dataRoot, 'utf8'), 'mine');
  await rm(engine.dataRoot);
});

test('a socket that a killed engine left is taken over; a file in its place is not', needs, async () => {
  await using engine = await startEngine();
  await engine.kill();
  assert.ok((await stat(engine.socket)).isSocket());
  await engine.restart();
  assert.equal((await docker(engine, ['ps'])).code, 0);
  await engine.stop();
  await writeFile(engine.socket, 'mine');
  await assert.rejects(engine.restart(), /is in the way: it is not a socket/);
  assert.equal(await readFile(engine.socket, 'utf8'), 'mine');
  await rm(engine.socket);
});

test('the run directory deleted under a running engine: all goes on, with one helper in the end', needs, async () => {
  await using engine = await startEngine();
  await loadBusybox(engine);
  await docker(engine, ['run', '-d', '--name', 'still', 'busybox:test', 'sleep', '1000']);
  await rm(engine.runDir, { recursive: true });
  assert.equal((await docker(engine, ['run', '--rm', 'busybox:test', 'echo', 'on'])).stdout, 'on\n');
  assert.equal((await docker(engine, ['exec', 'still', 'echo', 'here'])).stdout, 'here\n');
  assert.equal((await docker(engine, ['rm', '-f', 'still'])).code, 0);
  await isClean(engine, { images: true });

  await docker(engine, ['run', '-d', '--name', 'lost', 'busybox:test', 'sleep', '1000']);
  const pid = await pidOf(engine, 'lost');
  await engine.kill();
  await rm(engine.runDir, { recursive: true });
  await engine.restart();
  await ends(pid); // nobody could ever steer it again
  assert.match((await docker(engine, ['ps', '-a', '--format', '{{.Status}}'])).stdout, /^Exited \(137\)/);
  await removeAll(engine);
  await isClean(engine, { images: true });
});

test('a damaged database is put aside; what only it knew goes when that is given up', needs, async () => {
  await using engine = await startEngine();
  await loadBusybox(engine);
  await docker(engine, ['run', '-d', '--name', 'known', '--network', 'none', 'busybox:test', 'sleep', '1000']);
  const pid = await pidOf(engine, 'known');
  await engine.kill();
  for (const suffix of ['-wal', '-shm']) await rm(path.join(engine.dataRoot, `slipway.db${suffix}`), { force: true });
  await writeFile(path.join(engine.dataRoot, 'slipway.db'), Buffer.alloc(50_000, 'garbage'));
  await engine.restart();
  const warnings = async () => (await docker(engine, ['info', '-f', '{{json .Warnings}}'])).stdout;
  assert.match(await warnings(), /WARNING: The database .* was damaged .* It was kept as /);
  await loadBusybox(engine);
  assert.equal((await docker(engine, ['run', '--rm', 'busybox:test', 'echo', 'on'])).stdout, 'on\n');
  await engine.stop();
  await engine.restart();
  assert.match(await warnings(), /WARNING: A damaged database is kept as .* Delete that file/);
  assert.equal(await lives(pid), true);
  await engine.stop();
  for (const name of await readdir(engine.dataRoot))
    if (name.includes('.corrupt-')) await rm(path.join(engine.dataRoot, name));
  await engine.restart();
  await ends(pid);
  assert.equal((await docker(engine, ['run', '--rm', 'busybox:test', 'echo', 'on'])).stdout, 'on\n');
  await isClean(engine, { images: true });
});

test('a killed monitor takes its container along, also one that became another user', needs, async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-setuid-'));
  t.after(() => rm(folder, { recursive: true }));
  await chmod(folder, 0o755);
  await copyFile('/bin/busybox', path.join(folder, 'busybox'));
  await chmod(path.join(folder, 'busybox'), 0o4755);
  await using engine = await startEngine();
  await loadBusybox(engine);
  const begin = async (name: string) => {
    const setuid = ['-v', `${folder}:/s:ro`, '-u', 'app', '--network', 'none', 'busybox:test', '/s/busybox'];
    const made = await docker(engine, ['run', '-d', '--name', name, ...setuid, 'sh', '-c', 'sleep 1000 & sleep 1000']);
    assert.equal(made.code, 0, made.stderr);
    return pidOf(engine, name);
  };
  const first = await begin('watched');
  const watched = [docker(engine, ['wait', 'watched']), docker(engine, ['logs', '-f', 'watched'])] as const;
  await sleep(300);
  process.kill(await parentOf(first), 'SIGKILL');
  assert.equal((await watched[0]).stdout, '137\n');
  assert.equal((await watched[1]).code, 0);
  await ends(first);
  const said = await docker(engine, ['inspect', '-f', '{{.State.Error}}', 'watched']);
  assert.match(said.stdout, /monitor was killed/);

  const second = await begin('unwatched');
  await engine.kill();
  process.kill(await parentOf(second), 'SIGKILL');
  await engine.restart();
  await ends(second);
  assert.match((await docker(engine, ['inspect', '-f', '{{.State.ExitCode}}', 'unwatched'])).stdout, /^137$/m);
  await removeAll(engine);
  await isClean(engine, { images: true });
});

test('the helper killed at any moment of a run, an exec or a load costs that request at most', needs, async () => {
  const random = dice();
  await using engine = await startEngine();
  await loadBusybox(engine);
  await docker(engine, ['run', '-d', '--name', 'host', 'busybox:test', 'sleep', '1000']);
  const works: (() => ReturnType<typeof docker>)[] = [
    () => docker(engine, ['run', '--rm', 'busybox:test', 'echo', 'done']),
    () => docker(engine, ['exec', 'host', 'echo', 'done']),
    async () => docker(engine, ['load', '-q', '-i', await busyboxArchive()]),
  ];
  for (let round = 0; round < 18; round++) {
    const work = works[round % 3]!();
    await sleep(30 + random() * 120);
    for (const pid of await helpersOf(engine)) end(pid);
    const { code, stdout, stderr } = await work;
    if (code === 0) assert.match(stdout, /done|Loaded/);
    // Among them was who had become the container's monitor that very moment: its container goes with it, as with any killed monitor.
    else if (code === 137)
      assert.match(
        `${['run', 'exec', 'load'][round % 3]}: ${stdout}${stderr}`,
        /^(run|exec): (done\n)?$/,
        `round ${round}`,
      );
    else assert.match(stdout + stderr, /(helper|monitor) was killed|has gone/, `round ${round}, exit ${code}`);
    if (round % 3 === 2) await docker(engine, ['rmi', 'busybox:latest']);
  }
  for (const work of works) assert.equal((await work()).code, 0);
  await removeAll(engine);
  await isClean(engine, { images: true });
});

test('the engine killed at any moment of a create, an exec or a removal leaves nothing half-made', needs, async () => {
  const random = dice();
  await using engine = await startEngine();
  await loadBusybox(engine);
  for (let round = 0; round < 6; round++) {
    await docker(engine, ['run', '-d', '--name', 'old', 'busybox:test', 'sleep', '1000']);
    const pid = await pidOf(engine, 'old');
    const [create, exec, remove] = [
      docker(engine, ['run', '--name', 'new', 'busybox:test', 'true']),
      docker(engine, ['exec', 'old', 'sleep', '1000']),
      sleep(random() * 100).then(() => docker(engine, ['rm', '-f', 'old'])),
    ];
    await sleep(30 + random() * 250);
    await engine.kill();
    await Promise.all([create, exec, remove]);
    await engine.restart();
    const names = (await docker(engine, ['ps', '-a', '--format', '{{.Names}}'])).stdout.split('\n');
    if (!names.includes('old')) await ends(pid);
    await removeAll(engine);
    await isClean(engine, { images: true });
    await ends(pid);
  }
});

test('fifty runs at once, and clients that leave in the middle, cost the engine no descriptor', needs, async () => {
  await using engine = await startEngine();
  await loadBusybox(engine);
  const descriptors = async () => {
    const folder = `/proc/${engine.process.pid}/fd`;
    const each = (await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(() => undefined));
    return (await Promise.all(each)).filter((target) => target !== undefined);
  };
  // An engine has one descriptor for all the files that it watches, and one for who passes its connections on.
  assert.equal((await docker(engine, ['run', '-d', '--name', 'first', 'busybox:test', 'sleep', '1'])).code, 0);
  await docker(engine, ['logs', '-f', 'first']);
  const large = await docker(engine, ['run', '--rm', 'busybox:test', 'head', '-c', '200000', '/dev/zero']);
  assert.equal(large.stdout.length, 200_000);
  await docker(engine, ['rm', 'first']);
  const before = await descriptors();
  const many = Array.from({ length: 50 }, (_, i) => docker(engine, ['run', '--rm', 'busybox:test', 'echo', `${i}`]));
  (await Promise.all(many)).forEach(({ code, stdout, stderr }, i) =>
    assert.deepEqual([code, stdout], [0, `${i}\n`], stderr),
  );
  await docker(engine, ['run', '-d', '--name', 'talks', '--network', 'none', 'busybox:test', 'yes']);
  for (const url of ['GET /containers/talks/logs?follow=1&stdout=1', 'GET /events', 'POST /containers/talks/wait'])
    for (let i = 0; i < 5; i++) {
      const client = net.connect(engine.socket);
      client.write(`${url} HTTP/1.1\r\nHost: docker\r\n\r\n`);
      await sleep(20);
      client.destroy();
    }
  for (let i = 0; i < 5; i++) {
    const { socket } = await hijack(engine.socket, '/containers/talks/attach?stream=1&stdin=1&stdout=1');
    socket.destroy();
  }
  // One who holds on and never reads keeps nobody else waiting.
  const stuck = await hijack(engine.socket, '/containers/talks/attach?stream=1&stdout=1');
  await sleep(500);
  assert.equal((await docker(engine, ['exec', 'talks', 'echo', 'still here'])).stdout, 'still here\n');
  stuck.socket.destroy();
  await removeAll(engine);
  await isClean(engine, { images: true });
  for (let tries = 0; (await descriptors()).length > before.length && tries < 1000; tries++) await sleep(50);
  const after = await descriptors();
  assert.ok(after.length <= before.length, `before:\n${before.join('\n')}\nafter:\n${after.join('\n')}`);
});
