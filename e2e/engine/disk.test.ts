/** What takes room on the disk and how it is given back: by Docker's numbers and rules, from records; and a store that mends itself. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  statfs,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import tar from 'tar-stream';
import {
  api,
  docker,
  loadBusybox,
  request,
  run,
  startDockerd,
  startEngine,
  type RunningEngine,
} from '../fixtures/engine.js';
import { layeredImage } from '../fixtures/layered-image.js';
import { openRegistry } from '../fixtures/registry.js';
import { checkStore, differenceOf, originalOf, type Originals } from '../fixtures/store-check.js';
import type { Collected, DiskUsage, Finding, SelfChecked, SelfCheckLine } from '../../main/contract/disk.js';

const options = { skip: process.getuid?.() !== 0 && 'needs root', timeout: 600_000 };

interface Image {
  Id: string;
  RepoTags: string[] | null;
  Size: number;
  SharedSize: number;
  Containers: number;
}
type Removed = { Untagged: string } | { Deleted: string };

/** The same story for any engine; what is told of it has no ids. */
async function story(engine: { socket: string }, archive: string): Promise<Record<string, unknown>> {
  const { socket } = engine;
  const told: Record<string, unknown> = {};
  const loaded = await docker(engine, ['load', '-q', '-i', archive]);
  assert.equal(loaded.code, 0, loaded.stderr);
  await loadBusybox(engine);
  const { Id } = await api<{ Id: string }>(socket, 'POST', '/containers/create', { Image: 'app:1' });
  const copied = await docker(engine, ['cp', '/etc/debian_version', `${Id}:/data/version`]);
  assert.equal(copied.code, 0, copied.stderr);
  await api(socket, 'POST', `/commit?container=${Id}&repo=child&tag=1`);
  const nameless = await api<{ Id: string }>(socket, 'POST', `/commit?container=${Id}&comment=nameless`);
  const nameOf = ({ RepoTags }: Image) => (RepoTags ?? []).filter((tag) => !tag.startsWith('<none>')).sort().join() || 'none'; // prettier-ignore
  const images = async (all: boolean) =>
    (await api<Image[]>(socket, 'GET', `/images/json?all=${all ? 1 : 0}`)).map(nameOf).sort();
  const usage = await api<{ LayersSize: number; Images: Image[] }>(socket, 'GET', '/system/df');
  told['images'] = usage.Images.map((image) => [nameOf(image), image.Size, image.SharedSize, image.Containers]).sort();
  told['layers'] = usage.LayersSize;
  const remove = async (reference: string, query = ''): Promise<unknown> => {
    const { status, body } = await request(socket, 'DELETE', `/images/${reference}${query}`);
    const answer = JSON.parse(body.toString()) as Removed[] | { message: string };
    if (!Array.isArray(answer)) return [status, answer.message.replaceAll(/[0-9a-f]{12,64}/g, 'ID')];
    return answer.map((each) => ('Untagged' in each ? each.Untagged : 'deleted'));
  };
  told['in use'] = await remove('app:1');
  await api(socket, 'DELETE', `/containers/${Id}`);
  told['parent'] = await remove('app:1');
  told['hidden'] = [await images(false), await images(true)];
  told['child'] = await remove('child:1', '?noprune=1');
  told['again'] = await remove('child:1');
  told['last'] = await remove(nameless.Id);
  told['left'] = await images(true);
  const filters = (value: object) => `?filters=${encodeURIComponent(JSON.stringify(value))}`;
  const prune = async (value: object) => {
    const { status, body } = await request(socket, 'POST', `/images/prune${filters(value)}`);
    const { ImagesDeleted, SpaceReclaimed } = JSON.parse(body.toString()) as Record<string, Removed[] | null | number>;
    return [status, (ImagesDeleted as Removed[] | null)?.length ?? null, SpaceReclaimed];
  };
  told['prune dangling'] = await prune({});
  told['prune label'] = await prune({ dangling: ['false'], label: ['nobody'] });
  told['prune until'] = await prune({ dangling: ['false'], until: ['2020-01-01'] });
  told['prune all'] = await prune({ dangling: ['false'] });
  told['nothing'] = await images(true);
  return told;
}

test('sizes, removal with untagged parents and pruning are as dockerd has them', options, async () => {
  await using source = await layeredImage('app:1');
  await using ours = await startEngine();
  await using theirs = await startDockerd();
  assert.deepEqual(await story(ours, source.archive), await story(theirs, source.archive));
});

