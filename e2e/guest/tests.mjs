/**
 * Runs inside the guest: the bundled tests by root and by an ordinary user, at the same time; root, who runs all of them outside, only those
 * that have to do with control groups. Prints what came of them as one line of JSON.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { app, people, startNode, unpack } from './people.mjs';

unpack();
const files = readdirSync(path.join(app, 'tests')).map((name) => path.join(app, 'tests', name));
const env = [
  `SLIPWAY_HELPER=${app}/native/build/slipway-helper`,
  `SLIPWAY_SECCOMP=${app}/native/build/seccomp-default.json`,
  'SLIPWAY_TEST_AS_USER=1',
  'SLIPWAY_TEST_EMULATED=1',
];
const reports = people.map(async (person) => {
  const programs = files.filter((name) => name.endsWith('.mjs'));
  const args = ['--test', '--test-concurrency=1', '--test-reporter=tap', ...programs];
  const child = startNode(person, args, person === 'root' ? [...env, 'SLIPWAY_TEST_GROUPS=1'] : env);
  let tap = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => (tap += chunk));
  await new Promise((resolve) => child.once('close', resolve));
  return [person, tap];
});
console.log(JSON.stringify(Object.fromEntries(await Promise.all(reports))));
