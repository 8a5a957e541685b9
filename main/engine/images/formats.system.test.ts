import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { inNamespace, openRooms, pull, startShelf, tarOf, temporaryDirectory, type Rooms } from './fixtures.js';
import { hostPlatform } from './platform.js';
import { contentOf } from './record.js';

type Shelf = Awaited<ReturnType<typeof startShelf>>;

const OCI = 'application/vnd.oci.image';
const DOCKER = 'application/vnd.docker';
const sha256 = (bytes: Buffer | string) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const zstd = (bytes: Buffer) => execFileSync('zstd', ['-c'], { input: bytes, stdio: ['pipe', 'pipe', 'ignore'] });
const host = hostPlatform();

/** An image of layers that are compressed each in its own way. */
function image(
  shelf: Shelf,
  repository: string,
  layers: { tar: Buffer; blob?: Buffer; mediaType: string; urls?: string[]; annotations?: object }[],
  {
    more = {},
    platform = {},
    tags = ['1'],
    docker = false,
  }: { more?: object; platform?: object; tags?: string[]; docker?: boolean } = {},
) {
  const config = Buffer.from(
    JSON.stringify({
      ...host,
      ...platform,
      config: { Cmd: ['sh'] },
      rootfs: { type: 'layers', diff_ids: layers.map(({ tar }) => sha256(tar)) },
    }),
  );
  const document = {
    schemaVersion: 2,
    mediaType: docker ? `${DOCKER}.distribution.manifest.v2+json` : `${OCI}.manifest.v1+json`,
    config: shelf.blob(repository, config, docker ? `${DOCKER}.container.image.v1+json` : `${OCI}.config.v1+json`),
    layers: layers.map(({ tar, blob = tar, mediaType, urls, annotations }) => {
      const described = { mediaType, digest: sha256(blob), size: blob.length };
      return { ...(urls ? described : shelf.blob(repository, blob, mediaType)), urls, annotations };
    }),
    ...more,
  };
  return { ...shelf.manifest(repository, document, ...tags), id: sha256(config) };
}

const fileOf = async (rooms: Rooms, name: string, path: string): Promise<string | undefined> => {
  for (const layer of rooms.snapshots.lowers(rooms.images.resolve(name).chainId)) {
    const text = await readFile(join(layer, path), 'utf8').catch(() => undefined);
    if (text !== undefined) return text;
  }
  return undefined;
};

test(
  'layers come as tar, gzip or zstd, Docker’s and OCI’s, and documents stay as they were',
  inNamespace,
  async (t) => {
    const shelf = await startShelf(t);
    const tars = await Promise.all(['a', 'b', 'c', 'd'].map((name) => tarOf({ [name]: name.repeat(100_000) })));
    const [a, b, c, d] = tars as [Buffer, Buffer, Buffer, Buffer];
    const half = Math.floor(d.length / 2);
    const made = image(
      shelf,
      'mixed',
      [
        { tar: a, mediaType: `${OCI}.layer.v1.tar` },
        { tar: b, blob: gzipSync(b), mediaType: `${OCI}.layer.v1.tar+gzip`, annotations: { kept: 'yes' } },
        { tar: c, blob: zstd(c), mediaType: `${OCI}.layer.v1.tar+zstd` },
        {
          tar: d,
          blob: Buffer.concat([gzipSync(d.subarray(0, half)), gzipSync(d.subarray(half))]),
          mediaType: `${DOCKER}.image.rootfs.diff.tar.gzip`,
        },
      ],
      { more: { annotations: { 'org.example': 'kept too' }, unknown: { field: [1, 2] } } },
    );
    await using rooms = await openRooms(await temporaryDirectory(t));
    await pull(rooms, `${shelf.host}/mixed:1`);

    for (const name of ['a', 'b', 'c', 'd'])
      assert.equal(await fileOf(rooms, `${shelf.host}/mixed:1`, name), name.repeat(100_000));
    const record = rooms.images.resolve(`${shelf.host}/mixed:1`);
    assert.equal(record.id, made.id);
    assert.deepEqual(record.layers[1]?.annotations, { kept: 'yes' });
    assert.ok((await rooms.content.read(made.digest)).equals(made.bytes));
    assert.equal(record.manifest?.digest, made.digest);
  },
);