async function selfCheck(socket: string): Promise<Finding[]> {
  const { body } = await request(socket, 'POST', '/slipway/self-check');
  const lines = body
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as SelfCheckLine);
  const last = lines.at(-1) as SelfChecked;
  assert.ok('Done' in last, body.toString());
  return last.Done.Findings;
}

test('a self-check makes good what was lost, and says what it cannot', options, async () => {
  await using source = await layeredImage('loaded:1', 300_000);
  await using registry = await openRegistry({ from: `docker-archive:${source.archive}`, as: 'app:1' });
  await using other = await layeredImage('alone:1', 400_000);
  await using engine = await startEngine();
  const { socket, dataRoot } = engine;
  const pulled = `${registry.host}/app:1`;
  const answer = await request(socket, 'POST', `/images/create?fromImage=${encodeURIComponent(pulled)}`);
  assert.doesNotMatch(answer.body.toString(), /"error"/);
  assert.equal((await docker(engine, ['load', '-q', '-i', other.archive])).code, 0);
  const originals: Originals = new Map();
  // What is compressed to go to a registry is counted with its image.
  await using third = await layeredImage('pushed:1', 200_000);
  assert.equal((await docker(engine, ['load', '-q', '-i', third.archive])).code, 0);
  const target = `${registry.host}/pushed:1`;
  await docker(engine, ['tag', 'pushed:1', target]);
  const blobs = path.join(dataRoot, 'blobs/sha256');
  const compressed = async () =>
    (await api<DiskUsage>(socket, 'GET', '/slipway/disk')).Images.find(({ Names }) => Names.includes('pushed:1'))
      ?.Compressed ?? 0;
  const [before, there] = [await compressed(), new Set(await readdir(blobs))];
  const push = async () => {
    const pushed = await docker(engine, ['push', '-q', target]);
    assert.equal(pushed.code, 0, pushed.stderr);
  };
  await push();
  const packed = async () => {
    const found: { name: string; size: number }[] = [];
    for (const name of await readdir(blobs)) {
      const bytes = there.has(name) ? Buffer.alloc(0) : await readFile(path.join(blobs, name));
      if (bytes[0] === 0x1f) found.push({ name, size: bytes.length });
    }
    return found;
  };
  const sum = (all: { size: number }[]) => all.reduce((total, { size }) => total + size, 0);
  // A push does not wait until what it sent is written down here.
  let made = await packed();
  while (made.length < 3 || (await compressed()) - before !== sum(made)) made = await packed();
  for (const name of [pulled, target, 'pushed:1', 'alone:1']) originals.set(name, await originalOf(engine, name));
  assert.deepEqual(await selfCheck(socket), []);

  const inspect = (name: string) =>
    api<{ Id: string; GraphDriver: { Data: { UpperDir: string; LowerDir: string } } }>(
      socket,
      'GET',
      `/images/${name}/json`,
    );
  const { GraphDriver } = await inspect(pulled);
  const [middle = '', bottom = ''] = GraphDriver.Data.LowerDir.split(':');
  await appendFile(path.join(middle, 'data/many/7'), 'more than there was');
  await rm(path.dirname(bottom), { recursive: true });
  await mkdir(path.join(dataRoot, 'layers/9999/fs/x'), { recursive: true });
  await truncate(path.join(blobs, made[0]!.name), 10);
  const lost = `sha256:${(await inspect('alone:1')).Id.slice(7)}`;
  await truncate(path.join(blobs, lost.slice(7)), 10);
  const manifest = await api<{ Images: { Id: string }[] }>(socket, 'GET', '/slipway/disk');
  assert.equal(manifest.Images.length, 3);
  const config = (await inspect(pulled)).Id.slice(7);
  await writeFile(path.join(blobs, config), 'not a configuration');

  const findings = await selfCheck(socket);
  const found = findings.map(({ Kind, State, Images }) => `${Kind} ${State} ${Images.join()}`).sort();
  assert.deepEqual(found, [
    'blob kept alone:1',
    `blob removed ${target}`,
    `blob repaired ${pulled}`,
    `layer repaired ${pulled}`,
    `layer repaired ${pulled}`,
    'stray removed ',
  ]);
  const kept = findings.find(({ State }) => State === 'kept');
  assert.match(kept?.Outcome ?? '', /^no registry is known that has it: load or pull alone:1 again\./);
  assert.equal(differenceOf(await originalOf(engine, pulled), originals.get(pulled)), undefined);
  assert.equal((await docker(engine, ['load', '-q', '-i', other.archive])).code, 0);
  await push();
  assert.deepEqual(await selfCheck(socket), []);
  assert.deepEqual((await checkStore(engine, originals)).sort(), [...originals.keys()].sort());
});

