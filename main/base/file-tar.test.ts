import assert from 'node:assert/strict';
import { link, mkdir, mkdtemp, readFile, readdir, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { pack, type Header } from 'tar-stream';
import { packFiles, sizeOfTar, unpackFiles, type Bytes } from './file-tar.js';

async function folder(context: TestContext): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), 'file-tar-'));
  context.after(() => rm(made, { recursive: true, force: true }));
  return made;
}

function tarOf(...entries: [Partial<Header> & { name: string }, string?][]): Bytes {
  const tar = pack();
  for (const [header, content = ''] of entries) tar.entry(header, content);
  tar.finalize();
  return tar as unknown as Bytes;
}

const leftOut = () => undefined;

test('files, folders and links come out of a tar as they went in, whatever their names', async (context) => {
  const from = await folder(context);
  const to = await folder(context);
  const long = `${'a long name '.repeat(15)}.txt`;
  await mkdir(path.join(from, 'folder/empty'), { recursive: true });
  await writeFile(path.join(from, 'folder/容器.txt'), '水');
  await writeFile(path.join(from, 'folder', long), 'x'.repeat(100_000), { mode: 0o755 });
  await symlink('容器.txt', path.join(from, 'folder/link'));
  await symlink('folder', path.join(from, 'picked'));

  const sources = [
    { path: path.join(from, 'folder'), name: 'folder' },
    { path: path.join(from, 'picked'), name: 'picked' },
  ];
  let size = 0;
  const counted = async function* () {
    for await (const chunk of packFiles(sources, { owner: { uid: 0, gid: 0 }, followSources: true })) {
      size += chunk.length;
      yield chunk;
    }
  };
  await unpackFiles(counted(), to, { leftOut });
  assert.deepEqual((await readdir(path.join(to, 'folder'))).sort(), ['empty', 'link', long, '容器.txt'].sort());
  assert.equal(await readFile(path.join(to, 'picked/容器.txt'), 'utf8'), '水');
  assert.equal(await readlink(path.join(to, 'folder/link')), '容器.txt');
  assert.equal((await stat(path.join(to, 'folder', long))).mode & 0o777, 0o755);
  const told = await sizeOfTar(sources, { followSources: true });
  assert.ok(told <= size && told > size * 0.9, `${told} of ${size}`);
});

test('measuring ends at the next entry when it is cancelled', async (context) => {
  const from = await folder(context);
  await Promise.all(['a', 'b', 'c'].map((name) => writeFile(path.join(from, name), '')));
  let asked = 0;
  const signal = { throwIfAborted: () => void (++asked === 3 && assert.fail('cancelled')) } as unknown as AbortSignal;
  await assert.rejects(sizeOfTar([{ path: from, name: 'top' }], { signal }), /cancelled/);
  assert.equal(asked, 3);
});

test('names of one file stay names of one file', async (context) => {
  const [from, to] = [await folder(context), await folder(context)];
  await writeFile(path.join(from, 'first'), 'text');
  await writeFile(path.join(from, 'other'), 'text');
  await link(path.join(from, 'first'), path.join(from, 'second'));
  await unpackFiles(packFiles([{ path: from, name: 'top' }]), to, { leftOut });
  const [first, other, second] = await Promise.all(
    ['first', 'other', 'second'].map(async (name) => (await stat(path.join(to, 'top', name))).ino),
  );
  assert.equal(first, second);
  assert.notEqual(first, other);
});

test('nothing of a tar reaches beside its directory: not by name, not by a link, not by a link to a link', async (context) => {
  const outside = await folder(context);
  const evil: Parameters<typeof tarOf>[] = [
    [[{ name: '../evil' }, 'x']],
    [[{ name: 'a/../../evil' }, 'x']],
    [[{ name: 'link', type: 'symlink', linkname: outside }], [{ name: 'link/evil' }, 'x']],
    [
      [{ name: 'link', type: 'symlink', linkname: outside }],
      [{ name: 'second', type: 'link', linkname: 'link' }],
      [{ name: 'second/evil' }, 'x'],
    ],
    [[{ name: 'hard', type: 'link', linkname: '../secret' }]],
  ];
  for (const entries of evil)
    await assert.rejects(unpackFiles(tarOf(...entries), await folder(context), { leftOut }), /out of/);
  assert.deepEqual(await readdir(outside), []);
});

test('what is confined has no link that leads out, no device and no set-user-ID, and can be removed again', async (context) => {
  const to = await folder(context);
  const missing: string[] = [];
  const links = {
    good: 'file',
    up: '../top/file',
    beside: '../beside',
    parent: '..',
    out: '../../x',
    absolute: '/etc/passwd',
    through: 'good/../../x',
  };
  await unpackFiles(
    tarOf(
      [{ name: 'top/', type: 'directory', mode: 0o4000 }],
      [{ name: 'top/file', mode: 0o4000 }, 'text'],
      [{ name: 'top/null', type: 'character-device', devmajor: 1, devminor: 3 }],
      ...Object.entries(links).map(([name, linkname]): [Header & { name: string }] => [
        { name: `top/${name}`, type: 'symlink', linkname } as Header,
      ]),
      [{ name: 'top/a/deep', type: 'symlink', linkname: '../file' }],
      [{ name: 'top/moved', type: 'link', linkname: 'top/a/deep' }],
      [{ name: 'top/a/kept', type: 'link', linkname: 'top/a/deep' }],
      [{ name: 'alone', type: 'symlink', linkname: 'top/file' }],
    ),
    to,
    { confined: true, leftOut: (at) => missing.push(path.basename(at)) },
  );
  assert.deepEqual(missing, ['null', 'beside', 'parent', 'out', 'absolute', 'through', 'moved', 'alone']);
  assert.deepEqual(await readdir(path.join(to, 'top')), ['a', 'file', 'good', 'up']);
  assert.deepEqual(await readdir(path.join(to, 'top/a')), ['deep', 'kept']);
  assert.equal((await stat(path.join(to, 'top'))).mode & 0o7777, 0o700);
  assert.equal((await stat(path.join(to, 'top/file'))).mode & 0o7777, 0o600);
});
