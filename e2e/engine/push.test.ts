/** Images to registries and archives: what docker push says, what others get, what is sent at all, and what happens when it cannot go. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chown, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import {
  api,
  docker,
  loadBusybox,
  request,
  root,
  run,
  startDockerd,
  startEngine,
  type Ran,
  type RunningEngine,
} from '../fixtures/engine.js';
import { makePerson } from '../fixtures/person.js';
import { openEmptyRegistry, type EmptyRegistry } from '../fixtures/registry.js';

const needs = { skip: process.getuid?.() !== 0 && 'needs root for its own network', timeout: 300_000 };

let ours: RunningEngine;
let theirs: Awaited<ReturnType<typeof startDockerd>>;
let registry: EmptyRegistry;
let second: EmptyRegistry;
let folder: string;
before(async () => {
  if (needs.skip) return;
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-push-'));
  [registry, second] = await Promise.all([openEmptyRegistry(), openEmptyRegistry()]);
  [ours, theirs] = await Promise.all([startEngine(), startDockerd()]);
  await Promise.all([loadBusybox(ours), loadBusybox(theirs)]);
});
after(async () => {
  await ours?.[Symbol.asyncDispose]();
  await theirs?.[Symbol.asyncDispose]();
  await registry?.[Symbol.asyncDispose]();
  await second?.[Symbol.asyncDispose]();
  if (folder) await rm(folder, { recursive: true, force: true });
});

async function ok(running: Promise<Ran>): Promise<string> {
  const { code, stdout, stderr } = await running;
  assert.equal(code, 0, stderr);
  return stdout;
}

interface Line {
  id?: string;
  status?: string;
  error?: string;
  aux?: { Tag: string; Digest: string; Size: number };
}

/** Every line of a push through the API. */
async function push(
  engine: { socket: string },
  name: string,
  { tag = 'latest', auth }: { tag?: string; auth?: object } = {},
): Promise<Line[]> {
  const header = Buffer.from(JSON.stringify(auth ?? {})).toString('base64url');
  const { body } = await request(engine.socket, 'POST', `/images/${name}/push?tag=${tag}`, undefined, {
    'X-Registry-Auth': header,
  });
  const lines = body.toString().trim().split('\r\n');
  return lines.map((line) => JSON.parse(line) as Line);
}

const digestIn = (lines: Line[]): string => {
  const digest = lines.at(-1)?.aux?.Digest;
  assert.ok(digest, JSON.stringify(lines.at(-1)));
  return digest;
};
const statuses = (lines: Line[]) => lines.filter(({ id }) => id).map(({ status }) => status);

const MANIFESTS = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

interface Manifest {
  mediaType: string;
  annotations?: Record<string, string>;
  config: { mediaType: string; digest: string; size: number };
  layers: { mediaType: string; digest: string; size: number }[];
}

async function manifestAt({ host }: { host: string }, name: string, reference: string) {
  const answer = await fetch(`http://${host}/v2/${name}/manifests/${reference}`, { headers: { Accept: MANIFESTS } });
  assert.equal(answer.status, 200, `${name}:${reference}`);
  const text = await answer.text();
  const type = answer.headers.get('content-type');
  return { type, digest: sha256(text), size: text.length, manifest: JSON.parse(text) as Manifest };
}

