/** Running test files with Node's own runner and counting what came out. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './setup.mjs';

/**
 * Runs the files of one suite; prints as they go.
 * @returns {Promise<{passed: number, failed: number, skipped: number}>}
 */
export async function runNodeTests(
  suite,
  files,
  { timeout = 120_000, concurrency = 2, env = {}, loader = ['--import', 'tsx'] } = {},
) {
  if (files.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'slipway-suite-'));
  const tap = path.join(folder, 'tap');
  const args = [...loader, '--test', `--test-concurrency=${concurrency}`, `--test-timeout=${timeout}`];
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

/**
 * Bundles test files, all at once: they start in a third of the time that tsx takes for each. Every file is still a process of its own, and
 * knows itself (import.meta) by the place of its source.
 * `programs` are what tests start beside themselves: with them a bundle knows its own place too (__dirname), where these and the store's
 * worker are beside it, as in the built engine.
 * @returns {Promise<string[]>} the bundles, in the order of the files; `runBundledTests` runs them
 */
export async function bundleTests(suite, files, programs = []) {
  const { build } = await import('esbuild');
  const outdir = path.join(root, 'out', 'tests', suite);
  fs.rmSync(outdir, { recursive: true, force: true });
  await build({
    absWorkingDir: root,
    entryPoints: [...files.filter((name) => /\.tsx?$/.test(name)), ...programs],
    outdir,
    outbase: root,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: programs.length === 0,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    loader: { '.png': 'dataurl' },
    sourcemap: 'linked',
    logLevel: 'warning',
    plugins: [sourcePlaces],
    ...(programs.length > 0 && { banner: { js: OWN_PLACE } }),
  });
  if (programs.length > 0)
    for (const folder of new Set([...files, ...programs].map((name) => path.dirname(path.join(outdir, name)))))
      fs.copyFileSync(path.join(root, 'out/store-worker.cjs'), path.join(folder, 'store-worker.cjs'));
  return files.map((name) => (/\.tsx?$/.test(name) ? path.join(outdir, name.replace(/\.tsx?$/, '.mjs')) : name));
}

export const runBundledTests = (suite, bundles, options = {}) =>
  runNodeTests(suite, bundles, { ...options, loader: ['--enable-source-maps'] });

const OWN_PLACE = `import { dirname as $dirname } from 'node:path';
import { fileURLToPath as $place } from 'node:url';
const __dirname = $dirname($place(import.meta.url));`;

/** Keeps `import.meta.url` and `import.meta.dirname` those of the source. */
const sourcePlaces = {
  name: 'source places',
  setup(build) {
    build.onLoad({ filter: /\.(tsx?|mjs)$/ }, async ({ path: file }) => {
      const source = await fs.promises.readFile(file, 'utf8');
      if (!source.includes('import.meta')) return undefined;
      const contents = source
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(file).href))
        .replaceAll('import.meta.dirname', JSON.stringify(path.dirname(file)));
      return { contents, loader: path.extname(file).slice(1).replace('mjs', 'js') };
    });
  },
};

/** The test files below a folder of the checkout, by the end of their names. */
export const testFiles = (folder, end = /\.test\.(ts|mjs)$/) =>
  fs.existsSync(path.join(root, folder))
    ? fs
        .readdirSync(path.join(root, folder), { recursive: true })
        .map((name) => `${folder}/${name}`)
        .filter((name) => end.test(name))
        .sort()
    : [];
