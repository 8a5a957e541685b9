/** Set-up on machines that lack something: programs of npm and Debian that only say what such a machine would say. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { listsAreOld, newEnough, root, withoutServices } from './setup.mjs';

const NOBODY = 'data:text/javascript,process.getuid=()=>65534';
const done = '#!/bin/sh\nexit 0\n';

/** Runs `npm start` of a fresh clone, as an ordinary user without a display, on a machine with these programs alone. */
async function start(t, programs, prepare = () => undefined) {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-setup-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await prepare(folder);
  for (const name of ['package.json', 'package-lock.json', '.npmrc', 'scripts'])
    await cp(path.join(root, name), path.join(folder, name), { recursive: true });
  await mkdir(path.join(folder, 'bin'));
  for (const [name, text] of Object.entries({ npm: done, 'dpkg-query': done, 'apt-get': done, ...programs })) {
    await writeFile(path.join(folder, 'bin', name), text);
    await chmod(path.join(folder, 'bin', name), 0o755);
  }
  const child = spawn(process.execPath, ['--import', NOBODY, 'scripts/start.mjs'], {
    cwd: folder,
    env: { PATH: path.join(folder, 'bin'), HOME: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
  const code = await new Promise((resolve) => child.once('close', resolve));
  return { folder, code, said, last: said.trimEnd().split('\n').pop().trim() };
}

test('an ordinary user gets the one line that installs what is missing, and nothing that only tests or windows need', async (t) => {
  const { code, said, last } = await start(t, {});
  assert.equal(code, 1);
  assert.match(said, /to compile the native helper: gcc /);
  const [, words] = /^sudo apt-get install -y --no-install-recommends (.+)$/.exec(last) ?? [];
  const names = words.split(' ');
  assert.equal(said.match(/sudo /g).length, 1);
  for (const name of ['gcc', 'libarchive-dev', 'busybox-static', 'nftables', 'uidmap']) assert.ok(names.includes(name));
  for (const name of ['docker.io', 'docker-registry', 'xvfb', 'libgtk-3-0']) assert.ok(!names.includes(name));
});

test('no command needs a package before set-up has brought it', async () => {
  const { scripts } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  const firsts = Object.values(scripts).flatMap((line) => /^(?:exec )?node (scripts\/\S+\.mjs)/.exec(line)?.[1] ?? []);
  assert.ok(firsts.length > 8);
  const seen = new Set();
  const follow = async (file) => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const [, from] of (await readFile(file, 'utf8')).matchAll(
      /^(?:import|export) (?:[^;]*? from )?'([^']+)';/gm,
    )) {
      assert.match(from, /^(node:|\.)/, `${file} imports ${from}`);
      if (from.startsWith('.')) await follow(path.resolve(path.dirname(file), from));
    }
  };
  for (const first of firsts) await follow(path.join(root, first));
});

test('package lists that are missing or old are noticed', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-lists-'));
  t.after(() => rm(folder, { recursive: true }));
  assert.equal(listsAreOld(path.join(folder, 'none')), true);
  assert.equal(listsAreOld(folder), true);
  await writeFile(path.join(folder, 'deb.debian.org_debian_dists_bookworm_InRelease'), '');
  assert.equal(listsAreOld(folder), false);
  assert.equal(listsAreOld(folder, -1), true);
});

test('what has another name in Debian 13 counts as installed; what was removed and left its settings does not', async (t) => {
  const first = await start(t, {});
  const names = first.last.split(' ').slice(5);
  const rest = new Set(names.slice(2));
  const lines = [`ii  ${names[0]}t64`, `rc  ${names[1]}`, ...[...rest].map((name) => `ii  ${name}`)];
  const { last } = await start(t, { 'dpkg-query': `#!/bin/sh\necho '${lines.join('\n')}'\n` });
  assert.equal(last, `sudo apt-get install -y --no-install-recommends ${names[1]}`);
});

test('a network that is lost while npm works is one sentence', async (t) => {
  const { code, said, last } = await start(t, { npm: '#!/bin/sh\necho "npm error network" >&2; exit 1\n' });
  assert.equal(code, 1);
  assert.match(said, /npm error network/);
  assert.match(last, /^npm ci failed; .*If the network was lost, run the same command again/);
  assert.doesNotMatch(said, /^ +at /m);
});

test('packages start no service while set-up installs them, and may again however it ends', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-setup-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const policy = path.join(folder, 'policy-rc.d');
  const program = `
    import { spawnSync } from 'node:child_process';
    import { withoutServices } from ${JSON.stringify(path.join(root, 'scripts/setup.mjs'))};
    withoutServices(() => spawnSync('sleep', ['20']), ${JSON.stringify(policy)});`;
  const interrupted = async (signal) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { detached: true, stdio: 'ignore' });
    const gone = new Promise((resolve) => child.once('close', resolve));
    while (!existsSync(policy)) await sleep(10);
    await sleep(100);
    process.kill(-child.pid, signal);
    await gone;
  };
  await interrupted('SIGINT');
  assert.equal(existsSync(policy), false, 'after Ctrl-C');
  await interrupted('SIGKILL');
  assert.equal(existsSync(policy), true);
  assert.equal(spawnSync(policy).status, 101);
  withoutServices(() => assert.equal(existsSync(policy), true), policy);
  assert.equal(existsSync(policy), false, 'what a killed set-up left is gone after the next');
  await writeFile(policy, '#!/bin/sh\nexit 0\n');
  withoutServices(() => undefined, policy);
  assert.equal(await readFile(policy, 'utf8'), '#!/bin/sh\nexit 0\n', 'the machine’s own stays');
});

test('new npm packages cost nothing of what set-up had fetched and made before', async (t) => {
  const npm = '#!/bin/sh\n/bin/rm -rf node_modules; /bin/mkdir node_modules\n';
  const { folder } = await start(t, { npm }, async (clone) => {
    await mkdir(path.join(clone, 'node_modules/.cache/slipway-electron'), { recursive: true });
    await writeFile(path.join(clone, 'node_modules/.cache/slipway-electron/electron'), 'a large one');
  });
  const kept = path.join(folder, 'node_modules/.cache/slipway-electron/electron');
  assert.equal(await readFile(kept, 'utf8'), 'a large one');
});

test('a Node that is too old is told so: the bundler of the window says which', async () => {
  const require = createRequire(import.meta.url);
  const { engines } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  assert.equal(engines.node, require('vite/package.json').engines.node);
  const known = { '18.20.4': false, '20.18.3': false, '20.19.2': true, '22.11.0': false, '22.12.0': true };
  for (const [version, enough] of Object.entries({ ...known, '21.7.3': false, '24.0.0': true, '26.10.0': true }))
    assert.equal(newEnough(version), enough, version);
});
