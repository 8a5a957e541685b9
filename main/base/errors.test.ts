import { test } from 'node:test';
import assert from 'node:assert/strict';
import { diskError } from './errors.js';

test('a disk’s refusal names the folder that refused, also where it is not the usual one', () => {
  const refused = (path: string) => Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES', path });
  const said = (path: string) => (diskError(refused(path), '/data') as Error).message;
  assert.match(said('/data/layers'), /^\/data cannot be written/);
  assert.match(said('/run/user/1000/slipway'), /^\/run\/user\/1000\/slipway cannot be written/);
});