test('an image of many layers comes without a word of warning', inNamespace, async (t) => {
  const shelf = await startShelf(t);
  const tars = await Promise.all(Array.from({ length: 30 }, (_, at) => tarOf({ [`layer-${at}`]: String(at) })));
  image(
    shelf,
    'tower',
    tars.map((tar) => ({ tar, mediaType: `${OCI}.layer.v1.tar` })),
  );
  const warnings: string[] = [];
  const onWarning = ({ name, message }: Error) => void warnings.push(`${name}: ${message}`);
  process.on('warning', onWarning);
  t.after(() => process.off('warning', onWarning));
  await using rooms = await openRooms(await temporaryDirectory(t));
  await pull(rooms, `${shelf.host}/tower:1`);
  assert.equal(await fileOf(rooms, `${shelf.host}/tower:1`, 'layer-29'), '29');
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(warnings, []);
});

test(
  'an index in an index leads to this machine’s image; attestations and artifacts are passed over',
  inNamespace,
  async (t) => {
    const shelf = await startShelf(t);
    const layer = { tar: await tarOf({ here: 'right' }), mediaType: `${OCI}.layer.v1.tar` };
    const other = { tar: await tarOf({ here: 'wrong' }), mediaType: `${OCI}.layer.v1.tar` };
    const right = image(shelf, 'app', [layer], { tags: [] });
    const wrong = image(shelf, 'app', [other], { platform: { architecture: 'mips' }, tags: [] });
    const signature = image(shelf, 'app', [other], {
      more: { artifactType: 'application/vnd.example.signature' },
      tags: ['signature'],
    });
    const entry = ({ bytes: _, id: _id, ...descriptor }: typeof right, more: object = {}) => ({
      ...descriptor,
      ...more,
    });
    const index = (manifests: object[], ...tags: string[]) => {
      const { bytes: _, ...descriptor } = shelf.manifest(
        'app',
        { schemaVersion: 2, mediaType: `${OCI}.index.v1+json`, manifests },
        ...tags,
      );
      return descriptor;
    };
    const inner = index([
      entry(wrong, { platform: { os: 'linux', architecture: 'mips' } }),
      entry(wrong, { platform: { os: 'unknown', architecture: 'unknown' } }),
      entry(right, { platform: host }),
    ]);
    const onlyOthers = index([entry(wrong, { platform: { os: 'linux', architecture: 'mips' } })], 'others');
    index([entry(signature), onlyOthers, inner], 'nested');
    await using rooms = await openRooms(await temporaryDirectory(t));

    await pull(rooms, `${shelf.host}/app:nested`);
    assert.equal(await fileOf(rooms, `${shelf.host}/app:nested`, 'here'), 'right');
    const { documents } = rooms.images.resolve(`${shelf.host}/app:nested`);
    assert.ok(documents.includes(inner.digest) && documents.includes(right.digest));

    await assert.rejects(pull(rooms, `${shelf.host}/app:others`), {
      kind: 'not-found',
      message: `no matching manifest for linux/${host.architecture} in the manifest list entries`,
    });
    await assert.rejects(pull(rooms, `${shelf.host}/app:signature`), {
      kind: 'invalid',
      message: /is no image but an artifact of type application\/vnd\.example\.signature/,
    });

    // Nothing hides behind itself for ever.
    let deep = inner;
    for (let depth = 0; depth < 5; depth++) deep = index([deep]);
    index([deep], 'deep');
    await assert.rejects(pull(rooms, `${shelf.host}/app:deep`), { kind: 'invalid', message: /index within an index/ });

    // What is far too large to be a configuration is not fetched to find that out.
    const config = { mediaType: `${OCI}.config.v1+json`, digest: sha256('a film'), size: 2 ** 33 };
    const film = { schemaVersion: 2, mediaType: `${OCI}.manifest.v1+json`, config, layers: [] };
    shelf.manifest('app', film, 'film');
    await assert.rejects(pull(rooms, `${shelf.host}/app:film`), {
      kind: 'invalid',
      message: /8589934592 bytes: too many/,
    });
    assert.ok(!shelf.asked.some(({ path }) => path.includes(config.digest)));
  },
);

