import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerSummary } from '../../../main/contract/containers.js';
import type { ImageSummary } from '../../../main/contract/images.js';
import { alike, namedImages, registriesOf, usersByImage } from '../../parts/image-names.js';
import { configSentences } from './config-words.js';
import { imageFilterOf, type ImageFacts, type ImageFilter } from './filter.js';
import { groupsOf } from './grouping.js';
import { kindOfReferrer } from './referrers.js';

const image = (Id: string, RepoTags: string[], change: Partial<ImageSummary> = {}): ImageSummary => ({
  Id: `sha256:${Id}`,
  ParentId: '',
  RepoTags,
  RepoDigests: [],
  Created: 0,
  Size: 100,
  SharedSize: -1,
  Labels: null,
  Containers: -1,
  ...change,
});
const container = (name: string, ImageID: string, State: ContainerSummary['State']) =>
  ({ Id: name, Names: [`/${name}`], ImageID: `sha256:${ImageID}`, State }) as ContainerSummary;

const images = [
  image('aa', ['shop/api:2', 'shop/api:latest'], { Labels: { tier: 'back' }, Created: 30 }),
  image('bb', ['shop/api:1'], { Created: 20 }),
  image('cc', ['localhost:5000/api:3'], { Created: 40, RepoDigests: ['localhost:5000/api@sha256:' + '0'.repeat(64)] }),
  image('dd', []),
];
const rows = namedImages(images);
const facts: ImageFacts = {
  users: usersByImage([container('web', 'aa', 'running'), container('old', 'bb', 'exited')]),
  newer: { 'shop/api:1': { state: 'known', newer: true, at: 0 } },
};
const filtered = (text: string, ...chips: ImageFilter[]) =>
  rows
    .filter(imageFilterOf(text, new Set(chips), facts))
    .map(({ reference }) => reference)
    .join(' ');

test('words are found in names and at the start of ids; a tag is no token', () => {
  assert.equal(filtered('api:2'), 'shop/api:2');
  assert.equal(filtered('shop latest'), 'shop/api:latest');
  assert.equal(filtered('dd'), 'sha256:dd');
  assert.equal(filtered('nothing'), '');
});

test('a word with a name and a colon is looked for there alone', () => {
  assert.equal(filtered('label:tier=back'), 'shop/api:2 shop/api:latest');
  assert.equal(filtered('repo:localhost'), 'localhost:5000/api:3');
  assert.equal(filtered('used:old'), 'shop/api:1');
  assert.equal(filtered('is:dang'), 'sha256:dd');
  assert.equal(filtered('tag:lat'), 'shop/api:latest');
});

test('of several chips one has to be right', () => {
  assert.equal(filtered('', 'used'), 'shop/api:2 shop/api:latest shop/api:1');
  assert.equal(filtered('', 'unused'), 'localhost:5000/api:3 sha256:dd');
  assert.equal(filtered('', 'dangling', 'newer'), 'shop/api:1 sha256:dd');
});

test('a group counts each image once, and says how much is its own only where that is known of all', () => {
  const grouped = (shared: Record<string, number>) =>
    groupsOf(
      rows,
      facts,
      shared,
      (a, b) => a.localeCompare(b),
      (name) => name ?? '',
    ).map(({ name, size, unique, use }) => [name, size, unique, use]);
  assert.deepEqual(grouped({ 'sha256:aa': 90, 'sha256:bb': 60, 'sha256:dd': 0 }), [
    ['localhost:5000/api', 100, undefined, 'unused'],
    ['shop/api', 200, 50, 'running'],
    [undefined, 100, 100, 'unused'],
  ]);
});

test('what could stand in for an image that cannot be had: the same name first, then its repository, then its last word', () => {
  const found = (reference: string) => alike(reference, images).map((row) => row.reference);
  assert.deepEqual(found('shop/api:1'), ['shop/api:1', 'shop/api:2', 'shop/api:latest']);
  assert.deepEqual(found('ghcr.io/x/api:9'), ['localhost:5000/api:3', 'shop/api:2', 'shop/api:latest']);
  assert.deepEqual(found('postgres:17'), []);
});

test('the registries that images came from are those of their digests', () => {
  assert.deepEqual(registriesOf(images), ['localhost:5000']);
});

test('a config is said in sentences, with what holds where it says nothing', () => {
  const said = (config: Parameters<typeof configSentences>[0]) =>
    configSentences(config).map(({ key, values }) => [key, ...Object.values(values)].join(' '));
  assert.deepEqual(said({}), ['runsNothing root /']);
  assert.deepEqual(said({ Cmd: ['nginx', '-g', 'daemon off;'], User: 'app', WorkingDir: '/srv' }), [
    "runs nginx -g 'daemon off;' app /srv",
    'replaceCommand',
  ]);
  assert.deepEqual(
    said({
      Entrypoint: ['/e'],
      Cmd: ['c'],
      ExposedPorts: { '80/tcp': {}, '443/tcp': {} },
      Volumes: { '/data': {} },
      Healthcheck: { Test: ['CMD-SHELL', 'curl localhost'], Interval: 90e9 },
      StopSignal: 'SIGQUIT',
      OnBuild: ['RUN x'],
    }),
    [
      'runs /e c root /',
      'replaceArguments c /e',
      'listens 80/tcp 443/tcp',
      'keeps /data',
      'health curl localhost 1m30s 30s 3',
      'stops SIGQUIT',
      'onBuild 1',
    ],
  );
  assert.deepEqual(said({ Healthcheck: { Test: ['NONE'] } }), ['runsNothing root /', 'healthOff']);
});

test('what is attached to an image is called what people know it by', () => {
  const kind = (artifactType: string, annotations: Record<string, string> | null = null) =>
    kindOfReferrer({ artifactType, annotations });
  assert.equal(kind('application/vnd.dev.cosign.artifact.sig.v1+json'), 'signature');
  assert.equal(kind('application/vnd.cncf.notary.signature'), 'signature');
  assert.equal(kind('application/spdx+json'), 'sbom');
  assert.equal(kind('application/vnd.in-toto+json'), 'attestation');
  assert.equal(kind('application/octet-stream', { predicateType: 'https://slsa.dev/provenance/v1' }), 'attestation');
  assert.equal(kind('text/plain'), 'other');
});
