import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { Folders } from './folders.js';
import { Surroundings } from './warnings.js';

async function temporary(context: TestContext): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), 'folders-'));
  context.after(() => rm(made, { recursive: true, force: true }));
  return made;
}

const folders = (patience?: number) =>
  new Folders({ surroundings: new Surroundings(), ...(patience !== undefined && { patience }) });

async function tarOf(...names: string[]): Promise<Buffer> {
  const tar = pack();
  for (const name of names) tar.entry({ name }, 'x'.repeat(700));
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

test('a folder is counted with what is below it, and links lead nowhere', async (context) => {
  const at = await temporary(context);
  const shop = path.join(at, 'my shop\n店');
  await mkdir(path.join(shop, 'src/deep'), { recursive: true });
  await writeFile(path.join(shop, 'Dockerfile'), 'FROM scratch\n');
  await writeFile(path.join(shop, 'src/deep/a'), 'x'.repeat(1000));
  await symlink('/usr', path.join(shop, 'all of it'));
  await symlink(shop, path.join(at, 'link'));
  const [facts, led, gone] = await folders().facts([shop, path.join(at, 'link'), path.join(at, 'none')]);
  const { uid, gid } = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  assert.deepEqual(
    { ...facts, Owner: { ...facts?.Owner, User: '' } },
    {
      ...{ Path: shop, Kind: 'directory', Files: 3, Size: 1013, Counted: true, Dockerfile: 'Dockerfile' },
      ...{ Archive: null, Owner: { Uid: uid, Gid: gid, User: '' }, Warnings: [] },
    },
  );
  assert.equal(led?.Kind, 'directory');
  assert.equal(led?.Files, 3);
  assert.deepEqual([gone?.Kind, gone?.Counted], ['missing', false]);
});

test('counting ends when its time is over, and says that there is more', async (context) => {
  const at = await temporary(context);
  for (let count = 0; count < 300; count++) await writeFile(path.join(at, String(count)), 'x');
  const [facts] = await folders(0).facts([at]);
  assert.equal(facts?.Counted, false);
  assert.ok((facts?.Files ?? 0) < 300);
  const stop = new AbortController();
  stop.abort();
  assert.equal((await folders().facts([at], stop.signal))[0]?.Counted, false);
});

test('an archive is told by what is in it, not by its name', async (context) => {
  const at = await temporary(context);
  const files: Record<string, Buffer> = {
    saved: await tarOf('manifest.json', `${'a'.repeat(64)}.json`),
    oci: await tarOf('oci-layout', 'index.json'),
    'zipped.txt': gzipSync(await tarOf('blobs/sha256/1', 'manifest.json')),
    'site.tar': await tarOf('manifest.json', 'index.html'),
    'site.tgz': gzipSync(await tarOf('./index.html')),
    'other.tar.zst': Buffer.from('28b52ffd0000', 'hex'),
    'text.tar': Buffer.from('x'.repeat(2000)),
    'empty.tar': Buffer.alloc(0),
    'zeros.tar': Buffer.alloc(10_240),
    'broken.gz': Buffer.from('1f8b08000000', 'hex'),
  };
  for (const [name, bytes] of Object.entries(files)) await writeFile(path.join(at, name), bytes);
  const facts = await folders().facts(Object.keys(files).map((name) => path.join(at, name)));
  assert.deepEqual(
    facts.map(({ Archive }) => Archive),
    ['images', 'images', 'images', 'tar', 'tar', 'tar', null, null, null, null],
  );
  assert.deepEqual([facts[0]?.Kind, facts[0]?.Files, facts[0]?.Size], ['file', 1, files['saved']?.length]);
});

test('what gives a lot away is said', async (context) => {
  const at = await temporary(context);
  const passwd = path.join(at, 'passwd');
  await writeFile(
    passwd,
    `root:x:0:0::/root:/bin/sh\nann:x:1000:1000::${at}/home/ann/:/bin/sh\nnobody:x:65534:65534::/:/\n`,
  );
  for (const name of ['home/ann/.ssh', 'home/ann/code', 'data/layers'])
    await mkdir(path.join(at, name), { recursive: true });
  await writeFile(path.join(at, 'home/ann/code/id_ed25519'), '');
  const server = createServer().listen(path.join(at, 'home/docker.sock'));
  context.after(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const around = new Surroundings([path.join(at, 'data')], passwd);
  const said = async (name: string) => around.warningsOf(name.startsWith('/') ? name : path.join(at, name));
  assert.deepEqual(await said('/'), ['root']);
  assert.deepEqual(await said('home/ann'), ['home', 'secrets']);
  assert.deepEqual(await said('home'), ['home', 'socket']);
  assert.deepEqual(await said('home/docker.sock'), ['socket']);
  assert.deepEqual(await said('home/ann/.ssh'), ['secrets']);
  assert.deepEqual(await said('home/ann/code'), ['secrets']);
  assert.deepEqual(await said('data/layers'), ['system']);
  assert.ok((await said(homedir())).includes('home'));
  for (const system of ['/etc', '/usr/share', '/proc', '/dev/shm', '/run', '/var/lib/x'])
    assert.ok((await said(system)).includes('system'), system);
  for (const own of [
    '/srv/site',
    '/opt/x',
    '/run/media/ann/disk',
    '/run/user/1000/x',
    '/var/www',
    '/etcetera',
    '/home2',
  ])
    assert.deepEqual(await said(own), [], own);
  assert.equal(await around.userOf(1000), 'ann');
  assert.equal(await around.userOf(4242), null);
});

test('what is no folder or may not be read is said as what it is', async (context) => {
  const at = await temporary(context);
  const server = createServer().listen(path.join(at, 'socket'));
  context.after(() => server.close());
  await promisify(execFile)('mkfifo', [path.join(at, 'pipe')]);
  await mkdir(path.join(at, 'shut/inner'), { recursive: true });
  const kinds = await folders().facts(['socket', 'pipe', 'socket/below'].map((name) => path.join(at, name)));
  assert.deepEqual(
    kinds.map(({ Kind }) => Kind),
    ['socket', 'other', 'missing'],
  );
  if (process.getuid?.() === 0) return context.diagnostic('root may read everything: not looked at as another user');
  await chmod(path.join(at, 'shut'), 0);
  const [shut, around] = await folders().facts([path.join(at, 'shut'), at]);
  assert.deepEqual([shut?.Kind, shut?.Counted], ['unreadable', false]);
  assert.deepEqual([around?.Kind, around?.Counted], ['directory', false]);
  await chmod(path.join(at, 'shut'), 0o700);
});

test('folders that do not answer do not keep all threads, and what answers is seen beside one that does not', async (context) => {
  const at = await temporary(context);
  for (const name of 'abcde') await mkdir(path.join(at, name));
  let asked = 0;
  let answer!: () => void;
  const dead = new Promise<null>((resolve) => (answer = () => resolve(null)));
  class Silent extends Surroundings {
    constructor(private readonly silent: number) {
      super();
    }
    override userOf(): Promise<string | null> {
      asked += 1;
      return asked <= this.silent ? dead : Promise.resolve('ann');
    }
  }
  const all = [...'abcde'].map((name) => path.join(at, name));
  const kinds = async (silent: number, patience: number) =>
    (await new Folders({ surroundings: new Silent(silent), patience }).facts(all)).map(({ Kind }) => Kind);
  assert.deepEqual((await kinds(1, 1000)).filter((kind) => kind === 'directory').length, 4);
  asked = 0;
  await kinds(9, 20);
  assert.ok(asked <= 2, `${asked} were asked`);
  answer();
});
