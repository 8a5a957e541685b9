import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DiskImage, DiskUsage } from '../../main/contract/disk.js';
import { freedBy, partsOf, victimsOf } from './disk-parts.js';

const image = (Id: string, Names: string[], Created: number, used = false): DiskImage => ({
  ...{ Id, Names, Created, Size: 0, Shared: 0, Unique: 0, Compressed: 0, Layers: [], Children: [] },
  Containers: used ? [{ Id: 'c', Name: 'box', Running: true, Binned: false }] : [],
});
const layer = (ChainId: string, Size: number, ...Images: string[]) => ({
  ChainId,
  Size,
  Compressed: Size / 10,
  Images,
});

const disk: DiskUsage = {
  Disk: { Path: '/data', Size: 1e6, Free: 1e5, MinFree: 10, Inodes: null },
  Layers: [layer('base', 100, 'a', 'b'), layer('top', 50, 'a'), layer('other', 30, 'b'), layer('kept', 7)],
  Images: [image('a', ['app:1'], 3), image('b', [], 2), image('u', ['used:1'], 1, true)],
  Containers: [
    {
      ...{ Id: 'c', Name: 'box', Running: true, Binned: false, Image: 'used:1', Log: 4 },
      Files: { Size: 9, At: '2026-01-01T00:00:00Z' },
    },
  ],
  Volumes: [{ Name: 'data', Size: null, At: null, Anonymous: false, Containers: [] }],
  Backups: { Count: 2, Size: 6 },
  Bin: { Containers: 0, Size: 0, Limit: 100 },
  Blobs: { Count: 4, Size: 25, Leftover: { Count: 1, Size: 5 } },
  Copies: { Count: 1, Size: 8 },
  Trash: { Size: 2, At: null },
  Database: 3,
  Beside: { Indexes: 6, Containers: 1, Others: null },
  Reclaimable: { Dangling: 0, Images: 0, Containers: 0, Volumes: 0, Bin: 0, Leftover: 5 },
  Counting: false,
};

test('every byte is in one part, the largest first', () => {
  const parts = partsOf(disk);
  assert.deepEqual(
    parts.map(({ kind, name, sharers, size }) => [kind, name ?? sharers?.join('+') ?? '', size]),
    [
      ['shared', 'app:1+b', 100],
      ['image', 'app:1', 50],
      ['image', 'b', 30],
      ['compressed', '', 20],
      ['files', 'box', 9],
      ['whole', '', 8],
      ['held', '', 7],
      ['backups', '', 6],
      ['indexes', '', 6],
      ['leftover', '', 5],
      ['log', 'box', 4],
      ['database', '', 3],
      ['trash', '', 2],
      ['small', '', 1],
    ],
  );
});

test('what nothing uses can go, what has no name among it, newest first', () => {
  assert.deepEqual(
    victimsOf(disk, 'unused').map(({ Id }) => Id),
    ['a', 'b'],
  );
  assert.deepEqual(
    victimsOf(disk, 'dangling').map(({ Id }) => Id),
    ['b'],
  );
});

test('what another image was made from goes with that, and not before it', () => {
  const family = [{ ...image('parent', [], 1), Children: ['child'] }, image('child', ['child:1'], 2)];
  const ids = (images: DiskImage[]) => images.map(({ Id }) => Id);
  assert.deepEqual(ids(victimsOf({ Images: family }, 'unused')), ['child', 'parent']);
  assert.deepEqual(ids(victimsOf({ Images: family }, 'dangling')), []);
});

test('what several share goes with the last of them', () => {
  assert.equal(freedBy(disk.Layers, new Set(['a'])), 55);
  assert.equal(freedBy(disk.Layers, new Set(['a', 'b'])), 110 + 55 + 33);
  assert.equal(freedBy(disk.Layers, new Set()), 0);
});
