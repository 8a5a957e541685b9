import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ImageInspect } from '../../contract/images.js';
import { Registry } from '../registry/index.js';
import { serve, type Answer } from '../registry/testing-registry.js';
import { Registries } from './index.js';

const INDEX = 'application/vnd.oci.image.index.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const digestOf = (document: object) => `sha256:${createHash('sha256').update(JSON.stringify(document)).digest('hex')}`;
const hex = (letter: string) => `sha256:${letter.repeat(64)}`;

const image = (names: Partial<ImageInspect>): ImageInspect =>
  ({ Id: hex('1'), Os: 'linux', Architecture: 'amd64', RepoTags: [], RepoDigests: [], ...names }) as ImageInspect;

function registries(here?: ImageInspect, registry = new Registry({ env: {}, backOffMs: 1, certificates: [] })) {
  return new Registries({
    registry,
    images: {
      list: () => [],
      inspect: () => here ?? assert.fail('not here'),
    },
    events: { publish: () => undefined },
  });
}

/** A registry that holds documents by tag and digest. */
const holding = (documents: Record<string, [type: string, document: object]>, more: Record<string, Answer> = {}) =>
  serve(({ url }) => {
    const path = url.split('?')[0] ?? '';
    const other = more[url] ?? more[path];
    if (other) return other;
    const name = /\/(?:manifests|blobs)\/(.+)$/.exec(path)?.[1] ?? '';
    const [type, document] =
      documents[name] ?? Object.values(documents).find(([, each]) => digestOf(each) === name) ?? [];
    if (!document || !type) return { status: 404, body: { errors: [{ code: 'MANIFEST_UNKNOWN', message: 'no' }] } };
    return { headers: { 'Content-Type': type, 'Docker-Content-Digest': digestOf(document) }, body: document };
  });

