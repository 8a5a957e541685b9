/** The images of an engine as a registry: what other engines and tools pull from it and push to it, and what it refuses. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import {
  api,
  docker,
  loadBusybox,
  request,
  run,
  startDockerd,
  startEngine,
  type Ran,
  type RunningEngine,
} from '../fixtures/engine.js';

const needs = { skip: process.getuid?.() !== 0 && 'needs root for its own network', timeout: 300_000 };

let ours: RunningEngine;
let other: RunningEngine;
let theirs: Awaited<ReturnType<typeof startDockerd>>;
let folder: string;
before(async () => {
  if (needs.skip) return;
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-serve-'));
  [ours, other, theirs] = await Promise.all([startEngine(), startEngine(), startDockerd()]);
  await loadBusybox(ours);
});
after(async () => {
  await ours?.[Symbol.asyncDispose]();
  await other?.[Symbol.asyncDispose]();
  await theirs?.[Symbol.asyncDispose]();
  if (folder) await rm(folder, { recursive: true, force: true });
});

async function ok(running: Promise<Ran>): Promise<string> {
  const { code, stdout, stderr } = await running;
  assert.equal(code, 0, stderr);
  return stdout;
}

interface Answer {
  serving: { address: string; writable: boolean; token: boolean; url: string; urls: string[]; persist: boolean } | null;
  token?: string;
}

const serve = (how: object) => api<Answer>(ours.socket, 'PUT', '/slipway/serve', how);
const LOOPBACK = { address: '127.0.0.1:0', writable: false, persist: false, token: false };

/** Begins to serve on loopback; where that is. */
async function served(how: object = {}): Promise<string> {
  const { serving } = await serve({ ...LOOPBACK, ...how });
  assert.ok(serving);
  return serving.address;
}

const idOf = async (engine: { socket: string }, name: string) =>
  (await api<{ Id: string }>(engine.socket, 'GET', `/images/${name}/json`)).Id;

