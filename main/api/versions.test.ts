import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atLeast, splitVersion } from './versions.js';

test('a path without a version is the newest', () => {
  assert.deepEqual(splitVersion('/containers/json'), { version: '1.47', path: '/containers/json' });
  assert.deepEqual(splitVersion('/version'), { version: '1.47', path: '/version' });
});

test('a prefix picks the version', () => {
  assert.deepEqual(splitVersion('/v1.24/info'), { version: '1.24', path: '/info' });
});

test('a client that is too old or too new is told so in Docker’s words', () => {
  assert.throws(() => splitVersion('/v1.23/info'), {
    kind: 'invalid',
    message:
      'client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version',
  });
  assert.throws(() => splitVersion('/v1.48/info'), {
    kind: 'invalid',
    message: 'client version 1.48 is too new. Maximum supported API version is 1.47',
  });
});

test('versions compare as numbers', () => {
  const { version } = splitVersion('/v1.41/x');
  assert.equal(atLeast(version, '1.9'), true);
  assert.equal(atLeast(version, '1.42'), false);
});
