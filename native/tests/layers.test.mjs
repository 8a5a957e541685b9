// Layers looked into without a mount: what they come to is what the kernel's overlay shows, at every point of a stack that the kernel made itself.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Bench, unable } from './harness.mjs';

const inMounts = (script, ...args) =>
  execFileSync('unshare', ['-m', '--propagation', 'private', 'sh', '-euc', script, 'sh', ...args], { encoding: 'utf8', maxBuffer: 1 << 28 });

/** One entry a line, as bytes' hex where they are no plain text. */
const seen = `
import os,stat,sys
def show(b): return ''.join(chr(c) if 32<c<127 and c!=92 else '\\\\x%02x'%c for c in b)
root=os.fsencode(sys.argv[1]); lines=[]
for d,ds,fs in os.walk(root):
  for n in ds+fs:
    p=os.path.join(d,n); s=os.lstat(p); m=s.st_mode
    kind='directory' if stat.S_ISDIR(m) else 'file' if stat.S_ISREG(m) else 'link' if stat.S_ISLNK(m) else 'fifo' if stat.S_ISFIFO(m) else 'device'
    size=s.st_size if kind in ('file','link') else '-'
    lines.append(' '.join(map(str,[show(p[len(root):]),kind,size,oct(stat.S_IMODE(m)),s.st_uid,s.st_gid,s.st_mtime_ns,show(os.readlink(p)) if kind=='link' else ''])))
print('\\n'.join(sorted(lines)))
`;

/** What somebody might do in one step, from a seed: nothing that overlay would refuse. */
const act = `
import os,random,shutil,sys
root,seed=os.fsencode(sys.argv[1]),int(sys.argv[2]); r=random.Random(seed); os.chdir(root)
names=[b'a',b'b',b'c',b'etc',b'.wh.x',b'two words',b'new\\nline',b'\\xff\\xfe',b'\\xee\\xbe\\x81','\\u5bb9\\u5668'.encode(),b'n'*200,b'-rf',b'back\\\\slash',b'z']
def place():
  p=b'.'
  for _ in range(r.randint(0,3)):
    ds=[e for e in os.listdir(p) if os.path.isdir(os.path.join(p,e)) and not os.path.islink(os.path.join(p,e))]
    if not ds: break
    p=os.path.join(p,r.choice(ds))
  return p
def gone(p):
  if os.path.isdir(p) and not os.path.islink(p): shutil.rmtree(p)
  elif os.path.lexists(p): os.remove(p)
def put(p):
  with open(p,'wb') as f: f.write(bytes([r.randint(0,255)])*r.choice([0,1,10,5000]))
for _ in range(60):
  d=place(); p=os.path.join(d,r.choice(names)); what=r.randint(0,11)
  there=os.path.lexists(p)
  isdir=os.path.isdir(p) and not os.path.islink(p)
  if what==0: gone(p)
  elif what in(1,2,3):
    if there and (os.path.islink(p) or not os.path.isfile(p)): gone(p)
    put(p)
  elif what in(4,5):
    if there and not isdir: gone(p)
    os.makedirs(p,exist_ok=True)
  elif what==6: gone(p); os.mkdir(p); put(os.path.join(p,b'again'))
  elif what==7: gone(p); os.symlink(r.choice([b'/etc',b'../..',b'a',b'\\xff']),p)
  elif what==8 and there and not os.path.islink(p): os.chmod(p,r.choice([0o755,0o4711,0o600,0o1777]))
  elif what==9 and there: os.lchown(p,r.randint(0,2000),r.randint(0,2000))
  elif what==10: gone(p); os.mkfifo(p,0o620)
  elif what==11:
    fs=[e for e in os.listdir(d) if os.path.isfile(os.path.join(d,e)) and not os.path.islink(os.path.join(d,e)) and os.path.join(d,e)!=p]
    if fs: gone(p); os.link(os.path.join(d,r.choice(fs)),p)
`;

