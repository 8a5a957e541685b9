/** The package must bring every library that its programs are linked with: apt is asked to install no more than it has to. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { resolveElectron } from '../electron.mjs';
import { root } from '../setup.mjs';
import { depends, electronNeeds, icons, recommends } from './needs.mjs';

const run = (program, ...args) => spawnSync(program, args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
const helper = path.join(root, 'native/build/slipway-helper');
/** Where the window's libraries are not installed, nobody knows whose they would be. */
const electron = fs.existsSync(path.join(root, 'node_modules/.cache/slipway-electron')) ? resolveElectron() : undefined;
const missing = [electron?.exe, helper].some((file) => !file || /not found|no such file/i.test(linked(file).join()));

function linked(program) {
  const { stdout, stderr } = run('ldd', program);
  return (stdout + stderr).split('\n').map((line) => line.trim());
}

/** The packages that dpkg knows as the owners of a program's own libraries. One question for all: dpkg reads every list for each. */
function ownersOf(program) {
  const wanted = [...run('readelf', '-d', program).stdout.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map((each) => each[1]);
  const files = linked(program).flatMap((line) => {
    const [, name, file] = /^(\S+) => (\/\S+)/.exec(line) ?? [];
    return wanted.includes(name) && !file.startsWith(root) ? [file] : [];
  });
  // Since /lib is a link, dpkg knows some under one name and some under the other.
  const patterns = files.map((file) => `*/lib/${file.split('/lib/').pop()}`);
  const known = run('dpkg-query', '-S', ...patterns).stdout.split('\n');
  return files.map((file) => {
    const line = known.find((each) => each.endsWith(`/lib/${file.split('/lib/').pop()}`));
    return line ? line.split(':')[0] : `of nobody: ${file}`;
  });
}

/** Everything that comes along with these packages by Depends alone. */
function withAllTheyNeed(names) {
  const fields = run('dpkg-query', '-W', '-f', '${Package}\t${Depends}, ${Pre-Depends}\n').stdout.split('\n');
  const needs = new Map(fields.map((line) => line.split('\t')).map(([name, list = '']) => [name, list]));
  const found = new Set();
  const queue = [...names];
  for (let next = queue.shift(); next !== undefined; next = queue.shift())
    for (const name of next.split(/[|,]/).map((word) => word.trim().split(/[\s:]/)[0]))
      if (name && needs.has(name) && !found.has(name) && found.add(name)) queue.push(needs.get(name));
  return found;
}

test(
  'the package brings every library that Electron and the helper are linked with',
  { skip: missing && 'needs the libraries of the window' },
  () => {
    const brought = withAllTheyNeed([...depends, ...electronNeeds(electron.version).depends]);
    for (const program of [electron.exe, helper])
      assert.deepEqual(
        ownersOf(program).filter((owner) => !brought.has(owner)),
        [],
        program,
      );
  },
);

test('the package recommends a font with Han glyphs and what the starter image is made of', () => {
  for (const name of ['fonts-noto-cjk', 'busybox-static']) assert.ok(recommends.includes(name));
});

test('each icon of the package is what its folder says', () => {
  for (const [folder, file] of Object.entries(icons)) {
    const bytes = fs.readFileSync(file);
    const size = /^(\d+)x(\d+)$/.exec(folder)?.slice(1).map(Number);
    if (size) assert.deepEqual([bytes.readUInt32BE(16), bytes.readUInt32BE(20)], size, `${file} is a PNG of that size`);
    else assert.match(bytes.toString(), /<svg\b/, file);
  }
});
