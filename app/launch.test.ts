import assert from 'node:assert/strict';
import test from 'node:test';
import { placesFor, readFlags } from './launch.js';

test('a person’s engine lives in the XDG directories', async () => {
  const env = { HOME: '/home/ann', XDG_RUNTIME_DIR: '/run/user/1000' };
  const places = await placesFor(readFlags(['.']), env, 1000);
  assert.deepEqual(places, {
    dataRoot: '/home/ann/.local/share/slipway',
    execRoot: '/run/user/1000/slipway',
    socket: '/run/user/1000/slipway/docker.sock',
  });
});

test('root’s engine lives in the system’s directories', async () => {
  const places = await placesFor(readFlags([]), { HOME: '/root' }, 0);
  assert.equal(places.socket, '/run/slipway/docker.sock');
  assert.equal(places.dataRoot, '/var/lib/slipway');
});

test('another data root has a run directory of its own', async () => {
  const places = await placesFor(readFlags(['--data-root=/srv/other']), {}, 0);
  assert.match(places.execRoot, /^\/run\/slipway\/[0-9a-f]{8}$/);
  assert.equal(places.socket, `${places.execRoot}/docker.sock`);
});

test('flags are read between Chromium’s own', async () => {
  const argv = [
    '--no-sandbox',
    '--inspect=0',
    '/app',
    '--exec-root',
    '/tmp/x',
    '--registry-mirror',
    'http://a',
    '-H',
    'unix:///tmp/s',
  ];
  const flags = readFlags([...argv, '--registry-mirror', 'http://b', '--force-color-profile=srgb']);
  assert.deepEqual(flags.registryMirrors, ['http://a', 'http://b']);
  assert.equal(flags.noEngine, false);
  const places = await placesFor(flags, {}, 0);
  assert.equal(places.execRoot, '/tmp/x');
  assert.equal(places.socket, '/tmp/s');
});

test('a host that is no unix socket is refused with what is possible', async () => {
  await assert.rejects(placesFor(readFlags(['--host', 'tcp://1.2.3.4:2375']), {}, 0), /unix:\/\/\/absolute\/path/);
});