const show = (text) =>
  [...text]
    .flatMap((one) => {
      const code = one.codePointAt(0);
      return code >= 0xef80 && code <= 0xefff ? [code - 0xef00] : [...Buffer.from(one)];
    })
    .map((byte) => (byte > 32 && byte < 127 && byte !== 92 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`))
    .join('');

describe('layers, looked into from outside', { skip: unable, timeout: 600_000 }, () => {
  let bench, layers, states;
  const COUNT = 8;
  before(async () => {
    bench = await Bench.open();
    layers = [];
    states = [];
    const merged = join(bench.root, 'merged');
    mkdirSync(merged);
    for (let i = 0; i < COUNT; i++) {
      const home = join(bench.data, 'layers', String(100 + i));
      const [fs, work] = [join(home, 'fs'), join(bench.root, `work${i}`)];
      mkdirSync(fs, { recursive: true });
      mkdirSync(work);
      const lower = [...layers].reverse().map(({ path }) => path).join(':') || join(bench.root, 'none');
      mkdirSync(join(bench.root, 'none'), { recursive: true });
      states.push(
        inMounts(
          'mount -t overlay overlay -o "redirect_dir=off,metacopy=off,index=off,lowerdir=$1,upperdir=$2,workdir=$3" "$4"; python3 -c "$5" "$4" "$7"; python3 -c "$6" "$4"',
          ...[lower, fs, work, merged, act, seen, String(4711 + i)],
        ).trim().split('\n').map((line) => line.trimEnd()),
      );
      layers.push({ path: fs });
    }
  });
  after(() => bench?.close());

  const list = async (request) => {
    const entries = [];
    for (let after; ; ) {
      const page = await bench.ask({ op: 'layer-list', limit: 7, ...request, after });
      entries.push(...page.entries);
      if ((after = page.more) === undefined) return entries;
    }
  };
  const tree = async (stack, path = '/') => {
    const lines = [];
    for (const entry of await list({ layers: stack, path })) {
      if (entry.change === 'deleted') continue;
      const full = path === '/' ? `/${entry.name}` : `${path}/${entry.name}`;
      const { kind, size, mode, uid, gid, mtime, target = '' } = entry;
      const nanoseconds = BigInt(mtime[0]) * 1_000_000_000n + BigInt(mtime[1]);
      lines.push([show(full), kind, ['file', 'link'].includes(kind) ? size : '-', `0o${mode.toString(8)}`, uid, gid, nanoseconds, show(target)].join(' ').trimEnd());
      if (kind === 'directory') lines.push(...(await tree(stack, full)));
    }
    return lines;
  };
  const read = async (request) => {
    const wire = bench.wire();
    wire.socket.write(JSON.stringify({ op: 'layer-read', ...request }) + '\n');
    const answer = JSON.parse(await wire.line());
    if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error);
    const bytes = await wire.rest();
    wire.close();
    return bytes;
  };

  test('come to what the kernel shows, at every point of the stack', async () => {
    for (let i = 0; i < COUNT; i++)
      assert.deepEqual((await tree(layers.slice(0, i + 1))).sort(), states[i].sort(), `after layer ${i}`);
  });

  test('are read once: what was kept is used while it is whole and of this very directory', async () => {
    const one = [layers[3]];
    const kept = join(layers[3].path, '../index');
    const first = await tree(one);
    const { ino } = statSync(kept);
    assert.deepEqual(await tree(one), first);
    assert.equal(statSync(kept).ino, ino);
    const bytes = readFileSync(kept);
    for (const spoil of [(b) => b.subarray(0, 40), (b) => b.subarray(0, b.length - 1), (b) => ((b[200] ^= 1), b), () => Buffer.alloc(0)]) {
      writeFileSync(kept, spoil(Buffer.from(bytes)));
      assert.deepEqual(await tree(one), first);
    }
    assert.deepEqual(readFileSync(kept), bytes);
    writeFileSync(join(layers[3].path, 'later'), 'x');
    assert.ok((await tree(one)).some((line) => line.startsWith('/later ')));
    rmSync(join(layers[3].path, 'later'));
    assert.ok(!readdirSync(join(layers[3].path, '..')).includes('index.new'));
  });

  test('say what each of them does, and what of it is wasted', async () => {
    const home = (name) => join(bench.data, 'layers', name, 'fs');
    const put = (layer, name, size) => {
      mkdirSync(join(home(layer), name, '..'), { recursive: true });
      writeFileSync(join(home(layer), name), Buffer.alloc(size, 'x'));
    };
    const hideIn = (layer, name) => {
      mkdirSync(join(home(layer), name, '..'), { recursive: true });
      execFileSync('mknod', [join(home(layer), name), 'c', '0', '0']);
    };
    put('201', 'app/one', 1000);
    put('201', 'root/.npm/_cacache/x', 5000);
    put('201', 'var/lib/apt/lists/deb', 300);
    execFileSync('ln', [join(home('201'), 'app/one'), join(home('201'), 'app/twin')]);
    put('202', 'app/one', 1200);
    put('202', 'new', 10);
    hideIn('203', 'root/.npm');
    hideIn('203', 'app/twin');
    hideIn('203', 'nothing');
    const stack = ['201', '202', '203'].map((name) => ({ path: home(name) }));
    const { layers: sums } = await bench.ask({ op: 'layer-sums', layers: stack });
    assert.deepEqual(sums[0], {
      ...{ size: 6300, files: 4, added: 4, changed: 0, removed: 0, wasted: 6000, removes: 0, replaces: 0, caches: 300 },
      mostCaches: { path: '/var/lib/apt/lists', bytes: 300 },
    });
    assert.deepEqual(sums[1], { size: 1210, files: 2, added: 1, changed: 1, removed: 0, wasted: 0, removes: 0, replaces: 1000, caches: 0 });
    assert.deepEqual(sums[2], {
      ...{ size: 0, files: 0, added: 0, changed: 0, removed: 2, wasted: 0, removes: 5000, replaces: 0, caches: 0 },
      mostRemoved: { path: '/root/.npm', bytes: 5000 },
    });
    const changed = await list({ layers: stack, path: '/', changed: true });
    assert.deepEqual(
      changed.map(({ name, change }) => `${name} ${change}`),
      ['app changed', 'root changed'],
    );
    assert.deepEqual(
      (await list({ layers: stack, path: '/', changed: true, quiet: true })).map(({ name }) => name),
      ['app'],
    );
    const inRoot = await list({ layers: stack, path: '/root' });
    assert.deepEqual(
      inRoot.map(({ name, change, size }) => [name, change, size]),
      [['.npm', 'deleted', 5000]],
    );
    assert.deepEqual(
      (await list({ layers: stack, path: '/root/.npm/_cacache' })).map(({ name, change }) => [name, change]),
      [['x', 'deleted']],
    );
    const { found } = await bench.ask({ op: 'layer-search', layers: stack, text: 'ONE' });
    assert.deepEqual(
      found.map(({ path, layer, change, shows }) => [path, layer, change, shows]),
      [
        ['/app/one', 1, 'changed', true],
        ['/app/one', 0, 'added', undefined],
      ],
    );
    assert.equal((await bench.ask({ op: 'layer-search', layers: stack, text: 'npm/_caca' })).found.length, 2);
  });

  test('give out what is in a file, and nothing from beside them', async () => {
    const home = join(bench.data, 'layers/300/fs');
    mkdirSync(join(home, 'd'), { recursive: true });
    writeFileSync(join(home, 'd/text'), '0123456789');
    writeFileSync(join(bench.data, 'secret'), 'secret');
    execFileSync('sh', ['-c', `cd "$1" && ln -s ../../../secret out && ln -s d dir && mkfifo pipe`, 'sh', home]);
    const stack = [{ path: home }];
    assert.equal(String(await read({ layers: stack, path: '/d/text', offset: 3, length: 4 })), '3456');
    for (const path of ['/out', '/pipe', '/d']) await assert.rejects(read({ layers: stack, path }), { kind: 'conflict' });
    for (const path of ['/dir/text', '/d/../../../../secret', '/nothing', '/d/text/x', '/../../secret'])
      await assert.rejects(read({ layers: stack, path }), { kind: 'not-found' });
    await assert.rejects(read({ layers: stack, path: 'd/text' }), { kind: 'invalid' });
    await assert.rejects(bench.ask({ op: 'layer-list', layers: [{ path: join(bench.data, 'layers/404/fs') }], path: '/' }), { kind: 'not-found' });
    await assert.rejects(bench.ask({ op: 'layer-list', layers: [{ path: 'layers/300/fs' }], path: '/' }), { kind: 'invalid' });
    await assert.rejects(bench.ask({ op: 'layer-compare', before: stack, after: stack, into: '/etc/passwd' }), { kind: 'invalid' });
  });

  test('are compared: sizes add up, times are nothing, content is read', async () => {
    const into = join(bench.data, 'difference');
    const differences = (path, more = {}) => bench.ask({ op: 'layer-differences', from: into, path, ...more });
    for (let i = 1; i < COUNT; i++) {
      const [one, other] = [layers.slice(0, i), layers.slice(0, i + 1)];
      const { all } = await bench.ask({ op: 'layer-compare', before: one, after: other, into });
      const counted = { net: 0, added: 0, changed: 0, removed: 0 };
      const walk = async (path) => {
        const page = await differences(path);
        for (const entry of page.entries) {
          const full = path === '/' ? `/${entry.name}` : `${path}/${entry.name}`;
          if (path === '/') for (const key of Object.keys(counted)) counted[key] += entry[key];
          if (entry.change === 'changed') assert.ok(entry.before && entry.after, full);
          if ([entry.before, entry.after].some((side) => side?.kind === 'directory')) await walk(full);
        }
      };
      await walk('/');
      assert.deepEqual({ ...all }, counted);
      const back = await bench.ask({ op: 'layer-compare', before: other, after: one, into });
      assert.deepEqual(back.all, { net: -all.net, added: all.removed, changed: all.changed, removed: all.added });
    }
    const none = await bench.ask({ op: 'layer-compare', before: layers, after: layers, into });
    assert.deepEqual(none.all, { net: 0, added: 0, changed: 0, removed: 0 });
    assert.deepEqual((await differences('/')).entries, []);
    // Built again: the same content at another time, but for one file that has kept its size and its time.
    const homes = ['a', 'b'].map((name) => join(bench.data, 'layers', name, 'fs'));
    for (const home of homes) {
      mkdirSync(join(home, 'app/x'), { recursive: true });
      for (let i = 0; i < 5; i++) writeFileSync(join(home, `app/x/${i}`), `same ${i}`);
      writeFileSync(join(home, 'app/twin'), home.endsWith('a/fs') ? 'one' : 'two');
      execFileSync('touch', ['-d', '2020-01-01', join(home, 'app/twin')]);
      mkdirSync(join(home, 'var/log'), { recursive: true });
      writeFileSync(join(home, 'var/log/x'), home);
    }
    execFileSync('touch', ['-d', '2001-01-01', join(homes[0], 'app/x/1')]);
    const [left, right] = homes.map((path) => [{ path }]);
    writeFileSync(join(homes[1], 'app/grown'), Buffer.alloc(70000));
    const sums = await bench.ask({ op: 'layer-compare', before: left, after: right, into });
    assert.deepEqual(sums.all, { net: 70000, added: 1, changed: 2, removed: 0 });
    assert.deepEqual(sums.quiet, { net: 70000, added: 1, changed: 1, removed: 0 });
    assert.deepEqual(sums.grown, { path: '/app', bytes: 70000, layer: 0 });
    assert.deepEqual(
      (await differences('/app')).entries.map(({ name, change, content }) => [name, change, content]),
      [
        ['grown', 'added', true],
        ['twin', 'changed', true],
      ],
    );
    assert.deepEqual((await differences('/', { quiet: true })).entries.map(({ name }) => name), ['app']);
    rmSync(into);
    await assert.rejects(differences('/'), { kind: 'not-found' });
    assert.ok(!existsSync(into));
  });
});