const sha256 = (bytes: string | Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

const podman = (...args: string[]) =>
  run('podman', [
    ...['--root', path.join(folder, 'podman'), '--runroot', path.join(folder, 'podman-run')],
    ...['--storage-driver', 'vfs', ...args],
  ]);

test('other engines and tools pull the same image from it', needs, async () => {
  const host = await served();
  const name = `${host}/busybox:test`;
  const id = await idOf(ours, 'busybox:test');
  for (const engine of [other, theirs]) {
    await ok(docker(engine, ['pull', '-q', name]));
    assert.equal(await idOf(engine, name), id);
    assert.equal(await ok(docker(engine, ['run', '--rm', '--network', 'none', name, 'echo', 'here'])), 'here\n');
  }
  await ok(podman('pull', '-q', '--tls-verify=false', name));
  const [seen] = JSON.parse(await ok(podman('image', 'inspect', name))) as { Id: string }[];
  assert.equal(`sha256:${seen!.Id}`, id);
  const said = await ok(run('skopeo', ['inspect', '--tls-verify=false', `docker://${name}`]));
  const { Digest, RepoTags } = JSON.parse(said) as { Digest: string; RepoTags: string[] };
  assert.deepEqual(RepoTags, ['latest', 'test']);
  await ok(docker(theirs, ['pull', '-q', `${host}/busybox@${Digest}`]));
});

test('it is read-only unless it was asked to be more', needs, async () => {
  const host = await served();
  await loadBusybox(theirs);
  await ok(docker(theirs, ['tag', 'busybox:test', `${host}/mine:1`]));
  const { code, stderr } = await docker(theirs, ['push', '-q', `${host}/mine:1`]);
  assert.equal(code, 1);
  assert.match(stderr, /read-only/);
  for (const [method, at] of [
    ['POST', 'busybox/blobs/uploads/'],
    ['PUT', 'busybox/manifests/test'],
  ] as const)
    assert.equal((await fetch(`http://${host}/v2/${at}`, { method })).status, 403);
  const writable = await served({ writable: true });
  for (const what of ['manifests/test', `blobs/${sha256('x')}`])
    assert.equal((await fetch(`http://${writable}/v2/busybox/${what}`, { method: 'DELETE' })).status, 405);
});

test('what is pushed to it is an image here', needs, async () => {
  const host = await served({ writable: true });
  await loadBusybox(theirs);
  await loadBusybox(other);
  const id = await idOf(ours, 'busybox:test');
  for (const [engine, name] of [
    [theirs, 'from-dockerd'],
    [other, 'me/from-slipway'],
  ] as const) {
    await ok(docker(engine, ['tag', 'busybox:test', `${host}/${name}:1`]));
    await ok(docker(engine, ['push', '-q', `${host}/${name}:1`]));
    assert.equal(await idOf(ours, `${name}:1`), id);
  }
  const made = (
    await ok(docker(theirs, ['run', '-d', '--network', 'none', 'busybox:test', 'sh', '-c', 'echo pushed > /pushed']))
  ).trim();
  await ok(docker(theirs, ['wait', made]));
  await ok(docker(theirs, ['commit', made, `${host}/made:1`]));
  await ok(docker(theirs, ['push', '-q', `${host}/made:1`]));
  assert.equal(await ok(docker(ours, ['run', '--rm', '--network', 'none', 'made:1', 'cat', '/pushed'])), 'pushed\n');
  const target = `docker://${host}/ghcr.io/me/from-skopeo:2`;
  const source = `docker://${host}/made:1`;
  await ok(run('skopeo', ['copy', '-q', '--src-tls-verify=false', '--dest-tls-verify=false', source, target]));
  assert.equal(await idOf(ours, 'ghcr.io/me/from-skopeo:2'), await idOf(ours, 'made:1'));
  await ok(podman('pull', '-q', '--tls-verify=false', `${host}/made:1`));
  await ok(podman('push', '-q', '--tls-verify=false', `${host}/made:1`, `${host}/from-podman:1`));
  assert.equal(await idOf(ours, 'from-podman:1'), await idOf(ours, 'made:1'));

  const { digest, bytes, type } = await manifestOf(host, 'made', '1');
  const index = JSON.stringify({
    ...{ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json' },
    manifests: [{ mediaType: type, digest, size: bytes.length, platform: { os: 'linux', architecture: 'amd64' } }],
  });
  const headers = { 'Content-Type': 'application/vnd.oci.image.index.v1+json' };
  const put = await fetch(`http://${host}/v2/made/manifests/many`, { method: 'PUT', body: index, headers });
  assert.equal(put.status, 201, await put.text());
  assert.equal(await idOf(ours, 'made:many'), await idOf(ours, 'made:1'));
});

test('what a builder attests comes and goes with its image; other artifacts are refused', needs, async () => {
  const host = await served({ writable: true });
  await ok(run('sh', ['-c', 'tar -C /bin -c busybox | docker import - built:0'], { env: { DOCKER_HOST: `unix://${ours.socket}` } })); // prettier-ignore
  const layout = path.join(folder, 'attested');
  await ok(run('skopeo', ['copy', '-q', '--src-tls-verify=false', `docker://${host}/built:0`, `oci:${layout}:0`]));
  const { manifests } = JSON.parse(await readFile(path.join(layout, 'index.json'), 'utf8')) as {
    manifests: [{ mediaType: string; digest: string; size: number }];
  };
  const [{ mediaType, digest, size }] = manifests;
  const manifest = await readFile(path.join(layout, 'blobs/sha256', digest.slice(7)), 'utf8');
  const { config: image } = JSON.parse(manifest) as { config: { digest: string } };
  const blob = async (text: string | Buffer, mediaType: string) => {
    await writeFile(path.join(layout, 'blobs/sha256', sha256(text).slice(7)), text);
    return { mediaType, digest: sha256(text), size: text.length };
  };
  const OCI = 'application/vnd.oci.image';
  const statement = await blob('{"predicateType":"https://slsa.dev/provenance/v1"}', 'application/vnd.in-toto+json');
  const config = { os: 'unknown', architecture: 'unknown', rootfs: { type: 'layers', diff_ids: [statement.digest] } };
  const attestation = {
    ...{ schemaVersion: 2, mediaType: `${OCI}.manifest.v1+json`, layers: [statement] },
    config: await blob(JSON.stringify(config), `${OCI}.config.v1+json`),
  };
  const attests = await blob(JSON.stringify(attestation), attestation.mediaType);
  const index = {
    ...{ schemaVersion: 2, mediaType: `${OCI}.index.v1+json` },
    manifests: [
      { mediaType, digest, size, platform: { os: 'linux', architecture: 'amd64' } },
      {
        ...attests,
        platform: { os: 'unknown', architecture: 'unknown' },
        annotations: { 'vnd.docker.reference.type': 'attestation-manifest', 'vnd.docker.reference.digest': digest },
      },
    ],
  };
  const all = await blob(JSON.stringify(index), index.mediaType);
  const annotations = { 'org.opencontainers.image.ref.name': 'all' };
  const layoutIndex = { schemaVersion: 2, manifests: [{ ...all, annotations }] };
  await writeFile(path.join(layout, 'index.json'), JSON.stringify(layoutIndex));
  const copy = (...args: string[]) =>
    run('skopeo', ['copy', '-q', '--all', '--src-tls-verify=false', '--dest-tls-verify=false', ...args]);

  await ok(copy(`oci:${layout}:all`, `docker://${host}/built:1`));
  assert.equal(await idOf(ours, 'built:1'), image.digest);
  // The index as skopeo has written it.
  const { RepoDigests } = await api<{ RepoDigests: string[] }>(ours.socket, 'GET', '/images/built:1/json');
  const documents = await Promise.all(RepoDigests.map((name) => manifestOf(host, 'built', name.split('@')[1] ?? '')));
  const list = documents.find(({ bytes }) => bytes.includes('"manifests"'));
  assert.ok(list);
  const entries = (JSON.parse(list.bytes.toString()) as { manifests: { digest: string }[] }).manifests;
  const [first = '', second = ''] = entries.map((entry) => entry.digest);
  await ok(copy(`docker://${host}/built@${list.digest}`, `dir:${path.join(folder, 'again')}`));
  assert.match((await manifestOf(host, 'built', second)).bytes.toString(), /in-toto/);
  await ok(docker(ours, ['create', '--network', 'none', '--name', 'of-built', 'built:1', 'busybox']));
  const { Id: container } = await api<{ Id: string }>(ours.socket, 'GET', '/containers/of-built/json');
  const [summary, ...others] = await listed('manifests=1', 'built:1');
  assert.deepEqual(others, []);
  const [own, about, ...more] = summary!.Manifests!;
  assert.deepEqual(more, []);
  assert.deepEqual([own!.Kind, own!.ID, own!.Descriptor.digest, own!.Available], ['image', first, first, true]);
  const { architecture, os } = own!.ImageData!.Platform;
  assert.deepEqual([architecture, os, own!.ImageData!.Containers], [hostArchitecture(), 'linux', [container]]);
  const { manifest: parts } = await manifestOf(host, 'built', first);
  const content = own!.Descriptor.size + [parts.config, ...parts.layers].reduce((sum, each) => sum + each.size, 0);
  assert.deepEqual(own!.Size, { Content: content, Total: content + summary!.Size });
  assert.deepEqual([about!.Kind, about!.ID, about!.Available], ['attestation', second, true]);
  assert.deepEqual(about!.AttestationData, { For: digest }, 'as its builder said');
  assert.equal(about!.Size.Total, about!.Size.Content);
  for (const [query, version] of [
    ['', '1.47'],
    ['manifests=0', '1.47'],
    ['manifests=1', '1.46'],
  ] as const)
    // prettier-ignore
    assert.ok(!('Manifests' in (await listed(query, 'built:1', version))[0]!), `${query} ${version}`);
  await ok(docker(ours, ['rm', 'of-built']));
  assert.equal((await fetch(`http://${host}/v2/built/blobs/${statement.digest}`)).status, 200);
  await ok(docker(ours, ['save', '-o', path.join(folder, 'built.tar'), 'built:1']));
  const saved = await ok(run('tar', ['-tf', path.join(folder, 'built.tar')]));
  assert.match(saved, new RegExp(first.slice(7)));

  const chart = { ...attestation, layers: [{ ...statement, mediaType: 'application/x-chart' }] };
  chart.config.mediaType = 'application/vnd.cncf.helm.config.v1+json';
  const body = JSON.stringify(chart);
  const headers = { 'Content-Type': mediaType };
  const refused = await fetch(`http://${host}/v2/built/manifests/chart`, { method: 'PUT', body, headers });
  assert.equal(refused.status, 400);
  assert.match(await refused.text(), /no image but an artifact of type application\/vnd.cncf.helm/);

  await ok(docker(ours, ['rmi', '-f', image.digest]));
  await served();
  const kept = path.join(ours.dataRoot, 'blobs/sha256', statement.digest.slice(7));
  while (await access(kept).then(() => true, () => false)) await new Promise((resolve) => setTimeout(resolve, 20)); // prettier-ignore
});

test(
  'what was pushed by a tag goes with what is pushed by it next; an attestation that is missing is asked for',
  needs,
  async () => {
    let host = await served({ writable: true });
    const { manifest, digest, bytes, type } = await manifestOf(host, 'busybox', 'test');
    const OCI = 'application/vnd.oci.image';
    const put = async (reference: string, body: string, mediaType: string) => {
      const headers = { 'Content-Type': mediaType };
      const answer = await fetch(`http://${host}/v2/again/manifests/${reference}`, { method: 'PUT', body, headers });
      return { status: answer.status, said: await answer.text() };
    };
    const blob = async (text: string, mediaType: string) => {
      const url = `http://${host}/v2/again/blobs/uploads/?digest=${sha256(text)}`;
      assert.equal((await fetch(url, { method: 'POST', body: text })).status, 201);
      return { mediaType, digest: sha256(text), size: text.length };
    };
    for (const part of [manifest.config, ...manifest.layers]) {
      const url = `http://${host}/v2/again/blobs/uploads/?from=busybox&mount=${part.digest}`;
      assert.equal((await fetch(url, { method: 'POST' })).status, 201);
    }
    assert.equal((await put(digest, bytes.toString(), type!)).status, 201);
    const attested = async (text: string) => {
      const statement = await blob(`{"predicate":"${text}"}`, 'application/vnd.in-toto+json');
      const config = await blob(`{"rootfs":{"type":"layers","diff_ids":["${statement.digest}"]}}`, `${OCI}.config.v1+json`); // prettier-ignore
      const mediaType = `${OCI}.manifest.v1+json`;
      const attestation = JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [statement] });
      const platform = { architecture: hostArchitecture(), os: 'linux' };
      const about = { 'vnd.docker.reference.type': 'attestation-manifest', 'vnd.docker.reference.digest': digest };
      const manifests = [
        { mediaType: type, digest, size: bytes.length, platform },
        {
          ...{ mediaType, digest: sha256(attestation), size: attestation.length, annotations: about },
          platform: { architecture: 'unknown', os: 'unknown' },
        },
      ];
      const index = JSON.stringify({ schemaVersion: 2, mediaType: `${OCI}.index.v1+json`, manifests });
      return {
        ...{ index, all: [sha256(index), sha256(attestation), statement.digest, config.digest] },
        send: () => put(sha256(attestation), attestation, mediaType),
        tag: (tag: string) => put(tag, index, `${OCI}.index.v1+json`),
      };
    };
    const here = async (digests: string[]) => {
      const kept = await readdir(path.join(ours.dataRoot, 'blobs/sha256'));
      return digests.map((each) => kept.includes(each.slice(7)));
    };
    // What is here of it once nothing waits for a manifest any more.
    const settled = async () => void (host = await served({ writable: true }));
    const digests = async () =>
      (await api<{ RepoDigests: string[] }>(ours.socket, 'GET', '/images/again:1/json')).RepoDigests.filter((name) =>
        name.startsWith('again@'),
      )
        .map((name) => name.slice('again@'.length))
        .sort();

    const first = await attested('first');
    const refused = await first.tag('1');
    assert.equal(refused.status, 400);
    assert.match(refused.said, /"MANIFEST_BLOB_UNKNOWN".*names as an attestation of .* is not here: push it again/);
    assert.equal((await first.send()).status, 201);
    assert.equal((await first.tag('1')).status, 201);
    assert.equal((await first.tag('also')).status, 201);
    await settled();
    assert.deepEqual(await here(first.all), [true, true, true, true]);

    const second = await attested('second');
    assert.equal((await second.send()).status, 201);
    assert.equal((await second.tag('1')).status, 201);
    await settled();
    assert.deepEqual(await here([...first.all, ...second.all]), Array(8).fill(true), 'the other tag has the first');
    assert.deepEqual(await digests(), [digest, first.all[0]!, second.all[0]!].sort());
    assert.equal((await second.tag('also')).status, 201);
    await settled();
    assert.deepEqual(await here(first.all), [false, false, false, false]);
    assert.deepEqual(await digests(), [digest, second.all[0]!].sort());
    for (const each of second.all.slice(0, 2))
      assert.equal((await fetch(`http://${host}/v2/again/manifests/${each}`)).status, 200);
    assert.equal((await fetch(`http://${host}/v2/again/manifests/${first.all[1]}`)).status, 404);

    for (const tag of ['1', 'also']) assert.equal((await put(tag, bytes.toString(), type!)).status, 201);
    await settled();
    assert.deepEqual(await here(second.all), [false, false, false, false], 'the manifest alone attests nothing');
    assert.deepEqual(await digests(), [digest]);
    await ok(docker(ours, ['rmi', 'again:1', 'again:also']));
  },
);

