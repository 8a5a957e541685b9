import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conflict } from '../../base/errors.js';
import { Archives } from './archives.js';

test('what cannot be written to now is given back, and nothing is asked of the helper', async () => {
  const seen: string[] = [];
  const held = {
    place: {},
    signal: new AbortController().signal,
    writing: (): Disposable => {
      throw conflict('it is being restored');
    },
    [Symbol.dispose]: () => void seen.push('given back'),
  };
  const helper = { archiveWrite: () => Promise.resolve(void seen.push('written')) };
  const keeper = { noun: 'volume', hold: () => Promise.resolve(held), cutOff: () => '' };
  const archives = new Archives(helper as never, keeper as never);
  const request = { path: '/', noOverwriteDirNonDir: false, copyUIDGID: false };
  const body = (async function* () {})();
  await assert.rejects(archives.write('data', request, body, new AbortController().signal), { kind: 'conflict' });
  assert.deepEqual(seen, ['given back']);
});
