import assert from 'node:assert/strict';
import { test } from 'node:test';
import { candidates, hostPlatform, parsePlatform, platformText, platformWarning, suits } from './platform.js';
import type { IndexEntry } from './record.js';

const entry = (platform: string | undefined, more: Partial<IndexEntry> = {}): IndexEntry => {
  const [os = '', architecture = '', variant] = platform?.split('/') ?? [];
  return {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: `sha256:${'0'.repeat(64)}`,
    size: 1,
    ...(platform && { platform: { os, architecture, ...(variant && { variant }) } }),
    ...more,
  };
};
const chosen = (platforms: (string | undefined)[], wanted: string): (string | undefined)[] =>
  candidates(
    platforms.map((platform) => entry(platform)),
    parsePlatform(wanted),
  ).map(({ platform }) =>
    platform ? platformText(platform as { os: string; architecture: string; variant?: string }) : undefined,
  );

test('a platform is written in many ways and means one', () => {
  const cases: [written: string, read: string][] = [
    ['linux/amd64', 'linux/amd64'],
    ['linux/x86_64', 'linux/amd64'],
    ['LINUX/AMD64', 'linux/amd64'],
    ['linux/amd64/v1', 'linux/amd64'],
    ['linux/amd64/v3', 'linux/amd64/v3'],
    ['linux/arm64/v8', 'linux/arm64'],
    ['linux/aarch64', 'linux/arm64'],
    ['linux/arm', 'linux/arm/v7'],
    ['linux/arm/6', 'linux/arm/v6'],
    ['linux/armhf', 'linux/arm/v7'],
    ['linux/armel', 'linux/arm/v6'],
    ['linux/i386', 'linux/386'],
    ['arm64', 'linux/arm64'],
    ['riscv64', 'linux/riscv64'],
    ['windows/amd64', 'windows/amd64'],
  ];
  for (const [written, read] of cases) assert.equal(platformText(parsePlatform(written)), read, written);
  for (const bad of ['linux/', 'linux/amd64/v2/x', '/', 'no system', 'linux/a$b', 'pdp11'])
    assert.throws(() => parsePlatform(bad), { kind: 'invalid' }, bad);
});

test('of an index the image is taken that runs best, as Docker chooses', () => {
  assert.deepEqual(chosen(['linux/arm64', 'linux/amd64', 'windows/amd64'], 'linux/amd64'), ['linux/amd64']);
  assert.deepEqual(chosen(['linux/386', 'linux/amd64'], 'linux/amd64'), ['linux/amd64', 'linux/386']);
  assert.deepEqual(chosen(['linux/amd64/v3', 'linux/amd64'], 'linux/amd64'), ['linux/amd64']);
  assert.deepEqual(chosen(['linux/amd64', 'linux/amd64/v2', 'linux/amd64/v3'], 'linux/amd64/v3'), [
    'linux/amd64/v3',
    'linux/amd64/v2',
    'linux/amd64',
  ]);
  assert.deepEqual(chosen(['linux/arm/v5', 'linux/arm/v6', 'linux/arm/v7'], 'linux/arm/v6'), [
    'linux/arm/v6',
    'linux/arm/v5',
  ]);
  assert.deepEqual(chosen(['linux/arm/v7', 'linux/arm/v6'], 'linux/arm64'), ['linux/arm/v7', 'linux/arm/v6']);
  assert.deepEqual(chosen(['linux/arm64/v8'], 'linux/arm64'), ['linux/arm64/v8']);
  assert.deepEqual(chosen(['linux/s390x'], 'linux/amd64'), []);
});

test('what does not say where it runs comes last, and what is no image never', () => {
  assert.deepEqual(chosen([undefined, 'linux/amd64'], 'linux/amd64'), ['linux/amd64', undefined]);
  const others = [
    entry('unknown/unknown'),
    entry('linux/amd64', { artifactType: 'application/spdx+json' }),
    entry('linux/amd64', { annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } }),
  ];
  assert.deepEqual(candidates(others, parsePlatform('linux/amd64')), []);
});

test('an image suits a platform that runs it', () => {
  const suit = (image: string, wanted: string) => suits(parsePlatform(image), parsePlatform(wanted));
  assert.ok(suit('linux/arm/v6', 'linux/arm/v7'));
  assert.ok(!suit('linux/arm/v7', 'linux/arm/v6'));
  assert.ok(suit('linux/arm64/v8', 'linux/arm64'));
  assert.ok(!suit('linux/amd64', 'linux/arm64'));
  assert.ok(!suit('windows/amd64', 'linux/amd64'));
});

test('an image for another kind of machine is warned of, one for any variant of this is not', () => {
  const { architecture } = hostPlatform();
  for (const variant of ['v2', 'v3', 'v8', undefined])
    assert.equal(platformWarning({ os: 'linux', architecture, ...(variant && { variant }) }), undefined);
  assert.equal(platformWarning({ os: '', architecture: '' }), undefined);
  assert.match(
    platformWarning({ os: 'linux', architecture: 'mips64le' }) ?? '',
    /image's platform \(linux\/mips64le\) does not match the detected host platform \(linux\/\w+\)/,
  );
});
