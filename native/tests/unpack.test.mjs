import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test as nodeTest } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Bench, sleep, unable } from './harness.mjs';
import { dir, entry, file, hardLink, link, tar } from './tar.mjs';

const sha256 = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

let bench;
let number = 1;
before(async () => (bench = unable ? undefined : await Bench.open()));
after(() => bench?.close());

const test = (name, body) => nodeTest(name, { skip: unable, timeout: 300_000 }, body);

/** Unpacks into a new layer and says where. */
async function unpack(body, more = {}) {
  const target = join(bench.data, 'layers', String(++number));
  const answer = await bench.ask({ op: 'unpack', target, ...more }, { body });
  return { ...answer, at: (path) => join(target, path) };
}

/** Expects a refusal that leaves nothing behind. */
async function refuses(body, expected) {
  await assert.rejects(unpack(body), expected);
  assert.equal(existsSync(join(bench.data, 'layers', String(number))), false, 'the half-made layer is still there');
}

/** A directory of the host's that no layer may reach. */
function outside() {
  const path = join(bench.root, `outside${++number}`);
  mkdirSync(path);
  writeFileSync(join(path, 'secret'), 'secret', { mode: 0o644 });
  return path;
}

/** Nothing was done to it. */
function untouched(path) {
  assert.deepEqual(readdirSync(path), ['secret']);
  assert.equal(readFileSync(join(path, 'secret'), 'utf8'), 'secret');
  assert.equal(lstatSync(join(path, 'secret')).nlink, 1);
  assert.equal(permissions(join(path, 'secret')), 0o644);
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

test('the diff id is of the tar, whatever it is compressed with', async () => {
  const plain = tar(dir('etc'), file('etc/motd', 'hello\n'));
  for (const body of [plain, gzipSync(plain), ...['zstd', 'xz', 'bzip2'].map((tool) => compress(tool, plain))]) {
    const { diffId, size, entries, at } = await unpack(body);
    assert.deepEqual([diffId, size, entries], [sha256(plain), 6, 2]);
    assert.equal(readFileSync(at('etc/motd'), 'utf8'), 'hello\n');
  }
});

const compress = (tool, bytes) => execFileSync(tool, ['-c'], { input: bytes, stdio: ['pipe', 'pipe', 'inherit'] });

test('who knows the diff id need not have it made', async () => {
  const { diffId, size } = await unpack(tar(file('a', 'text')), { digest: false });
  assert.deepEqual([diffId, size], [undefined, 4]);
});

test('bytes after the end of the archive count in the diff id', async () => {
  const padded = Buffer.concat([tar(file('a')), Buffer.alloc(10240)]);
  assert.equal((await unpack(gzipSync(padded))).diffId, sha256(padded));
});

test('a gzip of several members is one layer', async () => {
  const plain = tar(file('a', 'x'.repeat(5000)));
  const body = Buffer.concat([gzipSync(plain.subarray(0, 700)), gzipSync(plain.subarray(700))]);
  assert.equal((await unpack(body)).diffId, sha256(plain));
});

test('an archive of nothing is an empty layer', async () => {
  const { entries, at } = await unpack(gzipSync(tar()));
  assert.equal(entries, 0);
  assert.deepEqual(readdirSync(at('.')), []);
});

test('a blob is read from its path, with progress in compressed bytes', async () => {
  const blob = join(bench.root, 'blob');
  writeFileSync(blob, tar(...Array.from({ length: 3000 }, (_, index) => file(`f${index}`, 'x'.repeat(4000)))));
  const target = join(bench.data, 'layers', String(++number));
  const told = [];
  await bench.ask({ op: 'unpack', target, blob }, { onProgress: ({ bytes }) => told.push(bytes) });
  assert.equal(readdirSync(target).length, 3000);
  assert.deepEqual([...told].sort((a, b) => a - b), told);
  assert.ok(told.every((bytes) => bytes <= lstatSync(blob).size));
});

test('what is no tar, or only a part of one, is refused', async () => {
  const whole = tar(file('a', 'x'.repeat(100_000)));
  await refuses(Buffer.from('this is no tar at all, not even nearly'.repeat(40)), { kind: 'invalid' });
  await refuses(Buffer.alloc(0), { kind: 'invalid' });
  await refuses(whole.subarray(0, 50_000), { kind: 'invalid' });
  await refuses(gzipSync(whole).subarray(0, 60), { kind: 'invalid' });
});

test('an existing directory is never unpacked into, nor removed for it', async () => {
  const { at } = await unpack(tar(file('a')));
  await assert.rejects(bench.ask({ op: 'unpack', target: at('') }, { body: tar(file('b')) }));
  assert.deepEqual(readdirSync(at('.')), ['a']);
});

test('a target outside the data root is refused', async () => {
  for (const target of ['/tmp/elsewhere', `${bench.data}/../elsewhere`, bench.data]) {
    await assert.rejects(bench.ask({ op: 'unpack', target }, { body: tar() }), { kind: 'invalid' });
  }
});

test('modes, owners and times are those of the archive, of directories too', async () => {
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

test('times before 1970 become 1970', async () => {
  const { at } = await unpack(tar(file('old', '', { pax: { mtime: '-5000' } })));
  assert.equal(lstatSync(at('old')).mtimeMs, 0);
});

test('directories that the layer does not name are made 0755', async () => {
  const { at } = await unpack(tar(file('a/b/c', 'x')));
  assert.equal(permissions(at('a')), 0o755);
  assert.equal(permissions(at('a/b')), 0o755);
});

test('names are bytes: long, accented either way, not UTF-8 at all', async () => {
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

test('a later entry takes the place of an earlier one, but two directories become one', async () => {
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

test('a directory replaced by a link does not lead later files astray', async () => {
  const host = outside();
  await refuses(tar(dir('d'), file('d/a'), link('d', host), file('d/b', 'escaped')), { kind: 'invalid' });
  untouched(host);
});

test('hard links share their file, and need it in the same layer', async () => {
  const { at } = await unpack(tar(file('a', 'x'), hardLink('d/b', 'a'), hardLink('a', 'a')));
  assert.equal(lstatSync(at('a')).ino, lstatSync(at('d/b')).ino);
  assert.equal(lstatSync(at('a')).nlink, 2);
  await refuses(tar(hardLink('b', 'not-here')), { kind: 'invalid', message: /which it does not contain/ });
});

test('a link is kept word for word and followed only inside', async () => {
  const { at } = await unpack(tar(dir('usr/lib'), link('lib', '/usr/lib'), file('lib/x', 'inside'), link('bad', '/etc/../../passwd')));
  assert.equal(readlinkSync(at('lib')), '/usr/lib');
  assert.equal(readFileSync(at('usr/lib/x'), 'utf8'), 'inside');
  assert.equal(readlinkSync(at('bad')), '/etc/../../passwd');
});

test('whiteouts take overlay\'s form', async () => {
  const { at } = await unpack(tar(file('.wh.gone'), dir('d'), file('d/.wh..wh..opq'), file('d/kept'), file('implied/.wh.x')));
  assert.ok(isWhiteout(at('gone')));
  assert.ok(isOpaque(at('d')));
  assert.ok(isWhiteout(at('implied/x')));
  assert.deepEqual(readdirSync(at('.')).sort(), ['d', 'gone', 'implied']);
});

test('a whiteout hides what lower layers have, never what this layer has', async () => {
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

test('whiteouts of nothing, of here and of above are refused', async () => {
  for (const name of ['.wh.', '.wh..', '.wh...', 'd/.wh...']) {
    await refuses(tar(file(name)), { kind: 'invalid', message: /names nothing that can be hidden/ });
  }
});

test('what aufs left in old images is passed over', async () => {
  const { at } = await unpack(tar(dir('.wh..wh.plnk'), file('.wh..wh.plnk/1.2', 'x'), file('.wh..wh.aufs'), file('a')));
  assert.deepEqual(readdirSync(at('.')), ['a']);
});

test('names that lead out of the layer are refused', async () => {
  for (const evil of [file('../x'), file('a/../../x'), dir('..'), file('../.wh..wh..opq'), link('../l', 'x'), file('.', 'x')]) {
    await refuses(tar(evil), { kind: 'invalid' });
  }
  await refuses(tar(entry({ name: 'short', pax: { path: '../../x' } })), { kind: 'invalid' });
  await refuses(tar(hardLink('x', '../../../../../../etc/shadow')), { kind: 'invalid' });
  assert.equal(existsSync(join(bench.data, 'layers/x')), false);
});

test('absolute names, and names that come back, stay inside', async () => {
  const { at } = await unpack(tar(file('/abs', 'x'), file('//twice//slashed', 'x'), file('a/../b', 'x')));
  assert.deepEqual(readdirSync(at('.')).sort(), ['abs', 'b', 'twice']);
});

test('a hard link to a file of the host, also by way of a link, is refused', async () => {
  const host = outside();
  await refuses(tar(hardLink('x', join(host, 'secret'))), { kind: 'invalid' });
  await refuses(tar(link('way', host), hardLink('x', 'way/secret')), { kind: 'invalid' });
  // A link itself may have a second name: it stays a link.
  const { at } = await unpack(tar(link('l', join(host, 'secret')), hardLink('m', 'l'), file('l', 'mine')));
  assert.ok(lstatSync(at('m')).isSymbolicLink());
  untouched(host);
});

test('a file written through a link lands inside or not at all', async () => {
  const host = outside();
  const { at } = await unpack(tar(link('f', join(host, 'secret')), file('f', 'replaced', { mode: 0o777 })));
  assert.equal(readFileSync(at('f'), 'utf8'), 'replaced');
  for (const evil of [file('l/new', 'x'), dir('l/new'), file('l/.wh.f'), link('l/new', 'x'), entry({ name: 'l/new', type: '6' })]) {
    for (const way of [host, '../'.repeat(20) + host]) await refuses(tar(link('l', way), evil), { kind: 'invalid' });
  }
  await refuses(tar(link('loop', 'loop'), file('loop/new', 'x')), /symbolic links/);
  untouched(host);
});

test('attributes are kept, but overlay\'s own are never an image\'s to set', async () => {
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

test('devices and fifos are made as said', async () => {
  const { at } = await unpack(
    tar(entry({ name: 'null', type: '3', dev: [1, 3], mode: 0o666 }), entry({ name: 'disk', type: '4', dev: [7, 0] }), entry({ name: 'pipe', type: '6', mode: 0o620 })),
  );
  assert.equal(lstatSync(at('null')).rdev, 0x103);
  assert.equal(permissions(at('null')), 0o666);
  assert.ok(lstatSync(at('disk')).isBlockDevice());
  assert.ok(lstatSync(at('pipe')).isFIFO());
  assert.equal(permissions(at('pipe')), 0o620);
});

test('a gigabyte of hole takes no room', async () => {
  const path = join(bench.root, 'sparse');
  execFileSync('truncate', ['-s', '1G', path]);
  execFileSync('sh', ['-c', 'printf end | dd of="$1" bs=1 seek=1000000000 conv=notrunc status=none', 'sh', path]);
  const archive = execFileSync('tar', ['-C', bench.root, '--sparse', '-cf', '-', 'sparse'], { maxBuffer: 1 << 26 });
  const { at, size } = await unpack(gzipSync(archive));
  const { size: length, blocks } = lstatSync(at('sparse'));
  assert.deepEqual([length, size], [1 << 30, 1 << 30]);
  assert.ok(blocks * 512 < 1 << 20, `${blocks} blocks`);
});

test('sizes that lie do not get beyond the archive', async () => {
  await refuses(tar(file('a', 'x', { pax: { size: '99999999' } })), { kind: 'invalid' });
  await refuses(tar(entry({ name: 'a', size: 0o77777777777 })), { kind: 'invalid' });
  await refuses(tar(entry({ name: 'x', type: 'L', size: 0o7777777777 })), { kind: 'invalid' });
});

test('a name with a NUL ends there and stays inside', async () => {
  const { at } = await unpack(tar(entry({ name: 'short', pax: { path: Buffer.from('a\0/../../b') } })));
  assert.deepEqual(readdirSync(at('.')), ['a']);
});

test('thousands of directories inside one another come and go', async () => {
  const deep = Array.from({ length: 1500 }, () => 'd').join('/');
  await unpack(tar(entry({ name: 'short', type: '5', pax: { path: deep } })));
  await refuses(tar(entry({ name: 'short', type: '5', pax: { path: deep } }), file('../x')), { kind: 'invalid' });
});

test('who is refused in the middle of a body hears why', async () => {
  const body = tar(file('../x'), file('a', 'x'.repeat(20_000_000)));
  await refuses(body, { kind: 'invalid', message: /leads out of the layer/ });
});

test('a client that goes leaves nothing half-made', async () => {
  const target = join(bench.data, 'layers/cut');
  const wire = bench.wire();
  wire.socket.write(JSON.stringify({ op: 'unpack', target }) + '\n');
  wire.socket.write(tar(file('a', 'x'.repeat(2_000_000))).subarray(0, 1_000_000));
  while (!existsSync(join(target, 'a'))) await sleep(5);
  wire.close();
  while (existsSync(target)) await sleep(5);
});

/** Begins to unpack a file that still grows. */
function follow() {
  const blob = join(bench.root, `growing${++number}`);
  writeFileSync(blob, '');
  const target = join(bench.data, 'layers', String(++number));
  const wire = bench.wire();
  wire.socket.write(JSON.stringify({ op: 'unpack', blob, follow: true, target }) + '\n');
  let there = 0;
  return {
    target,
    wire,
    grow(bytes) {
      appendFileSync(blob, bytes);
      wire.socket.write(`${(there += bytes.length)}\n`);
    },
    async answer() {
      try {
        for (;;) {
          const answer = JSON.parse(await wire.line());
          if (!answer.progress) return answer;
        }
      } finally {
        wire.close();
      }
    },
  };
}

test('a blob is unpacked while it comes in, as far as it is said to be there', async () => {
  const plain = tar(file('a', 'a'.repeat(600_000)), file('b', 'b'.repeat(600_000)), file('c', 'c'));
  for (const blob of [plain, gzipSync(plain), gzipSync(plain, { level: 0 }), compress('zstd', plain)]) {
    const { grow, wire, target, answer } = follow();
    const step = Math.ceil(blob.length / 7);
    for (let at = 0; at < blob.length; at += step) grow(blob.subarray(at, at + step));
    if (blob.length > 1_000_000) while (!existsSync(join(target, 'a'))) await sleep(5);
    wire.socket.write('end\n');
    const { ok, diffId } = await answer();
    assert.deepEqual([ok, diffId], [true, sha256(plain)]);
    assert.equal(readFileSync(join(target, 'b'), 'utf8'), 'b'.repeat(600_000));
  }
});

test('bytes that nobody has announced are not read', async () => {
  const plain = tar(file('a', 'x'));
  const { grow, wire, target, answer } = follow();
  grow(plain.subarray(0, 512));
  wire.socket.write('512\nend\n');
  const { error } = await answer();
  assert.equal(error.kind, 'invalid');
  assert.equal(existsSync(target), false);
});

test('a blob that stops coming in leaves nothing', async () => {
  const plain = tar(file('a', 'x'.repeat(2_000_000)));
  for (const bad of ['', 'no number\n', '5\n', '-1\n', `${'9'.repeat(30)}\n`]) {
    const { grow, wire, target, answer } = follow();
    grow(plain.subarray(0, 1_000_000));
    while (!existsSync(join(target, 'a'))) await sleep(5);
    wire.socket.end(bad);
    const { error } = await answer();
    assert.equal(error.kind, bad === '' ? 'unavailable' : 'invalid', bad);
    assert.equal(existsSync(target), false);
  }
  const { grow, wire, target } = follow();
  grow(plain.subarray(0, 1_000_000));
  while (!existsSync(join(target, 'a'))) await sleep(5);
  wire.close();
  while (existsSync(target)) await sleep(5);
});

/** What was received: each file as it was last told of, its content, and the links. */
async function receive(body, archive = true) {
  const prefix = join(bench.data, 'ingest', `receive-${++number}`);
  mkdirSync(join(bench.data, 'ingest'), { recursive: true });
  const parts = new Map();
  const links = [];
  const told = [];
  const onProgress = (part) => {
    if (!part.path) return links.push(part);
    told.push(part);
    parts.set(part.path, { ...parts.get(part.path), ...part });
  };
  let failure;
  await bench.ask({ op: 'receive', prefix, archive }, { body, onProgress }).catch((error) => (failure = error));
  const files = [...parts.values()].map((part) => ({ ...part, there: existsSync(part.path) ? readFileSync(part.path) : undefined }));
  return { files, links, told, failure };
}

test('an archive is received file by file, whatever it is compressed with, and told of while it comes', async () => {
  const big = 'x'.repeat(10_000_000);
  const plain = tar(
    dir('d'),
    file('d/small', 'hello'),
    file('d/big', big),
    file('empty'),
    link('d/link', '../empty'),
    hardLink('d/same', 'd/small'),
    entry({ name: 'null', type: '3', dev: [1, 3] }),
    file(Buffer.from('not-\xff-text', 'latin1'), 'x'),
    file('short', 'long', { pax: { path: `${'n'.repeat(150)}/${'m'.repeat(150)}` } }),
  );
  for (const body of [plain, gzipSync(plain), ...['zstd', 'xz', 'bzip2'].map((tool) => compress(tool, plain))]) {
    const { files, links, told, failure } = await receive(body);
    assert.equal(failure, undefined);
    assert.deepEqual(
      files.map(({ name }) => name),
      ['d/small', 'd/big', 'empty', `${'n'.repeat(150)}/${'m'.repeat(150)}`],
    );
    for (const { bytes, digest, there, begins } of files) {
      assert.deepEqual([there.length, sha256(there)], [bytes, digest]);
      assert.ok(Buffer.from(begins, 'hex').equals(there.subarray(0, 512)));
    }
    assert.deepEqual(links, [{ name: 'd/link', link: '../empty' }, { name: 'd/same', same: 'd/small' }]);
    const growth = told.filter(({ name }) => name === 'd/big').map(({ bytes }) => bytes);
    assert.ok(growth.length >= 3 && growth.at(-1) === big.length, growth.join());
  }
});

test('what is no archive, or only a part of one, is refused, and what was begun of it goes', async () => {
  const whole = tar(file('a', 'a'.repeat(1000)), file('b', 'b'.repeat(100_000)));
  const cut = await receive(whole.subarray(0, 50_000));
  assert.equal(cut.failure.kind, 'invalid');
  assert.deepEqual(cut.files.map(({ name, digest, there }) => [name, digest !== undefined, there !== undefined]), [
    ['a', true, true],
    ['b', false, false],
  ]);
  for (const body of [Buffer.from('no tar '.repeat(300)), gzipSync(whole).subarray(0, 200), compress('xz', whole).subarray(0, 60)])
    assert.equal((await receive(body)).failure.kind, 'invalid');
});

test('all of a stream is received as one file', async () => {
  const plain = Buffer.from('anything at all '.repeat(100_000));
  for (const body of [plain, gzipSync(plain), compress('bzip2', plain)]) {
    const { files, failure } = await receive(body, false);
    assert.equal(failure, undefined);
    assert.equal(files.length, 1);
    assert.ok(files[0].there.equals(plain));
    assert.deepEqual([files[0].digest, files[0].name], [sha256(plain), undefined]);
  }
  const { failure, files } = await receive(gzipSync(plain).subarray(0, 1000), false);
  assert.equal(failure.kind, 'invalid');
  assert.ok(files.every(({ there }) => there === undefined));
  const data = { op: 'receive', prefix: '/tmp/elsewhere', archive: true };
  await assert.rejects(bench.ask(data, { body: tar() }), { kind: 'invalid' });
});

test('a bomb makes a file of its size and no more, and what waits for more of it is refused', async () => {
  const zeros = 200_000_000;
  const header = file('bomb', '', { pax: { size: String(zeros) } });
  const bomb = execFileSync('sh', ['-c', `(cat; head -c ${zeros + 1024} /dev/zero) | gzip -9`], { input: header, maxBuffer: 1 << 26 });
  const { size, at } = await unpack(bomb);
  assert.deepEqual([size, lstatSync(at('bomb')).size], [zeros, zeros]);
  await refuses(bomb.subarray(0, bomb.length - 100), { kind: 'invalid' });
  await refuses(Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]), { kind: 'invalid' });
});