const sha256 = (bytes: string | Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** What varies between two engines that compress with other libraries. */
const plain = (text: string) => text.replace(/sha256:\w{64} size: \d+/g, 'DIGEST').replaceAll('by-theirs', 'by-ours');

test('docker push says what it says of dockerd, and others get the same layers', needs, async () => {
  const said: string[] = [];
  for (const [engine, name] of [
    [ours, 'by-ours'],
    [theirs, 'by-theirs'],
  ] as const) {
    const reference = `${registry.host}/${name}:1`;
    await ok(docker(engine, ['tag', 'busybox:test', reference]));
    said.push(plain(await ok(docker(engine, ['push', reference]))));
    said.push(plain(await ok(docker(engine, ['push', reference]))));
    said.push(plain(await ok(docker(engine, ['push', '-q', reference]))));
  }
  assert.deepEqual(said.slice(0, 3), said.slice(3));
  const { RootFS } = await api<{ RootFS: { Layers: string[] } }>(ours.socket, 'GET', '/images/busybox:test/json');
  const [mine, oracle] = [await manifestAt(registry, 'by-ours', '1'), await manifestAt(registry, 'by-theirs', '1')];
  assert.equal(mine.type, oracle.type);
  assert.deepEqual(mine.manifest.config, oracle.manifest.config, 'the image is the same');
  assert.equal(mine.manifest.layers[0]!.mediaType, oracle.manifest.layers[0]!.mediaType);
  const blob = await fetch(`http://${registry.host}/v2/by-ours/blobs/${mine.manifest.layers[0]!.digest}`);
  assert.equal(sha256(gunzipSync(Buffer.from(await blob.arrayBuffer()))), RootFS.Layers[0]);

  const storage = ['--root', path.join(folder, 'podman'), '--runroot', path.join(folder, 'podman-run')];
  const podman = (...args: string[]) => run('podman', [...storage, '--storage-driver', 'vfs', ...args]);
  const reference = `${registry.host}/by-ours:1`;
  await ok(podman('pull', '-q', '--tls-verify=false', reference));
  const [seen] = JSON.parse(await ok(podman('image', 'inspect', reference))) as { RootFS: { Layers: string[] } }[];
  assert.deepEqual(seen!.RootFS.Layers, RootFS.Layers);
  await ok(docker(theirs, ['rmi', '-f', 'busybox:test', 'busybox:latest', `${registry.host}/by-theirs:1`]));
  await ok(docker(theirs, ['pull', '-q', reference]));
  await loadBusybox(theirs);
});

test('a layer is compressed once; a push knows where the image is, and by which digest', needs, async () => {
  const blobs = () => readdir(path.join(ours.dataRoot, 'blobs/sha256'));
  const name = `${registry.host}/once`;
  await ok(docker(ours, ['tag', 'busybox:test', `${name}:latest`]));
  const first = digestIn(await push(ours, name));
  const before = await blobs();
  assert.deepEqual(statuses(await push(ours, name)), ['Preparing', 'Layer already exists']);
  await ok(docker(ours, ['tag', 'busybox:test', `${second.host}/once:latest`]));
  const elsewhere = await push(ours, `${second.host}/once`);
  assert.equal(digestIn(elsewhere), first);
  assert.ok(!statuses(elsewhere).includes('Compressing'), 'nothing was compressed again');
  assert.deepEqual((await blobs()).sort(), before.sort());
  const { RepoDigests } = await api<{ RepoDigests: string[] }>(ours.socket, 'GET', '/images/busybox:test/json');
  for (const expected of [`${name}@${first}`, `${second.host}/once@${first}`])
    assert.ok(RepoDigests.includes(expected), RepoDigests.join('\n'));
});

test('an engine that is killed after a push still knows what it has compressed', needs, async () => {
  await ours.kill();
  await ours.restart();
  await ok(docker(ours, ['tag', 'busybox:test', `${second.host}/after-a-kill:latest`]));
  const lines = await push(ours, `${second.host}/after-a-kill`);
  assert.ok(!statuses(lines).includes('Compressing'), JSON.stringify(lines));
});

/** An image with an annotation in the registry, alone and in an index. */
async function annotated(): Promise<{ digest: string; layer: string }> {
  const layout = path.join(folder, 'annotated');
  const image = ['--image', `${layout}:1`];
  await writeFile(path.join(folder, 'unique'), randomBytes(300_000));
  await ok(run('tar', ['-C', folder, '-cf', path.join(folder, 'layer.tar'), 'unique']));
  await ok(run('umoci', ['init', '--layout', layout]));
  await ok(run('umoci', ['new', ...image]));
  await ok(run('umoci', ['raw', 'add-layer', ...image, path.join(folder, 'layer.tar')]));
  await ok(run('umoci', ['config', ...image, '--manifest.annotation', 'made.by=a test', '--config.cmd', 'sh']));
  const target = `docker://${registry.host}/annotated:1`;
  await ok(run('skopeo', ['copy', '-q', '--dest-tls-verify=false', `oci:${layout}:1`, target]));
  const { digest, size, manifest, type } = await manifestAt(registry, 'annotated', '1');
  assert.equal(manifest.annotations?.['made.by'], 'a test');
  const index = {
    ...{ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json' },
    manifests: [{ mediaType: type, digest, size, platform: { os: 'linux', architecture: 'amd64' } }],
  };
  const put = await fetch(`http://${registry.host}/v2/annotated/manifests/index`, {
    ...{ method: 'PUT', body: JSON.stringify(index), headers: { 'Content-Type': index.mediaType } },
  });
  assert.equal(put.status, 201, await put.text());
  return { digest, layer: manifest.layers[0]!.digest };
}

test(
  'what was pulled goes on as it came: the same digest, annotations and all, and mounted where it can be',
  needs,
  async () => {
    const { digest, layer } = await annotated();
    await ok(docker(ours, ['pull', '-q', `${registry.host}/annotated:index`]));
    for (const host of [registry.host, second.host])
      await ok(docker(ours, ['tag', `${registry.host}/annotated:index`, `${host}/copy:latest`]));
    const here = await push(ours, `${registry.host}/copy`);
    assert.equal(digestIn(here), digest, 'the manifest for this platform');
    assert.ok(statuses(here).includes('Mounted from annotated'), JSON.stringify(here));
    const there = await push(ours, `${second.host}/copy`);
    assert.equal(digestIn(there), digest);
    assert.ok(statuses(there).includes('Pushed'), JSON.stringify(there));
    const copied = await manifestAt(second, 'copy', 'latest');
    assert.equal(copied.digest, digest);
    assert.equal(copied.manifest.annotations?.['made.by'], 'a test');
    assert.equal(copied.manifest.layers[0]!.digest, layer);
  },
);

test('all tags of a repository go with one command', needs, async () => {
  const name = `${registry.host}/many`;
  for (const tag of ['a', 'b', 'c']) await ok(docker(ours, ['tag', 'busybox:test', `${name}:${tag}`]));
  const said = await ok(docker(ours, ['push', '-a', name]));
  for (const tag of ['a', 'b', 'c']) {
    assert.match(said, new RegExp(`^${tag}: digest: sha256:`, 'm'));
    await manifestAt(registry, 'many', tag);
  }
  const cli = await run(process.execPath, [path.join(root, 'out/cli/slipway.cjs'), 'push', '-q', `${name}:b`], {
    env: { DOCKER_HOST: `unix://${ours.socket}` },
  });
  assert.deepEqual([cli.code, cli.stdout], [0, `${name}:b\n`], cli.stderr);
});

test('what cannot be pushed is said as dockerd says it', needs, async () => {
  const missing = `${registry.host}/not-there`;
  const tagless = `${registry.host}/some`;
  for (const engine of [ours, theirs]) await ok(docker(engine, ['tag', 'busybox:test', `${tagless}:1`]));
  for (const args of [
    ['push', missing],
    ['push', `${tagless}:2`],
    ['push', '-a', missing],
    ['push', 'some/UPPER'],
    ['push', `${tagless}:no!tag`],
  ]) {
    const [mine, oracle] = [await docker(ours, args), await docker(theirs, args)];
    assert.deepEqual(
      [mine.code, mine.stdout, mine.stderr],
      [oracle.code, oracle.stdout, oracle.stderr],
      args.join(' '),
    );
  }
  for (const [name, query] of [
    [tagless, 'tag=-x'],
    ['UPPER', 'tag=1'],
    [missing, ''],
  ] as const) {
    const url = `/v1.41/images/${name}/push?${query}`;
    const headers = { 'X-Registry-Auth': 'e30=' };
    const mine = await request(ours.socket, 'POST', url, undefined, headers);
    const oracle = await request(theirs.socket, 'POST', url, undefined, headers);
    // What is the client's mistake is never a 500.
    assert.deepEqual([mine.status, mine.body.toString()], [Math.min(400, oracle.status), oracle.body.toString()], url);
  }
});

test('the platform that is asked for must be the image’s', needs, async () => {
  const name = `${registry.host}/platforms`;
  await ok(docker(ours, ['tag', 'busybox:test', `${name}:latest`]));
  const ask = (architecture: string, version = '') =>
    request(
      ours.socket,
      'POST',
      `${version}/images/${name}/push?tag=latest&platform=${encodeURIComponent(JSON.stringify({ os: 'linux', architecture }))}`,
    );
  assert.equal((await ask('amd64')).status, 200);
  const refused = await ask('s390x');
  assert.equal(refused.status, 404);
  assert.match(refused.body.toString(), /does not match the specified platform: wanted linux\/s390x/);
  assert.equal((await ask('s390x', '/v1.45')).status, 200, 'older clients know no platform here');
});

test('a registry that asks who we are is told, and a wrong password is refused', needs, async () => {
  const htpasswd = path.join(folder, 'htpasswd');
  // bcrypt of "U*U".
  await writeFile(htpasswd, 'me:$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n');
  await using guarded = await openEmptyRegistry({
    settings: { auth: { htpasswd: { realm: 'test', path: htpasswd } } },
  });
  const name = `${guarded.host}/secret`;
  for (const engine of [ours, theirs]) await ok(docker(engine, ['tag', 'busybox:test', `${name}:latest`]));
  // Dockerd's words, and what to do.
  const nobody = (await push(ours, name)).at(-1)?.error ?? '';
  const theirWords = (await push(theirs, name)).at(-1)?.error ?? '';
  assert.equal(
    nobody,
    `push access denied for ${name}: ${theirWords}. Log in as somebody who may push there (docker login)`,
  );
  const wrong = (await push(ours, name, { auth: { username: 'me', password: 'no' } })).at(-1)?.error ?? '';
  assert.match(wrong, /unauthorized: authentication required/);
  digestIn(await push(ours, name, { auth: { username: 'me', password: 'U*U' } }));
});

/** A line to a registry that stops taking bytes after so many of them. */
async function heldLine({ port }: EmptyRegistry, after: number) {
  let seen = 0;
  let reached = () => undefined as void;
  const full = new Promise<void>((resolve) => (reached = resolve));
  const sockets = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const upstream = net.connect(port, '127.0.0.1');
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => undefined));
    upstream.pipe(client);
    client.on('data', (chunk: Buffer) => {
      seen += chunk.length;
      if (seen >= after) return (client.pause(), reached());
      upstream.write(chunk);
    });
    client.on('close', () => upstream.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    full,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

const ingest = () => readdir(path.join(ours.dataRoot, 'ingest'));

async function until(what: string, reached: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await reached()); tries++) {
    assert.ok(tries < 4000, what);
    await sleep(50);
  }
}

