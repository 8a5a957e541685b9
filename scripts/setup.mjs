#!/usr/bin/env node
/**
 * Sets everything up, and skips what is already so: Node's version, npm packages, Debian packages, the helper (C), the app (bundles), the
 * Electron runtime. `npm start`, `npm test` and every other command call it first; `npm run setup` runs it alone.
 *
 * It never asks a question, starts no service, and keeps what only the tests need out of `npm start`. Plain JavaScript, no dependency,
 * and nothing newer than Node 16, so that a Node that is too old can still be told so.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
/** A stamp lies with what it is of: node_modules may be shared by several checkouts (git worktree), what is built is not. */
const stamps = { npm: 'node_modules/.cache/slipway/npm.stamp', native: 'native/build/.stamp', app: 'out/.stamp' };

/** Debian packages by purpose. Each purpose says why in words, because set-up prints it. */
const PACKAGES = {
  build: {
    why: 'to compile the native helper',
    names: [
      ...[
        'gcc',
        'libc6-dev',
        'make',
        'pkg-config',
        'musl-tools',
        'libarchive-dev',
        'libjson-c-dev',
        'libseccomp-dev',
        'libmnl-dev',
      ],
      ...['libssl-dev', 'linux-libc-dev', 'zlib1g-dev'],
      // Inflates and deflates a few times as fast as zlib, on the processors that it was written for.
      ...(['x64', 'arm64'].includes(process.arch) ? ['libisal-dev'] : []),
    ],
  },
  engine: {
    why: 'for the engine: the starter image, firewall rules, user id maps',
    names: ['busybox-static', 'nftables', 'uidmap'],
  },
  window: {
    why: 'for the window: the libraries Electron is linked with',
    names: [
      ...[
        'libgtk-3-0',
        'libnss3',
        'libasound2',
        'libgbm1',
        'libatk-bridge2.0-0',
        'libxss1',
        'libxtst6',
        'libnotify4',
        'fontconfig',
      ],
      ...['libcups2', 'libdrm2', 'libxkbcommon0', 'libxcomposite1', 'libxdamage1', 'libxrandr2'],
    ],
  },
  tests: {
    why: 'for the tests only: the engines and registries we compare with, a display, a guest machine',
    names: [
      ...[
        'docker.io',
        'docker-registry',
        'runc',
        'crun',
        'podman',
        'skopeo',
        'umoci',
        'fuse-overlayfs',
        'mmdebstrap',
        'xvfb',
        'xauth',
        'strace',
        'iproute2',
      ],
      ...[
        'procps',
        'util-linux',
        'bsdutils',
        'ca-certificates',
        'qemu-system-x86',
        'e2fsprogs',
        'imagemagick',
        'xfsprogs',
        'libasan8',
        // Of one package with docker.io before Debian 13.
        ...(debianRelease() >= 13 ? ['docker-cli'] : []),
      ],
    ],
  },
  bench: { why: 'to measure what containers read and write', names: ['fio'] },
  show: {
    why: 'to record the video',
    names: ['ffmpeg', 'xvfb', 'xauth', 'docker-registry', 'mmdebstrap', 'skopeo', 'iproute2'],
  },
  deb: { why: 'to build the Debian package', names: ['dpkg', 'fakeroot'] },
};

/** 12, 13, …; 0 where this is not Debian or has no number yet. */
function debianRelease() {
  const file = '/etc/os-release';
  const words = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
  return /^ID="?debian"?$/m.test(words) ? Number(/^VERSION_ID="?(\d+)/m.exec(words)?.[1] ?? 0) : 0;
}

/** True when a window can be opened here. */
export const hasDisplay = () => Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);

/**
 * Brings the checkout to the state that `wants` describes.
 * @param {{window?: boolean, tests?: boolean, bench?: boolean, show?: boolean, deb?: boolean}} wants
 */
