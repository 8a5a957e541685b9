import assert from 'node:assert/strict';
import { test } from 'node:test';
import { look } from './looks.js';

test('file systems that do not answer take two places and no more, until they do', async () => {
  let asked = 0;
  let answer!: () => void;
  const answered = new Promise<string>((resolve) => (answer = () => resolve('at last')));
  const dead = () => {
    asked += 1;
    return answered;
  };
  assert.deepEqual(await Promise.all([1, 2, 3, 4, 5].map(() => look(20, dead))), Array(5).fill(undefined));
  assert.equal(asked, 2);
  const patient = look(60_000, () => Promise.resolve('well'));
  answer();
  assert.equal(await patient, 'well');
  await assert.rejects(
    look(60_000, () => Promise.reject(new Error('gone'))),
    /gone/,
  );
});
