import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { asyncDisposable } from '../../base/scopes.js';
import {
  freePort,
  inNamespace,
  makeImage,
  openRooms,
  pull,
  startProxy,
  startRegistry,
  tarOf,
  temporaryDirectory,
  type Rooms,
} from './fixtures.js';

const run = promisify(execFile);
const noise = (bytes: number) =>
  Buffer.alloc(bytes, createHash('sha512').update(String(bytes)).digest()).toString('latin1');

const asRoot = process.getuid?.() === 0 ? inNamespace : { skip: 'needs root, to mount a small disk' };

/** What a data root holds: nothing may be left of what failed. */
async function contents(root: string): Promise<{ blobs: number; ingest: number; layers: number }> {
  const count = async (path: string) => (await readdir(join(root, path))).length;
  return { blobs: await count('blobs/sha256'), ingest: await count('ingest'), layers: await count('layers') };
}

test('a pull unpacks every layer and says so in dockerd’s words', inNamespace, async (t) => {
  const registry = await startRegistry(t);
  const layout = await makeImage(t, [
    { 'etc/a': 'one', 'etc/b': 'two' },
    { 'etc/a': null, 'etc/c': 'three' },
  ]);
  await registry.push(layout, 'app:1');
  const name = `127.0.0.1:${registry.port}/app:1`;
  await using rooms = await openRooms(await temporaryDirectory(t));

  const lines = await pull(rooms, name);

  const image = rooms.images.resolve(name);
  const [top = '', base = ''] = rooms.snapshots.lowers(image.chainId);
  assert.equal(await readFile(join(base, 'etc/a'), 'utf8'), 'one');
  const whiteout = await stat(join(top, 'etc/a'));
  assert.ok(whiteout.isCharacterDevice() && whiteout.rdev === 0);
  assert.equal((await stat(join(base, 'tmp'))).mode & 0o7777, 0o1777);

  const said = lines.map(({ status }) => status);
  assert.equal(said[0], 'Pulling from app');
  assert.equal(lines[0]?.id, '1');
  const ids = [...new Set(lines.flatMap(({ id }) => id ?? []))].filter((id) => /^[a-f0-9]{12}$/.test(id));
  assert.equal(ids.length, 2);
  for (const id of ids) {
    const story = [...new Set(lines.filter((line) => line.id === id).map(({ status }) => status))];
    assert.deepEqual(
      story.filter((status) => status !== 'Waiting'),
      ['Pulling fs layer', 'Downloading', 'Verifying Checksum', 'Download complete', 'Extracting', 'Pull complete'],
    );
  }
  assert.match(said.at(-2) ?? '', /^Digest: sha256:[a-f0-9]{64}$/);
  assert.equal(said.at(-1), `Status: Downloaded newer image for ${name}`);

  const again = await pull(rooms, name);
  assert.deepEqual(
    again.map(({ status }) => status),
    ['Pulling from app', said.at(-2), `Status: Image is up to date for ${name}`],
  );
  assert.deepEqual(
    rooms.events.since({ since: 0 }).map(({ Type, Action, Actor }) => [Type, Action, Actor.ID]),
    [['image', 'pull', name], ['image', 'pull', name]], // prettier-ignore
  );
});

test('an image is there after a restart, and its layers are shared with the next one', inNamespace, async (t) => {
  const registry = await startRegistry(t);
  const base = { 'etc/base': 'same' };
  await registry.push(await makeImage(t, [base, { 'etc/x': 'x' }]), 'x:1');
  await registry.push(await makeImage(t, [base, { 'etc/y': 'y' }]), 'y:1');
  const root = await temporaryDirectory(t);
  const host = `127.0.0.1:${registry.port}`;
  const first = await openRooms(root);
  await pull(first, `${host}/x:1`);
  const before = first.images.inspect(`${host}/x:1`);
  await first.close();

  await using rooms = await openRooms(root);
  assert.deepEqual(rooms.images.inspect(`${host}/x:1`), before);
  const lines = await pull(rooms, `${host}/y:1`);
  assert.equal(lines.filter(({ status }) => status === 'Already exists').length, 1);
  assert.equal(lines.filter(({ status }) => status === 'Pull complete').length, 1);
  assert.equal((await contents(root)).layers, 3);
});

