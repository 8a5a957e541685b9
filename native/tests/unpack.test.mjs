import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { startHelper } from './helper.mjs';
import { dir, entry, file, hardLink, link, tar } from './tar.mjs';

const sha256 = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** Unpacks into a new layer and says where. */
async function unpacker(t) {
  const helper = await startHelper(t);
  let number = 0;
  return {
    helper,
    async unpack(body, more = {}) {
      const target = join(helper.dataRoot, 'layers', String(++number));
      return { ...(await helper.ask({ op: 'unpack', target, ...more }, body)), at: (path) => join(target, path) };
    },
    /** Expects a refusal that leaves nothing behind. */
    async refuses(body, expected) {
      await assert.rejects(this.unpack(body), expected);
      assert.equal(existsSync(join(helper.dataRoot, 'layers', String(number))), false, 'the half-made layer is still there');
    },
  };
}

/** An extended attribute as text, or undefined. */
function attribute(path, name) {
  const script = 'import os,sys\ntry: sys.stdout.buffer.write(os.getxattr(sys.argv[1],sys.argv[2],follow_symlinks=False))\nexcept OSError: sys.exit(1)';
  try {
    return execFileSync('python3', ['-c', script, path, name], { stdio: ['ignore', 'pipe', 'inherit'] }).toString('latin1');
  } catch {
    return undefined;
  }
}

const isWhiteout = (path) => lstatSync(path).isCharacterDevice() && lstatSync(path).rdev === 0;
const isOpaque = (path) => attribute(path, 'trusted.overlay.opaque') === 'y';
const permissions = (path) => lstatSync(path).mode & 0o7777;

test('the diff id is of the tar, whatever it is compressed with', async (t) => {
  const { unpack } = await unpacker(t);
  const plain = tar(dir('etc'), file('etc/motd', 'hello\n'));
  for (const body of [plain, gzipSync(plain), ...['zstd', 'xz', 'bzip2'].map((tool) => compress(tool, plain))]) {
    const { diffId, size, entries, at } = await unpack(body);
    assert.deepEqual([diffId, size, entries], [sha256(plain), 6, 2]);
    assert.equal(readFileSync(at('etc/motd'), 'utf8'), 'hello\n');
  }
});

const compress = (tool, bytes) => execFileSync(tool, ['-c'], { input: bytes, stdio: ['pipe', 'pipe', 'inherit'] });

test('bytes after the end of the archive count in the diff id', async (t) => {
  const { unpack } = await unpacker(t);
  const padded = Buffer.concat([tar(file('a')), Buffer.alloc(10240)]);
  assert.equal((await unpack(gzipSync(padded))).diffId, sha256(padded));
});

test('a gzip of several members is one layer', async (t) => {
  const { unpack } = await unpacker(t);
  const plain = tar(file('a', 'x'.repeat(5000)));
  const body = Buffer.concat([gzipSync(plain.subarray(0, 700)), gzipSync(plain.subarray(700))]);
  assert.equal((await unpack(body)).diffId, sha256(plain));
});

test('an archive of nothing is an empty layer', async (t) => {
  const { unpack } = await unpacker(t);
  const { entries, at } = await unpack(gzipSync(tar()));
  assert.equal(entries, 0);
  assert.deepEqual(readdirSync(at('.')), []);
});

test('a blob is read from its path, with progress in compressed bytes', async (t) => {
  const { helper, unpack } = await unpacker(t);
  const blob = join(helper.root, 'blob');
  writeFileSync(blob, gzipSync(tar(file('a', 'b'))));
  const { at, progress } = await unpack(undefined, { blob });
  assert.equal(readFileSync(at('a'), 'utf8'), 'b');
  assert.ok(progress.every(({ bytes }) => Number.isInteger(bytes)));
});

