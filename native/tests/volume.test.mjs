// Volumes as a whole: what a tar, a copy or a swap has of them, looked at from outside.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test as nodeTest } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compileInto } from './bundles.mjs';
import { Bench, sleep, unable } from './harness.mjs';
import { dir, file, hardLink, link, tar } from './tar.mjs';

const treeProgram = fileURLToPath(new URL('../../e2e/fixtures/tree.py', import.meta.url));
const sha256 = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
let bench;
let number = 0;
let source;
before(async () => {
  if (unable) return;
  bench = await Bench.open();
  source = join(bench.root, 'source');
  execFileSync('python3', ['-c', MAKE, source]);
});
after(() => bench?.close());
const test = (name, body) => nodeTest(name, { skip: unable, timeout: 600_000 }, body);

/** Everything that a volume can have in it. */
const MAKE = `
import os, socket, sys
root = os.fsencode(sys.argv[1])
os.mkdir(root)
os.chdir(root)
open(b'plain', 'w').write('plain')
open(b'.wh.not-a-whiteout', 'w').write('a name like any other')
open('ünï 名前\\n'.encode(), 'w').write('unicode')
open(b'\\xff\\xfe raw', 'w').write('no UTF-8')
os.makedirs(b'sub/.wh..wh..opq')
os.makedirs(b'/'.join([b'deep'] * 300))
os.makedirs(os.path.join(b'n' * 255, b'm' * 255))
open(b'sub/twice', 'w').write('one content')
os.link(b'sub/twice', b'another name')
os.symlink(b'/etc/passwd', b'out')
os.symlink(b'x' * 3000, b'long')
os.mkfifo(b'fifo', 0o640)
os.mknod(b'null', 0o20666, os.makedev(1, 3))
os.mknod(b'whiteout', 0o20000, os.makedev(0, 0))
with open(b'holes', 'wb') as f:
    f.seek(3 << 20); f.write(b'middle'); f.truncate(12 << 20)
with open(b'hole', 'wb') as f: f.truncate(6 << 20)
with open(b'large', 'wb') as f: f.write(os.urandom(2 << 20))
with open(b'many holes', 'wb') as f:
    for i in range(4200):
        f.seek(i * 8192); f.write(b'x')
os.setxattr(b'plain', 'user.note', b'\\x00binary')
os.setxattr(b'plain', 'trusted.overlay.metacopy', b'y')
os.setxattr(b'sub', 'trusted.overlay.opaque', b'y')
os.setxattr(b'sub', 'system.posix_acl_default', bytes.fromhex('0200000001000700ffffffff04000500ffffffff20000500ffffffff'))
os.setxattr(b'out', 'trusted.note', b'of a link', follow_symlinks=False)
os.chown(b'plain', 1000, 3000000000)
os.chmod(b'plain', 0o6755)
os.setxattr(b'plain', 'security.capability', bytes.fromhex('0100000200040000000000000000000000000000'))
os.chown(b'out', 7, 8, follow_symlinks=False)
os.chmod(b'sub', 0o3775)
for folder, names, files in os.walk(root, topdown=False):
    for i, name in enumerate(sorted(names + files)):
        os.utime(os.path.join(folder, name), ns=(10**18 + i, 1234567890123456789 + i), follow_symlinks=False)
os.utime(b'large', ns=(0, -86400 * 10**9))
os.chown(root, 33, 34); os.chmod(root, 0o1770); os.utime(root, ns=(1, 1600000000123456789))
`;

const tree = (path) => execFileSync('python3', [treeProgram, path], { maxBuffer: 1 << 28 }).toString().split('\n');
/** Only what differs is worth showing. */
function same(path, expected) {
  const [seen, wanted] = [new Set(tree(path)), new Set(expected)];
  assert.deepEqual([...seen].filter((line) => !wanted.has(line)), [...wanted].filter((line) => !seen.has(line)));
}
const stage = () => {
  const path = join(bench.data, 'volumes', `.${++number}`);
  mkdirSync(path, { recursive: true });
  return join(path, '_data');
};
const unpack = (body, more = {}) => {
  const target = stage();
  const asked = bench.ask({ op: 'unpack', target, volume: true, ...more }, { ...(body && { body }) });
  return asked.then((answer) => ({ ...answer, target }));
};

