import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namesIn, ownerOf } from './owners.js';

test('owners have the names that the container gives them, and their numbers where it gives none', () => {
  const users = namesIn(
    'root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\n# note\nwww:x:33:33::/:\nbad:x:no:1\n\n',
  );
  const groups = namesIn('root:x:0:\nwww-data:x:33:\n');
  assert.deepEqual(
    [...users],
    [
      [0, 'root'],
      [33, 'www'],
    ],
  );
  const owners = { users, groups };
  assert.deepEqual(ownerOf(owners, { Uid: 33, Gid: 33 }), { text: 'www:www-data', title: 'www:www-data (33:33)' });
  assert.deepEqual(ownerOf(owners, { Uid: 0, Gid: 7 }), { text: 'root:7', title: 'root:7 (0:7)' });
  assert.deepEqual(ownerOf(owners, { Uid: 5, Gid: 7 }), { text: '5:7', title: '5:7' });
});
