import '../base/scopes.js';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import {
  cannotRun,
  closeRooms,
  createContainer,
  enginePlace,
  openRooms,
  readAll,
  unframed,
  type Rooms,
} from './testing-rooms.js';

async function rooms(t: TestContext): Promise<Rooms> {
  const place = await enginePlace(t);
  const opened = await openRooms(place);
  place.before(() => closeRooms(opened));
  return opened;
}
const output = { stdin: false, stdout: true, stderr: true, stream: true, logs: false };
const interactive = { ...output, stdin: true };
const everything = { follow: false, stdout: true, stderr: true, timestamps: false, details: false };

async function logsOf({ containers }: Rooms, id: string, more: object = {}): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of containers.logs(id, { ...everything, ...more }).chunks) chunks.push(chunk);
  const { out, err } = unframed(Buffer.concat(chunks));
  return out + err;
}
const actions = ({ heard }: Rooms, id: string): string[] =>
  heard.filter(({ Type, Actor }) => Type === 'container' && Actor.ID === id).map(({ Action }) => Action);

const describe = (name: string, body: (rooms: Rooms) => Promise<void>) =>
  test(name, { skip: cannotRun, timeout: process.env['SLIPWAY_TEST_EMULATED'] ? 900_000 : 300_000 }, async (t) =>
    body(await rooms(t)),
  );
/** One that asks nothing of control groups: root in the guest, who is there for those, leaves it to root here and to the ordinary user there. */
const describeAnywhere = process.env['SLIPWAY_TEST_GROUPS'] ? () => undefined : describe;
/** One that moves very many bytes: in the guest its processor is emulated. */
const describeHeavy = (name: string, body: (rooms: Rooms) => Promise<void>) =>
  process.env['SLIPWAY_TEST_EMULATED']
    ? test(name, { skip: 'moves too many bytes for an emulated processor' })
    : describe(name, body);

describeAnywhere('attached before the start, every byte comes, then the end', async (engine) => {
  const { containers } = engine;
  const id = await createContainer(engine, ['sh', '-c', 'echo out; echo err >&2; exit 3']);
  const stream = await containers.attach(id, output);
  const ended = containers.wait(id, 'next-exit');
  await containers.start(id);
  assert.deepEqual(await readAll(stream), { out: 'out\n', err: 'err\n' });
  assert.deepEqual(await ended, { StatusCode: 3 });
  assert.equal(await logsOf(engine, id), 'out\nerr\n');
  const { State } = await containers.inspect(id);
  assert.deepEqual([State.Status, State.ExitCode, State.Running, State.Pid], ['exited', 3, false, 0]);
  assert.deepEqual(actions(engine, id), ['create', 'attach', 'start', 'die']);
});

describe('the process sees its own namespaces, name, environment and nothing of ours', async (engine) => {
  const script =
    'echo $$; hostname; echo $FROM_IMAGE $OWN $HOSTNAME; ls /proc/self/fd; cat /proc/self/cgroup | grep -c slipway; cat /etc/hostname; id -u';
  const id = await createContainer(engine, ['sh', '-c', script], { Env: ['OWN=1'], Hostname: 'web' });
  const stream = await engine.containers.attach(id, output);
  await engine.containers.start(id);
  const { out } = await readAll(stream);
  assert.equal(out, '1\nweb\nyes 1 web\n0\n1\n2\n3\n0\nweb\n0\n');
});

describeAnywhere('input before the start reaches the process, and its end ends it', async (engine) => {
  const id = await createContainer(engine, ['cat'], { OpenStdin: true, StdinOnce: true, AttachStdin: true });
  const stream = await engine.containers.attach(id, interactive);
  void stream.write(Buffer.from('one\n'));
  void stream.write(Buffer.from('two\n'));
  stream.end();
  await engine.containers.start(id);
  assert.equal((await readAll(stream)).out, 'one\ntwo\n');
  assert.deepEqual(await engine.containers.wait(id), { StatusCode: 0 });
});