export async function setup(wants = {}) {
  const started = Date.now();
  checkNode();
  const purposes = ['build', 'engine'];
  if (wants.window || wants.tests || wants.show) purposes.push('window');
  for (const extra of ['tests', 'bench', 'show', 'deb']) if (wants[extra]) purposes.push(extra);
  const stages = [
    ['npm packages', npmPackages],
    ['Debian packages', (tell) => debianPackages(purposes, tell)],
    ['native helper', (tell) => nativeHelper(tell, wants.tests)],
    ['app bundles', appBundles],
  ];
  if (wants.window || wants.tests || wants.show || wants.deb) stages.push(['Electron runtime', electronRuntime]);
  if (wants.tests || wants.show)
    stages.push(['test images', async (tell) => (await import('./test-images.mjs')).testImages(tell)]);
  if (wants.tests) stages.push(['peers', peers]);
  let worked = false;
  for (const [index, [name, stage]] of stages.entries()) {
    const from = Date.now();
    const label = `[${index + 1}/${stages.length}] ${name}`;
    const did = await stage((what) => say(`${label}: ${what}`));
    if (did) say(`${label}: done in ${((Date.now() - from) / 1000).toFixed(1)} s${did === true ? '' : `, ${did}`}`);
    worked ||= Boolean(did);
  }
  if (worked) say(`set up in ${((Date.now() - started) / 1000).toFixed(0)} s`);
}

/** Whether this Node can build Slipway. Below these, npm leaves the bundler's native part out, and the bundler would not load. */
export function newEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  return major === 20 ? minor >= 19 : major === 22 ? minor >= 12 : major > 22;
}

function checkNode() {
  if (newEnough(process.versions.node)) return;
  stop(
    `Slipway needs Node 20.19, 22.12 or newer to be built; this is ${process.version} (Debian 12's own is 18). ` +
      "Install a newer Node (nodejs.org, nvm, or your distribution's backports) and run the same command again.",
  );
}

function npmPackages(tell) {
  const stamp = digest(['package-lock.json', '.npmrc']);
  if (isStamped('npm', stamp) && fs.existsSync(path.join(root, 'node_modules', 'typescript'))) return false;
  tell('npm ci (about 700 packages, some 900 MB unpacked)');
  // npm ci deletes node_modules: what set-up fetched and made itself (an Electron, test images) waits beside it.
  const [cache, kept] = ['node_modules/.cache', '.cache'].map((name) => path.join(root, name));
  if (fs.existsSync(cache) && !fs.existsSync(kept)) fs.renameSync(cache, kept);
  const status = run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  if (fs.existsSync(kept)) {
    fs.mkdirSync(path.dirname(cache), { recursive: true });
    fs.rmSync(cache, { recursive: true, force: true });
    fs.renameSync(kept, cache);
  }
  if (status !== 0)
    stop(
      'npm ci failed; what it says is above. If the network was lost, run the same command again: npm keeps what it already has.',
    );
  putStamp('npm', stamp);
  return true;
}

function debianPackages(purposes, tell) {
  const missing = purposes
    .map((purpose) => ({ why: PACKAGES[purpose].why, names: missingPackages(PACKAGES[purpose].names) }))
    .filter(({ names }) => names.length > 0);
  if (missing.length === 0) return false;
  const names = [...new Set(missing.flatMap((each) => each.names))];
  for (const each of missing) tell(`${each.why}: ${each.names.join(' ')}`);
  if (!findProgram('apt-get'))
    stop(
      `This is no Debian or Ubuntu: install the like of these packages with your own package manager: ${names.join(' ')}`,
    );
  const line = `apt-get install -y --no-install-recommends ${names.join(' ')}`;
  if (process.getuid() !== 0) {
    const first = listsAreOld()
      ? ' (apt-get update comes first: the package lists of this machine are missing or old)'
      : '';
    stop(
      `These Debian packages are missing. Install them${first}, then run the same command again:\n\n  sudo ${line}\n`,
    );
  }
  installPackages(names, tell);
  const still = missingPackages(names);
  if (still.length > 0) stop(`apt-get ended well, but these packages are still missing: ${still.join(' ')}`);
  return `${names.length} packages`;
}