interface Part {
  digest: string;
  size: number;
}

interface Listed {
  Size: number;
  Manifests?: {
    ID: string;
    Kind: string;
    Descriptor: { digest: string; size: number };
    Available: boolean;
    Size: { Content: number; Total: number };
    ImageData?: { Platform: { architecture: string; os: string }; Containers: string[] };
    AttestationData?: { For: string };
  }[];
}

const listed = (query: string, reference: string, version = '1.47') => {
  const filters = encodeURIComponent(JSON.stringify({ reference: [reference] }));
  return api<Listed[]>(ours.socket, 'GET', `/v${version}/images/json?filters=${filters}&${query}`);
};

const hostArchitecture = () => (process.arch === 'x64' ? 'amd64' : process.arch);

async function manifestOf(host: string, name: string, reference: string) {
  const answer = await fetch(`http://${host}/v2/${name}/manifests/${reference}`);
  assert.equal(answer.status, 200, await answer.clone().text());
  const bytes = Buffer.from(await answer.arrayBuffer());
  assert.equal(answer.headers.get('docker-content-digest'), sha256(bytes));
  const manifest = JSON.parse(bytes.toString()) as Record<'config', Part> & { layers: Part[] };
  return { digest: sha256(bytes), bytes, manifest, type: answer.headers.get('content-type') };
}