test('what is no tar, or only a part of one, is refused', async (t) => {
  const layers = await unpacker(t);
  const whole = tar(file('a', 'x'.repeat(100_000)));
  await layers.refuses(Buffer.from('this is no tar at all, not even nearly'.repeat(40)), { kind: 'invalid' });
  await layers.refuses(Buffer.alloc(0), { kind: 'invalid' });
  await layers.refuses(whole.subarray(0, 50_000), { kind: 'invalid' });
  await layers.refuses(gzipSync(whole).subarray(0, 60), { kind: 'invalid' });
});

test('an existing directory is never unpacked into, nor removed for it', async (t) => {
  const { helper, unpack } = await unpacker(t);
  const { at } = await unpack(tar(file('a')));
  await assert.rejects(helper.ask({ op: 'unpack', target: at('.').replace(/\/$/, '') }, tar(file('b'))));
  assert.deepEqual(readdirSync(at('.')), ['a']);
});

test('a target outside the data root is refused', async (t) => {
  const { helper } = await unpacker(t);
  for (const target of ['/tmp/elsewhere', `${helper.dataRoot}/../elsewhere`, helper.dataRoot]) {
    await assert.rejects(helper.ask({ op: 'unpack', target }, tar()), { kind: 'invalid' });
  }
});

test('modes, owners and times are those of the archive, of directories too', async (t) => {
  const { unpack } = await unpacker(t);
  const { at } = await unpack(
    tar(
      dir('./', { mode: 0o711, mtime: 5 }),
      dir('d', { mode: 0o1777, uid: 5, gid: 6, mtime: 7 }),
      file('d/su', 'x', { mode: 0o6755, uid: 33, gid: 34, pax: { mtime: '12345.678901234' } }),
      link('d/l', 'su', { uid: 7, gid: 8, mtime: 9 }),
    ),
  );
  const summary = (path) => {
    const { uid, gid, mtimeMs } = lstatSync(at(path));
    return [permissions(at(path)), uid, gid, mtimeMs];
  };
  assert.deepEqual(summary('.'), [0o711, 0, 0, 5000]);
  assert.deepEqual(summary('d'), [0o1777, 5, 6, 7000]);
  assert.deepEqual(summary('d/su').slice(0, 3), [0o6755, 33, 34]);
  assert.equal(lstatSync(at('d/su'), { bigint: true }).mtimeNs, 12345678901234n);
  assert.deepEqual(summary('d/l').slice(1), [7, 8, 9000]);
});

test('times before 1970 become 1970', async (t) => {
  const { unpack } = await unpacker(t);
  const { at } = await unpack(tar(file('old', '', { pax: { mtime: '-5000' } })));
  assert.equal(lstatSync(at('old')).mtimeMs, 0);
});

test('directories that the layer does not name are made 0755', async (t) => {
  const { unpack } = await unpacker(t);
  const { at } = await unpack(tar(file('a/b/c', 'x')));
  assert.equal(permissions(at('a')), 0o755);
  assert.equal(permissions(at('a/b')), 0o755);
});

test('names are bytes: long, accented either way, not UTF-8 at all', async (t) => {
  const { unpack } = await unpacker(t);
  const composed = Buffer.from('caf\u00e9');
  const decomposed = Buffer.from('cafe\u0301');
  const broken = Buffer.from([0x72, 0xff, 0xfe]);
  const long = `${'d'.repeat(200)}/${'f'.repeat(200)}`;
  const { at } = await unpack(
    tar(
      entry({ name: 'short', pax: { path: composed } }),
      entry({ name: 'short', pax: { path: decomposed } }),
      entry({ name: broken }),
      entry({ name: 'short', pax: { path: long } }),
      entry({ name: '././@LongLink', type: 'L', content: `${'g'.repeat(180)}\0` }),
      file('cut', 'gnu'),
    ),
  );
  const names = readdirSync(at('.'), { encoding: 'buffer' }).map((name) => name.toString('hex'));
  for (const name of [composed, decomposed, broken]) assert.ok(names.includes(name.toString('hex')), name.toString());
  assert.ok(existsSync(at(long)));
  assert.equal(readFileSync(at('g'.repeat(180)), 'utf8'), 'gnu');
});

