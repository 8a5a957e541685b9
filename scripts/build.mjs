#!/usr/bin/env node
/**
 * Bundles everything into out/: the app's main process and preload, the headless engine, the command line and the store's worker as
 * CommonJS for Electron 25's Node 18, the window for its Chromium 114. `bundles` is also what `npm run dev` watches.
 */
import { build } from 'esbuild';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** Bundle name in out/ → entry. */
const ENTRIES = {
  'app/main': 'app/main.ts',
  daemon: 'main/daemon/main.ts',
  'cli/slipway': 'main/cli/main.ts',
  'store-worker': 'main/base/store-worker.ts',
};

const shared = () => ({
  absWorkingDir: root,
  outdir: 'out',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node18',
  external: ['electron', 'libsql'],
  sourcemap: 'linked',
  legalComments: 'linked',
  logLevel: 'warning',
});

/** What esbuild is told, one options object per kind of bundle, for a single build and for watching alike. */
export const bundles = () => [
  {
    ...shared(),
    entryPoints: ENTRIES,
    loader: { '.png': 'dataurl' },
    // A CommonJS bundle has no import.meta.url; this is what it would say.
    banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
    define: { 'process.env.SLIPWAY_VERSION': JSON.stringify(version()), 'import.meta.url': 'importMetaUrl' },
  },
  // The preload runs in Electron's sandbox, which has no node: modules to speak of.
  { ...shared(), entryPoints: { 'app/preload': 'app/bridge/preload.ts' } },
];

export const version = () => JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')).version;

/** The command line is a program of its own on PATH. */
export function finish() {
  const cli = path.join(root, 'out/cli/slipway.cjs');
  if (fs.existsSync(cli)) fs.chmodSync(cli, 0o755);
}

if (process.argv[1] && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const only = process.argv[2];
  if (only !== '--window') {
    await Promise.all(bundles().map((options) => build(options)));
    finish();
  }
  if (only !== '--node') {
    const vite = await import('vite');
    await vite.build({ configFile: path.join(root, 'renderer/vite.config.ts'), logLevel: 'warn' });
  }
}