test('a layer cut in the middle goes on with a Range request, and no byte moves twice', inNamespace, async (t) => {
  const registry = await startRegistry(t);
  await registry.push(await makeImage(t, [{ 'big.bin': noise(3_000_000) + Math.random() }]), 'big:1');
  const proxy = await startProxy(t, registry.port);
  const root = await temporaryDirectory(t);
  const name = `127.0.0.1:${proxy.port}/big:1`;
  const probe = await openRooms(root);
  const [layer] = await layersOf(probe, name, t, registry.port);
  await probe.close();
  const { digest, size } = layer as { digest: string; size: number };
  const cutAt = Math.floor(size / 3);

  await using rooms = await openRooms(root);
  proxy.cut(digest, cutAt);
  const lines = await pull(rooms, name);

  assert.ok(lines.some(({ status }) => status?.startsWith('Retrying in')));
  const requests = proxy.passed.filter(({ path }) => path.includes(digest));
  assert.deepEqual(
    requests.map(({ range, bytes }) => [range, bytes]),
    [['', cutAt], [`bytes=${cutAt}-`, size - cutAt]], // prettier-ignore
  );
});

test('a pull that was ended goes on in the next engine where it stopped', inNamespace, async (t) => {
  const registry = await startRegistry(t);
  await registry.push(await makeImage(t, [{ 'big.bin': noise(3_000_000) + Math.random() }]), 'big:1');
  const proxy = await startProxy(t, registry.port);
  const root = await temporaryDirectory(t);
  const name = `127.0.0.1:${proxy.port}/big:1`;
  const first = await openRooms(root, { backOffMs: 60_000 });
  const [layer] = await layersOf(first, name, t, registry.port);
  const { digest, size } = layer as { digest: string; size: number };
  const cutAt = Math.floor(size / 2);
  proxy.cut(digest, cutAt);
  const control = new AbortController();
  await assert.rejects(
    first.images.pull(
      { reference: name },
      {
        signal: control.signal,
        onProgress: ({ status }) => status?.startsWith('Retrying') && control.abort(new Error('enough')),
      },
    ),
    { message: 'enough' },
  );
  assert.equal(first.images.count(), 0);
  await first.close();

  await using rooms = await openRooms(root);
  await pull(rooms, name);
  const requests = proxy.passed.filter(({ path }) => path.includes(digest));
  assert.deepEqual(
    requests.map(({ range }) => range),
    ['', `bytes=${cutAt}-`],
  );
  assert.equal(
    requests.reduce((sum, { bytes }) => sum + bytes, 0),
    size,
  );
});

/** The layers of an image, read past the proxy. */
async function layersOf(
  _rooms: Rooms,
  name: string,
  _t: unknown,
  port: number,
): Promise<{ digest: string; size: number }[]> {
  const path = name.slice(name.indexOf('/') + 1).replace(':', '/manifests/');
  const response = await fetch(`http://127.0.0.1:${port}/v2/${path}`, {
    headers: { Accept: 'application/vnd.oci.image.manifest.v1+json' },
  });
  return ((await response.json()) as { layers: { digest: string; size: number }[] }).layers;
}

test('what does not match its digest is refused, and nothing of it is kept', inNamespace, async (t) => {
  const http = await import('node:http');
  const layer = gzipSync('not what was promised');
  const promised = `sha256:${'b'.repeat(64)}`;
  const config = Buffer.from(
    JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [promised] } }),
  );
  const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(config), size: config.length },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: promised, size: layer.length }],
    }),
  );
  const answers = new Map([
    ['/v2/evil/manifests/latest', manifest],
    [`/v2/evil/blobs/${digestOf(config)}`, config],
    [`/v2/evil/blobs/${promised}`, layer],
  ]);
  const port = await freePort();
  const server = http.createServer((request, response) => {
    response.setHeader('Content-Type', 'application/vnd.oci.image.manifest.v1+json');
    const answer = answers.get(request.url ?? '');
    response.writeHead(answer ? 200 : 404).end(answer);
  });
  server.listen(port, '127.0.0.1');
  t.after(() => server.close());
  const root = await temporaryDirectory(t);
  await using rooms = await openRooms(root);

  await assert.rejects(pull(rooms, `127.0.0.1:${port}/evil:latest`), {
    kind: 'invalid',
    message: /does not match its digest and was refused/,
  });
  await assert.rejects(pull(rooms, `127.0.0.1:${port}/evil@sha256:${'c'.repeat(64)}`), { kind: 'not-found' });
  answers.set(`/v2/evil/manifests/sha256:${'c'.repeat(64)}`, manifest);
  await assert.rejects(pull(rooms, `127.0.0.1:${port}/evil@sha256:${'c'.repeat(64)}`), {
    message: /manifest verification failed/,
  });
  answers.set(
    '/v2/evil/manifests/latest',
    Buffer.from(JSON.stringify({ ...JSON.parse(String(manifest)), manifests: [] })),
  );
  await assert.rejects(pull(rooms, `127.0.0.1:${port}/evil:latest`), {
    message: /neither an index nor an image \(or claims to be both\)/,
  });
  answers.set('/v2/evil/manifests/latest', Buffer.from(String(manifest).replaceAll(promised, 'sha256:../../x')));
  await assert.rejects(pull(rooms, `127.0.0.1:${port}/evil:latest`), { message: /is not a sha256 digest/ });

  assert.equal(rooms.images.count(), 0);
  assert.deepEqual(await contents(root), { blobs: 0, ingest: 0, layers: 0 });
});