/** Whether apt-get may ask for packages that its sources no longer have, or knows none at all. */
export function listsAreOld(folder = '/var/lib/apt/lists', days = 14) {
  const lists = fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => /_(In)?Release$/.test(name)) : [];
  const newest = Math.max(0, ...lists.map((name) => fs.statSync(path.join(folder, name)).ctimeMs));
  return Date.now() - newest > days * 24 * 3600 * 1000;
}

/** The names that dpkg does not know as installed; a `t64` twin (Debian 13) counts as the package itself. */
function missingPackages(names) {
  const result = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Abbrev} ${Package}\n'], { encoding: 'utf8' });
  const installed = new Set();
  for (const line of (result.stdout ?? '').split('\n'))
    if (line.startsWith('ii')) installed.add(line.slice(2).trim().split(' ').pop());
  return names.filter((name) => !installed.has(name) && !installed.has(`${name}t64`));
}

/**
 * Does `work` while no package may start its service: Debian asks policy-rc.d. The file is gone afterwards however this ends, and one that
 * a killed set-up left is taken for ours.
 */
export function withoutServices(work, policy = '/usr/sbin/policy-rc.d') {
  const words = "#!/bin/sh\n# Slipway's set-up is installing packages.\nexit 101\n";
  if (fs.existsSync(policy) && fs.readFileSync(policy, 'utf8') !== words) return work();
  const allowAgain = () => fs.rmSync(policy, { force: true });
  // A signal that nobody listens to would end us without the exit that is listened to.
  const end = () => process.exit(1);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, end);
  process.on('exit', allowAgain);
  fs.writeFileSync(policy, words, { mode: 0o755 });
  try {
    return work();
  } finally {
    allowAgain();
    process.off('exit', allowAgain);
    for (const signal of signals) process.off(signal, end);
  }
}

/** As root: apt-get, with services kept from starting while it works. */
function installPackages(names, tell) {
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = [
    '-qq',
    '-o',
    'Dpkg::Use-Pty=0',
    '-o',
    'DPkg::Lock::Timeout=300',
    'install',
    '-y',
    '--no-install-recommends',
    ...names,
  ];
  withoutServices(() => {
    tell('apt-get update');
    // Without the error mode, sources that nobody answers for count as updated.
    const update = ['-qq', '-o', 'DPkg::Lock::Timeout=300', '-o', 'APT::Update::Error-Mode=any', 'update'];
    const updated = run('apt-get', update, environment, 'quiet');
    const plan = spawnSync('apt-get', ['install', '--assume-no', '--no-install-recommends', ...names], {
      encoding: 'utf8',
      env: { ...environment, LC_ALL: 'C' },
    });
    const size = /Need to get ([^\n]*?B)/.exec(plan.stdout ?? '')?.[1];
    tell(`apt-get install, ${names.length} packages${size ? `, ${size} to fetch` : ''} (no service is started)`);
    if (run('apt-get', install, environment, 'quiet') !== 0)
      stop(
        updated === 0
          ? `apt-get could not install these packages; what it says is above: ${names.join(' ')}`
          : 'apt-get could not reach its package sources. Check the network and run the same command again.',
      );
  });
}

/** What a newer compiler warns of is a mistake for those who run the tests, and no reason not to start for all others. */
function nativeHelper(tell, strict) {
  const sources = filesUnder('native', (name) => /\.([ch]|json|mjs)$|Makefile$/.test(name)).filter(
    (name) => !name.startsWith('native/build'),
  );
  const stamp = digest(sources);
  const built = ['slipway-helper', 'slipway-monitor', 'seccomp-default.json'].every((name) =>
    fs.existsSync(path.join(root, 'native', 'build', name)),
  );
  if (built && isStamped('native', stamp)) return false;
  const make = (...more) => run('make', ['-s', '-C', 'native', '-j', '4', ...more], process.env, 'quiet') === 0;
  tell('make -C native');
  let made = make();
  if (!made && !strict) {
    tell('once more, without taking warnings for errors');
    made = make('WERROR=');
  }
  if (!made) stop('The native helper could not be compiled; the compiler says why above.');
  putStamp('native', stamp);
  return true;
}