test('a push that is called off leaves nothing behind, and one whose engine is killed goes again', needs, async () => {
  await using line = await heldLine(registry, 400_000);
  const name = `${line.host}/held`;
  await ok(docker(ours, ['tag', 'busybox:test', `${name}:latest`]));
  const begin = async () => {
    const outgoing = http.request({ socketPath: ours.socket, method: 'POST', path: `/images/${name}/push?tag=latest` });
    outgoing.on('error', () => undefined);
    outgoing.end();
    await line.full;
    return outgoing;
  };
  (await begin()).destroy();
  await until('something of the layer is left', async () => (await ingest()).length === 0);
  await begin();
  await ours.kill();
  await ours.restart();
  await ok(docker(ours, ['tag', 'busybox:test', `${registry.host}/held:latest`]));
  digestIn(await push(ours, `${registry.host}/held`));
  assert.deepEqual(await ingest(), []);
});

test('a registry that vanishes, or has no room, is told of with its name', needs, async () => {
  const gone = await openEmptyRegistry();
  const name = `${gone.host}/gone`;
  await ok(docker(ours, ['tag', 'busybox:test', `${name}:latest`]));
  await gone[Symbol.asyncDispose]();
  const last = (await push(ours, name)).at(-1)?.error ?? '';
  assert.match(last, new RegExp(`the registry ${gone.host} refuses the connection`));

  await using full = await openEmptyRegistry();
  await ok(run('mkdir', ['-p', full.data]));
  await ok(run('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', full.data]));
  try {
    await ok(docker(ours, ['tag', 'busybox:test', `${full.host}/full:latest`]));
    const lines = await push(ours, `${full.host}/full`);
    assert.ok(statuses(lines).includes('Retrying in 1 second'), JSON.stringify(lines));
    assert.match(lines.at(-1)?.error ?? '', new RegExp(`the registry ${full.host} answered with status 500`));
  } finally {
    await ok(run('umount', ['-l', full.data]));
  }
  assert.deepEqual(await ingest(), []);
});