test('what a killed engine left half unpacked or unreferenced goes when the next one opens', inNamespace, async (t) => {
  const root = await temporaryDirectory(t);
  const first = await openRooms(root);
  await first.images.load(archiveOf('app:1', [await emptyTar(t)]));
  await first.close();
  await mkdir(join(root, 'layers/77/fs/etc'), { recursive: true });
  const stray = join(root, 'blobs/sha256', 'e'.repeat(64));
  const recent = join(root, 'blobs/sha256', 'f'.repeat(64));
  for (const file of [stray, recent, join(root, 'ingest/receive-0123')]) await writeFile(file, 'left over');
  const longAgo = new Date(Date.now() - 48 * 3600e3);
  await utimes(stray, longAgo, longAgo);
  const whole = await contents(root);

  await using rooms = await openRooms(root);
  await rooms.content.collect((digest) => rooms.images.needs(digest));
  assert.deepEqual(await contents(root), { blobs: whole.blobs - 1, ingest: 0, layers: 1 });
  assert.equal(rooms.images.list().length, 1);
});

test('a full disk is said to be full, and nothing half-made stays', asRoot, async (t) => {
  const registry = await startRegistry(t);
  await registry.push(
    await makeImage(t, [{ small: 'x' }, { 'big.bin': randomBytes(8_000_000).toString('latin1') }]),
    'big:1',
  );
  const zeros = 'z'.repeat(40_000_000);
  await registry.push(await makeImage(t, [{ 'sparse.txt': zeros }]), 'zeros:1');
  const root = await temporaryDirectory(t);
  await run('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'slipway-test', root]);
  await using _ = asyncDisposable(async () => void (await run('umount', ['--lazy', root])));
  await using rooms = await openRooms(root);
  const full = { kind: 'system', message: /no space left on device/i };
  await assert.rejects(pull(rooms, `127.0.0.1:${registry.port}/big:1`), {
    kind: 'system',
    message:
      /^no space left on device: the image needs about \d+ MB, 1\d MB free on the disk that holds \S+ \(2\d\d kB of it are left alone\): empty the bin, or remove images, /,
  });
  await assert.rejects(pull(rooms, `127.0.0.1:${registry.port}/zeros:1`), full);
  assert.equal(rooms.images.count(), 0);
  assert.deepEqual(await contents(root), { blobs: 0, ingest: 0, layers: 0 });
});

test('a registry that is not there, lacks the image or asks for a password is told apart', inNamespace, async (t) => {
  const registry = await startRegistry(t);
  await registry.push(await makeImage(t, [{ a: 'a' }]), 'app:1');
  await using rooms = await openRooms(await temporaryDirectory(t));
  const nobody = await freePort();
  await assert.rejects(pull(rooms, `127.0.0.1:${registry.port}/app:nope`), {
    kind: 'not-found',
    message: `manifest for 127.0.0.1:${registry.port}/app:nope not found: manifest unknown: manifest unknown`,
  });
  await assert.rejects(pull(rooms, `127.0.0.1:${nobody}/app`), {
    kind: 'unavailable',
    message: `the registry 127.0.0.1:${nobody} refuses the connection: nothing listens there. Check its address, and that it runs`,
  });
  await assert.rejects(pull(rooms, 'registry.invalid/app'), { kind: 'unavailable', message: /cannot be found/ });
  await assert.rejects(pull(rooms, 'UPPER'), { kind: 'invalid', message: /must be lowercase/ });
});

test('credentials go to the registry that asked, and to nobody it redirects to', inNamespace, async (t) => {
  const http = await import('node:http');
  const registry = await startRegistry(t);
  await registry.push(await makeImage(t, [{ a: 'a' }]), 'app:1');
  const storage = await startProxy(t, registry.port);
  const seen: string[] = [];
  const front = http.createServer((request, response) => {
    const { authorization = '' } = request.headers;
    seen.push(authorization);
    if (request.url?.startsWith('/token')) {
      const allowed = authorization === `Basic ${Buffer.from('me:secret').toString('base64')}`;
      response.writeHead(allowed ? 200 : 401).end(JSON.stringify({ token: 'for-me' }));
    } else if (authorization !== 'Bearer for-me') {
      const realm = `http://${request.headers.host}/token`;
      response
        .writeHead(401, { 'WWW-Authenticate': `Bearer realm="${realm}",service="s",scope="repository:app:pull"` })
        .end();
    } else if (request.url?.includes('/blobs/')) {
      response.writeHead(307, { Location: `http://127.0.0.1:${storage.port}${request.url}` }).end();
    } else {
      const options = { port: registry.port, path: request.url, headers: { accept: request.headers.accept ?? '' } };
      http.get({ host: '127.0.0.1', ...options }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
    }
  });
  front.listen(0, '127.0.0.1');
  t.after(() => (front.closeAllConnections(), front.close()));
  await new Promise((resolve) => front.once('listening', resolve));
  const name = `127.0.0.1:${(front.address() as { port: number }).port}/app:1`;
  await using rooms = await openRooms(await temporaryDirectory(t));

  await assert.rejects(pull(rooms, name), { kind: 'not-found', message: /pull access denied for .*docker login/ });
  const auth = Buffer.from(JSON.stringify({ username: 'me', password: 'secret' })).toString('base64url');
  await rooms.images.pull({ reference: name, auth });

  assert.ok(storage.passed.length >= 2);
  assert.ok(storage.passed.every(({ authorization }) => authorization === ''));
  assert.ok(seen.includes('Bearer for-me'));
});

test('a mirror is asked first for docker.io’s images, and passed over when it fails', inNamespace, async (t) => {
  const registry = await startRegistry(t);
  await registry.push(await makeImage(t, [{ a: 'a' }]), 'library/app:1');
  const dead = await freePort();
  await using rooms = await openRooms(await temporaryDirectory(t), {
    mirrors: [`http://127.0.0.1:${dead}`, `http://127.0.0.1:${registry.port}`],
  });
  const lines = await pull(rooms, 'app:1');
  assert.equal(lines.at(-1)?.status, 'Status: Downloaded newer image for app:1');
  assert.deepEqual(rooms.images.inspect('app:1').RepoTags, ['app:1']);
});

test('two pulls of one image at once move its bytes once', inNamespace, async (t) => {
  const registry = await startRegistry(t);
  await registry.push(await makeImage(t, [{ 'big.bin': noise(2_000_000) }, { b: 'b' }]), 'app:1');
  const proxy = await startProxy(t, registry.port);
  const root = await temporaryDirectory(t);
  await using rooms = await openRooms(root);
  const name = `127.0.0.1:${proxy.port}/app:1`;
  await Promise.all([pull(rooms, name), pull(rooms, name)]);
  const blobs = proxy.passed.filter(({ path }) => path.includes('/blobs/')).map(({ path }) => path);
  assert.equal(blobs.length, new Set(blobs).size);
  assert.equal((await contents(root)).layers, 2);
});

test('directories that a layer only implies look as in the layers below', inNamespace, async (t) => {
  const directory = await temporaryDirectory(t);
  const tree = join(directory, 'tree');
  await mkdir(join(tree, 'var/private'), { recursive: true });
  await writeFile(join(tree, 'var/private/file'), 'x');
  const tar = async (name: string, ...what: string[]) => {
    const path = join(directory, name);
    await run('tar', [
      '-C',
      tree,
      '--numeric-owner',
      '--owner=7',
      '--group=8',
      '--mtime=@1700000000',
      '-cf',
      path,
      ...what,
    ]);
    return readFile(path);
  };
  const base = await tar('base.tar', '--no-recursion', '--mode=1700', 'var', 'var/private');
  const top = await tar('top.tar', 'var/private/file');
  const root = await temporaryDirectory(t);
  await using rooms = await openRooms(root);
  await rooms.images.load(archiveOf('implied:1', [base, top]));
  const [upper = ''] = rooms.snapshots.lowers(rooms.images.resolve('implied:1').chainId);
  const { mode, uid, gid, mtimeMs } = await stat(join(upper, 'var/private'));
  assert.deepEqual([mode & 0o7777, uid, gid, mtimeMs], [0o1700, 7, 8, 1700000000000]);
  assert.equal((await contents(root)).layers, 2);
});

/** A docker save archive. */
async function* archiveOf(name: string, layers: Buffer[], config: object = {}): AsyncGenerator<Uint8Array> {
  const { pack } = await import('tar-stream');
  const tar = pack();
  const diff_ids = layers.map((layer) => `sha256:${createHash('sha256').update(layer).digest('hex')}`);
  const document = { os: 'linux', architecture: 'amd64', config, rootfs: { type: 'layers', diff_ids } };
  tar.entry({ name: 'config.json' }, JSON.stringify(document));
  layers.forEach((layer, at) => tar.entry({ name: `${at}/layer.tar` }, layer));
  const Layers = layers.map((_, at) => `${at}/layer.tar`);
  tar.entry({ name: 'manifest.json' }, JSON.stringify([{ Config: 'config.json', RepoTags: [name], Layers }]));
  tar.finalize();
  for await (const chunk of tar) yield chunk as Buffer;
}

test(
  'archives of docker save and of OCI tools load, plain and gzipped, and what was saved loads again',
  inNamespace,
  async (t) => {
    const directory = await temporaryDirectory(t);
    const layout = await makeImage(t, [{ 'etc/a': 'one' }, { 'etc/b': 'two' }]);
    await run('skopeo', ['copy', '--quiet', `oci:${layout}`, `docker-archive:${directory}/docker.tar:me/app:1`]);
    await run('skopeo', ['copy', '--quiet', `oci:${layout}`, `oci-archive:${directory}/oci.tar:me/app:2`]);
    await run('gzip', ['-k', `${directory}/oci.tar`]);
    await using rooms = await openRooms(await temporaryDirectory(t));
    const load = async (into: Rooms, file: string) => {
      const lines: string[] = [];
      await into.images.load(createReadStream(file) as AsyncIterable<Buffer>, {
        onProgress: ({ stream }) => stream && lines.push(stream),
      });
      return lines;
    };
    assert.deepEqual(await load(rooms, `${directory}/docker.tar`), ['Loaded image: me/app:1\n']);
    assert.deepEqual(await load(rooms, `${directory}/oci.tar`), ['Loaded image: me/app:2\n']);
    assert.deepEqual(await load(rooms, `${directory}/oci.tar.gz`), ['Loaded image: me/app:2\n']);
    assert.deepEqual(rooms.images.inspect('me/app:1').RootFS, rooms.images.inspect('me/app:2').RootFS);

    const saved = join(directory, 'saved.tar');
    await writeFile(saved, rooms.images.save(['me/app:2']));
    await run('skopeo', ['inspect', `docker-archive:${saved}:me/app:2`]);
    await run('skopeo', ['inspect', `oci-archive:${saved}`]);
    await using others = await openRooms(await temporaryDirectory(t));
    assert.deepEqual(await load(others, saved), ['Loaded image: me/app:2\n']);
    assert.equal(others.images.resolve('me/app:2').id, rooms.images.resolve('me/app:2').id);
  },
);

test('a broken archive is refused and leaves nothing', inNamespace, async (t) => {
  const directory = await temporaryDirectory(t);
  const layout = await makeImage(t, [{ 'etc/a': 'one' }]);
  await run('skopeo', ['copy', '--quiet', `oci:${layout}`, `docker-archive:${directory}/docker.tar:me/app:1`]);
  const whole = await readFile(`${directory}/docker.tar`);
  const root = await temporaryDirectory(t);
  await using rooms = await openRooms(root);
  const load = (bytes: Buffer) =>
    rooms.images.load(
      (async function* () {
        yield bytes;
      })(),
    );
  await assert.rejects(load(whole.subarray(0, whole.length / 2)), { kind: 'invalid' });
  await assert.rejects(load(Buffer.from('no archive at all')), { kind: 'invalid' });
  await assert.rejects(load(Buffer.alloc(0)), { kind: 'invalid', message: 'the archive is empty' });
  await assert.rejects(rooms.images.load(archiveOf('x:1', [Buffer.from('this is no tar')])), { kind: 'invalid' });
  const notJson = load(await tarOf({ 'manifest.json': '{{{' }));
  await assert.rejects(notJson, { kind: 'invalid', message: 'the manifest.json is not JSON' });
  const digest = `x@sha256:${'a'.repeat(64)}`;
  await assert.rejects(rooms.images.load(archiveOf(digest, [await emptyTar(t)])), {
    message: `invalid tag "${digest}"`,
  });
  assert.equal(rooms.images.count(), 0);
  assert.deepEqual(await contents(root), { blobs: 0, ingest: 0, layers: 0 });
});

test('an archive whose sender goes in the middle leaves nothing', inNamespace, async (t) => {
  const root = await temporaryDirectory(t);
  await using rooms = await openRooms(root);
  const archive: Uint8Array[] = [];
  const layers = await Promise.all([1, 2].map((number) => tarOf({ [`file-${number}`]: noise(3_000_000 + number) })));
  for await (const chunk of archiveOf('x:1', layers)) archive.push(chunk);
  const whole = Buffer.concat(archive);
  const control = new AbortController();
  async function* body() {
    yield whole.subarray(0, whole.length - 2_000_000);
    // The first layer is whole by then, and some of the second is there.
    while ((await readdir(join(root, 'layers'))).length < 2) await new Promise((resolve) => setImmediate(resolve));
    throw new Error('gone');
  }
  await assert.rejects(rooms.images.load(body(), { signal: control.signal }), { message: 'gone' });
  const nothing = JSON.stringify({ blobs: 0, ingest: 0, layers: 0 });
  while (JSON.stringify(await contents(root)) !== nothing) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(rooms.images.count(), 0);
});

test('removing follows Docker’s rules about names, containers and force', inNamespace, async (t) => {
  const root = await temporaryDirectory(t);
  await using rooms = await openRooms(root);
  const { images, store } = rooms;
  const tar = await emptyTar(t);
  await images.load(archiveOf('app:1', [tar], { Labels: { a: 'b' } }));
  const { id } = images.resolve('app:1');
  const short = id.slice(7, 19);
  const container = 'c'.repeat(64);

  await images.tag('app:1', 'app', '2');
  assert.deepEqual(await images.remove('app:2'), [{ Untagged: 'app:2' }]);

  await images.tag('app:1', 'other/app', '');
  await assert.rejects(images.remove(short), {
    kind: 'conflict',
    message: `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`,
  });
  await images.remove('other/app');

  await store.commit((change) => images.hold(change, id, container));
  await assert.rejects(images.remove('app:1'), {
    kind: 'conflict',
    message: `conflict: unable to remove repository reference "app:1" (must force) - container ${'c'.repeat(12)} is using its referenced image ${short}`,
  });
  await assert.rejects(images.remove(short), {
    message: `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container ${'c'.repeat(12)}`,
  });
  images.setRunning(container, true);
  await assert.rejects(images.remove(short, { force: true }), {
    message: `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container ${'c'.repeat(12)}`,
  });
  images.setRunning(container, false);
  await store.commit((change) => images.release(change, id, container));

  const removed = await images.remove('app:1');
  assert.deepEqual(removed.slice(0, 2), [{ Untagged: 'app:1' }, { Deleted: id }]);
  assert.equal(removed.length, 3);
  assert.throws(() => images.resolve('app'), { kind: 'not-found', message: 'No such image: app:latest' });
  await images.settled();
  assert.deepEqual(await contents(root), { blobs: 0, ingest: 0, layers: 0 });
  assert.deepEqual(
    rooms.events.since({ since: 0 }).map(({ Action }) => Action),
    ['load', 'tag', 'untag', 'tag', 'untag', 'untag', 'delete'],
  );
});

async function emptyTar(t: Parameters<typeof temporaryDirectory>[0]): Promise<Buffer> {
  const directory = await temporaryDirectory(t);
  await mkdir(join(directory, 'tree/etc'), { recursive: true });
  await run('tar', ['-C', join(directory, 'tree'), '-cf', join(directory, 'x.tar'), '.']);
  return readFile(join(directory, 'x.tar'));
}

test('a forced removal leaves a container the layers it stands on, until it goes too', inNamespace, async (t) => {
  const root = await temporaryDirectory(t);
  await using rooms = await openRooms(root);
  await rooms.images.load(archiveOf('app:1', [await emptyTar(t)]));
  const image = rooms.images.resolve('app:1');
  const container = 'd'.repeat(64);
  const mounts = await rooms.snapshots.prepare(container, image.chainId);
  await rooms.store.commit((change) => {
    rooms.snapshots.keep(change, container);
    rooms.images.hold(change, image.id, container);
  });
  await rooms.images.remove('app:1', { force: true });
  assert.ok((await stat(mounts.lower[0] as string)).isDirectory());
  let dropLayers = () => Promise.resolve();
  await rooms.store.commit((change) => {
    rooms.images.release(change, image.id, container);
    dropLayers = rooms.snapshots.discard(change, container);
  });
  await dropLayers();
  assert.equal((await contents(root)).layers, 0);
});

test('lists are filtered as Docker filters them', inNamespace, async (t) => {
  await using rooms = await openRooms(await temporaryDirectory(t));
  const { images } = rooms;
  const tar = await emptyTar(t);
  await images.load(archiveOf('app:1', [tar], { Labels: { tier: 'web' } }));
  await images.load(archiveOf('app:1', [tar], { Labels: { tier: 'db' } })); // the first one is dangling now
  await images.load(archiveOf('me/other:1', [tar], { Labels: { more: '1' } }));
  const names = (filters: Record<string, string[]>) =>
    images
      .list(filters)
      .flatMap(({ RepoTags }) => RepoTags)
      .sort();
  assert.equal(images.list().length, 3);
  assert.equal(images.list({ dangling: ['true'] }).length, 1);
  assert.deepEqual(names({ dangling: ['false'] }), ['app:1', 'me/other:1']);
  assert.deepEqual(names({ reference: ['app'] }), ['app:1']);
  assert.deepEqual(names({ reference: ['*'] }), ['app:1']);
  assert.deepEqual(names({ reference: ['me/*:1'] }), ['me/other:1']);
  assert.deepEqual(names({ label: ['tier=db'] }), ['app:1']);
  assert.deepEqual(names({ label: ['more'] }), ['me/other:1']);
  const { ImagesDeleted } = await images.prune();
  assert.equal(ImagesDeleted.length, 1);
  assert.equal(images.count(), 2);
});

test('what gets a name or a container while a prune is at work stays', inNamespace, async (t) => {
  await using rooms = await openRooms(await temporaryDirectory(t));
  const { images, store } = rooms;
  const tar = await emptyTar(t);
  const ids: string[] = [];
  for (const at of ['gone', 'named', 'used', 'last']) {
    await images.load(archiveOf('app:1', [tar], { Labels: { at } }));
    ids.push(images.resolve('app:1').id);
  }
  const [gone = '', named = '', used = ''] = ids;
  const [{ ImagesDeleted }] = await Promise.all([
    images.prune(),
    images.tag(named, 'kept', ''),
    store.commit((change) => images.hold(change, used, 'c'.repeat(64))),
  ]);
  assert.ok(ImagesDeleted.some((one) => 'Deleted' in one && one.Deleted === gone));
  assert.equal(images.resolve('kept').id, named);
  assert.equal(images.resolve(used).id, used);
});

test('the starter image needs nothing but this machine’s busybox, and is always the same', inNamespace, async (t) => {
  const make = async () => {
    await using rooms = await openRooms(await temporaryDirectory(t));
    const { id, reference } = await rooms.images.starter();
    assert.equal(reference, 'slipway/starter:latest');
    const { config, chainId } = rooms.images.resolve(reference);
    assert.deepEqual(config.Cmd, ['sh']);
    const [fs = ''] = rooms.snapshots.lowers(chainId);
    const { stdout } = await run('chroot', [
      fs,
      '/bin/sh',
      '-c',
      '. /etc/os-release; echo $ID; whoami; ls /root | wc -l',
    ]);
    assert.deepEqual(stdout.trim().split('\n'), ['slipway-starter', 'root', '0']);
    assert.deepEqual(await rooms.images.starterOffer(), { image: reference, present: true });
    return id;
  };
  assert.equal(await make(), await make());
});
