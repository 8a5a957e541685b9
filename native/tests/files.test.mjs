// Whole trees: unpacked as GNU tar would, packed, measured, discarded; by root and by an ordinary user.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, linkSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Bench, sleep, unable } from './harness.mjs';
import { dir, entry, file, tar } from './tar.mjs';

/** Everything about every file below a directory, as lines; times in seconds where `seconds`. */
function manifest(root, { seconds = false } = {}) {
  const script = `
import hashlib,os,stat,sys
root=os.fsencode(sys.argv[1])
def line(p):
  s=os.lstat(p); m=s.st_mode; k=''
  if stat.S_ISLNK(m): k=os.readlink(p)
  elif stat.S_ISREG(m): k=hashlib.sha256(open(p,'rb').read()).hexdigest()
  elif not stat.S_ISDIR(m): k=s.st_rdev
  d=stat.S_ISDIR(m)
  x=[(a,os.getxattr(p,a,follow_symlinks=False)) for a in sorted(os.listxattr(p,follow_symlinks=False))]
  print(os.path.relpath(p,root),oct(m),s.st_uid,s.st_gid,s.st_mtime_ns//${seconds ? '10**9' : '1'},0 if d else s.st_size,1 if d else s.st_nlink,k,x)
for d,ds,fs in sorted(os.walk(root)):
  for n in sorted(ds+fs): line(os.path.join(d,n))
`;
  return execFileSync('python3', ['-c', script, root], { encoding: 'utf8', maxBuffer: 1 << 26 });
}

/** A tree with one of everything an image may hold. */
function makeTree(path) {
  const run = (...argv) => execFileSync(argv[0], argv.slice(1), { cwd: path, stdio: ['ignore', 'inherit', 'inherit'] });
  mkdirSync(join(path, 'usr/bin'), { recursive: true });
  mkdirSync(join(path, 'var/mail'), { recursive: true });
  mkdirSync(join(path, 'n'.repeat(120), 'm'.repeat(120)), { recursive: true });
  writeFileSync(join(path, 'usr/bin/su'), 'su'.repeat(300_000));
  linkSync(join(path, 'usr/bin/su'), join(path, 'usr/bin/sudo'));
  symlinkSync('usr/bin', join(path, 'bin'));
  symlinkSync('/var/mail', join(path, 'var/spool'));
  for (const name of ['caf\u00e9', 'cafe\u0301', '\u5bb9\u5668', 'two words', 'n'.repeat(120) + '/' + 'm'.repeat(120) + '/deep']) {
    writeFileSync(join(path, name), name);
  }
  writeFileSync(Buffer.concat([Buffer.from(path), Buffer.from('/raw'), Buffer.from([0xff])]), 'bytes');
  run('mkfifo', '-m', '620', 'pipe');
  run('mknod', '-m', '666', 'null', 'c', '1', '3');
  run('truncate', '-s', '5M', 'hole');
  run('chown', '10:20', 'usr/bin/su', 'var/mail');
  run('chown', '-h', '30:40', 'var/spool');
  run('chmod', '4755', 'usr/bin/su');
  run('chmod', '3770', 'var/mail');
  run('setcap', 'cap_net_raw+ep', 'two words');
  run('touch', '-h', '-d', '2001-02-03 04:05:06.123456789', 'var/spool', 'two words', 'var/mail', 'usr');
  run('touch', '-d', '1971-01-01', '.');
}

