import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { Settings } from './settings.js';

test('settings are remembered, and a damaged file is as good as none', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-settings-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'deep', 'settings.json');

  const first = await Settings.open(file);
  assert.equal(first.current.theme, 'system');
  await Promise.all([first.change({ theme: 'dark' }), first.change({ toldAboutClosing: true })]);

  const second = await Settings.open(file);
  assert.deepEqual(second.current, { theme: 'dark', toldAboutClosing: true });

  await writeFile(file, '{"theme":"dark","window":');
  assert.equal((await Settings.open(file)).current.theme, 'system');
  await writeFile(file, '{"theme":"pink","window":{"x":"far"},"toldAboutClosing":true}');
  assert.deepEqual((await Settings.open(file)).current, { theme: 'system', window: undefined, toldAboutClosing: true });
});
