/** Running test files with Node's own runner and counting what came out. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root } from './setup.mjs';

/**
 * Runs the files of one suite; prints as they go.
 * @returns {Promise<{passed: number, failed: number, skipped: number}>}
 */
export async function runNodeTests(suite, files, { timeout = 120_000, concurrency = 2, env = {} } = {}) {
  if (files.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'slipway-suite-'));
  const tap = path.join(folder, 'tap');
  const args = ['--import', 'tsx', '--test', `--test-concurrency=${concurrency}`, `--test-timeout=${timeout}`];
  args.push(
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    '--test-reporter=tap',
    `--test-reporter-destination=${tap}`,
  );
  const started = Date.now();
  const code = await new Promise((resolve) => {
    const child = spawn(process.execPath, [...args, ...files], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...env },
    });
    child.on('close', (status) => resolve(status ?? 1));
  });
  const text = fs.existsSync(tap) ? fs.readFileSync(tap, 'utf8') : '';
  fs.rmSync(folder, { recursive: true });
  const count = (word) => Number(new RegExp(`^# ${word} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  const result = { passed: count('pass'), failed: count('fail') + count('cancelled'), skipped: count('skipped') };
  if (code !== 0 && result.failed === 0) result.failed = 1; // the runner itself fell over
  console.log(
    `${suite}: ${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped in ${((Date.now() - started) / 1000).toFixed(0)} s`,
  );
  return result;
}

/** The test files below a folder of the checkout, by the end of their names. */
export const testFiles = (folder, end = /\.test\.(ts|mjs)$/) =>
  fs.existsSync(path.join(root, folder))
    ? fs
        .readdirSync(path.join(root, folder), { recursive: true })
        .map((name) => `${folder}/${name}`)
        .filter((name) => end.test(name))
        .sort()
    : [];
