// A container's files one directory or one file at a time: what is listed and marked, what is written and how, and what leads out of it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chownSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Bench, unable } from './harness.mjs';

const python = (code, ...args) => execFileSync('python3', ['-c', `import os,sys\n${code}`, ...args], { encoding: 'utf8' });
const setAttribute = (file, name, value) => python('os.setxattr(sys.argv[1], sys.argv[2], sys.argv[3].encode())', file, name, value);

for (const running of [false, true])
  describe(`the files of a container that ${running ? 'runs' : 'does not run'}`, { skip: unable, timeout: 300_000 }, () => {
    let bench, place, layers;
    before(async () => {
      bench = await Bench.open();
      const lower = ['top', 'middle', 'bottom'].map((name) => join(bench.data, name));
      const upper = join(bench.data, 'upper');
      for (const layer of [...lower, upper, join(bench.data, 'work')]) mkdirSync(layer);
      const [top, middle, bottom] = lower;
      const put = (layer, name, text = name) => {
        mkdirSync(join(layer, name, '..'), { recursive: true });
        writeFileSync(join(layer, name), text);
      };
      for (const name of ['d/one', 'd/two', 'd/three', 'd/sub/x', 'd/gone/x', 'same/x', 'opaque/old', 'opaque/back', 'hidden/a', 'over/a'])
        put(bottom, name);
      put(middle, 'd/four');
      execFileSync('mknod', [join(middle, 'd/three'), 'c', '0', '0']);
      put(middle, 'hidden/b');
      setAttribute(join(middle, 'hidden'), 'trusted.overlay.opaque', 'y');
      put(top, 'd/five');
      put(upper, 'd/one', 'changed');
      put(upper, 'd/six');
      put(upper, 'd/sub/y');
      for (const name of ['d/two', 'd/four', 'd/gone', 'd/nothing', 'hidden/b']) {
        mkdirSync(join(upper, name, '..'), { recursive: true });
        execFileSync('mknod', [join(upper, name), 'c', '0', '0']);
      }
      put(upper, 'opaque/back');
      setAttribute(join(upper, 'opaque'), 'trusted.overlay.opaque', 'y');
      mkdirSync(join(upper, 'same'));
      execFileSync('cp', ['-a', join(bottom, 'same/x'), join(upper, 'same/x')]);
      put(upper, 'over/a');
      layers = { upper, lower };
      const overlay = { lower: [...lower, join(bench.data, 'layers/1/fs')], upper, work: join(bench.data, 'work') };
      place = { overlay, binds: [], readonly: false };
      if (!running) return;
      const change = (config) => (config.annotations['dev.slipway.overlay'] = JSON.stringify(overlay));
      const container = await bench.run(['/bin/sleep', '1000'], { change });
      await container.start();
      place = { pid: container.pid, pidStart: 0 };
    });
    after(() => bench?.close());

    const list = (path, more = {}) => bench.ask({ op: 'file-list', ...place, path, ...layers, limit: 1000, ...more });
    const marks = async (path) => (await list(path)).entries.map(({ name, change }) => (change ? `${name} ${change}` : name));
    const write = (path, text, more = {}) =>
      bench.ask({ op: 'file-write', ...place, path, size: Buffer.byteLength(text), ...more }, { body: Buffer.from(text) });
    const read = async (path, more = {}) => {
      const wire = bench.wire();
      wire.socket.write(JSON.stringify({ op: 'file-read', ...place, path, ...more }) + '\n');
      const answer = JSON.parse(await wire.line());
      if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error);
      const bytes = await wire.rest();
      wire.close();
      return bytes.toString();
    };
    const change = (op, path, more = {}) => bench.ask({ op, ...place, path, ...more });

    test('are marked by what its own layer says, whatever layers hide from each other', async () => {
      assert.deepEqual(await marks('/d'), [
        ...['five', 'four deleted', 'gone deleted', 'one changed', 'six added', 'sub changed', 'two deleted'],
      ]);
      assert.deepEqual(await marks('/same'), ['x']);
      assert.deepEqual(await marks('/hidden'), ['b deleted']);
      assert.deepEqual(await marks('/opaque'), ['back changed', 'old deleted']);
      const root = await marks('/');
      for (const mark of ['d changed', 'same', 'opaque changed', 'hidden changed', 'etc', 'bin']) assert.ok(root.includes(mark), `${mark}: ${root}`);
      assert.equal((await list('/d')).entries.find(({ name }) => name === 'gone').kind, 'directory');
    });

    test('come in pages that go on where the last one ended, names of any bytes among them', async () => {
      const raw = Buffer.concat([Buffer.from(join(layers.upper, 'd/z')), Buffer.from([0xff, 0x0a])]);
      if (!running) writeFileSync(raw, '');
      const seen = [];
      for (let after = null; ; ) {
        const page = await list('/d', { limit: 2, after });
        assert.ok(page.entries.length <= 2);
        seen.push(...page.entries.map(({ name }) => name));
        if (!(after = page.more)) break;
      }
      assert.deepEqual(seen, (await list('/d')).entries.map(({ name }) => name));
      await assert.rejects(list('/d', { after: 'zz' }), { kind: 'invalid' });
    });

    test('are read through links that stay inside, and only when they are files', async () => {
      await write('/d/text', 'text');
      for (const [name, to] of [['in', '/d/text'], ['out', '../../../../d/text'], ['host', '/proc/self/root/etc/shadow'], ['loop', 'loop'], ['fd', '/proc/self/fd/3']])
        symlinkSync(to, join(bench.data, name));
      execFileSync('tar', ['-C', bench.data, '-cf', join(bench.root, 'l.tar'), 'in', 'out', 'host', 'loop', 'fd']);
      await bench.ask({ op: 'archive-write', ...place, path: '/d', keepKinds: false, user: null }, { body: readFileSync(join(bench.root, 'l.tar')) });
      assert.equal(await read('/d/in'), 'text');
      assert.equal(await read('/d/out', { offset: 1, length: 2 }), 'ex');
      await assert.rejects(read('/d/loop'), { kind: 'invalid' });
      for (const name of ['host', 'fd']) await assert.rejects(read(`/d/${name}`), (error) => ['not-found', 'conflict', 'invalid'].includes(error.kind) || error.errno > 0);
      await assert.rejects(read('/dev/null'), (error) => ['conflict', 'not-found'].includes(error.kind));
      await assert.rejects(read('/d'), { kind: 'conflict', message: '/d is a directory, not a file' });
      await assert.rejects(read('/d/nothing'), { kind: 'not-found' });
      await assert.rejects(read('/d/text/x'), { kind: 'invalid' });
    });

    test('are written all at once: owner, mode and attributes stay, other names of the file keep what they had', async () => {
      const file = join(layers.upper, 'd/six');
      await write('/d/owned', 'before');
      if (running) return;
      chownSync(file, 10, 20);
      execFileSync('chmod', ['4750', file]);
      setAttribute(file, 'user.note', 'kept');
      linkSync(file, join(layers.upper, 'd/twin'));
      await write('/d/six', 'after');
      const { mode, uid, gid } = lstatSync(file);
      assert.deepEqual([(mode & 0o7777).toString(8), uid, gid, readFileSync(file, 'utf8')], ['4750', 10, 20, 'after']);
      assert.equal(python('print(os.getxattr(sys.argv[1], "user.note").decode())', file), 'kept\n');
      assert.equal(readFileSync(join(layers.upper, 'd/twin'), 'utf8'), 'd/six');
      assert.deepEqual(readdirSync(join(layers.upper, 'd')).filter((name) => name.startsWith('.')), []);
    });

    test('are left alone by a client that goes in the middle', async () => {
      await write('/d/text', 'whole');
      const wire = bench.wire();
      wire.socket.write(JSON.stringify({ op: 'file-write', ...place, path: '/d/text', size: 10 }) + '\nhalf');
      wire.socket.end();
      assert.match(await wire.line(), /the client has gone/);
      wire.close();
      assert.equal(await read('/d/text'), 'whole');
      await assert.rejects(bench.ask({ op: 'file-write', ...place, path: '/d/text', size: 1 << 30 }), { kind: 'invalid' });
    });

    test('are moved though overlay moves no directory of the image, and moved back when that fails', async () => {
      await change('file-rename', '/over', { to: '/moved' });
      assert.equal(await read('/moved/a'), 'over/a');
      await assert.rejects(list('/over'), { kind: 'not-found' });
      await assert.rejects(change('file-rename', '/moved', { to: '/moved/inside' }), { kind: 'invalid' });
      await assert.rejects(change('file-rename', '/moved', { to: '/d' }), { kind: 'conflict' });
      await change('file-directory', '/made');
      await assert.rejects(change('file-directory', '/made'), { kind: 'conflict', message: '/made is there already' });
      await change('file-remove', '/moved');
      await change('file-remove', '/d/in');
      assert.equal(await read('/d/text'), 'whole');
    });

    test('stay where somebody has protected them: to remove a directory is no way around that', async (t) => {
      await change('file-directory', '/kept');
      await write('/kept/f', 'kept');
      const file = join(layers.upper, 'kept/f');
      try {
        execFileSync('chattr', ['+i', file], { stdio: 'ignore' });
      } catch {
        return t.skip('this disk protects nothing');
      }
      try {
        await assert.rejects(change('file-remove', '/kept'), { errno: 1 });
        assert.equal(await read('/kept/f'), 'kept');
      } finally {
        execFileSync('chattr', ['-i', file]);
      }
      await change('file-remove', '/kept');
    });

    test('have shells that were looked for, not tried', async () => {
      const shells = async (user) => (await bench.ask({ op: 'file-shells', ...place, user })).shells;
      assert.deepEqual(await shells(''), ['/bin/sh', '/bin/ash']);
      await write('/etc/passwd', 'root:x:0:0::/:/bin/ash\napp:x:7:7::/:/usr/bin/nologin\nodd:x:8:8::/:/bin/../d/text\nbroken:x\n');
      assert.deepEqual(await shells('0:0'), ['/bin/ash', '/bin/sh']);
      assert.deepEqual(await shells('app:app'), ['/bin/ash', '/bin/sh']);
      assert.deepEqual(await shells('odd'), ['/bin/ash', '/bin/sh']);
    });
  });
