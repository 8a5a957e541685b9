import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Config } from '../images/index.js';
import { mergeConfig } from './commit.js';

test("what a configuration leaves open is the container's; an entry point of its own goes with its own arguments", () => {
  const base: Config = { Env: ['A=1', 'B=2'], Cmd: ['c'], Entrypoint: ['e'], User: 'app', Labels: { a: '1' } };
  assert.deepEqual(mergeConfig({ Env: ['B=3'], User: '' }, base).Env, ['B=3', 'A=1']);
  assert.equal(mergeConfig({ User: '' }, base).User, 'app');
  assert.deepEqual(mergeConfig({}, base).Cmd, ['c']);
  const own = mergeConfig({ Entrypoint: ['mine'] }, base);
  assert.deepEqual([own.Entrypoint, own.Cmd], [['mine'], null]);
});