test(
  'where every byte is comes from records, and leftovers are given back when they are asked for',
  options,
  async () => {
    await using engine = await startEngine();
    const { socket, dataRoot } = engine;
    await loadBusybox(engine);
    const does = async (...args: string[]) => {
      const ran = await docker(engine, args);
      assert.equal(ran.code, 0, ran.stderr);
    };
    const script = 'head -c 5000 /dev/zero > /root/x; head -c 7000 /dev/zero > /v/y; echo said';
    await does('run', '--name', 'box', '--network=none', '-v', 'data:/v', 'busybox:test', 'sh', '-c', script);
    await does('volume', 'create', 'free');
    const blob = path.join(dataRoot, 'blobs/sha256', 'e'.repeat(64));
    await writeFile(blob, 'x'.repeat(1234));
    await api(socket, 'GET', '/slipway/images/busybox:test/layers');
    await writeFile(path.join(dataRoot, 'own'), 'x'.repeat(4321));
    const disk = () => api<DiskUsage>(socket, 'GET', '/slipway/disk');
    let usage = await disk();
    while (usage.Counting) usage = await disk();
    // Each byte of the data root is somewhere on the map; a link counts as long as its target, as with Docker.
    const told = ({ Layers, Blobs, Containers, Volumes, Trash, Database, Beside }: DiskUsage) =>
      [...Layers, ...Volumes, ...Containers.map(({ Files }) => Files), Trash].reduce(
        (sum, { Size }) => sum + (Size ?? 0),
        0,
      ) +
      Containers.reduce((sum, { Log }) => sum + Log, Blobs.Size + Database) +
      Object.values(Beside ?? {}).reduce<number>((sum, size) => sum + (size ?? 0), 0);
    const there = async () => {
      const listed = await run('find', [dataRoot, '(', '-type', 'f', '-o', '-type', 'l', ')', '-printf', '%i %s\n']);
      const sizes = new Map(
        listed.stdout
          .trim()
          .split('\n')
          .map((line) => line.split(' ') as [string, string]),
      );
      return [...sizes.values()].reduce((sum, size) => sum + Number(size), 0);
    };
    const settled = async () => {
      let [usage, files] = [await disk(), await there()];
      for (const until = Date.now() + 240_000; Date.now() < until && (usage.Counting || told(usage) !== files);) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        [usage, files] = [await disk(), await there()];
      }
      return { usage, files };
    };
    const all = await settled();
    assert.equal(told(all.usage), all.files);
    assert.ok((all.usage.Beside?.Indexes ?? 0) > 0 && (all.usage.Beside?.Containers ?? 0) > 0);
    const [image] = usage.Images;
    assert.deepEqual(image?.Names, ['busybox:latest', 'busybox:test']);
    assert.deepEqual(image?.Containers.map(({ Name, Running }) => [Name, Running]), [['box', false]]); // prettier-ignore
    assert.equal(image?.Unique, usage.Layers[0]?.Size);
    const [box] = usage.Containers;
    assert.deepEqual([box?.Name, box?.Files.Size], ['box', 5000]);
    assert.ok((box?.Log ?? 0) > 0);
    assert.deepEqual(
      usage.Volumes.map(({ Name, Size, Containers }) => [Name, Size, Containers.length]).sort(),
      [['data', 7000, 1], ['free', 0, 0]], // prettier-ignore
    );
    assert.deepEqual(usage.Blobs.Leftover, { Count: 1, Size: 1234 });
    assert.equal(usage.Reclaimable.Images, 0);
    assert.ok(usage.Disk.Free > 0 && usage.Disk.MinFree > 0);
    const collect = () => api<Collected>(socket, 'POST', '/slipway/disk/collect');
    assert.deepEqual(await collect(), { Blobs: 0, Strays: [], SpaceReclaimed: 0 }); // somebody may still come back for it
    const before = new Date(Date.now() - 3600_000);
    await utimes(blob, before, before);
    assert.deepEqual(await collect(), { Blobs: 1, Strays: [], SpaceReclaimed: 1234 });
    await does('rm', 'box');
    assert.equal((await disk()).Reclaimable.Images, (image?.Unique ?? 0) + (image?.Compressed ?? 0));
  },
);