test(
  'another platform is pulled when it is asked for, and one that does not fit is said so',
  inNamespace,
  async (t) => {
    const shelf = await startShelf(t);
    const layer = { tar: await tarOf({ here: 'any' }), mediaType: `${OCI}.layer.v1.tar` };
    image(shelf, 'app', [layer], { platform: { architecture: 's390x' } });
    await using rooms = await openRooms(await temporaryDirectory(t));
    const lines: (string | undefined)[] = [];
    const name = `${shelf.host}/app:1`;
    await rooms.images.pull(
      { reference: name, platform: 'linux/riscv64' },
      { onProgress: ({ status }) => lines.push(status) },
    );
    assert.equal(
      lines.at(-1),
      `WARNING: image with reference ${name} was found but does not match the specified platform: wanted linux/riscv64, actual: linux/s390x`,
    );
    assert.throws(() => rooms.images.resolve(name, 'linux/riscv64'), { kind: 'not-found', message: /does not match/ });
    assert.ok(rooms.images.resolve(name, 'linux/s390x'));
  },
);

test('all tags of a repository are pulled, each with its lines, and one line for all', inNamespace, async (t) => {
  const shelf = await startShelf(t);
  const layer = { tar: await tarOf({ here: 'any' }), mediaType: `${OCI}.layer.v1.tar` };
  image(shelf, 'app', [layer], { tags: ['1', 'latest'] });
  image(shelf, 'app', [layer, { tar: await tarOf({ more: 'x' }), mediaType: `${OCI}.layer.v1.tar` }], { tags: ['2'] });
  const page = (tags: string[]) => Buffer.from(JSON.stringify({ name: 'app', tags }));
  const more = { Link: '</v2/app/tags/list?last=2&n=1000>; rel="next"' };
  shelf.lay('/v2/app/tags/list?n=1000', page(['1', '2']), 'application/json', more);
  shelf.lay('/v2/app/tags/list?n=1000&last=2', page(['latest']), 'application/json');
  await using rooms = await openRooms(await temporaryDirectory(t));
  const lines = await pull(rooms, `${shelf.host}/app`);
  assert.deepEqual(
    lines.filter(({ status }) => status === 'Pulling from app').map(({ id }) => id),
    ['1', '2', 'latest'],
  );
  assert.equal(lines.at(-1)?.status, `Status: Downloaded newer image for ${shelf.host}/app`);
  assert.deepEqual(
    rooms.images
      .list()
      .flatMap(({ RepoTags }) => RepoTags)
      .sort(),
    ['1', '2', 'latest'].map((tag) => `${shelf.host}/app:${tag}`),
  );
  assert.equal(rooms.events.since({ since: 0 }).length, 1);
});

test(
  'a foreign layer comes from the address in its manifest, which is told nothing of us (CVE-2020-15157)',
  inNamespace,
  async (t) => {
    const shelf = await startShelf(t);
    const elsewhere = await startShelf(t);
    const tar = await tarOf({ here: 'foreign' });
    const blob = gzipSync(tar);
    elsewhere.lay('/layers/1', blob);
    const mediaType = `${DOCKER}.image.rootfs.foreign.diff.tar.gzip`;
    const layer = (urls: string[]) => ({ tar, blob, mediaType, urls });
    const auth = Buffer.from(JSON.stringify({ username: 'me', password: 'secret' })).toString('base64url');
    image(shelf, 'app', [
      layer(['ftp://x/y', 'file:///etc/passwd', 'no address', `http://me:pass@${elsewhere.host}/layers/1`]),
    ]);
    image(shelf, 'app', [layer([`http://${elsewhere.host}/gone`])], { tags: ['gone'] });
    image(shelf, 'app', [{ ...layer([`http://${elsewhere.host}/layers/1`]), mediaType: `${OCI}.layer.v1.tar+gzip` }], {
      tags: ['usual'],
    });
    await using rooms = await openRooms(await temporaryDirectory(t));

    await rooms.images.pull({ reference: `${shelf.host}/app:1`, auth });
    assert.equal(await fileOf(rooms, `${shelf.host}/app:1`, 'here'), 'foreign');
    assert.deepEqual(elsewhere.asked, [{ path: '/layers/1', authorization: '' }]);

    await rooms.images.remove(`${shelf.host}/app:1`);
    await rooms.images.settled();
    await assert.rejects(pull(rooms, `${shelf.host}/app:gone`), {
      kind: 'not-found',
      message: /answered with status 404/,
    });
    // An ordinary layer is the registry's to give.
    await assert.rejects(pull(rooms, `${shelf.host}/app:usual`), { kind: 'not-found' });
    assert.deepEqual(
      elsewhere.asked.map(({ path }) => path),
      ['/layers/1', '/gone'],
    );
  },
);

