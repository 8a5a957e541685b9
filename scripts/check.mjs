#!/usr/bin/env node
/** `npm run check`, the gate of every commit: types, lint with the import zones, formatting, the two languages level, unit tests. Under a minute. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setup, root } from './setup.mjs';
import { bundleTests, runBundledTests } from './tests.mjs';

/** Runs the checks side by side, the long ones first; returns how many passed and failed, a check counting as one. */
export async function check() {
  const bin = (name) => path.join(root, 'node_modules', '.bin', name);
  let unit;
  const results = await inTurn(2, [
    () => quietly('lint', bin('eslint'), ['.', '--max-warnings=0', '--cache', '--cache-location', cache('eslint/')]),
    async () => void (unit = await runBundledTests('unit', await bundleTests('unit', unitTests()))),
    () => quietly('formatting', bin('prettier'), ['--check', '--log-level=warn', '--cache', '.']),
    ...['main', 'main/client', 'app', 'renderer', 'e2e'].map((room) => () => types(room)),
    () => quietly('what is held until it is done', process.execPath, ['scripts/check-awaited.mjs', 'main', 'app']),
    () => quietly('documents', process.execPath, ['scripts/check-docs.mjs']),
  ]);
  return {
    passed: results.filter((each) => each === true).length + unit.passed,
    failed: results.filter((each) => each === false).length + unit.failed,
    skipped: unit.skipped,
  };
}

/** Where a check keeps what a file looked like last time: only what has changed since is looked at again. */
const cache = (name) => path.join('node_modules', '.cache', name);

/** TypeScript's native compiler (7): a fifth of the time. The linter's rules need the API of TypeScript 5, so both are here. */
const types = (room) =>
  quietly(`types in ${room}`, path.join(root, 'node_modules/@typescript/native/bin/tsc'), [
    '-p',
    room,
    '--incremental',
    '--tsBuildInfoFile',
    cache(`types/${room.replace('/', '-')}.json`),
  ]);

/** Tests that stand beside the code; those that need the kernel, a registry or a window live in e2e/ or end in .system.test.ts. */
const unitTests = () =>
  ['main', 'app', 'renderer', 'scripts'].flatMap((room) =>
    fs
      .readdirSync(path.join(root, room), { recursive: true })
      .map((name) => `${room}/${name}`)
      .filter((name) => /\.test\.(ts|tsx|mjs)$/.test(name) && !/\.system\.test\.ts$/.test(name)),
  );

async function inTurn(width, jobs) {
  const results = [];
  const queue = [...jobs.entries()];
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) results[next[0]] = await next[1]();
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

function quietly(name, program, args) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = [];
    child.stdout.on('data', (chunk) => output.push(chunk));
    child.stderr.on('data', (chunk) => output.push(chunk));
    child.on('close', (code) => {
      console.log(`${code === 0 ? '✔' : '✖'} ${name}`);
      if (code !== 0) process.stdout.write(Buffer.concat(output));
      resolve(code === 0);
    });
  });
}

if (process.argv[1] && path.basename(process.argv[1]) === 'check.mjs') {
  await setup();
  const { passed, failed } = await check();
  console.log(`check: ${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}
