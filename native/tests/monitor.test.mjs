import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { alive, Bench, frames, sleep, unable, Wire } from './harness.mjs';
import { join } from 'node:path';

/** The same cases on our own recipe and on another runtime behind the same monitor. */
const runtimes = process.env.SLIPWAY_RUNTIMES?.split(',') ?? ['ours', 'runc'];

const pathOf = (runtime) => spawnSync('sh', ['-c', `command -v ${runtime}`], { encoding: 'utf8' }).stdout.trim();

for (const runtime of runtimes)
  describe(`a container and its monitor (${runtime})`, { skip: unable }, () => {
    let bench;

    before(async () => {
      bench = await Bench.open();
      if (runtime !== 'ours') bench.runtime = { path: pathOf(runtime), root: join(bench.root, 'runtime') };
    });
    after(() => bench.close());

    test('both streams come in frames of their own, and the record tells how it ended', async () => {
      const { container, exit, stdout, stderr } = await bench.sh('echo to-out; echo to-err >&2; exit 3');
      assert.equal(stdout.toString(), 'to-out\n');
      assert.equal(stderr.toString(), 'to-err\n');
      assert.equal(exit.code, '3');
      assert.equal(exit.signal, '0');
      const record = await container.record();
      assert.deepEqual(
        { code: record.code, signal: record.signal, oom: record.oom, error: record.error },
        { code: 3, signal: 0, oom: false, error: null },
      );
      assert.match(record.startedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
      assert.ok(record.startedAt < record.finishedAt);
      assert.equal(record.pid, container.pid);
    });

    test('a client attached before the start misses nothing, and each of several gets everything', async () => {
      const container = await bench.run(['/bin/sh', '-c', 'echo first; echo second']);
      const clients = await Promise.all([1, 2, 3].map(() => container.attach({ stdin: false })));
      await container.start();
      for (const client of clients) assert.equal(frames(await client.rest()).stdout.toString(), 'first\nsecond\n');
    });

    test('what a client types reaches stdin, and its half-close ends it where asked for', async () => {
      const container = await bench.run(['/bin/cat'], { stdin: true, stdinOnce: true });
      const client = await container.attach();
      await container.start();
      client.socket.end('typed\n');
      assert.equal(frames(await client.rest()).stdout.toString(), 'typed\n');
      assert.equal((await container.exited()).code, '0');
    });

    test('a half-close ends only the client where stdin is to stay open, until close-stdin', async () => {
      const container = await bench.run(['/bin/cat'], { stdin: true });
      const first = await container.attach();
      await container.start();
      first.socket.end('one\n');
      await first.text('one\n');
      const second = await container.attach();
      second.socket.write('two\n');
      await second.text('two\n');
      assert.equal(await (await container.control()).ask('close-stdin'), 'ok');
      assert.equal((await container.exited()).code, '0');
    });

    test('a terminal echoes, follows its size and takes Ctrl-C', async () => {
      const container = await bench.run(['/bin/sh'], { tty: true, stdin: true, rows: 24, cols: 80 });
      const control = await container.control();
      assert.equal(await control.ask('resize 33 111'), 'ok');
      const client = await container.attach();
      await container.start();
      client.socket.write('stty size\n');
      await client.text('33 111');
      assert.equal(await control.ask('resize 44 122'), 'ok');
      client.socket.write('stty size\n');
      await client.text('44 122');
      client.socket.write('echo be""gun; sleep 100\n');
      await client.text('begun');
      await sleep(200);
      client.socket.write('\x03');
      client.socket.write('echo after-$((1+1))\n');
      await client.text('after-2');
      client.socket.write('exit 7\n');
      assert.equal((await container.exited()).code, '7');
      const lines = await container.log();
      assert.ok(lines.every(({ stream }) => stream === 'stdout'));
    });

    test('10 MB through a reader that pauses arrive whole', async () => {
      const container = await bench.run(
        ['/bin/sh', '-c', 'dd if=/dev/zero bs=65536 count=160 2>/dev/null | tr "\\0" x'],
        { log: null },
      );
      const client = await container.attach({ stdin: false });
      client.socket.pause();
      await container.start();
      for (let i = 0; i < 20; i++) {
        await sleep(50);
        client.socket.resume();
        await sleep(1);
        client.socket.pause();
      }
      client.socket.resume();
      assert.equal(frames(await client.rest()).stdout.length, 160 * 65536);
    });

    test('what follows the log file is in the stream and nothing twice, whenever a client comes', async () => {
      const container = await bench.run([
        '/bin/sh',
        '-c',
        'i=0; while [ $i -lt 5000 ]; do echo line-$i-é; i=$((i+1)); [ $((i%100)) = 0 ] && sleep 0.01; done; until [ -e /go ]; do sleep 0.1; done',
      ]);
      await container.start();
      const whole = Array.from({ length: 5000 }, (_, i) => `line-${i}-é\n`).join('');
      const joined = [];
      for (let i = 0; i < 8; i++) {
        const client = await container.attach({ stdin: false });
        joined.push(client);
        if (i % 3 === 1) client.close();
        await sleep(15);
      }
      await (await bench.exec(container, ['/bin/touch', '/go'])).start();
      await container.exited();
      const file = await readFile(container.logFile);
      for (const client of joined.filter((_, i) => i % 3 !== 1)) {
        const before = file
          .subarray(0, client.log)
          .toString()
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line).log)
          .join('');
        assert.equal(before + frames(await client.rest()).stdout.toString(), whole);
      }
      assert.equal((await container.log()).map(({ log }) => log).join(''), whole);
    });

    test('exit codes and signals are told apart', async () => {
      assert.equal((await bench.sh('exit 42')).exit.code, '42');
      const container = await bench.run(['/bin/sleep', '100']);
      await container.start();
      assert.equal(await (await container.control()).ask('signal 9'), 'ok');
      const exit = await container.exited();
      assert.deepEqual([exit.code, exit.signal], ['137', '9']);
    });

    test('signal-all ends everything inside', async () => {
      const container = await bench.run(['/bin/sh', '-c', 'sleep 100 & sleep 100 & wait']);
      await container.start();
      await sleep(50);
      await bench.ask({ op: 'signal-all', id: container.id });
      assert.equal((await container.exited()).code, '137');
    });

    test('memory that runs out is told before the end', async () => {
      const { container, exit } = await bench.sh('x=a; while true; do x=$x$x; done', { memory: 16 << 20 });
      assert.deepEqual([exit.code, exit.oom], ['137', '1']);
      const control = await container.control();
      assert.ok(
        control.events.findIndex((line) => line === 'event oom') <
          control.events.findIndex((line) => line.startsWith('event exited')),
      );
      assert.ok(control.events.includes('event oom'));
      assert.equal((await container.record()).oom, true);
    });

    test('a frozen container stands still until it is thawed', async () => {
      const container = await bench.run(['/bin/sh', '-c', 'while true; do echo tick; sleep 0.02; done']);
      await container.start();
      await sleep(100);
      await bench.ask({ op: 'freeze', id: container.id });
      const written = async () => (await stat(container.logFile)).size;
      let size = -1;
      for (let now = await written(); now !== size; now = await written()) {
        size = now; // what it had said is still being written down
        await sleep(200);
      }
      await bench.ask({ op: 'thaw', id: container.id });
      while ((await written()) === size) await sleep(10);
      await (await container.control()).ask('signal 9');
      await container.exited();
    });

    test('a further process joins the container and has a monitor of its own', async () => {
      const container = await bench.run(['/bin/sleep', '100']);
      await container.start();
      const exec = await bench.exec(container, ['/bin/sh', '-c', 'hostname; read x; echo got-$x; exit 5'], {
        stdin: true,
      });
      const client = await exec.attach();
      await exec.start();
      client.socket.end('this\n');
      assert.equal(frames(await client.rest()).stdout.toString(), 'bench\ngot-this\n');
      assert.equal((await exec.exited()).code, '5');
    });

    test('a further process may have a terminal', async () => {
      const container = await bench.run(['/bin/sleep', '100']);
      await container.start();
      const exec = await bench.exec(container, ['/bin/sh'], { stdin: true, tty: true, rows: 20, cols: 70 });
      const client = await exec.attach();
      await exec.start();
      client.socket.write('stty size\n');
      await client.text('20 70');
      assert.equal(await (await exec.control()).ask('resize 21 71'), 'ok');
      await sleep(100);
      client.socket.write('stty size\n');
      await client.text('21 71');
      client.socket.write('exit\n');
      assert.equal((await exec.exited()).code, '0');
    });
  });

