#!/usr/bin/env node
/** `npm run check`, the gate of every commit: types, lint with the import zones, formatting, the two languages level, unit tests. Under a minute. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setup, root } from './setup.mjs';
import { runNodeTests } from './tests.mjs';

/** Runs the checks side by side; returns how many passed and failed, a check counting as one. */
export async function check() {
  /** What a room's files looked like last time: only what has changed since is looked at again. */
  const notes = (room) => path.join(root, 'node_modules/.cache/types', `${room.replace('/', '-')}.json`);
  const bin = (name) => path.join(root, 'node_modules', '.bin', name);
  const results = await inTurn(2, [
    ...['main', 'main/client', 'app', 'renderer', 'e2e'].map(
      (room) => () =>
        quietly(`types in ${room}`, bin('tsc'), ['-p', room, '--incremental', '--tsBuildInfoFile', notes(room)]),
    ),
    () =>
      quietly('lint', bin('eslint'), [
        '.',
        '--max-warnings=0',
        '--cache',
        '--cache-location',
        'node_modules/.cache/eslint/',
      ]),
    () => quietly('formatting', bin('prettier'), ['--check', '--log-level=warn', '--cache', '.']),
    () => quietly('documents', process.execPath, ['scripts/check-docs.mjs']),
  ]);
  const unit = await runNodeTests('unit', unitTests());
  return {
    passed: results.filter(Boolean).length + unit.passed,
    failed: results.filter((each) => !each).length + unit.failed,
    skipped: unit.skipped,
  };
}

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
