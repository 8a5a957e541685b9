/** What takes room on the disk and how it is given back: by Docker's numbers and rules, from records; and a store that mends itself. */
import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { api, docker, loadBusybox, request, run, startDockerd, startEngine } from '../fixtures/engine.js';
import { layeredImage } from '../fixtures/layered-image.js';
import { openRegistry } from '../fixtures/registry.js';
import { checkStore, differenceOf, originalOf, type Originals } from '../fixtures/store-check.js';
import type { Collected, DiskUsage, Finding, SelfChecked, SelfCheckLine } from '../../main/contract/disk.js';

const options = { skip: process.getuid?.() !== 0 && 'needs root', timeout: 180_000 };

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
    const disk = () => api<DiskUsage>(socket, 'GET', '/slipway/disk');
    let usage = await disk();
    while (usage.Counting) usage = await disk();
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

test('what the disk cannot hold is refused before a byte of it is kept', options, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-small-'));
  const runDir = await mkdtemp(path.join(tmpdir(), 'slipway-small-run-'));
  await run('mount', ['-t', 'tmpfs', '-o', 'size=24m,nr_inodes=400', 'small', folder]);
  try {
    await using large = await layeredImage('large:1', 12_000_000);
    await using engine = await startEngine({ folder, runDir });
    const { body } = await request(engine.socket, 'POST', '/images/load', await readFile(large.archive), {
      'Content-Type': 'application/x-tar',
    });
    assert.match(
      body.toString(),
      /the archive needs about 2\d MB, 2\d MB free on the disk that holds \S+ \(\d+ kB of it/,
    );
    const imported = await request(engine.socket, 'POST', '/images/create?fromSrc=-', await readFile(large.archive), {
      'Content-Type': 'application/x-tar',
    });
    assert.match(imported.body.toString(), /the archive needs about 2\d MB, 2\d MB free/);
    assert.deepEqual(await readdir(path.join(folder, 'data/blobs/sha256')), []);
    await using registry = await openRegistry({ from: `docker-archive:${large.archive}`, as: 'large:1' });
    const pulled = await request(engine.socket, 'POST', `/images/create?fromImage=${registry.host}/large:1`);
    assert.match(
      pulled.body.toString(),
      /the image needs about \d+ MB, \d+ MB free|needs about \d+ files, \d+ more fit/,
    );
    assert.deepEqual(await readdir(path.join(folder, 'data/blobs/sha256')), []);
    assert.deepEqual(await readdir(path.join(folder, 'data/ingest')), []);
  } finally {
    await run('umount', ['-l', folder]);
    await Promise.all([folder, runDir].map((each) => rm(each, { recursive: true })));
  }
});