/** An engine on a small disk of its own. */
async function onSmallDisk(how: string, story: (engine: RunningEngine, folder: string) => Promise<void>) {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-small-'));
  const runDir = await mkdtemp(path.join(tmpdir(), 'slipway-small-run-'));
  await run('mount', ['-t', 'tmpfs', '-o', how, 'small', folder]);
  try {
    await using engine = await startEngine({ folder, runDir });
    await story(engine, folder);
  } finally {
    await run('umount', ['-l', folder]);
    await Promise.all([folder, runDir].map((each) => rm(each, { recursive: true })));
  }
}

const inside = (folder: string) =>
  Promise.all(['blobs/sha256', 'ingest', 'layers'].map((name) => readdir(path.join(folder, 'data', name))));

async function headerOf(entry: Parameters<tar.Pack['entry']>[0]): Promise<Buffer> {
  const pack = tar.pack();
  pack.entry(entry);
  const { value } = (await pack[Symbol.asyncIterator]().next()) as { value: Buffer };
  return value;
}

const TAR = { 'Content-Type': 'application/x-tar' };

test('what the disk cannot hold is refused before a byte of it is kept', options, async () => {
  await using large = await layeredImage('large:1', 12_000_000);
  const archive = await readFile(large.archive);
  await using registry = await openRegistry({ from: `docker-archive:${large.archive}`, as: 'large:1' });
  const ways = (engine: RunningEngine) =>
    [
      ['/images/load', archive],
      ['/images/create?fromSrc=-', archive],
      [`/images/create?fromImage=${registry.host}/large:1`],
    ].map(async ([url, body]) => (await request(engine.socket, 'POST', String(url), body, TAR)).body.toString());
  await onSmallDisk('size=24m', async (engine, folder) => {
    const [loaded, imported, pulled] = await Promise.all(ways(engine));
    for (const said of [loaded, imported])
      assert.match(
        said ?? '',
        /the archive needs about 2\d MB, 2\d MB free on the disk that holds \S+ \(\d+ kB of it are left alone/,
      );
    assert.match(pulled ?? '', /the image needs about \d+ MB, \d+ MB free/);
    assert.deepEqual(await inside(folder), [[], [], []]);
  });
  // Bytes are plenty.
  await onSmallDisk('size=1g,nr_inodes=200', async (engine, folder) => {
    const [loaded, imported, pulled] = await Promise.all(ways(engine));
    for (const said of [loaded, imported])
      assert.match(said ?? '', /the archive needs about \d+ files, \d+ more fit on the disk that holds \S+:/);
    assert.match(pulled ?? '', /the image needs about \d+ files, \d+ more fit on the disk/);
    assert.deepEqual(await inside(folder), [[], [], []]);
  });
});

test('an archive that comes to more than it says is given up before the disk is full', options, async () => {
  await onSmallDisk('size=48m', async (engine, folder) => {
    const header = await headerOf({ name: 'x', type: 'link', linkname: 'y' });
    const many = gzipSync(Buffer.concat(Array.from({ length: 100_001 }, () => header)));
    const { body } = await request(engine.socket, 'POST', '/images/load', many, TAR);
    assert.match(body.toString(), /the archive has more than 100000 files and was refused/);

    const sending = http.request({
      ...{ socketPath: engine.socket, method: 'POST', path: '/images/load' },
      headers: { ...TAR, 'Transfer-Encoding': 'chunked' },
    });
    const answered = once(sending, 'response') as Promise<[http.IncomingMessage]>;
    sending.on('error', () => undefined);
    sending.write(await headerOf({ name: 'large', size: 40_000_000 }));
    sending.write(Buffer.alloc(4_000_000));
    const ingest = path.join(folder, 'data/ingest');
    while ((await readdir(ingest)).length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    const other = path.join(folder, 'other');
    const free = async () => {
      const { bavail, bsize } = await statfs(folder);
      return bavail * bsize;
    };
    while ((await free()) > 400_000) await appendFile(other, Buffer.alloc(100_000));
    const [answer] = await answered;
    let said = '';
    for await (const chunk of answer) said += String(chunk);
    sending.destroy();
    assert.match(said, /no space left on device: the archive was given up when the disk that holds \S+ had hardly any/);
    await rm(other);
    while ((await readdir(ingest)).length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual(await inside(folder), [[], [], []]);
  });
});