/** The bytes after the answer, without their end, which must be there. */
async function pack(path, compress) {
  const wire = bench.wire();
  wire.socket.write(JSON.stringify({ op: 'volume-pack', path, compress }) + '\n');
  assert.deepEqual(JSON.parse(await wire.line()), { ok: true });
  const bytes = await wire.rest();
  const end = bytes.subarray(-64).toString();
  assert.match(end, /^slipway-end \d+ \d+ +\n$/);
  return { tar: Buffer.from(bytes.subarray(0, -64)), end };
}

test('a tar has all of a volume, whatever it is compressed with, and gives it back to the last nanosecond and hole', async () => {
  const expected = tree(source);
  const plain = await pack(source, 'none');
  assert.ok(plain.tar.length < 24 << 20, 'holes are no bytes of the tar');
  for (const compress of ['none', 'gzip', 'zstd']) {
    const packed = await pack(source, compress);
    assert.equal(packed.end, plain.end);
    const seen = execFileSync(...(compress === 'none' ? ['cat', []] : [compress, ['-dc']]), { input: packed.tar, maxBuffer: 1 << 28 });
    assert.equal(sha256(seen), sha256(plain.tar));
    const { diffId, files, size, target } = await unpack(packed.tar, { sync: false });
    assert.equal(diffId, sha256(plain.tar));
    assert.equal(packed.end, `slipway-end ${files} ${size}`.padEnd(63) + '\n');
    same(target, expected);
  }
  const into = join(bench.data, 'backup');
  const told = [];
  const backup = await bench.ask({ op: 'volume-pack', path: source, compress: 'zstd', into }, { onProgress: (p) => told.push(p) });
  assert.equal(backup.digest, sha256(plain.tar));
  assert.equal(backup.written, readFileSync(into).length);
  const back = await unpack(undefined, { blob: into });
  assert.deepEqual([back.diffId, back.files, back.size], [backup.digest, backup.files, backup.bytes]);
  same(back.target, expected);
});

test('GNU tar reads it, holes and all', async () => {
  const { tar: packed } = await pack(source, 'none');
  const target = join(bench.root, 'gnu');
  mkdirSync(target);
  execFileSync('tar', ['-C', target, '--xattrs', '--xattrs-include=*', '--numeric-owner', '-xpf', '-'], { input: packed });
  same(target, tree(source));
});

test('a copy is the same to the last nanosecond and hole, and no more than a copy where the disk shares nothing', async () => {
  const target = stage();
  const { reflink, files } = await bench.ask({ op: 'volume-copy', path: source, target });
  same(target, tree(source));
  assert.equal(reflink, (await bench.ask({ op: 'reflinks', path: source, target: join(bench.data, 'volumes') })).reflink);
  assert.equal(files, tree(source).filter((line) => line && !line.includes('"kind": "directory"')).length);
});