function appBundles(tell) {
  const sources = ['app', 'main', 'renderer'].flatMap((room) => filesUnder(room, (name) => !name.includes('.test.')));
  const stamp = digest([...sources, 'scripts/build.mjs', 'package.json']);
  if (isStamped('app', stamp) && fs.existsSync(path.join(root, 'out', 'daemon.cjs'))) return false;
  tell('bundling the engine, the app and the window');
  if (run(process.execPath, ['scripts/build.mjs'], process.env, 'quiet') !== 0)
    stop('The app could not be bundled; what went wrong is above.');
  putStamp('app', stamp);
  return true;
}

async function peers(tell) {
  const { makePeers } = await import('./peers.mjs');
  return makePeers(tell).catch((error) => stop(error.message));
}

async function electronRuntime(tell) {
  const { resolveElectron } = await import('./electron.mjs');
  let worked = false;
  try {
    const found = resolveElectron({ log: (what) => ((worked = true), tell(what)) });
    return worked ? `Electron ${found.version}, ${found.source}` : false;
  } catch (error) {
    return stop(
      `The Electron runtime could not be had: ${error.message}. The headless engine works without it: npm start -- --headless`,
    );
  }
}

// --- small tools ------------------------------------------------------------------------------------------------------------------

const say = (text) => process.stderr.write(`${text}\n`);

/** Ends the command with one sentence that names the way out. */
function stop(sentence) {
  say(`\n${sentence}`);
  process.exit(1);
}

/** Runs a program in the checkout; `quiet` shows its output only where it fails. Returns its exit status. */
function run(program, args, env = process.env, quiet = undefined) {
  const stdio = quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 2, 2];
  const result = spawnSync(program, args, { cwd: root, env, stdio, maxBuffer: 1 << 28 });
  if (result.error) stop(`${program} could not be started: ${result.error.message}`);
  if (quiet && result.status !== 0)
    process.stderr.write(Buffer.concat([result.stdout ?? Buffer.alloc(0), result.stderr ?? Buffer.alloc(0)]));
  return result.status ?? 1;
}

/** The full path of a program on PATH, or undefined. */
export function findProgram(name) {
  for (const folder of [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin']) {
    const file = path.join(folder, name);
    try {
      fs.accessSync(file, fs.constants.X_OK);
      return file;
    } catch {
      continue;
    }
  }
  return undefined;
}

function filesUnder(folder, keep) {
  const found = [];
  for (const entry of fs.readdirSync(path.join(root, folder), { withFileTypes: true })) {
    const name = `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!/^(build|build-.*|node_modules|out)$/.test(entry.name)) found.push(...filesUnder(name, keep));
    } else if (keep(name)) found.push(name);
  }
  return found.sort();
}

/** One hash over the names and contents of files. */
function digest(names) {
  const hash = createHash('sha256');
  for (const name of names) {
    const file = path.join(root, name);
    hash
      .update(`${name}\0`)
      .update(fs.existsSync(file) ? fs.readFileSync(file) : '')
      .update('\0');
  }
  return hash.update(process.version).digest('hex');
}

const isStamped = (name, stamp) => {
  const file = path.join(root, stamps[name]);
  return fs.existsSync(file) && fs.readFileSync(file, 'utf8') === stamp;
};

function putStamp(name, stamp) {
  const file = path.join(root, stamps[name]);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, stamp);
}

if (process.argv[1] && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  await setup({ window: true, tests: process.argv.includes('--tests') });
