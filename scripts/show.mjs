#!/usr/bin/env node
/**
 * `npm run show`: plays the first story under Xvfb and leaves what it looked like in show/: PNGs and a video. For machines without a display.
 * `npm run show -- readme` takes the picture of the README anew instead.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { resolveElectron } from './electron.mjs';
import { findProgram, root, setup } from './setup.mjs';

await setup({ show: true, window: true });
const folder = path.join(root, 'show');
fs.rmSync(folder, { recursive: true, force: true });
fs.mkdirSync(folder);
const user = process.getuid() === 0 ? [] : ['--user', '--map-current-user', '--keep-caps'];
const inside = `${findProgram('ip')} link set lo up && exec "$@"`;
const readme = process.argv.includes('readme');
const story = readme ? 'picture of the README' : process.getuid() === 0 ? 'root pulls' : 'ordinary user pulls';
const playwright = [
  'node_modules/@playwright/test/cli.js',
  'test',
  '-c',
  'e2e/playwright.config.ts',
  '--reporter=line',
  '-g',
  story,
];
spawn('unshare', [...user, '--net', 'sh', '-c', inside, 'sh', process.execPath, ...playwright], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    SLIPWAY_TEST_NETNS: '1',
    SLIPWAY_SHOW: folder,
    ELECTRON_OVERRIDE_DIST_PATH: resolveElectron().dist,
    PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
  },
}).on('exit', (code) => {
  for (const name of fs.readdirSync(folder).sort()) console.log(path.join('show', name));
  const picture = fs.readdirSync(folder).find((name) => name.endsWith('readme.png'));
  if (readme && code === 0 && picture)
    fs.copyFileSync(path.join(folder, picture), path.join(root, 'docs/screenshot.png'));
  process.exit(code ?? 1);
});