test('a later entry takes the place of an earlier one, but two directories become one', async (t) => {
  const { unpack } = await unpacker(t);
  const { at } = await unpack(
    tar(
      file('twice', 'first'),
      file('twice', 'second'),
      dir('full', { mode: 0o700 }),
      file('full/kept', 'x'),
      dir('full', { mode: 0o750 }),
      dir('tree'),
      file('tree/deep/down', 'x'),
      file('tree', 'a file now'),
      file('leaf', 'x'),
      dir('leaf'),
      file('leaf/inside', 'x'),
    ),
  );
  assert.equal(readFileSync(at('twice'), 'utf8'), 'second');
  assert.equal(permissions(at('full')), 0o750);
  assert.ok(existsSync(at('full/kept')));
  assert.equal(readFileSync(at('tree'), 'utf8'), 'a file now');
  assert.ok(existsSync(at('leaf/inside')));
});

test('a directory replaced by a link does not lead later files astray', async (t) => {
  const { helper, unpack } = await unpacker(t);
  const outside = join(helper.root, 'outside');
  execFileSync('mkdir', [outside]);
  await assert.rejects(unpack(tar(dir('d'), file('d/a'), link('d', outside), file('d/b', 'escaped'))), { kind: 'invalid' });
  assert.deepEqual(readdirSync(outside), []);
});

test('hard links share their file, and need it in the same layer', async (t) => {
  const layers = await unpacker(t);
  const { at } = await layers.unpack(tar(file('a', 'x'), hardLink('d/b', 'a'), hardLink('a', 'a')));
  assert.equal(lstatSync(at('a')).ino, lstatSync(at('d/b')).ino);
  assert.equal(lstatSync(at('a')).nlink, 2);
  await layers.refuses(tar(hardLink('b', 'not-here')), { kind: 'invalid', message: /which it does not contain/ });
});

test('a link is kept word for word and followed only inside', async (t) => {
  const { unpack } = await unpacker(t);
  const { at } = await unpack(tar(dir('usr/lib'), link('lib', '/usr/lib'), file('lib/x', 'inside'), link('bad', '/etc/../../passwd')));
  assert.equal(readlinkSync(at('lib')), '/usr/lib');
  assert.equal(readFileSync(at('usr/lib/x'), 'utf8'), 'inside');
  assert.equal(readlinkSync(at('bad')), '/etc/../../passwd');
});

test('whiteouts take overlay\'s form', async (t) => {
  const { unpack } = await unpacker(t);
  const { at } = await unpack(tar(file('.wh.gone'), dir('d'), file('d/.wh..wh..opq'), file('d/kept'), file('implied/.wh.x')));
  assert.ok(isWhiteout(at('gone')));
  assert.ok(isOpaque(at('d')));
  assert.ok(isWhiteout(at('implied/x')));
  assert.deepEqual(readdirSync(at('.')).sort(), ['d', 'gone', 'implied']);
});

test('a whiteout hides what lower layers have, never what this layer has', async (t) => {
  const { unpack } = await unpacker(t);
  const { at } = await unpack(
    tar(
      ...[file('f', 'mine'), file('.wh.f')],
      ...[file('.wh.g'), file('g', 'mine')],
      ...[dir('before'), file('before/x'), file('.wh.before')],
      ...[file('.wh.after'), dir('after'), file('after/x')],
      ...[file('.wh.implied'), file('implied/x')],
    ),
  );
  for (const name of ['f', 'g']) assert.equal(readFileSync(at(name), 'utf8'), 'mine');
  for (const name of ['before', 'after', 'implied']) {
    assert.ok(isOpaque(at(name)), `${name} hides the lower one`);
    assert.deepEqual(readdirSync(at(name)), ['x']);
  }
});

test('whiteouts of nothing, of here and of above are refused', async (t) => {
  const layers = await unpacker(t);
  for (const name of ['.wh.', '.wh..', '.wh...', 'd/.wh...']) {
    await layers.refuses(tar(file(name)), { kind: 'invalid', message: /names nothing that can be hidden/ });
  }
});