describeAnywhere('a terminal has its size, takes new ones, and is left by the detach keys', async (engine) => {
  const { containers } = engine;
  const id = await createContainer(engine, ['sh'], {
    Tty: true,
    OpenStdin: true,
    HostConfig: { ConsoleSize: [30, 100] },
  });
  const stream = await containers.attach(id, interactive);
  await containers.start(id);
  let said = '';
  const reading = (async () => {
    for await (const chunk of stream.readable) said += Buffer.from(chunk).toString();
  })();
  const says = async (what: string): Promise<void> => {
    for (let i = 0; i < 3000 && !said.includes(what); i++) await sleep(10);
    assert.ok(said.includes(what), `${what} in ${JSON.stringify(said)}`);
  };
  await stream.write(Buffer.from('stty size\n'));
  await says('30 100');
  await containers.resize(id, 40, 120);
  await stream.write(Buffer.from('stty size\n'));
  await says('40 120');
  await stream.write(Uint8Array.of(16));
  await stream.write(Uint8Array.of(17));
  await reading;
  assert.equal((await containers.inspect(id)).State.Running, true);
  assert.ok(actions(engine, id).includes('detach'));
  const again = await containers.attach(id, interactive);
  await again.write(Buffer.from('echo back; exit 5\n'));
  assert.match((await readAll(again)).out, /back\r\n/);
  assert.equal((await containers.wait(id)).StatusCode, 5);
});

describeHeavy('attach with logs gives what was and what comes, without a gap and nothing twice', async (engine) => {
  const { containers } = engine;
  const signal = join(engine.root, 'signal');
  await mkdir(signal);
  const script =
    'i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); [ $((i%100)) = 0 ] && sleep 0.02; done; until [ -e /signal/go ]; do sleep 0.1; done';
  const id = await createContainer(engine, ['sh', '-c', script], {
    HostConfig: {
      Binds: [`${signal}:/signal`],
      LogConfig: { Type: 'json-file', Config: { 'max-size': '40k', 'max-file': '20' } },
    },
  });
  await containers.start(id);
  const streams = [];
  for (let i = 0; i < 6; i++) {
    streams.push(readAll(await containers.attach(id, { ...output, logs: true })));
    await sleep(5);
  }
  await writeFile(join(signal, 'go'), '');
  const expected = Array.from({ length: 3000 }, (_, i) => `line ${i}\n`).join('');
  for (const stream of await Promise.all(streams)) assert.equal(stream.out === expected, true, `${stream.out.length}`);
  assert.equal((await logsOf(engine, id)) === expected, true);
});

describeHeavy('a client that does not read holds neither the container nor the others back', async (engine) => {
  const { containers } = engine;
  const id = await createContainer(engine, ['sh', '-c', 'head -c 40000000 /dev/zero']);
  const lazy = await containers.attach(id, output);
  const keen = await containers.attach(id, output);
  await containers.start(id);
  assert.equal((await readAll(keen)).out.length, 40_000_000);
  assert.equal((await containers.wait(id)).StatusCode, 0);
  assert.equal((await readAll(lazy)).out.length, 40_000_000);
});

describeAnywhere(
  'a command that is not there is 127, one that cannot be run 126, and the container stays created',
  async (engine) => {
    const { containers } = engine;
    const cases: [string[], number, RegExp][] = [
      [['nope'], 127, /exec: "nope": executable file not found in \$PATH/],
      [['/nope'], 127, /no such file or directory/],
      [['/etc/passwd'], 126, /permission denied/i],
      [['/etc'], 126, /permission denied|is a directory/i],
    ];
    for (const [cmd, code, message] of cases) {
      const id = await createContainer(engine, cmd);
      const stream = await containers.attach(id, output);
      await assert.rejects(containers.start(id), { kind: 'invalid', message });
      assert.deepEqual(await readAll(stream), { out: '', err: '' });
      const { State } = await containers.inspect(id);
      assert.deepEqual([State.Status, State.ExitCode, State.Pid], ['created', code, 0]);
      assert.match(State.Error, message);
    }
    const id = await createContainer(engine, ['id'], { User: 'foo' });
    await assert.rejects(containers.start(id), {
      kind: 'invalid',
      message: /unable to find user foo: no matching entries in passwd file/,
    });
  },
);