test(
  'digests of other kinds, and documents that are no manifest, are refused in a sentence',
  inNamespace,
  async (t) => {
    const shelf = await startShelf(t);
    const sha512 = `sha512:${'a'.repeat(128)}`;
    const manifest = { schemaVersion: 2, mediaType: `${OCI}.manifest.v1+json` };
    const part = { mediaType: 'x', digest: sha512, size: 1 };
    shelf.manifest('app', { ...manifest, config: part, layers: [] }, 'sha512');
    shelf.manifest('app', { ...manifest, config: { ...part, digest: 'sha256:../../etc' }, layers: [] }, 'path');
    shelf.manifest(
      'app',
      { schemaVersion: 1, mediaType: `${DOCKER}.distribution.manifest.v1+json`, fsLayers: [] },
      'old',
    );
    shelf.lay('/v2/app/manifests/text', Buffer.from('hello'), `${OCI}.manifest.v1+json`);
    await using rooms = await openRooms(await temporaryDirectory(t));
    const cases: [tag: string, message: RegExp][] = [
      ['sha512', /is a digest of a kind that Slipway does not support: only sha256 is/],
      ['path', /is not a sha256 digest/],
      ['old', /schema 1/],
      ['text', /is not JSON/],
    ];
    for (const [tag, message] of cases) await assert.rejects(pull(rooms, `${shelf.host}/app:${tag}`), { message }, tag);
    await assert.rejects(pull(rooms, `${shelf.host}/app@${sha512}`), { message: 'unsupported digest algorithm' });
    assert.equal(rooms.images.count(), 0);
  },
);