test('what aufs left in old images is passed over', async (t) => {
  const { unpack } = await unpacker(t);
  const { at } = await unpack(tar(dir('.wh..wh.plnk'), file('.wh..wh.plnk/1.2', 'x'), file('.wh..wh.aufs'), file('a')));
  assert.deepEqual(readdirSync(at('.')), ['a']);
});

test('names that lead out of the layer are refused', async (t) => {
  const layers = await unpacker(t);
  for (const evil of [file('../x'), file('a/../../x'), dir('..'), file('../.wh..wh..opq'), link('../l', 'x'), file('.', 'x')]) {
    await layers.refuses(tar(evil), { kind: 'invalid' });
  }
  await layers.refuses(tar(entry({ name: 'short', pax: { path: '../../x' } })), { kind: 'invalid' });
  await layers.refuses(tar(hardLink('x', '../../../../../../etc/shadow')), { kind: 'invalid' });
  assert.equal(existsSync(join(layers.helper.dataRoot, 'x')), false);
});

test('absolute names, and names that come back, stay inside', async (t) => {
  const { unpack } = await unpacker(t);
  const { at } = await unpack(tar(file('/abs', 'x'), file('//twice//slashed', 'x'), file('a/../b', 'x')));
  assert.deepEqual(readdirSync(at('.')).sort(), ['abs', 'b', 'twice']);
});

test('a hard link to a file of the host, also by way of a link, is refused', async (t) => {
  const layers = await unpacker(t);
  const secret = join(layers.helper.root, 'secret');
  writeFileSync(secret, 'secret');
  await layers.refuses(tar(hardLink('x', secret)), { kind: 'invalid' });
  await layers.refuses(tar(link('way', layers.helper.root), hardLink('x', 'way/secret')), { kind: 'invalid' });
  assert.equal(lstatSync(secret).nlink, 1);
  // A link itself may have a second name: it stays a link.
  const { at } = await layers.unpack(tar(link('l', secret), hardLink('m', 'l'), file('l', 'mine')));
  assert.ok(lstatSync(at('m')).isSymbolicLink());
  assert.equal(readFileSync(secret, 'utf8'), 'secret');
});

test('a file written through a link lands inside or not at all', async (t) => {
  const { helper, unpack } = await unpacker(t);
  const outside = join(helper.root, 'outside');
  execFileSync('mkdir', [outside]);
  writeFileSync(join(outside, 'f'), 'original', { mode: 0o644 });
  const { at } = await unpack(tar(link('f', join(outside, 'f')), file('f', 'replaced', { mode: 0o777 })));
  assert.equal(readFileSync(at('f'), 'utf8'), 'replaced');
  for (const evil of [file('l/new', 'x'), dir('l/new'), file('l/.wh.f'), link('l/new', 'x'), entry({ name: 'l/new', type: '6' })]) {
    await assert.rejects(unpack(tar(link('l', outside), evil)), { kind: 'invalid' });
  }
  const up = '../'.repeat(20);
  await assert.rejects(unpack(tar(link('l', `${up}${outside}`), file('l/new', 'x'))), { kind: 'invalid' });
  await assert.rejects(unpack(tar(link('loop', 'loop'), file('loop/new', 'x'))));
  assert.deepEqual(readdirSync(outside), ['f']);
  assert.equal(readFileSync(join(outside, 'f'), 'utf8'), 'original');
  assert.equal(permissions(join(outside, 'f')), 0o644);
});