describe('trees, as root', { skip: unable, timeout: 600_000 }, () => {
  let bench;
  let tree;
  before(async () => {
    bench = await Bench.open();
    tree = join(bench.data, 'tree');
    mkdirSync(tree);
    makeTree(tree);
  });
  after(() => bench?.close());

  const unpack = (target, body) => bench.ask({ op: 'unpack', target }, { body });
  const fresh = () => join(mkdtempSync(join(bench.data, 'new-')), 'fs');

  /** The bytes that follow the answer. */
  async function pack(request) {
    const wire = bench.wire();
    wire.socket.write(JSON.stringify({ op: 'pack', ...request }) + '\n');
    const answer = JSON.parse(await wire.line());
    assert.equal(answer.ok, true, JSON.stringify(answer));
    const bytes = await wire.rest();
    wire.close();
    return bytes;
  }

  test('a tar is unpacked as GNU tar would', async () => {
    const made = execFileSync('tar', ['-C', tree, '--xattrs', '--sparse', '--format=pax', '-cf', '-', '.'], { maxBuffer: 1 << 27 });
    const [ours, theirs] = [fresh(), fresh()];
    await unpack(ours, made);
    mkdirSync(theirs);
    execFileSync('tar', ['-C', theirs, '--numeric-owner', '--xattrs', '--xattrs-include=*', '-xpf', '-'], { input: made });
    assert.equal(manifest(ours), manifest(theirs));
    assert.ok(lstatSync(join(ours, 'hole')).blocks < 10);
  });

  test('what is packed is unpacked the same, and packed again gives the same bytes', async () => {
    const bytes = await pack({ lower: [tree], upper: null });
    const copy = fresh();
    await unpack(copy, bytes);
    assert.equal(manifest(copy, { seconds: true }), manifest(tree, { seconds: true }));
    assert.ok((await pack({ lower: [copy], upper: null })).equals(bytes));
  });

  test('GNU tar reads what is packed', async () => {
    const copy = fresh();
    mkdirSync(copy);
    const input = await pack({ lower: [tree], upper: null });
    execFileSync('tar', ['-C', copy, '--numeric-owner', '--xattrs', '--xattrs-include=*', '-xpf', '-'], { input, stdio: ['pipe', 'ignore', 'ignore'] });
    assert.equal(manifest(copy, { seconds: true }), manifest(tree, { seconds: true }));
  });

  test("a changeset has the image specification's whiteouts, and none of overlay's marks", async () => {
    const layer = fresh();
    await unpack(layer, tar(file('.wh.gone'), dir('d'), file('d/.wh..wh..opq'), file('d/new', 'x')));
    const bytes = await pack({ lower: [], upper: layer });
    const names = execFileSync('tar', ['-tf', '-'], { input: bytes, encoding: 'utf8' }).trim().split('\n').sort();
    assert.deepEqual(names, ['.wh.gone', 'd/', 'd/.wh..wh..opq', 'd/new']);
    assert.equal(bytes.includes('overlay'), false);
    const again = fresh();
    await unpack(again, bytes);
    const timeless = (path) => manifest(path).replace(/^(b'gone' \S+ 0 0) \d+/m, '$1');
    assert.equal(timeless(again), timeless(layer));
  });

  test('several layers are packed as a container sees them', async () => {
    const [lower, upper] = [fresh(), fresh()];
    await unpack(lower, tar(file('a', 'old'), file('b', 'kept'), dir('d'), file('d/hidden')));
    await unpack(upper, tar(file('a', 'new'), dir('d'), file('d/.wh..wh..opq'), file('d/seen'), file('.wh.b')));
    const bytes = await pack({ lower: [upper, lower], upper: null });
    const copy = fresh();
    await unpack(copy, bytes);
    assert.deepEqual(readdirSync(copy, { recursive: true }).sort(), ['a', 'd', 'd/seen']);
    assert.equal(execFileSync('cat', [join(copy, 'a')], { encoding: 'utf8' }), 'new');
  });

  test('a tree that is not there cannot be packed', async () => {
    await assert.rejects(bench.ask({ op: 'pack', lower: ['/not/here'], upper: null }), { message: /No such file/ });
    await assert.rejects(bench.ask({ op: 'pack', lower: [], upper: null }), { kind: 'invalid' });
  });

  test('usage counts content once, whatever its names, and every name as an entry', async () => {
    const target = fresh();
    await unpack(target, tar(dir('d'), file('d/a', 'x'.repeat(1000)), entry({ name: 'b', type: '1', linkname: 'd/a' }), entry({ name: 'l', type: '2', linkname: 'dd' })));
    const { bytes, entries, newest } = await bench.ask({ op: 'usage', path: target });
    assert.deepEqual({ bytes, entries }, { bytes: 1002, entries: 4 });
    assert.ok(Math.abs(newest - Date.now()) < 600_000, 'what was just unpacked was just changed, whatever it says of itself');
    chmodSync(join(target, 'd/a'), 0o600);
    const later = (await bench.ask({ op: 'usage', path: target })).newest;
    assert.equal(later, Math.floor(lstatSync(join(target, 'd/a')).ctimeMs));
    await assert.rejects(bench.ask({ op: 'usage', path: join(target, 'no') }), { message: /No such file/ });
  });

  test('a tree has the same fingerprint wherever it is unpacked, and another one after any change of it', async () => {
    const print = async (path) => (await bench.ask({ op: 'fingerprint', path })).digest;
    const make = async () => {
      const target = fresh();
      await unpack(target, execFileSync('tar', ['--xattrs', '--xattrs-include=*', '-C', tree, '-c', '.'], { maxBuffer: 1 << 28 }));
      return target;
    };
    const first = await print(await make());
    const changes = {
      content: ['sh', '-c', 'touch -r usr/bin/su /tmp/fp.$$ && printf X | dd of=usr/bin/su conv=notrunc bs=1 seek=7 2>/dev/null && touch -r /tmp/fp.$$ usr/bin/su; rm /tmp/fp.$$'],
      length: ['truncate', '-s', '-1', 'usr/bin/su'],
      mode: ['chmod', '600', 'null'],
      owner: ['chown', '-h', '1:1', 'bin'],
      time: ['touch', '-d', '2020-01-01', 'two words'],
      attribute: ['setcap', '-r', 'two words'],
      name: ['mv', 'null', 'nul'],
      link: ['ln', '-sfn', 'usr/binx', 'bin'],
      split: ['sh', '-c', 'cp -a usr/bin/sudo x && mv x usr/bin/sudo'],
      missing: ['rm', 'pipe'],
      more: ['mkdir', 'more'],
    };
    for (const [what, argv] of Object.entries(changes)) {
      const target = await make();
      assert.equal(await print(target), first, what);
      execFileSync(argv[0], argv.slice(1), { cwd: target });
      assert.notEqual(await print(target), first, what);
    }
    await assert.rejects(print(join(bench.data, 'no')), { message: /No such file/ });
    await assert.rejects(print('/etc'), { kind: 'invalid' });
    const deep = fresh();
    await unpack(deep, tar(entry({ name: 'short', type: '5', pax: { path: Array.from({ length: 1200 }, () => 'd').join('/') } })));
    assert.match(await print(deep), /^sha256:[a-f0-9]{64}$/);
  });

  test('the digest of a file is that of its bytes; a link is not followed', async () => {
    const target = fresh();
    await unpack(target, tar(file('a', 'x'.repeat(600_000)), entry({ name: 'l', type: '2', linkname: 'a' })));
    const { digest } = await bench.ask({ op: 'digest', path: join(target, 'a') });
    assert.equal(digest, `sha256:${execFileSync('sha256sum', [join(target, 'a')], { encoding: 'utf8' }).slice(0, 64)}`);
    await assert.rejects(bench.ask({ op: 'digest', path: join(target, 'l') }), { kind: 'system' });
    await assert.rejects(bench.ask({ op: 'digest', path: target }), { kind: 'invalid' });
  });

  test('what is discarded is gone at once, and its room soon after', async () => {
    const target = fresh();
    const deep = Array.from({ length: 1200 }, () => 'd').join('/');
    await unpack(target, tar(file('a', 'x'), entry({ name: 'short', type: '5', pax: { path: deep } }), entry({ name: 'null', type: '3' })));
    execFileSync('sh', ['-c', 'mkdir many && cd many && seq 1 3000 | xargs touch && mkdir $(seq -f s%g 1 500)'], { cwd: target });
    await bench.ask({ op: 'discard', path: target });
    assert.equal(existsSync(target), false);
    while (readdirSync(join(bench.data, 'trash')).length > 0) await sleep(20);
  });

  test('discarding what is not there is well, outside the data root it is refused', async () => {
    await bench.ask({ op: 'discard', path: join(bench.data, 'nothing') });
    const outside = join(bench.root, 'outside');
    mkdirSync(outside);
    for (const path of [outside, `${bench.data}/../outside`, bench.data, '/']) {
      await assert.rejects(bench.ask({ op: 'discard', path }), { kind: 'invalid' });
    }
    assert.ok(existsSync(outside));
  });

  test('deleting does not follow links', async () => {
    const outside = join(bench.root, 'kept');
    mkdirSync(outside);
    writeFileSync(join(outside, 'f'), 'x');
    const target = fresh();
    await unpack(target, tar(entry({ name: 'd/l', type: '2', linkname: outside })));
    await bench.ask({ op: 'discard', path: target });
    while (readdirSync(join(bench.data, 'trash')).length > 0) await sleep(20);
    assert.deepEqual(readdirSync(outside), ['f']);
  });

  test('what a container has protected from being changed goes as well', async (t) => {
    const target = fresh();
    await unpack(target, tar(file('d/fixed', 'x'), file('d/sub/f', 'x'), file('only/more', 'x')));
    try {
      for (const [flag, name] of [['+i', 'd/fixed'], ['+i', 'd/sub'], ['+a', 'only']])
        execFileSync('chattr', [flag, join(target, name)], { stdio: 'ignore' });
    } catch {
      return t.skip('this disk protects nothing');
    }
    await bench.ask({ op: 'discard', path: target });
    while (readdirSync(join(bench.data, 'trash')).length > 0) await sleep(20);
  });

  test('what an earlier helper did not get to delete goes when the next one starts', async () => {
    mkdirSync(join(bench.data, 'trash/left/over'), { recursive: true });
    await bench.kill();
    await bench.start();
    while (readdirSync(join(bench.data, 'trash')).length > 0) await sleep(20);
  });
});

