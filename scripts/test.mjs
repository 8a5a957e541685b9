#!/usr/bin/env node
/**
 * `npm test`: sets everything up and runs every suite, then says what is left over on this machine, then one line `N passed, N failed`.
 * `npm test -- engine` runs one suite: check, native, engine or window.
 *
 * Everything that makes traffic runs in a network namespace of its own, so this script runs itself again inside one.
 */
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { check } from './check.mjs';
import { leaksAfter, snapshot } from './leaks.mjs';
import { findProgram, root, setup } from './setup.mjs';
import { runNodeTests, testFiles } from './tests.mjs';

const only = process.argv.slice(2).filter((each) => !each.startsWith('-'));

if (!process.env.SLIPWAY_TEST_NETNS) {
  await setup({ tests: true, window: true });
  process.exit(await insideNetworkNamespace());
}

const suites = {
  check,
  native: nativeTests,
  engine: () =>
    runNodeTests('engine', [...testFiles('e2e/engine'), ...testFiles('main', /\.system\.test\.ts$/)], {
      concurrency: 1,
      timeout: 900_000,
    }),
  window: windowTests,
};

const before = snapshot();
const total = { passed: 0, failed: 0, skipped: 0 };
for (const [name, run] of Object.entries(suites)) {
  if (only.length > 0 && !only.includes(name)) continue;
  console.log(`\n=== ${name} ===`);
  add(await run());
  const left = await leaksAfter(before);
  for (const each of left) console.log(`✖ left behind by ${name}: ${each}`);
  console.log(`${left.length === 0 ? '✔' : '✖'} nothing is left after ${name}`);
  add({ passed: left.length === 0 ? 1 : 0, failed: left.length === 0 ? 0 : 1 });
}
if (total.skipped > 0) console.log(`\n${total.skipped} tests were skipped on this machine; each says why above.`);
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed === 0 ? 0 : 1);

function add({ passed, failed, skipped = 0 }) {
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}

/** Runs this script again below `unshare --net`, with loopback up; a person gets a user namespace with it. */
function insideNetworkNamespace() {
  const isRoot = process.getuid() === 0;
  const args = [...(isRoot ? [] : ['--user', '--map-current-user', '--keep-caps']), '--net'];
  const inner = 'ip link set lo up && exec "$@"';
  const ip = findProgram('ip');
  const child = spawn(
    'unshare',
    [...args, 'sh', '-c', inner.replace('ip ', `${ip} `), 'sh', process.execPath, ...process.argv.slice(1)],
    {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, SLIPWAY_TEST_NETNS: '1', PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
    },
  );
  return new Promise((resolve) => child.on('close', (code) => resolve(code ?? 1)));
}

/** The C tests, and the helper driven over its socket, under the address and undefined-behaviour sanitizers. */
async function nativeTests() {
  const made = spawnSync('make', ['-s', '-C', 'native', 'check-c'], { cwd: root, encoding: 'utf8' });
  process.stdout.write((made.stdout ?? '') + (made.status === 0 ? '' : (made.stderr ?? '')));
  const c = { passed: made.status === 0 ? 1 : 0, failed: made.status === 0 ? 0 : 1, skipped: 0 };
  const node = await runNodeTests('native', testFiles('native/tests'), { concurrency: 1 });
  return { passed: c.passed + node.passed, failed: c.failed + node.failed, skipped: node.skipped };
}

/** Playwright's stories on the real window. */
async function windowTests() {
  const { resolveElectron } = await import('./electron.mjs');
  const report = path.join(root, 'test-results', 'window.json');
  fs.rmSync(report, { force: true });
  const child = spawn(
    process.execPath,
    ['node_modules/@playwright/test/cli.js', 'test', '-c', 'e2e/playwright.config.ts'],
    {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ELECTRON_OVERRIDE_DIST_PATH: resolveElectron().dist, PLAYWRIGHT_JSON_OUTPUT_NAME: report },
    },
  );
  const code = await new Promise((resolve) => child.on('close', (status) => resolve(status ?? 1)));
  const stats = fs.existsSync(report) ? JSON.parse(fs.readFileSync(report, 'utf8')).stats : undefined;
  const failed = stats ? stats.unexpected + stats.flaky : 1;
  const result = {
    passed: stats?.expected ?? 0,
    failed: code !== 0 && failed === 0 ? 1 : failed,
    skipped: stats?.skipped ?? 0,
  };
  console.log(`window: ${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped`);
  return result;
}