describe('a monitor', { skip: unable }, () => {
  let bench;
  before(async () => (bench = await Bench.open()));
  after(() => bench.close());

  test('hears a client that stands still for more than ten seconds before it speaks', async () => {
    const container = await bench.run(['/bin/sleep', '100']);
    const wire = new Wire(join(container.stateDir, 'monitor.sock'));
    await sleep(11_000);
    wire.socket.write('control 1\n');
    assert.match(await wire.line(), /^state created /);
    wire.close();
  });

  test('loses nothing of what was printed last, though its machine stands still when it comes to read that', async () => {
    const script = `go=0; trap 'go=$((go+1))' USR1; turn() { while [ $go -lt $1 ]; do sleep 0.05; done; }
      touch /ready; turn 1; dd if=/dev/zero bs=65536 count=1; touch /first; turn 2; dd if=/dev/zero bs=65536 count=8; echo end`;
    const container = await bench.run(['/bin/sh', '-c', `{ ${script}; } 2>/dev/null`]);
    const client = await container.attach({ stdin: false });
    await container.start();
    const made = async (name) => {
      while (!(await stat(join(container.folder, 'upper', name)).catch(() => undefined))) await sleep(10);
    };
    const status = (pid) => readFile(`/proc/${pid}/status`, 'utf8');
    const goOn = () => process.kill(container.pid, 'SIGUSR1');
    await made('ready');
    process.kill(container.monitorPid, 'SIGSTOP');
    goOn();
    await made('first');
    process.kill(container.monitorPid, 'SIGCONT');
    const first = await client.take(65536 + 8); // a full pipe: it holds a megabyte from here on
    process.kill(container.monitorPid, 'SIGSTOP');
    goOn();
    while (!/^State:\tZ/m.test(await status(container.pid))) await sleep(10);
    // It reads that the process has ended, then the first of what is in the pipe; from there to the next is longer than it waits for others.
    const inject = ['-e', 'trace=read', '-e', 'inject=read:delay_exit=2500000:when=3..4'];
    const tracer = spawn('strace', ['-qq', ...inject, '-p', String(container.monitorPid)], { stdio: 'ignore' });
    const gone = once(tracer, 'exit');
    while (/^TracerPid:\t0$/m.test(await status(container.monitorPid))) await sleep(10);
    process.kill(container.monitorPid, 'SIGCONT');
    const { stdout } = frames(Buffer.concat([first, await client.rest()]));
    assert.equal(stdout.length, 9 * 65536 + 4);
    await container.exited();
    tracer.kill('SIGTERM');
    await gone;
  });

  test('says why a command could not be run, and with what code', async () => {
    for (const [command, code, errno] of [
      ['/bin/nope', 127, 2],
      ['/etc/not-a-program', 126, 13],
      ['/etc', 126, 21],
    ]) {
      const container = await bench.run([command]).catch((error) => error);
      if (container instanceof Error) {
        assert.equal(container.errno, errno, container.message);
        continue;
      }
      const control = await container.control();
      const answer = await control.ask('start');
      assert.match(answer, new RegExp(`^error ${errno} \\S+ .*${command}`));
      assert.ok(await control.wire.rest());
      const record = await container.record();
      assert.deepEqual([record.code, record.error.errno], [code, errno]);
      await container.delete();
    }
  });

  test('keeps lines over 16 KiB in parts, and repairs what is no UTF-8 without tearing characters', async () => {
    const { container } = await bench.sh(
      'i=0; while [ $i -lt 6000 ]; do printf "%s" aé漢; i=$((i+1)); done; echo; printf "\\377\\303\\050\\342\\202\\n"; printf "no newline"',
    );
    const lines = await container.log();
    assert.ok(lines.every(({ log }) => Buffer.byteLength(log) <= 16384));
    const text = lines.map(({ log }) => log).join('');
    assert.equal(text, 'aé漢'.repeat(6000) + '\n' + '\ufffd\ufffd(\ufffd\ufffd\n' + 'no newline');
    assert.equal(lines.filter(({ log }) => log.endsWith('\n')).length, 2);
  });

  test('rotates by size, keeping as many files as asked for', async () => {
    const { container } = await bench.sh('i=0; while [ $i -lt 400 ]; do echo line-$i; i=$((i+1)); done', {
      log: { maxSize: 4096, maxFile: 3 },
    });
    const files = [await container.log('.2'), await container.log('.1'), await container.log()];
    const numbers = files.flat().map(({ log }) => Number(log.slice(5)));
    assert.equal(numbers.at(-1), 399);
    numbers.forEach((number, i) => assert.equal(number, numbers[0] + i));
    for (const suffix of ['', '.1', '.2']) assert.ok((await stat(container.logFile + suffix)).size <= 4096);
    await assert.rejects(stat(container.logFile + '.3'));
  });

  test('goes on in a file that cannot be moved away', async () => {
    const { container, request } = await bench.bundle([
      '/bin/sh',
      '-c',
      'i=0; while [ $i -lt 400 ]; do echo line-$i; i=$((i+1)); done',
    ]);
    Object.assign(request.log, { maxSize: 4096, maxFile: 2 });
    await mkdir(`${container.logFile}.1`);
    bench.containers.push(container);
    await bench.ask(request);
    await container.start();
    await container.exited();
    assert.deepEqual(
      (await container.log()).map(({ log }) => log),
      Array.from({ length: 400 }, (_, i) => `line-${i}\n`),
    );
  });

  test('mends a log whose last line was cut off, and goes on after it', async () => {
    const { container, request } = await bench.bundle(['/bin/echo', 'new']);
    const whole = '{"log":"old\\n","stream":"stdout","time":"2026-01-01T00:00:00Z"}\n';
    await writeFile(container.logFile, whole + '{"log":"torn');
    await bench.ask(request);
    bench.containers.push(container);
    await container.start();
    await container.exited();
    assert.deepEqual(
      (await container.log()).map(({ log }) => log),
      ['old\n', 'new\n'],
    );
  });

  test('never lets a full disk stop the container', async () => {
    const { container, request } = await bench.bundle([
      '/bin/sh',
      '-c',
      'i=0; while [ $i -lt 5000 ]; do echo line-$i; i=$((i+1)); done; exit 4',
    ]);
    request.log.path = '/dev/full';
    bench.containers.push(container);
    await bench.ask(request);
    await container.start();
    assert.equal((await container.exited()).code, '4');
    assert.equal((await container.record()).droppedLines, 5000);
  });

  test('waits two seconds for streams that a child holds open, and no longer', async () => {
    const container = await bench.run(['/bin/sleep', '100']);
    await container.start();
    const exec = await bench.exec(container, ['/bin/sh', '-c', 'sleep 30 & echo done']);
    const client = await exec.attach({ stdin: false });
    const began = Date.now();
    await exec.start();
    assert.equal(frames(await client.rest()).stdout.toString(), 'done\n');
    await exec.exited();
    const took = Date.now() - began;
    assert.ok(took >= 1900 && took < 25_000, `took ${took} ms`); // and not the child's thirty seconds
  });

  test('dies and the first process dies with it', async () => {
    const container = await bench.run(['/bin/sleep', '100']);
    await container.start();
    const control = await container.control();
    process.kill(container.monitorPid, 'SIGKILL');
    await control.wire.rest();
    while (alive(container.pid)) await sleep(5);
    await assert.rejects(readFile(container.exitFile));
  });

  test('refuses what it does not know, and the second start', async () => {
    const container = await bench.run(['/bin/sleep', '100']);
    const control = await container.control();
    assert.match(control.state, /^state created pid=\d+ started=0001-01-01T00:00:00Z$/);
    assert.match(await control.ask('dance'), /^error 22 command /);
    assert.match(await control.ask('signal 0'), /^error 22 signal /);
    assert.match(await control.ask('signal 9x'), /^error 22 signal /);
    assert.match(await control.ask('resize 1'), /^error 22 resize /);
    assert.equal(await control.ask('start'), 'ok');
    assert.match(await control.ask('start'), /^error 114 start /);
    const stranger = new Wire(join(container.stateDir, 'monitor.sock'));
    stranger.socket.write('hello\n');
    assert.match(await stranger.line(), /^error 22 hello /);
    await stranger.rest();
  });

  test('still answers after the end, as long as a client has not taken what is its own', async () => {
    const container = await bench.run(['/bin/sh', '-c', 'dd if=/dev/zero bs=65536 count=8 2>/dev/null']);
    const slow = await container.attach({ stdin: false });
    slow.socket.pause();
    await container.start();
    await container.exited();
    const late = new Wire(join(container.stateDir, 'monitor.sock'));
    late.socket.write('control 1\n');
    assert.match(await late.line(), /^state exited pid=\d+ started=\S+ code=0 signal=0 oom=0 finished=\S+$/);
    slow.socket.resume();
    assert.equal(frames(await slow.rest()).stdout.length, 8 * 65536);
  });

  test('keeps no more privilege than it needs for signals', async () => {
    const container = await bench.run(['/bin/sleep', '100'], { user: 'app' });
    await container.start();
    const status = await readFile(`/proc/${container.monitorPid}/status`, 'utf8');
    assert.match(status, /^CapEff:\t0000000000000020$/m);
    assert.equal(await (await container.control()).ask('signal 9'), 'ok');
    assert.equal((await container.exited()).code, '137');
  });

  test('writes output to a socket that it was lent, from the first byte on, and says when that is over', async () => {
    const container = await bench.run(['/bin/sh', '-c', 'dd if=/dev/zero bs=65536 count=64 2>/dev/null; echo last']);
    const client = await container.attach({ stdin: false, outlet: true });
    await container.start();
    const { ours, theirs } = await pair(bench);
    await lend(bench, client.socket, ours);
    const chunks = [];
    theirs.on('data', (chunk) => chunks.push(chunk));
    assert.equal((await client.rest()).length, 0);
    ours.end('from its owner');
    await once(theirs, 'end');
    const all = Buffer.concat(chunks);
    assert.equal(all.subarray(-14).toString(), 'from its owner');
    const { stdout } = frames(all.subarray(0, -14));
    assert.equal(stdout.length, 64 * 65536 + 5);
    assert.equal(stdout.subarray(-5).toString(), 'last\n');
    theirs.destroy();
  });

  test('takes input from who attached while its output goes elsewhere', async () => {
    const container = await bench.run(['/bin/cat'], { stdin: true, stdinOnce: true });
    const client = await container.attach({ outlet: true });
    await container.start();
    const { ours, theirs } = await pair(bench);
    await lend(bench, client.socket, ours);
    client.socket.end('typed\n');
    assert.equal((await client.rest()).length, 0);
    ours.end();
    assert.equal(frames(Buffer.concat(await theirs.toArray())).stdout.toString(), 'typed\n');
    assert.equal((await container.exited()).code, '0');
  });

  test('holds output back, but not the container, until it hears where to', async () => {
    const container = await bench.run(['/bin/sh', '-c', 'dd if=/dev/zero bs=65536 count=64 2>/dev/null']);
    const client = await container.attach({ stdin: false, outlet: true });
    await container.start();
    assert.equal((await container.exited()).code, '0');
    assert.equal(client.bytes.length, 0);
    client.socket.write('\n');
    assert.equal(frames(await client.rest()).stdout.length, 64 * 65536);
  });

  test('asks where to only once there is more than what comes this way', async () => {
    const container = await bench.run(['/bin/sh', '-c', 'echo short']);
    const client = await container.attach({ stdin: false, outlet: true, after: 65536 });
    await container.start();
    assert.equal(frames(await client.rest()).stdout.toString(), 'short\n');
    assert.equal((await container.exited()).code, '0');
  });

  test('splits output at the very byte between its client and a socket that it was lent', async () => {
    const container = await bench.run(['/bin/sh', '-c', 'dd if=/dev/zero bs=1000 count=4000 2>/dev/null; echo last']);
    const client = await container.attach({ stdin: false, outlet: true, after: 50_001 });
    await container.start();
    const before = await client.take(50_001);
    assert.equal((await container.exited()).code, '0');
    assert.equal(client.bytes.length, 0);
    const { ours, theirs } = await pair(bench);
    const after = theirs.toArray();
    await lend(bench, client.socket, ours);
    assert.equal((await client.rest()).length, 0);
    ours.end();
    const { stdout } = frames(Buffer.concat([before, ...(await after)]));
    assert.equal(stdout.length, 4_000_005);
    assert.equal(stdout.subarray(-5).toString(), 'last\n');
  });

  test('gives everything to a client that sends no more before it was asked where to, and nothing early to one that types', async () => {
    const container = await bench.run(['/bin/sh', '-c', 'dd if=/dev/zero bs=1000 count=400 2>/dev/null'], { stdin: true });
    const quiet = await container.attach({ stdin: false, outlet: true, after: 50_000 });
    quiet.socket.end();
    const typing = await container.attach({ outlet: true, after: 50_000 });
    await container.start();
    assert.equal(frames(await quiet.rest()).stdout.length, 400_000);
    assert.equal(typing.bytes.length, 0);
    typing.socket.write('\n');
    assert.equal(frames(await typing.rest()).stdout.length, 400_000);
  });

  test('lets go of a lent socket when its client leaves, and when who lent it goes', async () => {
    const container = await bench.run(['/bin/sh', '-c', 'yes']);
    const client = await container.attach({ stdin: false, outlet: true });
    const other = await container.attach({ stdin: false, outlet: true });
    const silent = await container.attach({ stdin: false, outlet: true });
    await container.start();
    const descriptors = async () => (await readdir(`/proc/${container.monitorPid}/fd`)).length;
    const before = await descriptors();
    const first = await pair(bench);
    await lend(bench, client.socket, first.ours);
    await once(first.theirs.resume(), 'data');
    first.theirs.destroy();
    await client.rest();
    const second = await pair(bench);
    await lend(bench, other.socket, second.ours);
    await once(second.theirs.resume(), 'data');
    other.socket.destroy();
    second.ours.destroy();
    await once(second.theirs, 'close');
    first.ours.destroy();
    silent.socket.destroy();
    client.socket.destroy();
    while ((await descriptors()) > before - 3) await sleep(5);
  });

  test('puts a small init at pid 1 where asked for', async () => {
    const { stdout, exit } = await bench.sh(
      'echo $$; (sleep 0.1 & ) ; sleep 0.3; n=0; while ps -o stat | grep -q Z && [ $n -lt 300 ]; do sleep 0.1; n=$((n+1)); done; ps -o stat,comm | grep -c Z; exit 6',
      { init: true },
    );
    const [pid, zombies] = stdout.toString().trim().split('\n');
    assert.notEqual(pid, '1');
    assert.equal(zombies, '0');
    assert.equal(exit.code, '6');
  });
});

/** The two ends of a connection. */
async function pair(bench) {
  const path = join(bench.root, `pair-${Math.random()}`);
  const server = createServer({ allowHalfOpen: true }).listen(path);
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const theirs = connect(path);
  const [ours] = await accepted;
  for (const end of [ours, theirs]) end.on('error', () => undefined);
  server.close();
  return { ours, theirs };
}

/** As the engine does it: by a child that does nothing else. */
async function lend(bench, over, socket) {
  const porter = spawn(join(bench.binary, '../slipway-monitor'), {
    argv0: 'slipway-porter',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const gone = once(porter, 'exit');
  porter.send(7, over._handle); // given up in the middle
  for (const each of [over, socket]) porter.send(8, each._handle);
  const [said] = await once(porter, 'message');
  assert.equal(said, '8 done');
  porter.disconnect();
  assert.deepEqual(await gone, [0, null]);
}