test('beyond this machine a token is asked for, and told once', needs, async () => {
  const { serving, token = '' } = await serve({ ...LOOPBACK, address: '0.0.0.0:0', writable: true });
  assert.equal(serving?.token, true);
  assert.ok(token.length >= 30);
  assert.deepEqual(await api(ours.socket, 'GET', '/slipway/serve'), { serving });
  const host = `127.0.0.1:${serving!.address.split(':').pop()}`;
  const ask = (authorization?: string) =>
    fetch(`http://${host}/v2/`, { headers: authorization ? { Authorization: authorization } : {} });
  const basic = (password: string) => `Basic ${Buffer.from(`anybody:${password}`).toString('base64')}`;
  for (const wrong of [undefined, basic(''), basic(`${token}x`), 'Bearer nonsense', `Token ${token}`, 'Basic !'])
    assert.equal((await ask(wrong)).status, 401, wrong);
  assert.match((await ask()).headers.get('www-authenticate') ?? '', /^Basic realm=/);
  for (const right of [basic(token), `Bearer ${token}`]) assert.equal((await ask(right)).status, 200);
  for (const what of ['_catalog', 'busybox/tags/list', 'busybox/manifests/test', `busybox/blobs/${sha256('x')}`])
    assert.equal((await fetch(`http://${host}/v2/${what}`)).status, 401, what);
  assert.equal((await fetch(`http://${host}/v2/x/blobs/uploads/`, { method: 'POST' })).status, 401);

  const nobody = await docker(other, ['pull', '-q', `${host}/busybox:test`]);
  assert.equal(nobody.code, 1);
  for (const engine of [other, theirs]) {
    const auth = Buffer.from(JSON.stringify({ username: 'me', password: token })).toString('base64url');
    const url = `/images/create?fromImage=${encodeURIComponent(`${host}/busybox`)}&tag=test`;
    const { body } = await request(engine.socket, 'POST', url, undefined, { 'X-Registry-Auth': auth });
    assert.doesNotMatch(body.toString(), /"error"/);
  }
  const log = ours.log() + (await readFile(path.join(ours.runDir, 'helper.log'), 'utf8').catch(() => ''));
  assert.ok(!log.includes(token), 'the token is in no log');
});

