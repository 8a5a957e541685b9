import assert from 'node:assert/strict';
import { test } from 'node:test';
import { userOf } from './user.js';

test('the user that an image says is found by name and by number, and root is nobody of its own', () => {
  const passwd = 'root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1001::/home/node:/bin/sh\nbroken line\n';
  const node = { name: 'node', uid: 1000, gid: 1001 };
  assert.deepEqual(userOf('node', passwd), node);
  assert.deepEqual(userOf('1000', passwd), node);
  assert.deepEqual(userOf('node:50', passwd), { ...node, gid: 50 });
  assert.deepEqual(userOf('node:users', passwd), node);
  assert.deepEqual(userOf('4000', passwd), { uid: 4000, gid: 0 });
  for (const spec of ['', 'root', '0', '0:1000', 'stranger']) assert.equal(userOf(spec, passwd), undefined, spec);
});
