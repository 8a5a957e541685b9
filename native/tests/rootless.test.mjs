import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Bench, frames, sleep, unable } from './harness.mjs';

const name = 'slipway-native';

/** Somebody with a range of ids of their own, made for these tests. */
function makePerson() {
  spawnSync('userdel', ['-r', name]);
  const made = spawnSync('useradd', ['-m', '-s', '/bin/sh', name], { encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  const [, , uid, gid, , home] = spawnSync('getent', ['passwd', name], { encoding: 'utf8' }).stdout.trim().split(':');
  return { name, uid: Number(uid), gid: Number(gid), home };
}

/** A zombie that nobody has reaped yet has ended, too. */
const ended = async (pid) => /State:\tZ/.test(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => 'State:\tZ'));

describe('the helper of an ordinary user', { skip: unable }, () => {
  let bench, person;
  before(async () => {
    person = makePerson();
    bench = await Bench.open({ person });
  });
  after(async () => {
    await bench.close();
    spawnSync('userdel', ['-r', name]);
  });

  const sleeper = async () => Number((await readFile(join(bench.runDir, 'pause.pid'), 'utf8')).split(' ')[0]);
  const namespace = async (pid, kind) => (await stat(`/proc/${pid}/ns/${kind}`)).ino;

  test('lives in a user namespace with a range of ids, in the network of the machine', async () => {
    const { hello } = bench;
    assert.equal(hello.rootless, true);
    assert.deepEqual(hello.uidMap[0], [0, person.uid, 1]);
    assert.equal(hello.uidMap[1][2], 65536);
    const { fuse, ...overlay } = hello.overlay; // as /dev/fuse is somebody's here or not
    assert.deepEqual(overlay, { native: true, userxattr: true, idmapped: false });
    assert.equal(typeof fuse, 'boolean');
    assert.notEqual(await namespace(hello.pid, 'user'), await namespace('self', 'user'));
    assert.equal(await namespace(hello.pid, 'net'), await namespace('self', 'net'));
    assert.equal(await namespace(hello.pid, 'user'), await namespace(await sleeper(), 'user'));
    const owner = /^Uid:\t(\d+)/m.exec(await readFile(`/proc/${hello.pid}/status`, 'utf8'))[1];
    assert.equal(Number(owner), person.uid);
    if (!hello.cgroup.limits) assert.ok(hello.warnings.some((text) => text.startsWith('No limits')));
  });

  test('runs containers with streams, a terminal, other users and exit codes', async () => {
    const { exit, stdout, stderr } = await bench.sh(
      'id -u; echo err >&2; touch /root/x; chown 33:33 /root/x; stat -c %u /root/x; exit 3',
      { rootless: true },
    );
    assert.equal(stdout.toString(), '0\n33\n');
    assert.equal(stderr.toString(), 'err\n');
    assert.equal(exit.code, '3');
    const app = await bench.sh('id -u; id -G; echo $HOME', { rootless: true, user: 'app:web' });
    assert.equal(app.stdout.toString(), '1000\n33\n/home/app\n');

    const container = await bench.run(['/bin/sh'], { rootless: true, tty: true, stdin: true, rows: 30, cols: 90 });
    const client = await container.attach();
    await container.start();
    client.socket.write('stty size\n');
    await client.text('30 90');
    const exec = await bench.exec(container, ['/bin/hostname']);
    const streams = await exec.attach({ stdin: false });
    await exec.start();
    assert.equal(frames(await streams.rest()).stdout.toString(), 'bench\n');
    client.socket.write('exit 4\n');
    assert.equal((await container.exited()).code, '4');
  });

  test('signal-all ends a container although there may be no cgroup to ask', async () => {
    const container = await bench.run(['/bin/sh', '-c', 'sleep 100 & sleep 100'], { rootless: true });
    await container.start();
    await bench.ask({ op: 'signal-all', id: container.id });
    assert.equal((await container.exited()).code, '137');
  });

  test('killed, the next one comes back to the same namespaces', async () => {
    const container = await bench.run(['/bin/sleep', '100'], { rootless: true });
    await container.start();
    const before = await sleeper();
    await bench.kill();
    await bench.start();
    assert.equal(await sleeper(), before);
    const exec = await bench.exec(container, ['/bin/echo', 'again']);
    const streams = await exec.attach({ stdin: false });
    await exec.start();
    assert.equal(frames(await streams.rest()).stdout.toString(), 'again\n');
  });

  test('where the sleeper was killed too, a living container gives the namespace back', async () => {
    const container = await bench.run(['/bin/sleep', '100'], { rootless: true });
    await container.start();
    const before = await sleeper();
    const user = await namespace(before, 'user');
    await bench.kill();
    process.kill(before, 'SIGKILL');
    while (!(await ended(before))) await sleep(10);
    await bench.start();
    assert.notEqual(await sleeper(), before);
    assert.equal(await namespace(await sleeper(), 'user'), user);
    const exec = await bench.exec(container, ['/bin/echo', 'still']);
    const streams = await exec.attach({ stdin: false });
    await exec.start();
    assert.equal(frames(await streams.rest()).stdout.toString(), 'still\n');
  });

  test('a headless engine is started outside the user namespace, as the person', async () => {
    const mark = join(bench.data, 'mark');
    const owner = bench.wire();
    const script = `{ id -u; stat -L -c %i /proc/self/ns/user; } > ${mark}.new; mv ${mark}.new ${mark}`;
    owner.socket.write(
      JSON.stringify({ op: 'own', headless: { argv: ['/bin/sh', '-c', script], env: { PATH: '/usr/bin:/bin' } } }) +
        '\n',
    );
    assert.equal(await owner.line(), '{"ok":true}');
    owner.close();
    let said = '';
    while (!said) {
      await sleep(20);
      said = await readFile(mark, 'utf8').catch(() => '');
    }
    assert.equal(said, `${person.uid}\n${await namespace('self', 'user')}\n`);
  });

  test('unpacked and written files of other ids can be discarded', async () => {
    const { container } = await bench.sh('mkdir /root/d; touch /root/d/f; chown -R 33:33 /root/d; chmod 700 /root/d', {
      rootless: true,
    });
    assert.notEqual((await stat(join(container.folder, 'upper/root/d'))).uid, person.uid);
    await container.delete();
    await bench.ask({ op: 'discard', path: container.folder });
    const trash = join(bench.data, 'trash');
    while ((await readdir(trash)).length > 0) await sleep(20);
  });

  test('a goodbye that ends it ends the sleeper as well, once no container is left', async () => {
    for (const exec of bench.execs.splice(0)) await bench.ask({ op: 'delete', id: exec.id, exec: true });
    for (const container of bench.containers) await container.delete();
    const pid = await sleeper();
    await bench.end();
    while (!(await ended(pid))) await sleep(10);
    await assert.rejects(stat(join(bench.runDir, 'pause.pid')));
  });
});

describe('an ordinary user whose run directory is deleted', { skip: unable }, () => {
  const ways = {
    'as a whole': ({ runDir }) => rm(runDir, { recursive: true }),
    'file by file, and is still there': async ({ runDir }) => {
      await rm(join(runDir, 'pause.pid'));
      await rm(join(runDir, 'helper.sock'));
    },
  };
  for (const [way, clear] of Object.entries(ways))
    test(`has neither helper nor sleeper any more: ${way}`, async (t) => {
      const bench = await Bench.open({ person: makePerson() });
      t.after(async () => {
        await rm(bench.root, { recursive: true, force: true }); // there is no helper left to say goodbye to
        spawnSync('userdel', ['-r', name]);
      });
      const { pid } = bench.hello;
      const sleeper = Number((await readFile(join(bench.runDir, 'pause.pid'), 'utf8')).split(' ')[0]);
      await clear(bench);
      for (const each of [pid, sleeper]) while (!(await ended(each))) await sleep(10);
    });
});

describe('an ordinary user without a range of ids', { skip: unable }, () => {
  test('has one id in containers, and is told how to get more', async () => {
    const person = makePerson();
    spawnSync('usermod', ['--del-subuids', '0-4294967294', '--del-subgids', '0-4294967294', name]);
    const bench = await Bench.open({ person });
    assert.deepEqual(bench.hello.uidMap, [[0, person.uid, 1]]);
    assert.ok(bench.hello.warnings.some((text) => text.startsWith('Only one user id')));
    const { stdout } = await bench.sh('id -u; touch /x; echo ok', { rootless: true });
    assert.equal(stdout.toString(), '0\nok\n');
    await bench.close();
    spawnSync('userdel', ['-r', name]);
  });
});
