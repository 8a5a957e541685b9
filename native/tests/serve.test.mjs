import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir, readlink, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { alive, attach, Bench, Control, frames, sleep, unable } from './harness.mjs';

describe('the helper', { skip: unable }, () => {
  let bench;
  before(async () => (bench = await Bench.open()));
  after(() => bench.close());

  const own = async (headless, wire = bench.wire()) => {
    wire.socket.write(JSON.stringify({ op: 'own', headless }) + '\n');
    wire.answer = JSON.parse(await wire.line());
    return wire;
  };
  const watchdog = (mark) => ({
    argv: ['/bin/sh', '-c', `echo "$WHO" >> ${mark}`],
    env: { PATH: '/bin', WHO: 'headless' },
  });
  const marks = (mark) => readFile(mark, 'utf8').catch(() => '');

  test('says what it is and what this machine can do', () => {
    const { hello } = bench;
    assert.equal(hello.version, 1);
    assert.equal(hello.rootless, false);
    assert.deepEqual(hello.uidMap, [[0, 0, 4294967295]]);
    assert.ok([1, 2].includes(hello.cgroup.version));
    assert.equal(hello.cgroup.limits, true);
    assert.ok(hello.cgroup.controllers.includes('memory'));
    const { idmapped, fuse, ...overlay } = hello.overlay;
    assert.deepEqual(overlay, { native: true, userxattr: false });
    for (const each of [idmapped, fuse, hello.cgroup.swap]) assert.equal(typeof each, 'boolean');
    assert.deepEqual(hello.warnings, []);
  });

  test('keeps no descriptor, no terminal and no core of its own', async () => {
    const path = `/proc/${bench.hello.pid}`;
    const open = await Promise.all(
      (await readdir(`${path}/fd`)).map((fd) => readlink(`${path}/fd/${fd}`).catch(() => 'socket:')),
    ); // a request that was just answered
    const known =
      /^(\/dev\/null|socket:|anon_inode:(\[signalfd\]|inotify)|.*\/helper\.(log|lock)|\/memfd:slipway-(helper|monitor))/;
    assert.deepEqual(
      open.filter((target) => !known.test(target)),
      [],
    );
    assert.equal((await readlink(`${path}/exe`)).startsWith('/memfd:slipway-helper'), true);
    const { uid } = await stat(bench.runDir);
    assert.equal(uid, 0);
    assert.equal((await stat(join(bench.runDir, 'helper.sock'))).mode & 0o777, 0o600);
  });

  test('a second one for the same directory finds the first and leaves', () => {
    const second = spawnSync(bench.binary, ['serve', '--run-dir', bench.runDir, '--data-root', bench.data], {
      encoding: 'utf8',
    });
    assert.equal(second.stdout, 'ready\n');
    assert.equal(second.status, 0);
  });

  test('one whose socket was deleted stays while an engine holds on to it, then goes and leaves the next one alone', async () => {
    const owner = await own(null);
    const before = bench.hello.pid;
    for (const name of ['helper.sock', 'helper.lock']) await unlink(join(bench.runDir, name));
    await bench.start();
    assert.ok(alive(before));
    owner.close();
    for (let tries = 0; alive(before); tries++) {
      assert.ok(tries < 3000, 'it stays');
      await sleep(20);
    }
    const again = await own(null);
    assert.deepEqual(again.answer, { ok: true });
    again.socket.write('{"op":"goodbye","end":false}\n');
    again.close();
  });

  test('while one is going down, the next one waits its turn', async () => {
    const busy = bench.wire(); // a request that is not over yet
    busy.socket.write(JSON.stringify({ op: 'unpack', target: join(bench.data, 'layers/3') }) + '\n');
    await sleep(100);
    const owner = await own(null);
    owner.socket.write('{"op":"goodbye","end":true}\n');
    await owner.rest();
    owner.close();
    const before = bench.hello.pid;
    const next = bench.start();
    await sleep(100);
    assert.ok(alive(before));
    busy.close();
    await next;
    assert.notEqual(bench.hello.pid, before);
  });

  test('tells what is wrong with a request', async () => {
    await assert.rejects(bench.ask({ op: 'dance' }), { kind: 'not-implemented' });
    await assert.rejects(bench.ask({}), { kind: 'invalid' });
    await assert.rejects(bench.ask({ op: 'run', id: 'x' }), { kind: 'invalid' });
    await assert.rejects(bench.ask({ op: 'discard', path: '/etc' }), { kind: 'invalid' });
    await assert.rejects(bench.ask({ op: 'discard', path: `${bench.data}/../../etc` }), { kind: 'invalid' });
    const wire = bench.wire();
    wire.socket.write('no json\n');
    assert.equal(JSON.parse(await wire.line()).error.kind, 'invalid');
    wire.close();
  });

  test('a container that is run twice is refused the second time and goes on', async () => {
    const { container, request } = await bench.bundle(['/bin/sleep', '100']);
    bench.containers.push(container);
    Object.assign(container, await bench.ask(request));
    await container.start();
    await assert.rejects(bench.ask(request), { kind: 'conflict' });
    assert.ok(alive(container.pid));
  });

  test('a run that fails leaves nothing', async () => {
    const { container, request } = await bench.bundle(['/bin/true'], { user: 'nobody-here' });
    await assert.rejects(bench.ask(request), /unable to find user nobody-here: no matching entries in passwd file/);
    await assert.rejects(stat(container.stateDir));
    bench.containers.push(container);
  });

  test('a request whose client goes away is ended', async () => {
    const wire = bench.wire();
    wire.socket.write(JSON.stringify({ op: 'unpack', target: join(bench.data, 'layers/2') }) + '\n');
    const workers = async () => {
      const found = [];
      for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
        const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
        if (status.includes(`PPid:\t${bench.hello.pid}\n`) && !status.includes('State:\tZ')) found.push(pid);
      }
      return found.length;
    };
    while ((await workers()) === 0) await sleep(10);
    wire.close();
    while ((await workers()) > 0) await sleep(10);
  });

  test('one engine owns it, the next may when that one says goodbye', async () => {
    const first = await own(null);
    assert.equal(first.answer.ok, true);
    const second = await own(null);
    assert.equal(second.answer.error.kind, 'conflict');
    first.socket.write('{"op":"goodbye","end":false}\n');
    await first.rest();
    const third = await own(null);
    assert.equal(third.answer.ok, true);
    third.close();
    first.close();
    second.close();
    await sleep(50);
  });

  test('an engine that dies without a goodbye is followed by the headless one, once', async () => {
    const mark = join(bench.root, 'died');
    const engine = await own(watchdog(mark));
    engine.close();
    while ((await marks(mark)) === '') await sleep(10);
    await sleep(500);
    assert.equal(await marks(mark), 'headless\n');
  });

  test('no headless engine comes after a goodbye, nor where another engine takes over in time', async () => {
    const mark = join(bench.root, 'left');
    const leaving = await own(watchdog(mark));
    leaving.socket.write('{"op":"goodbye","end":false}\n');
    await leaving.rest();
    leaving.close();
    const dying = await own(watchdog(mark));
    // In time are three tenths of a second: a busy machine may need those for the call alone.
    const called = bench.wire();
    await once(called.socket, 'connect');
    dying.close();
    let heir = await own(watchdog(mark), called);
    while (heir.answer.error?.kind === 'conflict') heir = await own(watchdog(mark)); // it has not heard of the end
    assert.equal(heir.answer.ok, true);
    await sleep(500);
    heir.socket.write('{"op":"goodbye","end":false}\n');
    await heir.rest();
    heir.close();
    await sleep(400);
    assert.equal(await marks(mark), '');
  });

  test('killed, it leaves its containers running, and the next one goes on with them', async () => {
    const script =
      'i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); [ $((i%100)) = 0 ] && sleep 0.02; done; exec sleep 100';
    const container = await bench.run(['/bin/sh', '-c', script], { stdin: true });
    const client = await container.attach();
    await container.start();
    await bench.kill();
    await sleep(50);
    const another = await attach(container.stateDir, { stdin: false });
    another.close();
    await bench.start();
    const control = await Control.open(container.stateDir);
    assert.match(control.state, /^state running /);
    control.close();
    await client.text('2999\n');
    const exec = await bench.exec(container, ['/bin/echo', 'still here']);
    const streams = await exec.attach({ stdin: false });
    await exec.start();
    assert.equal(frames(await streams.rest()).stdout.toString(), 'still here\n');
    await bench.ask({ op: 'signal-all', id: container.id });
    await container.exited();
    assert.deepEqual(
      (await container.log()).map(({ log }) => log),
      Array.from({ length: 3000 }, (_, i) => `${i}\n`),
    );
  });

  test('a hundred containers at once all run and end', async () => {
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, i) => bench.sh(`echo ${i}; exit ${i}`)),
    );
    results.forEach(({ exit, stdout }, i) => assert.deepEqual([exit.code, stdout.toString()], [`${i}`, `${i}\n`]));
  });

  test('a monitor takes less than a megabyte', async () => {
    const container = await bench.run(['/bin/sleep', '100']);
    await container.start();
    const status = await readFile(`/proc/${container.monitorPid}/status`, 'utf8');
    const resident = Number(/VmRSS:\s+(\d+) kB/.exec(status)[1]);
    assert.ok(resident < 1024, `${resident} kB`);
    assert.equal(await readFile(`/proc/${container.monitorPid}/comm`, 'utf8'), 'slipway-monitor\n');
  });

  test('a container inherits nothing of ours', async () => {
    const { stdout } = await bench.sh('ls /proc/self/fd | wc -l');
    assert.equal(stdout.toString().trim(), '4'); // 0, 1, 2 and the directory that ls reads
  });
});