test('attributes are kept, but overlay\'s own are never an image\'s to set', async (t) => {
  const { unpack } = await unpacker(t);
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
  const { at } = await unpack(
    tar(
      file('ping', 'x', { uid: 5, pax: { 'SCHILY.xattr.security.capability': capability, 'SCHILY.xattr.user.note': Buffer.from([1, 0, 2]) } }),
      dir('d', { pax: { 'SCHILY.xattr.trusted.overlay.opaque': 'y', 'SCHILY.xattr.user.overlay.opaque': 'y' } }),
      file('r', '', { pax: { 'SCHILY.xattr.trusted.overlay.redirect': '/etc', 'SCHILY.xattr.trusted.overlay.metacopy': '' } }),
    ),
  );
  assert.equal(Buffer.from(attribute(at('ping'), 'security.capability'), 'latin1').toString('hex'), capability.toString('hex'));
  assert.equal(attribute(at('ping'), 'user.note'), '\u0001\u0000\u0002');
  for (const name of ['trusted.overlay.opaque', 'user.overlay.opaque']) assert.equal(attribute(at('d'), name), undefined);
  for (const name of ['redirect', 'metacopy']) assert.equal(attribute(at('r'), `trusted.overlay.${name}`), undefined);
});

test('devices and fifos are made as said', async (t) => {
  const { unpack } = await unpacker(t);
  const { at } = await unpack(
    tar(entry({ name: 'null', type: '3', dev: [1, 3], mode: 0o666 }), entry({ name: 'disk', type: '4', dev: [7, 0] }), entry({ name: 'pipe', type: '6', mode: 0o620 })),
  );
  assert.equal(lstatSync(at('null')).rdev, 0x103);
  assert.equal(permissions(at('null')), 0o666);
  assert.ok(lstatSync(at('disk')).isBlockDevice());
  assert.ok(lstatSync(at('pipe')).isFIFO());
  assert.equal(permissions(at('pipe')), 0o620);
});

test('a gigabyte of hole takes no room', async (t) => {
  const { helper, unpack } = await unpacker(t);
  const path = join(helper.root, 'sparse');
  execFileSync('truncate', ['-s', '1G', path]);
  execFileSync('sh', ['-c', 'printf end | dd of="$1" bs=1 seek=1000000000 conv=notrunc status=none', 'sh', path]);
  const archive = execFileSync('tar', ['-C', helper.root, '--sparse', '-cf', '-', 'sparse'], { maxBuffer: 1 << 26 });
  const { at, size } = await unpack(gzipSync(archive));
  const { size: length, blocks } = lstatSync(at('sparse'));
  assert.deepEqual([length, size], [1 << 30, 1 << 30]);
  assert.ok(blocks * 512 < 1 << 20, `${blocks} blocks`);
});

test('sizes that lie do not get beyond the archive', async (t) => {
  const layers = await unpacker(t);
  await layers.refuses(tar(file('a', 'x', { pax: { size: '99999999' } })), { kind: 'invalid' });
  await layers.refuses(tar(entry({ name: 'a', size: 0o77777777777 })), { kind: 'invalid' });
  await layers.refuses(tar(entry({ name: 'x', type: 'L', size: 0o7777777777 })), { kind: 'invalid' });
});

test('a name with a NUL ends there and stays inside', async (t) => {
  const { unpack } = await unpacker(t);
  const { at } = await unpack(tar(entry({ name: 'short', pax: { path: Buffer.from('a\0/../../b') } })));
  assert.deepEqual(readdirSync(at('.')), ['a']);
});

test('thousands of directories inside one another come and go', async (t) => {
  const layers = await unpacker(t);
  const deep = Array.from({ length: 1500 }, () => 'd').join('/');
  await layers.unpack(tar(entry({ name: 'short', type: '5', pax: { path: deep } })));
  await layers.refuses(tar(entry({ name: 'short', type: '5', pax: { path: deep } }), file('../x')), { kind: 'invalid' });
});

test('a client that goes leaves nothing half-made', async (t) => {
  const { helper } = await unpacker(t);
  const { connect } = await import('node:net');
  const target = join(helper.dataRoot, 'layers', 'cut');
  const socket = connect(helper.socket);
  socket.write(JSON.stringify({ op: 'unpack', target }) + '\n');
  socket.write(tar(file('a', 'x'.repeat(100_000))).subarray(0, 60_000));
  while (!existsSync(join(target, 'a'))) await new Promise((resolve) => setTimeout(resolve, 5));
  socket.destroy();
  const deadline = Date.now() + 3000;
  while (existsSync(target) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(existsSync(target), false);
});