test('parts of a blob, pages of names, and what is not there', needs, async () => {
  const host = await served();
  const { manifest } = await manifestOf(host, 'busybox', 'test');
  const [layer] = manifest.layers;
  const url = `http://${host}/v2/busybox/blobs/${layer!.digest}`;
  const whole = Buffer.from(await (await fetch(url)).arrayBuffer());
  assert.equal(sha256(whole), layer!.digest);
  const head = await fetch(url, { method: 'HEAD' });
  assert.deepEqual(
    [head.headers.get('content-length'), head.headers.get('accept-ranges')],
    [`${whole.length}`, 'bytes'],
  );
  for (const [range, from, to] of [
    ['bytes=0-0', 0, 1],
    ['bytes=100-1099', 100, 1100],
    [`bytes=${whole.length - 10}-`, whole.length - 10, whole.length],
    ['bytes=-300000', whole.length - 300_000, whole.length],
    [`bytes=5-${whole.length * 2}`, 5, whole.length],
  ] as const) {
    const part = await fetch(url, { headers: { Range: range } });
    assert.equal(part.status, 206, range);
    assert.equal(part.headers.get('content-range'), `bytes ${from}-${to - 1}/${whole.length}`);
    assert.ok(Buffer.from(await part.arrayBuffer()).equals(whole.subarray(from, to)), range);
  }
  const beyond = await fetch(url, { headers: { Range: `bytes=${whole.length}-` } });
  assert.deepEqual([beyond.status, beyond.headers.get('content-range')], [416, `bytes */${whole.length}`]);
  assert.equal((await fetch(url, { headers: { Range: 'bytes=0-1,5-6' } })).status, 200);

  for (const tag of ['p1', 'p2', 'p3']) await ok(docker(ours, ['tag', 'busybox:test', `paged:${tag}`]));
  const seen: string[] = [];
  for (let next: string | undefined = '/v2/paged/tags/list?n=2'; next;) {
    const answer: Response = await fetch(`http://${host}${next}`);
    seen.push(...((await answer.json()) as { tags: string[] }).tags);
    next = /^<([^>]+)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1];
  }
  assert.deepEqual(seen, ['p1', 'p2', 'p3']);
  const catalog = (await (await fetch(`http://${host}/v2/_catalog`)).json()) as { repositories: string[] };
  assert.ok(catalog.repositories.includes('busybox') && catalog.repositories.includes('paged'));
  assert.equal((await fetch(`http://${host}/v2/library/busybox/manifests/test`)).status, 200, 'as a mirror is asked');
  const referrers = await fetch(`http://${host}/v2/busybox/referrers/${layer!.digest}`);
  assert.deepEqual(((await referrers.json()) as { manifests: unknown[] }).manifests, []);

  // A blob belongs to its repository, wherever else it lies.
  await ok(docker(ours, ['tag', 'busybox:test', 'localhost:5000/with/port:1']));
  assert.equal((await fetch(`http://${host}/v2/localhost-5000/with/port/manifests/1`)).status, 200);
  for (const [path, status] of [
    [`busybox/blobs/${sha256('nothing')}`, 404],
    ['busybox/blobs/sha256:..%2f..%2f..%2fetc%2fpasswd', 400],
    ['busybox/blobs/sha256:../../etc/passwd', 404],
    ['busybox/manifests/nosuch', 404],
    ['nosuch/manifests/1', 404],
    ['nosuch/tags/list', 404],
    ['..%2f..%2fdata/manifests/test', 404],
    ['UPPER/manifests/test', 404],
    ['busybox/manifests/%2e%2e', 404],
    ['busybox/tags/list?n=many', 400],
  ] as const) {
    const answer = await raw(host, `GET /v2/${path}`);
    assert.equal(answer, status, path);
  }
});