test('images in one archive share their blobs, and everybody reads it', needs, async () => {
  const made = await ok(
    docker(ours, ['run', '-d', '--network', 'none', 'busybox:test', 'sh', '-c', 'echo more > /more']),
  );
  await ok(docker(ours, ['wait', made.trim()]));
  await ok(docker(ours, ['commit', made.trim(), 'saved:more']));
  const annotatedName = `${registry.host}/annotated:index`;
  const archive = path.join(folder, 'saved.tar');
  await ok(docker(ours, ['save', '-o', archive, 'saved:more', 'busybox', annotatedName]));
  const names = (await ok(run('tar', ['-tf', archive]))).trim().split('\n');
  assert.equal(new Set(names).size, names.length, 'nothing is in it twice');

  const idOf = async (engine: { socket: string }, name: string) =>
    (await api<{ Id: string }>(engine.socket, 'GET', `/images/${name}/json`)).Id;
  const tags = ['saved:more', 'busybox:test', 'busybox:latest', annotatedName];
  for (const tag of tags) await docker(theirs, ['rmi', '-f', tag]);
  await ok(docker(theirs, ['load', '-q', '-i', archive]));
  for (const tag of tags) assert.equal(await idOf(theirs, tag), await idOf(ours, tag), tag);
  assert.equal(await ok(docker(theirs, ['run', '--rm', '--network', 'none', 'saved:more', 'cat', '/more'])), 'more\n');

  const storage = ['--root', path.join(folder, 'podman'), '--runroot', path.join(folder, 'podman-run')];
  await ok(run('podman', [...storage, '--storage-driver', 'vfs', 'load', '-q', '-i', archive]));
  for (const source of [`docker-archive:${archive}:saved:more`, `oci-archive:${archive}:more`]) {
    const seen = JSON.parse(await ok(run('skopeo', ['inspect', '--config', source]))) as {
      rootfs: { diff_ids: string[] };
    };
    assert.equal(seen.rootfs.diff_ids.length, 2, source);
  }
  const index = JSON.parse(await ok(run('tar', ['-xOf', archive, 'index.json']))) as {
    manifests: { digest: string }[];
  };
  const { digest } = await manifestAt(registry, 'annotated', '1');
  assert.ok(
    index.manifests.some((each) => each.digest === digest),
    'the manifest that it came with',
  );

  const before = await Promise.all(tags.map((tag) => idOf(ours, tag)));
  for (const tag of tags) await ok(docker(ours, ['rmi', '-f', tag]));
  await ok(docker(ours, ['load', '-q', '-i', archive]));
  assert.deepEqual(await Promise.all(tags.map((tag) => idOf(ours, tag))), before);
  const missing = await docker(ours, ['save', 'busybox:test', 'not-there:1']);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /not-there:1/);
});