describe('stop asks first and then kills; the signal and the time are the ones that were said', async (engine) => {
  const { containers } = engine;
  const polite = await createContainer(
    engine,
    ['sh', '-c', 'trap "exit 7" USR1; echo up; while :; do sleep 0.05; done'],
    {
      StopSignal: 'SIGUSR1',
    },
  );
  const stream = await containers.attach(polite, output);
  await containers.start(polite);
  await stream.readable[Symbol.asyncIterator]().next(); // the trap stands
  await containers.stop(polite);
  assert.equal((await containers.wait(polite)).StatusCode, 7);
  const deaf = await createContainer(engine, ['sh', '-c', 'trap "" TERM; while :; do sleep 0.05; done']);
  await containers.start(deaf);
  const asked = Date.now();
  await containers.stop(deaf, { t: 1 });
  const took = Date.now() - asked;
  assert.ok(took >= 1000 && took < 10_000, `${took} ms, where who says nothing waits for ten seconds`);
  assert.equal((await containers.wait(deaf)).StatusCode, 137);
  await assert.rejects(containers.stop(deaf), { kind: 'not-modified' });
  await assert.rejects(containers.kill(deaf), { kind: 'conflict', message: /is not running/ });
  assert.deepEqual(actions(engine, deaf), ['create', 'start', 'kill', 'kill', 'die', 'stop']);
});

describe('a paused container stands still, and can be stopped and removed', async (engine) => {
  const { containers } = engine;
  const id = await createContainer(engine, ['sh', '-c', 'while :; do echo x; sleep 0.01; done']);
  await containers.start(id);
  await containers.pause(id);
  await assert.rejects(containers.pause(id), { kind: 'conflict', message: /already paused/ });
  await assert.rejects(containers.attach(id, output), { kind: 'conflict', message: /is paused/ });
  const printed = async () => (await logsOf(engine, id)).length;
  let size = -1;
  for (let now = await printed(); now !== size; now = await printed()) {
    size = now; // what it had printed is still being written down
    await sleep(200);
  }
  await containers.unpause(id);
  while ((await printed()) === size) await sleep(10);
  await containers.pause(id);
  await containers.kill(id);
  assert.equal((await containers.inspect(id)).State.ExitCode, 137);
});

describeAnywhere('names are unique, found by prefix, changed, and free again after removal', async (engine) => {
  const { containers } = engine;
  const id = await createContainer(engine, ['true'], {}, 'web');
  await assert.rejects(createContainer(engine, ['true'], {}, 'web'), {
    kind: 'conflict',
    message: `Conflict. The container name "/web" is already in use by container "${id}". You have to remove (or rename) that container to be able to reuse that name.`,
  });
  assert.equal((await containers.inspect(id.slice(0, 10))).Name, '/web');
  assert.throws(() => containers.wait('nope'), { kind: 'not-found', message: 'No such container: nope' });
  await containers.rename('web', 'site');
  await assert.rejects(containers.inspect('web'), { kind: 'not-found' });
  const other = await createContainer(engine, ['true'], {}, 'web');
  await containers.remove('site');
  await containers.rename(other, 'site');
  assert.match((await containers.inspect(await createContainer(engine, ['true']))).Name, /^\/[a-z]+_[a-z]+$/);
});

describe('a running container is removed only by force; two removals at once are one', async (engine) => {
  const { containers } = engine;
  const id = await createContainer(engine, ['sleep', '1000'], {}, 'web');
  await containers.start(id);
  await assert.rejects(containers.remove(id), {
    kind: 'conflict',
    message: /container is running: stop the container before removing or force remove/,
  });
  const removed = containers.wait(id, 'removed');
  await Promise.all([containers.remove(id, { force: true }), containers.remove(id, { force: true })]);
  assert.equal((await removed).StatusCode, 137);
  await assert.rejects(containers.inspect(id), { kind: 'not-found' });
  assert.deepEqual(actions(engine, id), ['create', 'start', 'kill', 'die', 'destroy']);
});