const config = { architecture: 'amd64', os: 'linux', rootfs: {} };
const manifest = { config: { digest: digestOf(config) }, layers: [] };
const attestation = { config: {}, layers: [{}] };
const index = {
  manifests: [
    { digest: digestOf(manifest), size: 1, mediaType: MANIFEST, platform: { os: 'linux', architecture: 'amd64' } },
    { digest: hex('9'), size: 2, mediaType: MANIFEST, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
    {
      digest: digestOf(attestation),
      size: 3,
      mediaType: MANIFEST,
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: {
        'vnd.docker.reference.type': 'attestation-manifest',
        'vnd.docker.reference.digest': digestOf(manifest),
      },
    },
  ],
};
const documents = {
  many: [INDEX, index],
  one: [MANIFEST, manifest],
  config: ['application/json', config],
} as Record<string, [string, object]>;

test('whether there is a newer image is asked by HEAD, and nothing more where there is none', async () => {
  await using server = await holding(documents);
  const here = image({ RepoTags: [`${server.host}/a:many`], RepoDigests: [`${server.host}/a@${digestOf(index)}`] });
  assert.deepEqual(await registries(here).newer(`${server.host}/a:many`), {
    newer: false,
    digest: digestOf(index),
    current: digestOf(index),
  });
  assert.deepEqual(server.asked(), ['HEAD /v2/a/manifests/many']);
  const old = image({ RepoTags: [`${server.host}/a:many`], RepoDigests: [`${server.host}/a@${hex('7')}`] });
  assert.deepEqual(await registries(old).newer(`${server.host}/a:many`), {
    newer: true,
    digest: digestOf(index),
    current: hex('7'),
  });
});

test('the same image by another digest, or without any, is not a newer one', async () => {
  await using server = await holding(documents);
  const name = `${server.host}/a:many`;
  const part = image({ RepoTags: [name], RepoDigests: [`${server.host}/a@${digestOf(manifest)}`] });
  assert.equal((await registries(part).newer(name)).newer, false);
  const loaded = image({ Id: digestOf(config), RepoTags: [name] });
  assert.deepEqual(await registries(loaded).newer(name), { newer: false, digest: digestOf(index), current: null });
  assert.equal((await registries(image({ RepoTags: [name] })).newer(name)).newer, true);
  const gone = image({ RepoTags: [`${server.host}/a:gone`] });
  await assert.rejects(registries(gone).newer(`${server.host}/a:gone`), { kind: 'not-found' });
  await assert.rejects(registries(image({})).newer('0123456789ab'), /has no name that a registry could be asked for/);
});

test('an image is described as its registry has it, without pulling', async () => {
  await using server = await holding(documents);
  const ask = (tag: string) => registries().distribution(`${server.host}/a:${tag}`, undefined);
  assert.deepEqual(await ask('one'), {
    Descriptor: { mediaType: MANIFEST, digest: digestOf(manifest), size: JSON.stringify(manifest).length },
    Platforms: [{ architecture: 'amd64', os: 'linux' }],
  });
  assert.deepEqual((await ask('many')).Platforms.slice(0, 2), [
    { architecture: 'amd64', os: 'linux' },
    { architecture: 'arm64', os: 'linux', variant: 'v8' },
  ]);
  await assert.rejects(ask('nosuch'), { kind: 'not-found' });
  await assert.rejects(registries().distribution('1'.repeat(64), undefined), { kind: 'invalid' });
  await assert.rejects(registries().distribution('a//b', undefined), { kind: 'invalid' });
});

test('an image of Docker Hub is described by the mirror, as it would be pulled from there', async () => {
  await using server = await holding(documents);
  const mirrored = new Registry({ env: {}, backOffMs: 1, certificates: [], mirrors: [`http://${server.host}`] });
  const { Descriptor } = await registries(undefined, mirrored).distribution('a:one', undefined);
  assert.equal(Descriptor.digest, digestOf(manifest));
  assert.equal(server.asked()[0], 'GET /v2/library/a/manifests/one');
});

test('a document that is an index and an image at once is refused (CVE-2021-41190)', async () => {
  await using server = await holding({ both: [INDEX, { ...index, ...manifest }] });
  await assert.rejects(registries().distribution(`${server.host}/a:both`, undefined), /at once: refused/);
  const here = image({ RepoTags: [`${server.host}/a:both`] });
  await assert.rejects(registries(here).newer(`${server.host}/a:both`), /at once: refused/);
});

test('attachments are found by the referrers API, page by page, in the index, and as cosign keeps them', async () => {
  const page = (name: string, next?: string): Answer => ({
    headers: { 'Content-Type': INDEX, ...(next && { Link: `<${next}>; rel="next"` }) },
    body: {
      manifests: [{ digest: name, size: 9, artifactType: `application/${name[7]}`, annotations: { a: 'b', c: 1 } }],
    },
  });
  const path = `/v2/a/referrers/${digestOf(index)}`;
  await using server = await holding(
    { ...documents, [`${digestOf(manifest).replace(':', '-')}.sig`]: [MANIFEST, attestation] },
    { [path]: page(hex('c'), `${path}?page=2`), [`${path}?page=2`]: page(hex('d')) },
  );
  const here = image({ RepoTags: [`${server.host}/a:many`], RepoDigests: [`${server.host}/a@${digestOf(index)}`] });
  const found = await registries(here).referrers(`${server.host}/a:many`);
  assert.deepEqual(
    found.map(({ digest, artifactType }) => [digest, artifactType]),
    [
      [digestOf(attestation), 'attestation-manifest'],
      [hex('c'), 'application/c'],
      [hex('d'), 'application/d'],
    ],
  );
  assert.deepEqual(found[1]?.annotations, { a: 'b' });
});

test('where there is no referrers API, the tag that stands for it is read', async () => {
  const list = { manifests: [{ digest: hex('e'), size: 5, artifactType: 'application/x', annotations: null }] };
  await using server = await holding({ ...documents, [digestOf(manifest).replace(':', '-')]: [INDEX, list] });
  const here = image({ RepoTags: [`${server.host}/a:one`], RepoDigests: [`${server.host}/a@${digestOf(manifest)}`] });
  assert.deepEqual(await registries(here).referrers(`${server.host}/a:one`), [
    { digest: hex('e'), artifactType: 'application/x', size: 5, annotations: {} },
  ]);
});

test('repositories and tags come in pages; who does not list them says so', async () => {
  await using server = await serve(({ url }) => {
    if (url === '/v2/_catalog?n=2')
      return { body: { repositories: ['a', 'b'] }, headers: { Link: '</v2/_catalog?last=b&n=2>; rel="next"' } };
    if (url === '/v2/_catalog?n=2&last=b') return { body: { repositories: ['c'] } };
    if (url.startsWith('/v2/a/tags/list')) return { body: { tags: null } };
    return { status: 404 };
  });
  const all = registries();
  assert.deepEqual(await all.repositories(server.host, { n: 2 }), { offered: true, names: ['a', 'b'], next: 'b' });
  assert.deepEqual(await all.repositories(server.host, { n: 2, last: 'b' }), { offered: true, names: ['c'] });
  assert.deepEqual(await all.tags(server.host, 'a', {}), { offered: true, names: [] });
  await assert.rejects(all.tags(server.host, 'nosuch', {}), { kind: 'not-found' });
  await assert.rejects(all.tags(server.host, '../_catalog', {}), { kind: 'invalid' });
  await assert.rejects(all.repositories('no host/x y', {}), { kind: 'invalid' });
  await using shy = await serve(() => ({ status: 403 }));
  assert.deepEqual(await all.repositories(shy.host, {}), { offered: false, names: [] });
});

test('a search is narrowed by filters, and says what is wrong with it', async () => {
  // The one fake of its kind: Docker Hub's search has no counterpart on this machine.
  const result = (name: string, stars: number, official: boolean) => ({
    ...{ name, description: `about ${name}`, star_count: stars, is_official: official, is_automated: false },
  });
  await using server = await serve(({ url }) =>
    url.startsWith('/v1/search?q=deb&')
      ? { body: { num_results: 3, results: [result('debian', 50, true), result('deb/x', 3, false), { name: 'odd' }] } }
      : { status: 404 },
  );
  const ask = async (term: string, filters = {}, limit?: number) =>
    (await registries().search({ term: `${server.host}/${term}`, filters, limit }, undefined)).map(({ name }) => name);
  assert.deepEqual(await ask('deb'), ['debian', 'deb/x', 'odd']);
  assert.match(server.seen.at(-1)?.url ?? '', /n=25$/);
  assert.deepEqual(await ask('deb', { 'is-official': ['true'] }, 7), ['debian']);
  assert.match(server.seen.at(-1)?.url ?? '', /n=7$/);
  assert.deepEqual(await ask('deb', { stars: ['3'], 'is-automated': ['false'] }), ['debian', 'deb/x']);
  await assert.rejects(ask('deb', { 'is-official': ['maybe'] }), { kind: 'invalid' });
  await assert.rejects(ask('deb', { stars: ['many'] }), { kind: 'invalid' });
  await assert.rejects(ask('deb', {}, 101), /Limit 101 is outside the range of \[1, 100\]/);
  await assert.rejects(ask('nosuch'), /offers no search/);
});

test('who is logged in searches as who they are, and nobody else learns it', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'slipway-search-'));
  t.after(() => rm(root, { recursive: true }));
  const authorization = `Basic ${Buffer.from('me:s3cret').toString('base64')}`;
  await using server = await serve(({ url, headers }) => {
    if (headers.authorization !== authorization)
      return { status: 401, headers: { 'WWW-Authenticate': 'Basic realm="here"' } };
    return { body: url.startsWith('/v1/search') ? { results: [{ name: 'mine' }] } : {} };
  });
  await using other = await serve(() => ({ status: 401 }));
  const registry = await Registry.open({ root, env: {}, backOffMs: 1, certificates: [] });
  await registry.login(server.host, { username: 'me', password: 's3cret' });
  const all = registries(undefined, registry);
  const ask = (host: string, header?: string) => all.search({ term: `${host}/x`, filters: {} }, header);
  assert.deepEqual(
    (await ask(server.host)).map(({ name }) => name),
    ['mine'],
  );
  const wrong = Buffer.from(JSON.stringify({ username: 'you', password: 'x' })).toString('base64url');
  await assert.rejects(ask(server.host, wrong), /log in first/);
  await assert.rejects(ask(other.host), /log in first/);
  assert.ok(other.seen.every(({ headers }) => headers.authorization === undefined));
});
