#!/usr/bin/env node
/**
 * `npm test`: sets everything up and runs every suite, then says what is left over on this machine, then one line `N passed, N failed`.
 * `npm test -- engine` runs one suite: check, native, engine or window; `npm test -- engine volumes` those of its files.
 *
 * Test files run side by side, each in a lane (lanes.mjs) that sees what the files in it leave behind and nothing of the others.
 * Everything that makes traffic runs in a network namespace of its own, so this script runs itself again inside one.
 */
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { check } from './check.mjs';
import { lanesHere, openLane, serveLane } from './lanes.mjs';
import { leaksAfter, snapshot } from './leaks.mjs';
import { findProgram, root, setup } from './setup.mjs';
import { bundleTests, runBundledTests, runNodeTests, testFiles } from './tests.mjs';

/** What the tests of the engine start beside themselves. */
const PROGRAMS = ['main/engine/testing-engine.ts', 'main/engine/testing-change.ts', 'main/daemon/main.ts'];
/** Tests that want a processor when they want it. */
const QUIET = [
  'e2e/engine/bad-input.test.ts',
  'e2e/engine/coming-and-going.test.ts',
  'main/engine/resources.system.test.ts',
];
const chosen = process.argv.slice(2).filter((each) => !each.startsWith('-'));
const names = chosen.filter((each) => !['check', 'native', 'engine', 'window'].includes(each));
const wanted = (suite) => chosen.length === names.length || chosen.includes(suite);

/** What one job of a suite does: some files, or a part of the stories. */
const suites = {
  check,
  native: nativeTests,
  engine: ({ files }) => runBundledTests('engine', files, { concurrency: 1, timeout: 1_800_000 }),
  window: windowTests,
};

if (process.env.SLIPWAY_TEST_LANE) serveLane((job) => suites[job.suite](job));
else if (process.env.SLIPWAY_TEST_NETNS) process.exit(await runAll());
else {
  await setup({ tests: true, window: true });
  process.exit(await insideNetworkNamespace());
}

/** The checks, which keep every processor busy by themselves, then everything else side by side. */
async function runAll() {
  const before = snapshot();
  const total = { passed: 0, failed: 0, skipped: 0 };
  const failures = [];
  const add = ({ passed, failed, skipped = 0 }) => {
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
  };
  if (wanted('check') && names.length === 0) {
    console.log('\n=== check ===');
    add(await check());
    add(nothingLeft('check', await leaksAfter(before)));
  }
  const left = { native: [], engine: [], window: [] };
  const todo = await jobs();
  if (names.length > 0 && todo.length === 0) {
    console.log(`✖ no tests are called ${names.join(' or ')}`);
    return 1;
  }
  await inLanes(todo, (job, result) => {
    add(result);
    if (result.failed > 0) failures.push(`${job.suite} ${job.name}: ${result.failed} failed`);
    left[job.suite].push(...result.left.map((each) => `${job.name}: ${each}`));
  });
  for (const suite of Object.keys(left).filter(wanted)) add(nothingLeft(suite, left[suite]));
  add(nothingLeft('everything', await leaksAfter(before)));
  for (const each of failures) console.log(`✖ ${each}`);
  if (total.skipped > 0) console.log(`\n${total.skipped} tests were skipped on this machine; each says why above.`);
  console.log(`\n${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 ? 0 : 1;
}

function nothingLeft(suite, left) {
  for (const each of left) console.log(`✖ left behind by ${suite}: ${each}`);
  console.log(`${left.length === 0 ? '✔' : '✖'} nothing is left after ${suite}`);
  return left.length === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** What is to be run, the longest first. */
async function jobs() {
  const kept = (name) => names.length === 0 || names.some((each) => name.includes(each));
  const sources = [...testFiles('e2e/engine'), ...testFiles('main', /\.system\.test\.ts$/)].filter(kept);
  const bundles = wanted('engine') ? await bundleTests('engine', sources, PROGRAMS) : [];
  const engine = bundles.map((bundle, index) => ({ suite: 'engine', name: sources[index], files: [bundle] }));
  const stories = testFiles('e2e/stories', /\.story\.ts$/).some(kept);
  return [
    ...(stories ? [{ suite: 'window', name: 'e2e/stories', files: names }] : []),
    ...(kept('native/tests') ? [{ suite: 'native', name: 'native/tests' }] : []),
    ...engine,
  ].filter(({ suite }) => wanted(suite));
}

/**
 * Does the jobs in as many lanes as the machine carries; where that is one, here. The guest has a lane more: it computes for minutes while the
 * others mostly wait. Alone come what is to be quick, or is killed at a moment that the clock gives, and the windows, which are opened here as a
 * person opens them: beside others the browser's own patience runs out.
 */
async function inLanes(todo, done) {
  const count = lanesHere();
  const work = async (open, list) => {
    let at;
    for (let job = list.shift(); job; job = list.shift()) {
      at ??= await open();
      const result = await at.run(job);
      done(job, result);
      if (!result.ended) continue;
      await at.close();
      at = undefined;
    }
    await at?.close();
  };
  let first = count > 1 && (await lane().catch((error) => console.log(`One after another: ${error.message}`)));
  if (!first) return work(here, todo);
  const opened = async () => {
    const at = first ?? (await lane());
    first = undefined;
    return at;
  };
  const windows = todo.filter(({ suite }) => suite === 'window');
  const guest = todo.filter(({ name }) => name.endsWith('/guest.test.ts'));
  const quiet = todo.filter(({ name }) => QUIET.includes(name));
  const files = todo.filter((job) => ![...windows, ...guest, ...quiet].includes(job));
  await Promise.all([
    ...Array.from({ length: count }, () => work(opened, files)),
    ...guest.map((job) => work(lane, [job])),
  ]);
  await work(opened, quiet);
  await first?.close();
  await work(here, windows);
}

/** A lane, whose output comes a job at a time. */
async function lane() {
  const { run, close } = await openLane(process.argv[1]);
  return {
    close,
    async run(job) {
      const started = Date.now();
      const { result, output } = await run(job);
      const took = `${seconds(Date.now() - started)}, ${seconds(result.processor)} of a processor`;
      console.log(`\n=== ${job.suite}: ${job.name} (${took}) ===\n${output}`);
      return result;
    },
  };
}

function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(0)} s`;
}

/** This machine as the only lane. */
function here() {
  let before = snapshot();
  return {
    async run(job) {
      console.log(`\n=== ${job.suite}: ${job.name} ===`);
      const result = await suites[job.suite](job);
      const left = await leaksAfter(before, 20_000);
      if (left.length > 0) before = snapshot();
      return { ...result, left };
    },
    close: async () => undefined,
  };
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
  const node = await runNodeTests('native', testFiles('native/tests'), { concurrency: 1, timeout: 1_800_000 });
  return { passed: c.passed + node.passed, failed: c.failed + node.failed, skipped: node.skipped };
}

/** Playwright's stories on the real window. */
async function windowTests({ files }) {
  const { resolveElectron } = await import('./electron.mjs');
  const report = path.join(root, 'test-results', 'window.json');
  fs.rmSync(report, { force: true });
  const child = spawn(
    process.execPath,
    ['node_modules/@playwright/test/cli.js', 'test', '-c', 'e2e/playwright.config.ts', ...files],
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