/** Waits until a file of some layer is there, visible or not. */
async function unpacked(root: string, name: string): Promise<void> {
  for (;;) {
    for (const layer of await readdir(join(root, 'layers')))
      if (await stat(join(root, 'layers', layer, 'fs', name)).catch(() => undefined)) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('a layer is unpacked while it comes in, and nobody sees it before it is verified', inNamespace, async (t) => {
  const shelf = await startShelf(t);
  const tar = await tarOf({ first: 'x'.repeat(500_000), last: randomBytes(2_000_000).toString('hex') });
  const blob = gzipSync(tar, { level: 1 });
  const mediaType = `${OCI}.layer.v1.tar+gzip`;
  image(shelf, 'app', [{ tar, blob, mediaType }]);
  let goOn!: () => void;
  shelf.hold(sha256(blob), 1_000_000, new Promise<void>((resolve) => (goOn = resolve)));
  const root = await temporaryDirectory(t);
  await using rooms = await openRooms(root);
  const pulling = pull(rooms, `${shelf.host}/app:1`);
  await unpacked(root, 'first');
  assert.equal(rooms.images.count(), 0);
  assert.equal(rooms.snapshots.get(sha256(tar)), undefined);
  goOn();
  await pulling;
  assert.ok(rooms.snapshots.get(sha256(tar)));
});

test('who unpacks a layer may be killed in the middle of it', inNamespace, async (t) => {
  const shelf = await startShelf(t);
  const tar = await tarOf({ first: 'x'.repeat(500_000), last: randomBytes(2_000_000).toString('hex') });
  const blob = gzipSync(tar, { level: 1 });
  image(shelf, 'app', [{ tar, blob, mediaType: `${OCI}.layer.v1.tar+gzip` }]);
  let goOn!: () => void;
  shelf.hold(sha256(blob), 1_000_000, new Promise<void>((resolve) => (goOn = resolve)));
  const root = await temporaryDirectory(t);
  await using rooms = await openRooms(root);
  const pulling = pull(rooms, `${shelf.host}/app:1`);
  await unpacked(root, 'first');
  const { pid } = rooms.helper.hello;
  const workers = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ');
  assert.ok(
    workers.every((worker) => Number(worker) > 1),
    workers.join(),
  );
  for (const worker of workers) process.kill(Number(worker), 'SIGKILL');
  goOn();
  await pulling;
  assert.equal((await fileOf(rooms, `${shelf.host}/app:1`, 'first'))?.length, 500_000);
  assert.equal((await readdir(join(root, 'layers'))).length, 1);
});

test('bytes that turn out wrong at their end leave nothing of what was unpacked of them', inNamespace, async (t) => {
  const shelf = await startShelf(t);
  const tar = await tarOf({ first: 'x'.repeat(500_000), last: randomBytes(1_000_000).toString('hex') });
  const forged = Buffer.concat([tar, Buffer.alloc(512)]);
  image(shelf, 'app', [{ tar, mediaType: `${OCI}.layer.v1.tar` }]);
  shelf.lay(
    `/v2/app/blobs/${sha256(tar)}`,
    Buffer.concat([forged.subarray(0, -513), Buffer.from('x')]).subarray(0, tar.length),
  );
  image(shelf, 'lies', [{ tar: forged, blob: tar, mediaType: `${OCI}.layer.v1.tar` }]);
  const root = await temporaryDirectory(t);
  await using rooms = await openRooms(root);
  await assert.rejects(pull(rooms, `${shelf.host}/app:1`), { kind: 'invalid', message: /does not match its digest/ });
  await assert.rejects(pull(rooms, `${shelf.host}/lies:1`), {
    kind: 'invalid',
    message: /does not match the image's configuration/,
  });
  assert.equal(rooms.images.count(), 0);
  assert.equal(rooms.snapshots.get(sha256(tar)), undefined);
});

test(
  'who cancels one of two pulls leaves the other alone, of one image or of two that share a layer',
  inNamespace,
  async (t) => {
    const shelf = await startShelf(t);
    const tar = await tarOf({ shared: randomBytes(1_000_000).toString('hex') });
    const gzip = gzipSync(tar, { level: 1 });
    const zipped = zstd(tar);
    const layers = [{ tar, blob: gzip, mediaType: `${OCI}.layer.v1.tar+gzip` }];
    const other = { tar: await tarOf({ other: 'x' }), mediaType: `${OCI}.layer.v1.tar` };
    image(shelf, 'one', layers);
    image(shelf, 'two', [...layers, other]);
    image(shelf, 'three', [{ tar, blob: zipped, mediaType: `${OCI}.layer.v1.tar+zstd` }, other, other]);
    for (const second of ['one', 'two', 'three']) {
      await using rooms = await openRooms(await temporaryDirectory(t));
      let goOn!: () => void;
      const until = new Promise<void>((resolve) => (goOn = resolve));
      shelf.hold(sha256(gzip), 100_000, until);
      const control = new AbortController();
      const first = rooms.images.pull({ reference: `${shelf.host}/one:1` }, { signal: control.signal });
      first.catch(() => undefined);
      const asked = (part: string) => shelf.asked.some(({ path }) => path.includes(part));
      while (!asked(sha256(gzip))) await new Promise((go) => setImmediate(go));
      const before = shelf.asked.length;
      const kept = pull(rooms, `${shelf.host}/${second}:1`);
      kept.catch(() => undefined);
      // It goes together with the first one once it has its documents; of one image the configuration is there already.
      const joined = () => (second === 'one' ? shelf.asked.length > before : asked(`/v2/${second}/blobs/`));
      while (!joined()) await new Promise((go) => setImmediate(go));
      control.abort(new Error('enough'));
      await assert.rejects(first, { message: 'enough' });
      goOn();
      await kept;
      assert.ok((await fileOf(rooms, `${shelf.host}/${second}:1`, 'shared'))?.length, second);
      shelf.asked.length = 0;
    }
  },
);

test('a layer that another image has in another compression keeps the blob that is here', inNamespace, async (t) => {
  const shelf = await startShelf(t);
  const tar = await tarOf({ shared: 'x'.repeat(10_000) });
  const gzip = gzipSync(tar);
  image(shelf, 'one', [{ tar, blob: gzip, mediaType: `${OCI}.layer.v1.tar+gzip` }]);
  image(shelf, 'two', [
    { tar, blob: zstd(tar), mediaType: `${OCI}.layer.v1.tar+zstd` },
    { tar: await tarOf({ own: 'x' }), mediaType: `${OCI}.layer.v1.tar` },
  ]);
  await using rooms = await openRooms(await temporaryDirectory(t));
  await pull(rooms, `${shelf.host}/one:1`);
  await pull(rooms, `${shelf.host}/two:1`);
  const { layers, manifest } = rooms.images.resolve(`${shelf.host}/two:1`);
  assert.equal(layers[0]?.digest, sha256(gzip));
  assert.equal(manifest, null);
  await rooms.images.remove(`${shelf.host}/one:1`);
  for (const { digest } of layers) assert.ok(await rooms.content.size(digest), digest);
});

test(
  'an image that comes again brings what the disk has lost of it, and is whole though it is removed meanwhile',
  inNamespace,
  async (t) => {
    const shelf = await startShelf(t);
    const tar = await tarOf({ own: randomBytes(200_000).toString('hex') });
    const gzip = gzipSync(tar);
    const plain = { tar: await tarOf({ plain: 'x' }), mediaType: `${OCI}.layer.v1.tar` };
    image(shelf, 'one', [plain, { tar, blob: gzip, mediaType: `${OCI}.layer.v1.tar+gzip` }]);
    await using rooms = await openRooms(await temporaryDirectory(t));
    const name = `${shelf.host}/one:1`;
    await pull(rooms, name);
    const { id } = rooms.images.resolve(name);
    const archive: Buffer[] = [];
    let told = 0;
    for await (const chunk of rooms.images.save([name], (size) => (told = size))) archive.push(Buffer.from(chunk));
    assert.equal(told, Buffer.concat(archive).length);
    const lose = () => rm(rooms.content.path(sha256(gzip)));
    const isWhole = async () => {
      for (const digest of contentOf(rooms.images.resolve(name))) assert.ok(await rooms.content.size(digest), digest);
    };

    await lose();
    const lines = await pull(rooms, name);
    assert.ok(lines.some(({ status }) => status === 'Pull complete'));
    await isWhole();

    await lose();
    await rooms.images.load(Readable.from(archive) as AsyncIterable<Buffer>);
    await isWhole();

    // Its configuration too; until then nobody gets half of an archive.
    await rm(rooms.content.path(id));
    const gone = /^the configuration of the image .* is not here any more as it came: pull or load the image again$/;
    const saving = rooms.images.save([name])[Symbol.asyncIterator]();
    await assert.rejects(saving.next(), { message: gone });
    const served = `${shelf.host.replace(':', '-')}/one`;
    await assert.rejects(rooms.images.shelf.document(served, '1'), { message: gone });
    await pull(rooms, name);
    await isWhole();

    await lose();
    shelf.asked.length = 0;
    let goOn!: () => void;
    shelf.hold(sha256(gzip), 1000, new Promise<void>((resolve) => (goOn = resolve)));
    const again = pull(rooms, name);
    again.catch(() => undefined);
    while (!shelf.asked.some(({ path }) => path.includes(sha256(gzip)))) await new Promise((go) => setImmediate(go));
    await rooms.images.remove(name);
    await rooms.images.settled();
    goOn();
    await again;
    assert.equal(rooms.images.resolve(name).id, id);
    await isWhole();
  },
);

test('a pull whose layer somebody else’s registry brings wrongly gets it from its own', inNamespace, async (t) => {
  const shelf = await startShelf(t);
  const tar = await tarOf({ shared: randomBytes(500_000).toString('hex') });
  const gzip = gzipSync(tar, { level: 1 });
  const layer = { tar, blob: gzip, mediaType: `${OCI}.layer.v1.tar+gzip` };
  image(shelf, 'bad', [layer]);
  image(shelf, 'good', [layer, { tar: await tarOf({ other: 'x' }), mediaType: `${OCI}.layer.v1.tar` }]);
  const wrong = `/v2/bad/blobs/${sha256(gzip)}`;
  const bytes = Buffer.from(gzip);
  bytes.fill(0, bytes.length - 1000);
  shelf.lay(wrong, bytes, layer.mediaType);
  let goOn!: () => void;
  shelf.hold(wrong, 100_000, new Promise<void>((resolve) => (goOn = resolve)));
  await using rooms = await openRooms(await temporaryDirectory(t));
  const bad = pull(rooms, `${shelf.host}/bad:1`);
  bad.catch(() => undefined);
  const asked = (part: string) => shelf.asked.some(({ path }) => path.includes(part));
  while (!asked(wrong)) await new Promise((go) => setImmediate(go));
  const good = pull(rooms, `${shelf.host}/good:1`);
  good.catch(() => undefined);
  while (!asked('/v2/good/blobs/')) await new Promise((go) => setImmediate(go));
  goOn();
  await assert.rejects(bad, { kind: 'invalid', message: /does not match its digest/ });
  await good;
  assert.ok((await fileOf(rooms, `${shelf.host}/good:1`, 'shared'))?.length);
});
