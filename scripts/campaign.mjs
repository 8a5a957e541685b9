#!/usr/bin/env node
/**
 * `npm run campaign [-- SEED]`: the engine's tests with their long counts (kills, cuts, races) where `npm test` takes a fixed sample. Prints its
 * seed; the same seed plays the same random choices again.
 */
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { findProgram, root, setup } from './setup.mjs';

await setup({ tests: true });
const seed = process.argv[2] ?? String(randomInt(2 ** 31));
console.log(`campaign with seed ${seed}`);
const inside = `${findProgram('ip')} link set lo up && exec "$@"`;
const runner =
  "import('./scripts/tests.mjs').then(async ({ runNodeTests, testFiles }) => { const r = await runNodeTests('campaign', testFiles('e2e/engine', /campaign\\.test\\.ts$/), { concurrency: 1, timeout: 3_600_000 }); process.exit(r.failed === 0 ? 0 : 1); })";
spawn('unshare', ['--net', 'sh', '-c', inside, 'sh', process.execPath, '-e', runner], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    SLIPWAY_TEST_NETNS: '1',
    SLIPWAY_CAMPAIGN: '1',
    SLIPWAY_SEED: seed,
    PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
  },
}).on('exit', (code) => {
  if (code !== 0) console.log(`failed with seed ${seed}: npm run campaign -- ${seed}`);
  process.exit(code ?? 1);
});
