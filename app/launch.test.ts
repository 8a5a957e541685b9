import assert from 'node:assert/strict';
import test from 'node:test';
import { readFlags } from './launch.js';

test('flags are read between Chromium’s own', () => {
  const argv = ['--no-sandbox', '--inspect=0', '/app', '--exec-root', '/tmp/x', '--registry-mirror', 'http://a'];
  const more = ['-H', 'unix:///tmp/s', '--registry-mirror', 'http://b', '--force-color-profile=srgb', '--data-root=/d'];
  assert.deepEqual(readFlags([...argv, ...more]), {
    dataRoot: '/d',
    execRoot: '/tmp/x',
    host: 'unix:///tmp/s',
    noEngine: false,
    registryMirrors: ['http://a', 'http://b'],
    insecureRegistries: [],
  });
});

test('without flags everything is as usual', () => {
  assert.deepEqual(readFlags(['.']), { noEngine: false, registryMirrors: [], insecureRegistries: [] });
});