test('an ordinary user’s engine pushes the same, and serves what it has', needs, async () => {
  await using person = await makePerson({ window: false });
  const own = await mkdtemp(path.join(tmpdir(), 'slipway-person-'));
  await chown(own, person.uid, person.gid);
  try {
    const command = [...person.become, process.execPath, path.join(person.checkout, 'out/daemon.cjs')];
    await using theirsToo = await startEngine({ command, folder: own, env: { HOME: own } });
    await loadBusybox(theirsToo);
    const name = `${registry.host}/by-a-person`;
    await ok(docker(theirsToo, ['tag', 'busybox:test', `${name}:latest`]));
    const digest = digestIn(await push(theirsToo, name));
    await ok(docker(ours, ['tag', 'busybox:test', `${second.host}/by-root:latest`]));
    assert.equal(digestIn(await push(ours, `${second.host}/by-root`)), digest);
    const { serving } = await api<{ serving: { address: string } }>(theirsToo.socket, 'PUT', '/slipway/serve', {
      address: '127.0.0.1:0',
    });
    // By the name that it has there: with its registry's, and a dash before the port.
    await ok(docker(ours, ['pull', '-q', `${serving.address}/${registry.host.replace(':', '-')}/by-a-person`]));
  } finally {
    await rm(own, { recursive: true, force: true });
  }
});
