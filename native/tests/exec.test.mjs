import assert from 'node:assert/strict';
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { alive, attach, Bench, Control, execRecord, frames, sleep, unable, Wire } from './harness.mjs';

const until = async (ready, what, patience = 120_000) => {
  const deadline = Date.now() + patience;
  for (;;) {
    const result = await ready();
    if (result) return result;
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await sleep(10);
  }
};

const said = async (exec) => {
  const client = await exec.attach({ stdin: false });
  await exec.start();
  const { stdout, stderr } = frames(await client.rest());
  return { stdout: stdout.toString(), stderr: stderr.toString(), code: Number((await exec.exited()).code) };
};

describe('an exec', { skip: unable }, () => {
  let bench, container;
  before(async () => {
    bench = await Bench.open();
    container = await bench.run(['/bin/sleep', '1000'], { noNewPrivileges: true });
    await container.start();
  });
  after(() => bench.close());
  const run = async (script, options) => said(await bench.exec(container, ['/bin/sh', '-c', script], options));

  test('is the user, in the directory and with the environment that were asked for', async () => {
    const { stdout } = await run('id -u; id -g; id -G; pwd; echo $HOME $A', {
      user: 'app:web',
      groups: ['7', 'app'],
      cwd: '/tmp',
      env: ['A=1=2'],
    });
    assert.deepEqual(stdout.split('\n'), ['1000', '33', '33 7 1000', '/tmp', '/home/app 1=2', '']);
    assert.equal((await run('id -G', { user: 'app' })).stdout, '1000 33\n');
  });

  test('brings a program of its own along, in sealed memory, where the container has none', async () => {
    const toolbox = '/usr/bin/busybox';
    const bring = async (script, options) => said(await bench.exec(container, ['sh', '-c', script], { toolbox, ...options }));
    const { stdout, stderr, code } = await bring('PATH=/none; ls /etc; cat /etc/group | wc -l; readlink /proc/$$/exe; ls /proc/$$/fd; exit 3');
    assert.deepEqual([stdout, stderr, code], ['group\nnot-a-program\npasswd\n3\n/memfd:busybox (deleted)\n0\n1\n2\n', '', 3]);
    assert.equal((await bring('id -u; ls -d /etc', { user: 'app' })).stdout, '1000\n/etc\n');
    assert.match((await bring('echo x >> /proc/$$/exe')).stderr, /Operation not permitted|Text file busy/);
    const refused = await bench.exec(container, ['sh'], { toolbox: '/nowhere' });
    assert.match((await refused.start().catch((reason) => reason)).message, /^error 2 start No such file/);
    const nothing = await bench.exec(container, [], { toolbox });
    assert.match((await nothing.start().catch((reason) => reason)).message, /no command specified/);
  });

  test('says in words what cannot be run, and why', async () => {
    const refused = async (args, options) => {
      const exec = await bench.exec(container, args, options);
      const error = await exec.start().catch((reason) => reason);
      const { code } = await exec.exited();
      return [error.message, code];
    };
    assert.deepEqual(await refused(['nope']), ['error 2 exec exec: "nope": executable file not found in $PATH', '127']);
    assert.deepEqual(await refused(['/etc']), ['error 21 exec exec: "/etc": is a directory', '126']);
    assert.match((await refused(['true'], { user: 'foo' }))[0], /^error 0 user unable to find user foo: no matching entries/);
    assert.match((await refused(['true'], { groups: ['foo'] }))[0], /unable to find group foo/);
    assert.match((await refused(['true'], { cwd: '/nowhere' }))[0], /chdir to cwd \("\/nowhere"\).*No such file or directory/);
    for (const fd of [3, 7, 12, 20])
      assert.match((await refused(['true'], { cwd: `/proc/self/fd/${fd}` }))[0], /chdir to cwd/);
  });

  test('is held by what holds the container, and has nothing that is not its own', async () => {
    const status = async (pid) => {
      const text = await readFile(`/proc/${pid}/status`, 'utf8');
      const field = (name) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(text)[1];
      return ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs', 'Seccomp', 'Seccomp_filters'].map(field);
    };
    const exec = await bench.exec(container, ['/bin/sleep', '1000']);
    await exec.start();
    assert.deepEqual(await status(exec.pid), await status(container.pid));
    for (const file of ['cgroup', 'oom_score_adj', 'limits'])
      assert.equal(await readFile(`/proc/${exec.pid}/${file}`, 'utf8'), await readFile(`/proc/${container.pid}/${file}`, 'utf8'));
    for (const name of ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'])
      assert.equal(await readlink(`/proc/${exec.pid}/ns/${name}`), await readlink(`/proc/${container.pid}/ns/${name}`));
    assert.deepEqual((await readdir(`/proc/${exec.pid}/fd`)).sort(), ['0', '1', '2']);
    assert.equal(await exec.control().ask('signal 15'), 'ok');
    assert.equal((await exec.exited()).signal, '15');
  });

  test('privileged, has every capability there is', async () => {
    const { stdout } = await run('grep -E "Cap(Eff|Bnd)|NoNewPrivs" /proc/self/status', { privileged: true });
    const own = /^CapBnd:\s*(\w+)/m.exec(await readFile(`/proc/self/status`, 'utf8'))[1];
    assert.match(stdout, new RegExp(`CapEff:\\s${own}\nCapBnd:\\s${own}\nNoNewPrivs:\\s0`));
  });

  test('starts only once the client that it was promised is there, whoever comes first', async () => {
    const id = '00000000000000aa';
    const early = new Wire(join(container.stateDir, 'monitor.sock'));
    early.socket.write(`attach exec=${id} stdin=0 stdout=1 stderr=1\n`);
    const record = Buffer.from([...execRecord(['/bin/echo', 'hello']), 'attached=1'].map((text) => `${text}\0`).join(''));
    const hello = Buffer.concat([Buffer.from(`exec 1 ${id} ${record.length}\n`), record, Buffer.from('start\n')]);
    await sleep(50);
    const control = await Control.open(container.stateDir, hello);
    assert.match(control.state, /^state created/);
    assert.equal(await early.line(), 'ok log=0 seq=0');
    assert.equal(frames(await early.rest()).stdout.toString(), 'hello\n');
    await control.event('exited');
    control.close();
  });

  test('gives each client frames or bytes as they are, as that client asked, whatever the process has', async () => {
    const take = async (options, tty) => {
      const exec = await bench.exec(container, ['/bin/sh', '-c', 'echo out'], { tty });
      const clients = await Promise.all(options.map((each) => exec.attach({ stdin: false, ...each })));
      await exec.start();
      return Promise.all(clients.map(async (client) => (await client.rest()).toString('latin1')));
    };
    const frame = (text) => `\x01\0\0\0\0\0\0${String.fromCharCode(text.length)}${text}`;
    const each = [{ framed: true }, { framed: false }, {}];
    assert.deepEqual(await take(each, true), [frame('out\r\n'), 'out\r\n', 'out\r\n']);
    assert.deepEqual(await take(each, false), [frame('out\n'), 'out\n', frame('out\n')]);
  });

  test('can be asked how it ended, and leaves word where nobody was there to hear', async () => {
    const heard = await bench.exec(container, ['/bin/sh', '-c', 'exit 7']);
    await heard.start();
    await heard.exited();
    const later = await Control.open(container.stateDir, `control 1 exec=${heard.id}\n`);
    assert.match(later.state, /^state exited pid=\d+ started=\S+ code=7 signal=0 oom=0 finished=/);
    later.close();

    const unheard = await bench.exec(container, ['/bin/sh', '-c', 'sleep 0.2; exit 8']);
    await unheard.start();
    unheard.control().close();
    const notes = join(container.folder, 'execs');
    const text = await until(() => readFile(notes, 'utf8').catch(() => ''), 'the note');
    assert.match(text, new RegExp(`^${unheard.id} code=8 signal=0 finished=\\S+\n$`));

    const nobody = await Control.open(container.stateDir, 'control 1 exec=ffffffffffffffff\n');
    assert.match(nobody.state, /^error 2 control /);
    nobody.close();
  });

  test('that nobody lets go is forgotten with the client that asked for it', async () => {
    const exec = await bench.exec(container, ['/bin/true']);
    exec.control().close();
    await until(async () => {
      const again = await Control.open(container.stateDir, `control 1 exec=${exec.id}\n`);
      again.close();
      return again.state.startsWith('error 2');
    }, 'it to be forgotten');
  });

  test('waits for a reader of its own, and nobody else does', async () => {
    const exec = await bench.exec(container, ['/bin/dd', 'if=/dev/zero', 'bs=65536', 'count=160']);
    const client = await exec.attach({ stdin: false });
    client.socket.pause();
    await exec.start();
    assert.equal((await run('echo others')).stdout, 'others\n');
    client.socket.resume();
    assert.equal(frames(await client.rest()).stdout.length, 160 * 65536);
    assert.equal((await exec.exited()).code, '0');
  });

  test('by the hundred, many at once, leaves nothing in the monitor', async () => {
    const held = async () => (await readdir(`/proc/${container.monitorPid}/fd`)).length;
    await run('true');
    const before = await held();
    for (let round = 0; round < 6; round++) {
      const all = await Promise.all(Array.from({ length: 30 }, (_, i) => run(`echo ${round}-${i}; exit ${i}`)));
      all.forEach(({ stdout, code }, i) => assert.deepEqual([stdout, code], [`${round}-${i}\n`, i]));
    }
    await until(async () => (await held()) <= before, 'every descriptor to be closed');
  });

  test('ends with its container, and its client hears of both ends', async () => {
    const brief = await bench.run(['/bin/sleep', '1000']);
    await brief.start();
    const exec = await bench.exec(brief, ['/bin/sleep', '1000']);
    const client = await exec.attach({ stdin: false });
    await exec.start();
    assert.equal(await (await brief.control()).ask('signal 9'), 'ok');
    assert.deepEqual((({ code, signal }) => [code, signal])(await exec.exited()), ['137', '9']);
    await client.rest();
    assert.equal((await brief.exited()).code, '137');
    await until(() => !alive(brief.monitorPid), 'the monitor to go');
    const late = await bench.exec(container, ['/bin/true']);
    await late.start();
  });

  test('of a record that is none is refused, and harms nobody', async () => {
    for (const hello of ['exec 1 zz 5\n', 'exec 1 00000000000000ab 0\n', 'exec 1 00000000000000ab 99999999\n', 'exec 2 x\n']) {
      const control = await Control.open(container.stateDir, hello);
      assert.match(control.state, /^error 22 /);
      control.close();
    }
    const torn = await Control.open(container.stateDir, 'exec 1 00000000000000ac 3\nabc');
    assert.match(torn.state, /^error 22 exec /);
    torn.close();
    const twice = await bench.exec(container, ['/bin/true']);
    const record = 'arg=true\0';
    const again = await Control.open(container.stateDir, `exec 1 ${twice.id} ${record.length}\n${record}`);
    assert.match(again.state, /^error 17 exec there is an exec of that id/);
    again.close();
    assert.equal((await run('echo alive')).stdout, 'alive\n');
  });
});

describe('a reader that does not read', { skip: unable }, () => {
  let bench;
  before(async () => (bench = await Bench.open()));
  after(() => bench.close());

  test('never holds the container back, and finds everything when it reads again, though all is over', async () => {
    const container = await bench.run(['/bin/dd', 'if=/dev/zero', 'bs=65536', 'count=200'], { log: null });
    const idle = await container.attach({ stdin: false, stderr: false });
    idle.socket.pause();
    await container.start();
    assert.equal((await container.exited()).code, '0');
    const mounts = () => readFile(`/proc/${container.monitorPid}/mountinfo`, 'utf8');
    await until(async () => !(await mounts()).includes(container.folder), 'its layers to be free');
    await sleep(300);
    assert.ok(alive(container.monitorPid));
    idle.socket.resume();
    assert.equal(frames(await idle.rest()).stdout.length, 200 * 65536);
    await until(() => !alive(container.monitorPid), 'the monitor to go');
    assert.deepEqual((await readdir(container.folder)).filter((name) => name.startsWith('.overflow')), []);
  });

  test('is cut off where its disk is full; the container goes on', async () => {
    const { container, request } = await bench.bundle(['/bin/dd', 'if=/dev/zero', 'bs=65536', 'count=100'], { log: null });
    request.exitFile = '/dev/full-is-no-directory/exit.json';
    await assert.rejects(bench.ask(request), /full-is-no-directory/);
    request.exitFile = '/proc/exit.json'; // nothing can be made there
    bench.containers.push(container);
    await bench.ask(request);
    const idle = await attach(container.stateDir, { stdin: false });
    idle.socket.pause();
    await container.start();
    assert.equal((await container.exited()).code, '0');
    idle.socket.resume();
    assert.ok((await idle.rest()).length < 100 * 65536);
  });
});

describe('a health check', { skip: unable }, () => {
  let bench;
  before(async () => (bench = await Bench.open()));
  after(() => bench.close());

  /** A container with the check; `health` is what health.json says once it is so. */
  const checked = async (script, options = {}) => {
    const { container, request } = await bench.bundle(['/bin/sh', '-c', 'while :; do sleep 0.05; done'], { user: 'app', env: ['A=b'] });
    request.health = { argv: ['/bin/sh', '-c', script], intervalMs: 60, timeoutMs: 60_000, startPeriodMs: 0, startIntervalMs: 20, retries: 2 };
    Object.assign(request.health, options);
    bench.containers.push(container);
    Object.assign(container, await bench.ask(request));
    const file = join(container.stateDir, 'health.json');
    const control = await container.control();
    await container.start();
    const health = (ready) =>
      until(async () => {
        const now = JSON.parse(await readFile(file, 'utf8').catch(() => '{}'));
        return ready(now) && now;
      }, 'its health');
    return { container, control, health, file };
  };

  test('is run as the container is, and a success makes it healthy', async () => {
    const { control, health, container } = await checked('id -un; echo $A; pwd');
    await control.wire.until(() => (control.wire.bytes.includes('event health healthy\n') ? true : undefined), 'the event');
    const { Status, FailingStreak, Log } = await health(({ Log = [] }) => Log.length === 5);
    assert.deepEqual([Status, FailingStreak], ['healthy', 0]);
    for (const { Start, End, ExitCode, Output } of Log) {
      assert.deepEqual([ExitCode, Output], [0, 'app\nb\n/\n']);
      assert.ok(Start < End);
    }
    await (await container.control()).ask('signal 9');
  });

  test('counts failures after the start period only, and says what it heard', async () => {
    const { health, container } = await checked('printf "no \\377 \\"x\\"\\n"; exit 3', { startPeriodMs: 3000, startIntervalMs: 50, intervalMs: 50 });
    const early = await health(({ Log = [] }) => Log.length >= 2);
    assert.deepEqual([early.Status, early.FailingStreak], ['starting', 0]);
    assert.deepEqual([early.Log[0].ExitCode, early.Log[0].Output], [3, 'no \ufffd "x"\n']);
    const late = await health(({ Status }) => Status === 'unhealthy');
    assert.ok(late.FailingStreak >= 2);
    await (await container.control()).ask('signal 9');
  });

  test('that takes too long is ended with all it started', async () => {
    const { health, container } = await checked('echo begun; sleep 1000 & sleep 1000', { timeoutMs: 900, retries: 1 });
    const { Status, Log } = await health(({ Log = [] }) => Log.length > 0);
    assert.equal(Status, 'unhealthy');
    assert.deepEqual([Log[0].ExitCode, Log[0].Output], [-1, 'Health check exceeded timeout (900ms): begun\n']);
    const left = await said(await bench.exec(container, ['/bin/sh', '-c', 'ps | grep -c "[s]leep 1000"']));
    assert.ok(Number(left.stdout) <= 2, left.stdout); // of the next one at most
    await (await container.control()).ask('signal 9');
  });

  test('that cannot be run says so, and one that says too much is cut', async () => {
    const missing = await checked('', { argv: ['nope'] });
    const { Log } = await missing.health(({ Log = [] }) => Log.length > 0);
    assert.equal(Log[0].ExitCode, -1);
    assert.match(Log[0].Output, /^OCI runtime exec failed: .*"nope": executable file not found in \$PATH: unknown$/);
    const loud = await checked('dd if=/dev/zero bs=1000 count=20 2>/dev/null | tr "\\0" x');
    const { Log: long } = await loud.health(({ Log: all = [] }) => all.length > 0);
    assert.equal(long[0].Output, 'x'.repeat(4096) + '...');
    for (const { container } of [missing, loud]) await (await container.control()).ask('signal 9');
  });

  test('leaves a paused container alone', async () => {
    const { container, file, health } = await checked('true');
    await health(({ Status }) => Status === 'healthy');
    await bench.ask({ op: 'freeze', id: container.id });
    const written = async () => (await stat(file)).mtimeMs;
    let mtimeMs = -1;
    for (let now = await written(); now !== mtimeMs; now = await written()) {
      mtimeMs = now; // the check that was under way is still being written down
      await sleep(500);
    }
    await bench.ask({ op: 'thaw', id: container.id });
    await until(async () => (await stat(file)).mtimeMs > mtimeMs, 'the next check');
    assert.equal(JSON.parse(await readFile(file, 'utf8')).Status, 'healthy');
    await (await container.control()).ask('signal 9');
  });
});