/** The status of a request whose path is sent as it is written here. */
async function raw(host: string, line: string, headers = `Host: ${host}`): Promise<number> {
  const [address, port] = host.split(':');
  const socket = net.connect(Number(port), address);
  socket.end(`${line} HTTP/1.1\r\n${headers}\r\nConnection: close\r\n\r\n`);
  let seen = '';
  for await (const chunk of socket) seen += String(chunk);
  return Number(seen.slice(9, 12));
}

test('a page in a browser of this machine does not get at it by a name of its own', needs, async () => {
  const host = await served();
  assert.equal(await raw(host, 'GET /v2/', 'Host: evil.example:80'), 403);
  assert.equal(await raw(host, 'GET /v2/', `Host: localhost:${host.split(':')[1]}`), 200);
  assert.equal(await raw(host, 'GET /v2/', `Host: ${host}\r\nOrigin: http://${host}`), 403);
  const { serving, token = '' } = await serve({ ...LOOPBACK, token: true });
  assert.equal((await fetch(`http://${serving!.address}/v2/`)).status, 401);
  const headers = { Authorization: `Bearer ${token}` };
  assert.equal((await fetch(`http://${serving!.address}/v2/`, { headers })).status, 200);
});

test('uploads in pieces, cut off, out of order and false ones', needs, async () => {
  const host = await served({ writable: true });
  const bytes = randomBytes(700_000);
  const begin = async () => {
    const answer = await fetch(`http://${host}/v2/pieces/blobs/uploads/`, { method: 'POST' });
    assert.equal(answer.status, 202);
    return `http://${host}${answer.headers.get('location')}`;
  };
  const at = await begin();
  const patch = (from: number, to: number) =>
    fetch(at, {
      ...{ method: 'PATCH', body: bytes.subarray(from, to) },
      headers: { 'Content-Type': 'application/octet-stream', 'Content-Range': `${from}-${to - 1}` },
    });
  assert.equal((await patch(0, 300_000)).status, 202);
  const early = await patch(400_000, 700_000);
  assert.deepEqual([early.status, early.headers.get('range')], [416, '0-299999']);
  const cut = new AbortController();
  const half = new ReadableStream({
    start: (controller) => controller.enqueue(bytes.subarray(300_000, 500_000)),
    pull: () => new Promise(() => undefined),
  });
  const cutting = fetch(at, { method: 'PATCH', body: half, duplex: 'half', signal: cut.signal } as RequestInit);
  let size = 0;
  while (size < 500_000) {
    const state = await fetch(at);
    assert.equal(state.status, 204);
    size = Number(state.headers.get('range')!.split('-')[1]) + 1;
  }
  cut.abort();
  await assert.rejects(cutting);
  let rest = await patch(500_000, 700_000);
  while (rest.status === 409) rest = await patch(500_000, 700_000); // the cut is being noticed
  assert.equal(rest.status, 202);
  const digest = sha256(bytes);
  assert.equal((await fetch(`${at}?digest=${digest}`, { method: 'PUT' })).status, 201);
  const blob = `http://${host}/v2/pieces/blobs/${digest}`;
  assert.equal((await fetch(blob, { method: 'HEAD' })).headers.get('content-length'), '700000');
  assert.equal((await fetch(`http://${host}/v2/elsewhere/blobs/${digest}`)).status, 404);

  const monolithic = `http://${host}/v2/pieces/blobs/uploads/?digest=`;
  const post = (name: string) => fetch(monolithic + name, { method: 'POST', body: 'small' });
  assert.equal((await post(sha256('small'))).status, 201);
  assert.equal((await post(sha256('large'))).status, 400);
  assert.equal((await post('sha256:../../x')).status, 400);
  const mount = `http://${host}/v2/pieces/blobs/uploads/?from=busybox&mount=`;
  const { manifest } = await manifestOf(host, 'busybox', 'test');
  assert.equal((await fetch(mount + manifest.layers[0]!.digest, { method: 'POST' })).status, 201);
  assert.equal((await fetch(mount + sha256('unknown'), { method: 'POST' })).status, 202);
  const gone = await begin();
  assert.equal((await fetch(gone, { method: 'DELETE' })).status, 204);
  assert.equal((await fetch(gone)).status, 404);

  const put = (body: string, type = 'application/vnd.oci.image.manifest.v1+json') =>
    fetch(`http://${host}/v2/pieces/manifests/1`, { method: 'PUT', body, headers: { 'Content-Type': type } });
  const missing = { digest: sha256('missing'), size: 7, mediaType: 'application/vnd.oci.image.config.v1+json' };
  for (const body of [
    'no json',
    JSON.stringify({ schemaVersion: 2, config: missing, layers: [] }),
    JSON.stringify({ schemaVersion: 2, config: { ...missing, digest: digest, size: bytes.length }, layers: [] }),
    JSON.stringify({ schemaVersion: 2, config: missing, layers: [], manifests: [] }),
  ])
    assert.equal((await put(body)).status, 400, body.slice(0, 80));
  assert.equal((await put(`{"schemaVersion":2,"x":"${'x'.repeat(5 * 1024 * 1024)}"}`)).status, 413);

  const blobs = () => readdir(path.join(ours.dataRoot, 'blobs/sha256'));
  assert.ok((await blobs()).includes(digest.slice(7)));
  await api(ours.socket, 'DELETE', '/slipway/serve');
  assert.ok(!(await blobs()).includes(digest.slice(7)), 'nobody has named it');
  assert.deepEqual(await readdir(path.join(ours.dataRoot, 'ingest')), []);
});