test('what is mounted in a volume is not its own', async () => {
  const path = join(bench.root, 'mounted');
  mkdirSync(join(path, 'inside'), { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', 'inside', join(path, 'inside')]);
  try {
    writeFileSync(join(path, 'inside/secret'), 'x');
    const { tar: packed } = await pack(path, 'none');
    assert.equal(execFileSync('tar', ['-tf', '-'], { input: packed }).toString(), './\n./inside/\n');
    const target = stage();
    await bench.ask({ op: 'volume-copy', path, target });
    assert.deepEqual(readdirSync(join(target, 'inside')), []);
  } finally {
    execFileSync('umount', [join(path, 'inside')]);
  }
});

test('what a hostile tar says happens inside the volume, or not at all', async () => {
  const outside = join(bench.root, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret'), 'secret');
  for (const body of [
    tar(file('../escaped', 'x')),
    tar(dir('a'), file('a/../../escaped', 'x')),
    tar(hardLink('mine', '../outside/secret')),
    tar(link('out', outside), hardLink('mine', 'out/secret')),
    tar(link('out', outside), file('out/secret', 'other')),
    tar(file('f', 'x'), file('f/below', 'x')),
    tar(file('f', 'x'), file('g', 'y')).subarray(0, 1024),
    Buffer.alloc(0),
    Buffer.from('no tar at all'.repeat(100)),
  ]) {
    await assert.rejects(unpack(body), { kind: 'invalid' });
    assert.equal(existsSync(join(bench.data, 'volumes', `.${number}`, '_data')), false);
  }
  const { target } = await unpack(tar(dir('in'), link('out', '../../in'), file('out/f', 'x'), file('/abs', 'x'), file('.wh.abs', 'y')));
  assert.equal(readFileSync(join(outside, 'secret'), 'utf8'), 'secret');
  assert.deepEqual([readdirSync(target).sort(), readdirSync(join(target, 'in'))], [['.wh.abs', 'abs', 'in', 'out'], ['f']]);
});

test('two directories take each other’s names in one step, and with it looks where that is asked for', async () => {
  const [one, other] = [stage(), stage()];
  execFileSync('sh', ['-c', `mkdir -m 1750 ${one} && chown 5:6 ${one} && touch ${one}/old && mkdir ${other} && touch ${other}/new`]);
  await bench.ask({ op: 'swap', path: one, with: other, alike: true });
  assert.deepEqual([readdirSync(one), readdirSync(other)], [['new'], ['old']]);
  assert.match(tree(one)[0], /"mode": "0o1750", "owner": "5:6"/);
  await assert.rejects(bench.ask({ op: 'swap', path: one, with: join(bench.data, 'volumes/none/_data') }), { kind: 'not-found' });
  await assert.rejects(bench.ask({ op: 'swap', path: one, with: '/etc' }), { kind: 'invalid' });
});

test('where the exchange cannot be put on the disk, both have their own names again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-unwritable-'));
  compileInto(folder, 'unwritable', ['-shared', '-fPIC']);
  const failing = await Bench.open({ environment: { LD_PRELOAD: join(folder, 'unwritable') } });
  try {
    const [one, other] = ['volumes/one/_data', 'volumes/.stage/_data'].map((path) => join(failing.data, path));
    for (const [path, name] of [[one, 'old'], [other, 'new']]) {
      mkdirSync(path, { recursive: true });
      writeFileSync(join(path, name), '');
    }
    writeFileSync(join(one, '../unwritable'), '');
    await assert.rejects(failing.ask({ op: 'swap', path: one, with: other }), /write .*_data/);
    assert.deepEqual([readdirSync(one), readdirSync(other)], [['old'], ['new']]);
  } finally {
    await failing.close();
    rmSync(folder, { recursive: true });
  }
});

test('a stage that is thrown away while somebody writes to it is gone when he is', async () => {
  const target = stage();
  const wire = bench.wire();
  wire.socket.write(JSON.stringify({ op: 'unpack', target, volume: true }) + '\n');
  wire.socket.write(Buffer.concat(Array.from({ length: 50 }, (_, i) => file(`f${i}`, 'x'.repeat(100_000)))));
  while (!existsSync(join(target, 'f9'))) await sleep(5);
  await bench.ask({ op: 'discard', path: join(target, '..') });
  assert.deepEqual(readdirSync(join(bench.data, 'trash')).length, 1);
  wire.close();
  while (readdirSync(join(bench.data, 'trash')).length > 0) await sleep(5);
});

test('a volume of a terabyte of nothing takes a moment', async () => {
  const path = join(bench.root, 'empty');
  mkdirSync(path);
  writeFileSync(join(path, 'disk'), '');
  truncateSync(join(path, 'disk'), 2 ** 40);
  const { tar: packed } = await pack(path, 'none');
  const { target, size } = await unpack(packed);
  assert.equal(size, 2 ** 40);
  assert.match(execFileSync('stat', ['-c', '%s %b', join(target, 'disk')]).toString(), /^1099511627776 [0-9]\n/);
});
