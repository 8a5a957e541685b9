import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { TransferAnswer } from './port.js';
import { TooLargeToDrag, transfer, type FileVerbs } from './transfer.js';

const container = 'a'.repeat(64);

/** The window's end of a port. */
function openPort() {
  const said: TransferAnswer[] = [];
  let take: (message: unknown) => void = () => {};
  let closed: () => void = () => {};
  return {
    said,
    cancel: () => take({ type: 'cancel' }),
    leave: () => closed(),
    port: {
      post: (answer: TransferAnswer) => void said.push(answer),
      onMessage: (listener: (message: unknown) => void) => void (take = listener),
      onClose: (listener: () => void) => void (closed = listener),
      close: () => {},
    },
  };
}

const never = () => assert.fail('nothing should have begun');
const refusing: FileVerbs = {
  download: never,
  upload: never,
  fetch: never,
  saveImages: never,
  loadImages: never,
  buildImage: never,
  saveVolume: never,
  fillVolume: never,
};

test('only whole container ids, names of volumes and absolute paths in them are taken, and nothing that was not asked for', async () => {
  const place = { container, path: '/etc', folder: true };
  const wrong: unknown[] = [
    undefined,
    { act: 'download', ...place, container: '../../x' },
    { act: 'download', ...place, path: 'etc' },
    { act: 'download', ...place, path: '/etc\0' },
    { act: 'download', ...place, to: '/root/.profile' },
    { act: 'fetch', ...place },
    { act: 'fetch', id: -1, ...place },
    { act: 'upload', container, path: '/', uid: 0, gid: 0, files: [] },
    { act: 'upload', container, path: '/', uid: 0, gid: 0, files: ['relative'] },
    { act: 'upload', container, path: '/', uid: -1, gid: 0, files: ['/etc/hosts'] },
    { act: 'remove', ...place },
    { act: 'save-images', images: [], name: 'a.tar' },
    { act: 'save-images', images: ['a&names=b'], name: 'a.tar' },
    { act: 'save-images', images: ['debian:12'], name: '../a.tar' },
    { act: 'load-images', file: 'a.tar' },
    { act: 'load-images', file: '/a.tar', as: { reference: 'a b' } },
    { act: 'download', path: '/etc', folder: true },
    { act: 'download', ...place, volume: 'data' },
    { act: 'download', volume: '../data', path: '/', folder: true },
    { act: 'save-volume', volume: '..', compress: 'gzip', pause: true, name: 'a.tar.gz' },
    { act: 'save-volume', volume: 'data', compress: 'gzip', pause: true, name: '../a.tar.gz' },
    { act: 'save-backup', backup: '../x', name: 'a.tar' },
    { act: 'build-image', folder: 'shop', reference: 'shop', dockerfile: 'Dockerfile' },
    { act: 'build-image', folder: '/shop', reference: 'a b', dockerfile: 'Dockerfile' },
    { act: 'build-image', folder: '/shop', reference: 'shop', dockerfile: '../Dockerfile' },
    { act: 'fill-volume', file: 'a.tar', volume: 'data', replace: true },
  ];
  for (const request of wrong) {
    const { port, said } = openPort();
    await transfer(port, request, refusing);
    assert.equal(said.length, 1);
    assert.deepEqual([said[0]?.type, said[0]?.type === 'error' && said[0].kind], ['error', 'invalid'], String(request));
  }
});

test('the last progress is told before the end, and what is too large says the limit', async () => {
  const verbs: FileVerbs = {
    ...refusing,
    fetch: async (id, _, { tell }) => {
      if (id === 2) throw new TooLargeToDrag(7);
      for (let bytes = 0; bytes <= 50; bytes++) tell(bytes, 50);
      return 3;
    },
  };
  const [first, second] = [openPort(), openPort()];
  const place = { container, path: '/srv/x', folder: false };
  await transfer(first.port, { act: 'fetch', id: 1, ...place }, verbs);
  assert.deepEqual(first.said.slice(-2), [
    { type: 'progress', bytes: 50, total: 50 },
    { type: 'done', leftOut: 3 },
  ]);
  assert.ok(first.said.length < 10);
  await transfer(second.port, { act: 'fetch', id: 2, ...place }, verbs);
  assert.deepEqual(second.said, [{ type: 'too-large', limit: 7 }]);
});

test('a window that cancels, or is gone, ends what goes on', async () => {
  for (const way of ['cancel', 'leave'] as const) {
    const end = openPort();
    const verbs: FileVerbs = {
      ...refusing,
      download: (_, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))),
    };
    const over = transfer(end.port, { act: 'download', container, path: '/x', folder: false }, verbs);
    await turn();
    end[way]();
    await over;
    assert.deepEqual(end.said, [{ type: 'cancelled' }]);
  }
});

test('what the engine says of an archive comes before the end, and how it is to be read is passed on', async () => {
  const { port, said } = openPort();
  const loaded: unknown[] = [];
  const verbs: FileVerbs = {
    ...refusing,
    loadImages: async (file, as, { say }) => {
      loaded.push([file, as]);
      say({ stream: 'Loaded image: debian:12\n' });
    },
  };
  await transfer(port, { act: 'load-images', file: '/a.tar' }, verbs);
  await transfer(port, { act: 'load-images', file: '/b.tar', as: { reference: 'b:1' } }, verbs);
  assert.deepEqual(loaded, [
    ['/a.tar', undefined],
    ['/b.tar', { reference: 'b:1' }],
  ]);
  assert.deepEqual(said.slice(0, 2), [
    { type: 'line', line: { stream: 'Loaded image: debian:12\n' } },
    { type: 'done', leftOut: 0 },
  ]);
});

test('a volume is saved as it is wished, and how far the engine is with an archive is passed on', async () => {
  const { port, said } = openPort();
  const wishes: unknown[] = [];
  const verbs: FileVerbs = {
    ...refusing,
    saveVolume: async (what) => (wishes.push(what), false),
    fillVolume: async (file, into, { stage }) => {
      wishes.push([file, into]);
      stage({ Stage: 'unpacking', Bytes: 5 });
    },
  };
  const what = { volume: 'data', compress: 'zstd', pause: true, name: 'data.tar.zst' };
  await transfer(port, { act: 'save-volume', ...what }, verbs);
  await transfer(port, { act: 'fill-volume', file: '/a.tar', volume: 'data', replace: true }, verbs);
  assert.deepEqual(wishes, [what, ['/a.tar', { volume: 'data', replace: true }]]);
  assert.deepEqual(said, [
    { type: 'cancelled' },
    { type: 'stage', stage: { Stage: 'unpacking', Bytes: 5 } },
    { type: 'done', leftOut: 0 },
  ]);
});
