/**
 * The engine's own tests once more on Electron's Node, bundled for it: the native database, `using`, streams, sockets that another
 * process opened. The window's stories run the same engine in Electron's main process.
 */
import assert from 'node:assert/strict';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { resolveElectron } from '../../scripts/electron.mjs';
import { bundle, reported } from '../fixtures/guest.js';
import { root, run } from '../fixtures/engine.js';

const TESTS = [
  'main/engine/handed-over.system.test',
  'main/engine/adoption.system.test',
  'main/engine/streams.system.test',
  'main/engine/images/images.system.test',
  'main/client/client.system.test',
  'main/engine/registry/proxies.test',
  'main/engine/registry/repository.test',
];
/** What those start beside themselves. */
const PROGRAMS = ['main/engine/testing-engine', 'main/daemon/main'];

describe('on the Node of Electron', { timeout: 1_200_000 }, () => {
  const electron = resolveElectron({ root });
  let folder: string;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'slipway-electron-'));
    const sources = [...TESTS, ...PROGRAMS].map((name) => `${name}.ts`);
    await bundle(sources, path.join(folder, 'main'), { entryNames: '[dir]/[name]', outbase: 'main' });
    for (const room of ['main', 'main/engine'])
      await cp(path.join(root, 'out/store-worker.cjs'), path.join(folder, room, 'store-worker.cjs'));
    for (const name of ['native', 'node_modules']) await symlink(path.join(root, name), path.join(folder, name));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  for (const name of TESTS)
    test(`${name}.ts`, async (t) => {
      const env = { ELECTRON_RUN_AS_NODE: '1' };
      const ran = await run(electron.exe, [path.join(folder, `${name}.mjs`)], { env, timeout: 600_000 });
      const results = reported(ran.stdout);
      assert.ok(results.length > 0, ran.stdout + ran.stderr);
      for (const { name: sentence, passed, skip, detail } of results)
        await t.test(sentence, { skip: skip ?? false }, () => assert.ok(passed, detail));
      assert.equal(ran.code, 0, ran.stderr);
    });
});
