/** Mounts of containers that run: put in, looked at and taken out again; of root, with ids of their own, of an ordinary user. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chown, lstat, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { compileInto } from './bundles.mjs';
import { Bench, frames, unable } from './harness.mjs';

const FIRST = 300_000;
const NAME = `slipway-live-${process.pid}`;
const range = [{ containerID: 0, hostID: FIRST, size: 65536 }];
const mapped = (config) => {
  config.linux.namespaces.push({ type: 'user' });
  config.linux.uidMappings = config.linux.gidMappings = range;
};

function makePerson() {
  spawnSync('userdel', ['-r', NAME]);
  assert.equal(spawnSync('useradd', ['-m', '-s', '/bin/sh', NAME]).status, 0);
  const [, , uid, gid, , home] = spawnSync('getent', ['passwd', NAME], { encoding: 'utf8' }).stdout.trim().split(':');
  return { name: NAME, uid: Number(uid), gid: Number(gid), home };
}

for (const [who, how] of Object.entries({ root: {}, 'root, with ids of its own': { change: mapped }, 'an ordinary user': { person: true } }))
  describe(`mounts of a running container of ${who}`, { skip: unable, timeout: 300_000 }, () => {
    let bench, container, source;
    before(async () => {
      bench = await Bench.open(how.person ? { person: makePerson() } : {});
      container = await bench.run(['/bin/sleep', '1000'], { change: how.change });
      await container.start();
      source = join(bench.root, 'source');
      await mkdir(join(source, 'deep'), { recursive: true });
      await writeFile(join(source, 'file'), 'content\n');
      if (bench.person) for (const path of [source, join(source, 'deep'), join(source, 'file')]) await chown(path, bench.person.uid, bench.person.gid);
    });
    after(async () => {
      await bench?.close();
      if (how.person) spawnSync('userdel', ['-r', NAME]);
    });

    const ask = (op, request) => bench.ask({ op, id: container.id, pid: container.pid, ...request });
    const attach = (target, more) => ask('mount-attach', { source, target, ...more });
    const detach = (target, more) => ask('mount-detach', { source, target, ...more });
    const look = (target, more) => ask('mount-look', { source, target, ...more });
    const says = async (script) => {
      const exec = await bench.exec(container, ['/bin/sh', '-c', script]);
      const streams = await exec.attach({ stdin: false });
      await exec.start();
      const { stdout, stderr } = frames(await streams.rest());
      return stdout.toString() + stderr.toString();
    };

    test('a directory comes and goes, and with it the place that was made for it', async () => {
      assert.equal((await look('/a/b/c')).kind, 'missing');
      const { path, made, mount } = await attach('/a/b/c');
      assert.deepEqual([path, made], ['/a/b/c', 3]);
      assert.equal(await says('cat /a/b/c/file'), 'content\n');
      const { kind, mounted, same, hidden, names, holders } = await look('/a/b/c');
      assert.deepEqual({ kind, mounted, same, hidden, names: names.sort(), holders }, { kind: 'directory', mounted: true, same: true, hidden: 2, names: ['deep', 'file'], holders: [] });
      await assert.rejects(attach('/a/b/c'), { kind: 'not-implemented', message: /something else is mounted/ });
      assert.equal((await detach('/a/b/c', { mount, made, path })).detached, true);
      assert.equal(await says('ls -d /a'), 'ls: /a: No such file or directory\n');
    });

    test('read-only all the way down; a file on a file', async () => {
      await attach('/ro', { readonly: true });
      assert.match(await says('touch /ro/deep/x || true'), /Read-only/);
      assert.equal((await detach('/ro', { made: 1 })).detached, true);
      await attach('/etc/one', { source: join(source, 'file') });
      assert.equal(await says('cat /etc/one'), 'content\n');
      await assert.rejects(attach('/etc/two/', { source: join(source, 'none') }), { kind: 'invalid' });
      await assert.rejects(attach('/etc/passwd'), { kind: 'invalid', message: /passwd is a file in the container, and the source is a directory/ });
      await assert.rejects(attach('/root', { source: join(source, 'file') }), { kind: 'invalid' });
      assert.equal((await detach('/etc/one', { source: join(source, 'file'), made: 1 })).detached, true);
      assert.match(await says('ls /etc/one'), /No such file/);
    });

    test('who has files open is in the way, and named', async () => {
      const { mount, path, made } = await attach('/held');
      const exec = await bench.exec(container, ['/bin/sh', '-c', 'cd /held/deep && exec 5</held/file && echo in && sleep 1000; true']);
      const streams = await exec.attach({ stdin: false });
      await exec.start();
      await streams.until(() => (streams.bytes.includes('in\n') ? true : undefined), 'its word');
      const { detached, holders } = await detach('/held', { mount, path, made });
      assert.equal(detached, false);
      const shell = holders.find(({ pid }) => pid === exec.pid);
      assert.equal(shell.name, 'sh');
      assert.deepEqual(shell.paths.sort(), ['/held/deep', '/held/file']);
      assert.equal(await says('cat /held/file'), 'content\n');
      assert.equal((await detach('/held', { mount, path, made, force: true })).detached, true);
      assert.match(await says('ls /held'), /No such file/);
      process.kill(exec.pid);
    });

    test('nothing goes on the root, on what the kernel shows, or over another mount', async () => {
      await says('ln -s / /to-root; ln -s /proc /to-proc; ln -s ../../../../etc/gone /dangling');
      for (const target of ['/to-root', '/to-proc', '/proc', '/proc/sys', '/proc/nothing', '/sys/kernel', '/dev/pts', '/to-proc/self/x'])
        await assert.rejects(attach(target), { kind: /invalid|system|not-found|forbidden/ }, target);
      await assert.rejects(attach('/root/x', { forbidden: ['/root'] }), { kind: 'invalid' });
      assert.match(await says('ls /root/x'), /No such file/);
      const { path } = await attach('/dangling');
      assert.equal(path, '/etc/gone');
      assert.equal((await detach('/dangling', { made: 1 })).detached, true);
    });

    test('only what was given is taken off', async () => {
      await attach('/mine');
      await assert.rejects(detach('/mine', { source: join(source, 'deep') }), { kind: 'conflict' });
      await assert.rejects(detach('/etc'), { kind: 'not-found' });
      await assert.rejects(detach('/proc', { source: join(source, 'deep') }), { kind: 'conflict' });
      await assert.rejects(detach('/'), (error) => error.kind !== '');
      assert.equal(await says('cat /mine/file'), 'content\n');
      assert.equal((await detach('/mine', { made: 1 })).detached, true);
    });

    test('a container that is gone is said to be', async () => {
      await assert.rejects(attach('/x', { pidStart: 1 }), { kind: 'conflict', message: /stopped just now/ });
      await assert.rejects(attach('/x', { id: 'f'.repeat(64) }), { kind: 'conflict' });
    });

    test('the host sees none of it', async () => {
      const { made } = await attach('/seen');
      assert.ok(!(await readFile('/proc/self/mountinfo', 'utf8')).includes(source));
      assert.ok(!(await readFile(`/proc/${bench.hello.pid}/mountinfo`, 'utf8')).includes('/seen'));
      assert.equal((await detach('/seen', { made })).detached, true);
      const layer = (await readdir(join(container.folder, 'upper'))).filter((name) => !/^(dev|proc|sys|etc|root|to-|dangling)/.test(name));
      assert.deepEqual(layer, []);
    });

    if (how.change)
      test('owners stay who they are where that is asked for', async () => {
        await attach('/plain');
        assert.equal(await says('stat -c %u /plain/file'), '65534\n');
        await detach('/plain', { made: 1 });
        const { mount } = await attach('/shown', { idmap: { uids: range, gids: range } });
        assert.equal(await says('stat -c %u /shown/file; touch /shown/new; stat -c %u /shown/new'), '0\n0\n');
        assert.equal((await lstat(join(source, 'new'))).uid, 0);
        assert.equal((await detach('/shown', { made: 1, mount })).detached, true);
      });

    test('a place that is swapped for links while it is mounted on never leads out', async () => {
      const tools = join(bench.root, 'tools');
      await mkdir(tools);
      compileInto(tools, 'swap');
      const outside = join(bench.root, 'outside');
      await mkdir(outside);
      await attach('/t', { source: tools });
      await says(`mkdir -p /x/a/deep; ln -s ${outside} /x/b`);
      // What is mounted on cannot be renamed, which ends the program.
      const exec = await bench.exec(container, ['/bin/sh', '-c', 'while :; do /t/swap /x/a /x/b; done']);
      await exec.start();
      let on = 0;
      for (let round = 0; round < 60 || on === 0; round++) {
        const answer = await attach(round % 2 ? '/x/a' : '/x/a/new').catch(() => undefined);
        assert.deepEqual(await readdir(outside), []);
        if (!answer) continue;
        on++;
        assert.match(answer.path, /^\/x\/[ab]|^\/.*outside/);
        const { path, mount, made } = answer;
        assert.equal((await detach(path, { path, mount, made, force: true }).catch((error) => error)).detached ?? true, true);
      }
      assert.ok(!(await readFile('/proc/self/mountinfo', 'utf8')).includes(bench.root));
      process.kill(exec.pid);
      await detach('/t', { source: tools, force: true });
    });
  });