describeAnywhere(
  'who looks at what is just being removed finds it gone, and the others as they are',
  async (engine) => {
    const { containers, store } = engine;
    await createContainer(engine, ['true'], {}, 'stays');
    await createContainer(engine, ['true'], {}, 'goes');
    const commit = store.commit.bind(store);
    let write!: () => void;
    const disk = new Promise<void>((resolve) => (write = resolve));
    const writing = new Promise<void>((begun) => {
      store.commit = (build) => {
        store.commit = commit;
        const written = commit(build);
        begun();
        return disk.then(() => written);
      };
    });
    const removed = containers.remove('goes');
    await writing;
    await assert.rejects(containers.inspect('goes'), { kind: 'not-found', message: 'No such container: goes' });
    assert.deepEqual((await containers.list({ all: true, size: 'known' })).map(({ Names }) => Names), [['/stays']]); // prettier-ignore
    assert.deepEqual((await containers.onDisk()).map(({ Name }) => Name), ['stays']); // prettier-ignore
    write();
    await removed;
  },
);

describe('with --rm the exit status is told although the container is gone', async (engine) => {
  const { containers } = engine;
  const id = await createContainer(engine, ['sh', '-c', 'exit 9'], { HostConfig: { AutoRemove: true } });
  const removed = containers.wait(id, 'removed');
  await containers.start(id);
  assert.equal((await removed).StatusCode, 9);
  assert.deepEqual(await containers.list({ all: true }), []);
  const failing = await createContainer(engine, ['nope'], { HostConfig: { AutoRemove: true } });
  const gone = containers.wait(failing, 'removed');
  await assert.rejects(containers.start(failing));
  assert.deepEqual(await gone, { StatusCode: 127 }, 'why is told by the start');
});

describe('who waits for the removal after a run hears that the run was cut off; who removes it later hears nothing of that', async (engine) => {
  const { containers, runDir } = engine;
  for (const AutoRemove of [true, false]) {
    const id = await createContainer(engine, ['sleep', '1000'], { HostConfig: { AutoRemove } });
    const removed = containers.wait(id, 'removed');
    const ended = containers.wait(id, 'next-exit');
    await containers.start(id);
    const state = await readFile(join(runDir, 'c', id.slice(0, 16), 'monitor.json'), 'utf8');
    process.kill((JSON.parse(state) as { pid: number }).pid, 'SIGKILL');
    const { StatusCode, Error: why } = await ended;
    assert.equal(StatusCode, 137);
    assert.match(why?.Message ?? '', /monitor was killed, and the container with it/);
    if (!AutoRemove) await containers.remove(id);
    assert.deepEqual(await removed, { StatusCode, ...(AutoRemove && { Error: why }) });
  }
});

describe('on-failure restarts so many times and then stays down', async (engine) => {
  const { containers } = engine;
  const id = await createContainer(engine, ['sh', '-c', 'echo run; exit 1'], {
    HostConfig: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 } },
  });
  await containers.start(id);
  for (let i = 0; i < 3000 && (await containers.inspect(id)).State.Status !== 'exited'; i++) await sleep(20);
  const { State, RestartCount } = await containers.inspect(id);
  assert.deepEqual([State.Status, State.ExitCode, RestartCount], ['exited', 1, 2]);
  assert.equal(await logsOf(engine, id), 'run\nrun\nrun\n');
});

describe('what is stopped by hand does not come back, what is restarted does', async (engine) => {
  const { containers } = engine;
  const id = await createContainer(engine, ['sh', '-c', 'echo run; exec sleep 1000'], {
    HostConfig: { RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } },
  });
  await containers.start(id);
  const printed = async (what: string): Promise<void> => {
    for (let i = 0; i < 3000 && (await logsOf(engine, id)) !== what; i++) await sleep(10);
  };
  await printed('run\n');
  await containers.restart(id, { t: 0 });
  assert.equal((await containers.inspect(id)).State.Running, true);
  await printed('run\nrun\n');
  await containers.stop(id, { t: 0 });
  await sleep(300);
  assert.equal((await containers.inspect(id)).State.Status, 'exited');
  assert.equal(await logsOf(engine, id), 'run\nrun\n');
});

describeAnywhere('binds and tmpfs are where they were asked for', async (engine) => {
  const directory = join(engine.root, 'shared');
  await mkdir(directory);
  await writeFile(join(directory, 'file'), 'from outside\n');
  const script =
    'cat /data/file; touch /ro/x 2>&1; echo inside > /data/back; mount | grep -c "on /scratch type tmpfs"; ls -d /made';
  const id = await createContainer(engine, ['sh', '-c', script], {
    HostConfig: {
      Binds: [`${directory}:/data`, `${directory}:/ro:ro`, `${directory}/new:/made`],
      Tmpfs: { '/scratch': 'size=1m' },
    },
  });
  const stream = await engine.containers.attach(id, output);
  await engine.containers.start(id);
  const { out } = await readAll(stream);
  assert.match(out, /^from outside\ntouch: \/ro\/x: Read-only file system\n1\n\/made\n$/);
  await access(join(directory, 'back'));
});

