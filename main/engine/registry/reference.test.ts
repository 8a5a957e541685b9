import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonical, familiar, parseReference, withDefaultTag } from './index.js';

const hex = 'a'.repeat(64);

test('names get Docker’s defaults, and are shown without them', () => {
  const cases: [written: string, stored: string, shown: string][] = [
    ['debian', 'docker.io/library/debian:latest', 'debian:latest'],
    ['debian:12', 'docker.io/library/debian:12', 'debian:12'],
    ['library/debian', 'docker.io/library/debian:latest', 'debian:latest'],
    ['docker.io/debian', 'docker.io/library/debian:latest', 'debian:latest'],
    ['index.docker.io/library/debian', 'docker.io/library/debian:latest', 'debian:latest'],
    ['me/app', 'docker.io/me/app:latest', 'me/app:latest'],
    ['a/b/c', 'docker.io/a/b/c:latest', 'a/b/c:latest'],
    ['localhost/app', 'localhost/app:latest', 'localhost/app:latest'],
    ['localhost:5000/app', 'localhost:5000/app:latest', 'localhost:5000/app:latest'],
    ['[::1]:5000/app', '[::1]:5000/app:latest', '[::1]:5000/app:latest'],
    ['ghcr.io/me/app:v1', 'ghcr.io/me/app:v1', 'ghcr.io/me/app:v1'],
    ['Host/app', 'Host/app:latest', 'Host/app:latest'],
    [`debian@sha256:${hex}`, `docker.io/library/debian@sha256:${hex}`, `debian@sha256:${hex}`],
    [`debian:12@sha256:${hex}`, `docker.io/library/debian:12@sha256:${hex}`, `debian:12@sha256:${hex}`],
    ['a__b/c-d.e_f', 'docker.io/a__b/c-d.e_f:latest', 'a__b/c-d.e_f:latest'],
  ];
  for (const [written, stored, shown] of cases) {
    const reference = withDefaultTag(parseReference(written));
    assert.equal(canonical(reference), stored);
    assert.equal(familiar(reference), shown);
    assert.deepEqual(parseReference(stored), reference);
  }
});

test('what is no name is refused in Docker’s words', () => {
  const cases: [written: string, message: string][] = [
    ['', 'invalid reference format'],
    [':tag', 'invalid reference format'],
    ['a b', 'invalid reference format'],
    ['../x', 'invalid reference format'],
    ['x:', 'invalid reference format'],
    ['x:-a', 'invalid reference format'],
    [`x:${'t'.repeat(129)}`, 'invalid reference format'],
    ['x@sha256:abc', 'invalid reference format'],
    ['-x', 'invalid reference format'],
    ['a//b', 'invalid reference format'],
    ['a/b/', 'invalid reference format'],
    ['x._y', 'invalid reference format'],
    ['Debian', 'invalid reference format: repository name must be lowercase'],
    [hex, `invalid repository name (${hex}), cannot specify 64-byte hexadecimal strings`],
    [`r.io/${'a'.repeat(300)}`, 'repository name must not be more than 255 characters'],
    [`x@md5:${'a'.repeat(32)}`, 'unsupported digest algorithm'],
    [`x@sha512:${hex}${hex}`, 'unsupported digest algorithm'],
    [`x@sha256:${'a'.repeat(63)}`, 'invalid checksum digest length'],
    [`x@sha256:${'A'.repeat(64)}`, 'invalid checksum digest format'],
    ['x:5000/', 'invalid reference format'],
    ['index.docker.io/Debian', 'invalid reference format: repository name must be lowercase'],
  ];
  for (const [written, message] of cases) {
    assert.throws(() => parseReference(written), { kind: 'invalid', message }, written);
  }
});
