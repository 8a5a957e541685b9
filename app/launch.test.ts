import assert from 'node:assert/strict';
import test from 'node:test';
import { readLaunch } from './launch.js';

test('a person’s engine lives in the XDG directories', async () => {
  const env = { HOME: '/home/ann', XDG_RUNTIME_DIR: '/run/user/1000' };
  const { places } = await readLaunch(['.'], env, 1000);
  assert.deepEqual(places, {
    dataRoot: '/home/ann/.local/share/slipway',
    execRoot: '/run/user/1000/slipway',
    socket: '/run/user/1000/slipway/docker.sock',
    usual: true,
  });
});

test('root’s engine lives in the system’s directories', async () => {
  const { places } = await readLaunch([], { HOME: '/root' }, 0);
  assert.equal(places.socket, '/run/slipway/docker.sock');
  assert.equal(places.dataRoot, '/var/lib/slipway');
});

test('another data root has a run directory of its own', async () => {
  const { places } = await readLaunch(['--data-root=/srv/other'], {}, 0);
  assert.match(places.execRoot, /^\/run\/slipway\/[0-9a-f]{8}$/);
  assert.equal(places.socket, `${places.execRoot}/docker.sock`);
  assert.equal(places.usual, false);
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
  const launch = await readLaunch([...argv, '--registry-mirror', 'http://b', '--force-color-profile=srgb'], {}, 0);
  assert.equal(launch.places.execRoot, '/tmp/x');
  assert.equal(launch.places.socket, '/tmp/s');
  assert.deepEqual(launch.registryMirrors, ['http://a', 'http://b']);
  assert.equal(launch.noEngine, false);
});

test('a host that is no unix socket is refused with what is possible', async () => {
  await assert.rejects(readLaunch(['--host', 'tcp://1.2.3.4:2375'], {}, 0), /unix:\/\/\/absolute\/path/);
});