describe('memory beyond the limit ends the process and says why', async (engine) => {
  const { containers } = engine;
  const id = await createContainer(
    engine,
    ['sh', '-c', 'head -c 100000000 /dev/zero | tail -c 90000000 | cat >/dev/null; exec tail /dev/zero'],
    {
      HostConfig: { Memory: 20 * 2 ** 20, MemorySwap: 20 * 2 ** 20 },
    },
  );
  if (!engine.helper.hello.cgroup.limits) return;
  await containers.start(id);
  await containers.wait(id);
  const { State } = await containers.inspect(id);
  assert.equal(State.OOMKilled, true);
  assert.ok(actions(engine, id).includes('oom'));
});

describeAnywhere('the list is filtered, newest first, and says how each is', async (engine) => {
  const { containers } = engine;
  const a = await createContainer(engine, ['sleep', '1000'], { Labels: { tier: 'web' } }, 'alpha');
  const b = await createContainer(engine, ['sh', '-c', 'exit 2'], {}, 'beta');
  await containers.start(a);
  await containers.start(b);
  await containers.wait(b);
  const names = async (filters: Record<string, string[]>, all = true): Promise<string[]> =>
    (await containers.list({ all, filters })).map(({ Names }) => Names[0] as string);
  assert.deepEqual(await names({}), ['/beta', '/alpha']);
  assert.deepEqual(await names({}, false), ['/alpha']);
  assert.deepEqual(await names({ label: ['tier=web'] }), ['/alpha']);
  assert.deepEqual(await names({ status: ['exited'] }, false), ['/beta']);
  assert.deepEqual(await names({ exited: ['2'] }), ['/beta']);
  assert.deepEqual(await names({ name: ['^al'] }), ['/alpha']);
  assert.deepEqual(await names({ since: ['alpha'] }), ['/beta']);
  assert.deepEqual(await names({ before: ['beta'] }), ['/alpha']);
  assert.deepEqual(await names({ ancestor: ['busybox'] }), ['/beta', '/alpha']);
  await assert.rejects(containers.list({ filters: { foo: ['x'] } }), {
    kind: 'invalid',
    message: "Invalid filter 'foo'",
  });
  const [beta] = await containers.list({ all: true, limit: 1 });
  assert.match(beta?.Status ?? '', /^Exited \(2\) .* ago$/);
  assert.equal(beta?.Command, `sh -c 'exit 2'`);
});