test('who takes nothing keeps nobody waiting, and it stops and comes up again as asked', needs, async () => {
  const host = await served();
  const { manifest } = await manifestOf(host, 'busybox', 'test');
  const [address, port] = host.split(':');
  const sleepers: net.Socket[] = [];
  for (let i = 0; i < 20; i++) {
    const socket = net.connect(Number(port), address).on('error', () => undefined);
    socket.write(`GET /v2/busybox/blobs/${manifest.layers[0]!.digest} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    sleepers.push(socket.pause());
  }
  await Promise.all(sleepers.map((socket) => socket.readableLength > 0 || once(socket, 'connect')));
  assert.equal((await fetch(`http://${host}/v2/busybox/manifests/test`)).status, 200);
  await api(ours.socket, 'DELETE', '/slipway/serve');
  await assert.rejects(fetch(`http://${host}/v2/`));
  assert.deepEqual(await api(ours.socket, 'GET', '/slipway/serve'), { serving: null });
  for (const socket of sleepers) socket.destroy();

  const kept = await served();
  await ours.kill();
  await ours.restart();
  assert.equal((await fetch(`http://${kept}/v2/busybox/manifests/test`)).status, 200, 'a kill is no end');
  await ours.stop();
  await ours.restart();
  assert.deepEqual(await api(ours.socket, 'GET', '/slipway/serve'), { serving: null });
  const { serving, token = '' } = await serve({ ...LOOPBACK, address: '0.0.0.0:0', persist: true });
  await ours.kill();
  await ours.restart();
  assert.deepEqual(await api(ours.socket, 'GET', '/slipway/serve'), { serving });
  const url = `http://127.0.0.1:${serving!.address.split(':').pop()}/v2/`;
  assert.equal((await fetch(url)).status, 401);
  assert.equal((await fetch(url, { headers: { Authorization: `Bearer ${token}` } })).status, 200);

  const [taken] = [net.createServer().listen(0, '127.0.0.1')];
  await once(taken, 'listening');
  for (const [wrong, status] of [
    [`127.0.0.1:${(taken.address() as net.AddressInfo).port}`, 409],
    ['example.org:5000', 400],
    ['127.0.0.1', 400],
    ['127.0.0.1:99999', 400],
    ['203.0.113.1:5000', 400],
  ] as const)
    assert.equal((await request(ours.socket, 'PUT', '/slipway/serve', { address: wrong })).status, status, wrong);
  taken.close();
  assert.equal((await request(ours.socket, 'PUT', '/slipway/serve', { nonsense: true })).status, 400);
  assert.equal(
    (await fetch(url, { headers: { Authorization: `Bearer ${token}` } })).status,
    200,
    'it goes on as it was',
  );
  await api(ours.socket, 'DELETE', '/slipway/serve');
  const { can } = await api<{ can: string[] }>(ours.socket, 'GET', '/slipway/features');
  assert.ok(can.includes('serve'));
});
