import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '../../../main/client/index.js';
import { ownerAt } from './use-inside.js';

const Entries = [{ Name: 'tables', Uid: 70, Gid: 71 }];
const client = {
  slipway: { files: { list: async () => ({ Entries }) } },
  volumes: {
    files: { list: async () => ({ Entries }) },
    overview: async (name: string) => ({
      Owner: name === 'db' ? { Uid: 100_999, Gid: 100_999, Mode: 0o700, Inside: { Uid: 999, Gid: 998 } } : null,
    }),
  },
} as unknown as Client;
const ofVolume = (volume: string, path: string) => ownerAt(client, { of: { volume }, name: volume }, path);

test('a volume itself is somebody’s too, by the number that containers see', async () => {
  assert.deepEqual(await ofVolume('db', '/'), { uid: 999, gid: 998 });
  assert.equal((await ofVolume('secret', '/')).uid, 0);
  assert.deepEqual(await ofVolume('db', '/tables'), { uid: 70, gid: 71 });
  assert.equal((await ofVolume('db', '/missing')).uid, 0);
  assert.equal((await ownerAt(client, { of: { container: 'c' }, name: 'c' }, '/')).uid, 0);
});
