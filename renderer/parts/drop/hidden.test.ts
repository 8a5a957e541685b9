import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, type Client } from '../../../main/client/index.js';
import { hiddenInImage } from './use-hidden.js';

const Entries = [
  { Name: 'node_modules', Kind: 'directory' },
  { Name: 'old', Kind: 'directory', Change: 'deleted' },
  { Name: 'vendor', Kind: 'file' },
];
const list = async ({ name }: { name: string }, { path }: { path: string }) => {
  if (path !== '/app') throw new ApiError('not-found', `no such directory in ${name}: ${path}`);
  return { Entries: name === 'gone' ? Entries.slice(1, 2) : Entries };
};
const client = { slipway: { layers: { list } } } as unknown as Client;

test('what a folder hides of an image is what can be seen there; built directories can be kept', async () => {
  assert.deepEqual(await hiddenInImage(client, 'shop', '/app'), {
    ...{ count: 2, more: false, names: ['node_modules', 'vendor'], keepable: ['node_modules'] },
  });
  assert.equal(await hiddenInImage(client, 'shop', '/srv'), undefined);
  assert.equal(await hiddenInImage(client, 'gone', '/app'), undefined);
});