describe('trees, as an ordinary user', { skip: unable, timeout: 600_000 }, () => {
  const name = 'slipway-files';
  let bench;
  before(async () => {
    spawnSync('userdel', ['-r', name], { stdio: 'ignore' });
    execFileSync('useradd', ['-m', '-s', '/bin/sh', name]);
    const [, , uid, gid, , home] = execFileSync('getent', ['passwd', name], { encoding: 'utf8' }).trim().split(':');
    bench = await Bench.open({ person: { name, uid: Number(uid), gid: Number(gid), home } });
  });
  after(async () => {
    await bench?.close();
    spawnSync('userdel', ['-r', name], { stdio: 'ignore' });
  });

  const unpack = (target, body) => bench.ask({ op: 'unpack', target: join(bench.data, 'layers', target) }, { body });

  test('owners are mapped, devices left out and counted, whiteouts in the form that a user namespace may read', async () => {
    const { devicesLeftOut } = await unpack(
      'a',
      tar(file('root'), file('www', '', { uid: 33, gid: 33, mode: 0o4755 }), entry({ name: 'null', type: '3', dev: [1, 3] }), dir('d'), file('d/.wh..wh..opq'), file('.wh.gone')),
    );
    const at = (path) => lstatSync(join(bench.data, 'layers/a', path));
    assert.equal(devicesLeftOut, 1);
    assert.equal(at('root').uid, bench.person.uid);
    assert.equal(at('www').uid, bench.hello.uidMap[1][1] + 32);
    assert.equal(at('www').mode & 0o7777, 0o4755);
    assert.ok(at('gone').isCharacterDevice());
    const attribute = "import os,sys; print(os.getxattr(sys.argv[1], 'user.overlay.opaque').decode())";
    assert.equal(execFileSync('python3', ['-c', attribute, join(bench.data, 'layers/a/d')], { encoding: 'utf8' }), 'y\n');
  });

  test('an owner beyond the range is refused with the way out', async () => {
    await assert.rejects(unpack('b', tar(file('f', '', { uid: 70_000 }))), { kind: 'unavailable', message: /70000.*\/etc\/subuid/ });
    assert.equal(existsSync(join(bench.data, 'layers/b')), false);
  });

  test('what belongs to mapped ids is discarded all the same', async () => {
    await unpack('c', tar(dir('d', { uid: 33, mode: 0o700 }), file('d/f', 'x', { uid: 33 })));
    await bench.ask({ op: 'discard', path: join(bench.data, 'layers/c') });
    while (readdirSync(join(bench.data, 'trash')).length > 0) await sleep(20);
  });
});
