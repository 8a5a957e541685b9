import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Config } from '../images/index.js';
import { mergeConfig, writtenIn } from './commit.js';

test("what a configuration leaves open is the container's; an entry point of its own goes with its own arguments", () => {
  const base: Config = { Env: ['A=1', 'B=2'], Cmd: ['c'], Entrypoint: ['e'], User: 'app', Labels: { a: '1' } };
  assert.deepEqual(mergeConfig({ Env: ['B=3'], User: '' }, base).Env, ['B=3', 'A=1']);
  assert.equal(mergeConfig({ User: '' }, base).User, 'app');
  assert.deepEqual(mergeConfig({}, base).Cmd, ['c']);
  const own = mergeConfig({ Entrypoint: ['mine'] }, base);
  assert.deepEqual([own.Entrypoint, own.Cmd], [['mine'], null]);
});

test('what a container has written is what is in its own layer, without the copy of its image where that is in there', async () => {
  const sizes: Record<string, number> = { '/upper': 1_000, '/one': 700, '/two': 600 };
  const bytesIn = (path: string) => Promise.resolve(sizes[path] ?? 0);
  const stacked = { upper: '/upper', lower: ['/two', '/one'] };
  assert.equal(await writtenIn(stacked, bytesIn), 1_000);
  assert.equal(await writtenIn({ ...stacked, driver: 'fuse-overlayfs' }, bytesIn), 1_000);
  assert.equal(await writtenIn({ upper: '/upper', lower: ['/one'], driver: 'vfs' }, bytesIn), 300);
  assert.equal(await writtenIn({ upper: '/two', lower: ['/one'], driver: 'vfs' }, bytesIn), 0);
});
