import assert from 'node:assert/strict';
import test from 'node:test';
import { engineArguments } from '../main/base/engine-flags.js';
import { readFlags } from './launch.js';

test('flags are read between Chromium’s own', () => {
  const argv = ['--no-sandbox', '--inspect=0', '/app', '--exec-root', '/tmp/x', '--registry-mirror', 'http://a'];
  const more = ['-H', 'unix:///tmp/s', '--registry-mirror', 'http://b', '--force-color-profile=srgb', '--data-root=/d'];
  assert.deepEqual(readFlags([...argv, ...more]), {
    dataRoot: '/d',
    execRoot: '/tmp/x',
    host: 'unix:///tmp/s',
    noEngine: false,
    engine: {
      registryMirror: ['http://a', 'http://b'],
      insecureRegistry: [],
      allowNondistributableArtifacts: [],
      addRuntime: {},
      logOpt: {},
    },
  });
});

test('without flags everything is as usual', () => {
  assert.deepEqual(readFlags(['.']), {
    noEngine: false,
    engine: {
      registryMirror: [],
      insecureRegistry: [],
      allowNondistributableArtifacts: [],
      addRuntime: {},
      logOpt: {},
    },
  });
});

test('a flag without its value is said, not guessed', () => {
  assert.throws(() => readFlags(['.', '--add-runtime', 'crun']), /NAME=\/path/);
});

test('the engine that goes on after the app has the same flags', () => {
  const given = [
    '--registry-mirror',
    'http://a',
    '--registry-mirror',
    'http://b',
    '--add-runtime',
    'crun=/usr/bin/crun',
  ];
  const flags = ['--userns-remap', 'default'];
  assert.deepEqual(engineArguments(readFlags(['.', '--no-engine', ...given, ...flags]).engine), [...given, ...flags]);
});