describe('top reads the processes of the container and no others', async (engine) => {
  const { containers } = engine;
  const id = await createContainer(engine, ['sh', '-c', 'sleep 1000 & exec sleep 1001']);
  await containers.start(id);
  const both = async () => (await containers.top(id)).Processes.map((row) => row.at(-1)).sort();
  while (!isDeepStrictEqual(await both(), ['sleep 1000', 'sleep 1001'])) await sleep(10);
  const { Titles } = await containers.top(id);
  assert.deepEqual(Titles, ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD']);
  assert.deepEqual((await containers.top(id, '-o pid,comm')).Titles, ['PID', 'COMMAND']);
});

describe('an exec runs in the container, with its own exit status, user and terminal', async (engine) => {
  const { containers, execs } = engine;
  const id = await createContainer(engine, ['sleep', '1000'], { Env: ['A=1'] });
  await containers.start(id);
  const run = async (body: object) => {
    const { Id } = await execs.create(id, { Cmd: ['true'], AttachStdout: true, AttachStderr: true, ...body });
    const stream = await execs.start(Id);
    assert.ok(stream);
    const said = await readAll(stream);
    for (let i = 0; i < 2000 && execs.inspect(Id).ExitCode === null; i++) await sleep(5);
    return { ...said, code: execs.inspect(Id).ExitCode, Id };
  };
  assert.deepEqual(
    { ...(await run({ Cmd: ['sh', '-c', 'echo $A $B; echo e >&2; exit 4'], Env: ['B=2'] })), Id: '' },
    { out: '1 2\n', err: 'e\n', code: 4, Id: '' },
  );
  assert.equal((await run({ Cmd: ['id', '-un'], User: 'app' })).out, 'app\n');
  assert.match(
    (await run({ Cmd: ['sh', '-c', 'stty size; echo $TERM'], Tty: true, ConsoleSize: [11, 77] })).out,
    /11 77\r\nxterm\r\n/,
  );
  const missing = await run({ Cmd: ['nope'] });
  assert.equal(missing.code, 127);
  assert.match(missing.out, /OCI runtime exec failed: .*"nope": executable file not found in \$PATH/);
  assert.equal((await run({ Cmd: ['/etc/passwd'] })).code, 126);
  await assert.rejects(execs.start(missing.Id), { kind: 'conflict', message: /has already run/ });
  const { Id } = await execs.create(id, { Cmd: ['cat'], AttachStdin: true, AttachStdout: true });
  const stream = await execs.start(Id);
  void stream?.write(Buffer.from('typed\n'));
  stream?.end();
  assert.equal(stream && (await readAll(stream)).out, 'typed\n');
  const detached = await execs.create(id, { Cmd: ['touch', '/tmp/was-here'] });
  assert.equal(await execs.start(detached.Id, { detach: true }), undefined);
  while (execs.inspect(detached.Id).Running) await sleep(5);
  assert.equal((await run({ Cmd: ['ls', '/tmp/was-here'] })).out, '/tmp/was-here\n');
  await containers.kill(id);
  await assert.rejects(execs.create(id, { Cmd: ['true'] }), { kind: 'conflict', message: /is not running/ });
});

describe('a folder and a volume come and go while it runs', async (engine) => {
  const { root, containers } = engine;
  const source = join(root, 'source');
  await mkdir(source);
  await writeFile(join(source, 'file'), 'content\n');
  const script =
    'while [ ! -e /m/file ]; do sleep 0.02; done; cat /m/file; while [ -e /m ]; do sleep 0.02; done; echo gone';
  const id = await createContainer(engine, ['sh', '-c', script]);
  const stream = await containers.attach(id, output);
  await containers.start(id);
  const wish = { Type: 'bind' as const, Source: source, Target: '/m', ReadOnly: true };
  assert.equal((await containers.attachMount(id, wish)).Applied, 'live');
  assert.equal((await containers.attachMount(id, { Type: 'volume', Source: 'data', Target: '/data' })).Applied, 'live');
  assert.deepEqual(
    (await containers.mounts(id)).map(({ Destination, Mounted }) => [Destination, Mounted]),
    [
      ['/m', true],
      ['/data', true],
    ],
  );
  await containers.detachMount(id, '/data');
  while ((await logsOf(engine, id)) !== 'content\n') await sleep(10);
  await containers.detachMount(id, '/m', { force: true, restart: false });
  assert.equal((await readAll(stream)).out, 'content\ngone\n');
});

describe('after everything nothing is left: no process, cgroup, mount or file', async (engine) => {
  const { containers, execs } = engine;
  const ids = await Promise.all(
    Array.from({ length: 6 }, (_, i) => createContainer(engine, i % 2 ? ['sleep', '1000'] : ['true'])),
  );
  await Promise.all(ids.map((id) => containers.start(id)));
  const { Id } = await execs.create(ids[1] as string, { Cmd: ['sleep', '1000'] });
  await execs.start(Id, { detach: true });
  await Promise.all(ids.map((id) => containers.remove(id, { force: true })));
  await containers.close();
  const find = (where: string, what: string): string =>
    execFileSync('sh', ['-c', `find ${where} -path '*${what}*' 2>/dev/null || true`]).toString();
  for (const id of ids) assert.equal(find('/sys/fs/cgroup', id), '');
  assert.equal(find(join(engine.runDir, 'c'), '/c/'), '');
  assert.equal(find(join(engine.root, 'containers'), '/containers/'), '');
  for (let i = 0; i < 1000 && find(join(engine.runDir, 'x'), '/x/') !== ''; i++) await sleep(20);
  assert.equal(find(join(engine.runDir, 'x'), '/x/'), '');
});
