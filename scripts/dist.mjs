#!/usr/bin/env node
/**
 * `npm run dist`: the unpacked app in dist/linux-unpacked, a tar of it, and a Debian package. Where this machine has only the fallback
 * Electron, the package is for trying, not for releasing (docs/decisions/0003-electron.md).
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import fs from 'node:fs';
import path from 'node:path';
import { resolveElectron } from './electron.mjs';
import { findProgram, root, setup } from './setup.mjs';

await setup({ window: true, deb: true });
// A fresh clone has what these need only now.
const { version } = await import('./build.mjs');
const { depends, icons, recommends, teachPacker } = await import('./debian/needs.mjs');
const require = createRequire(import.meta.url);
const electron = resolveElectron();
const unpacked = path.join(root, 'dist/linux-unpacked');
fs.rmSync(path.join(root, 'dist'), { recursive: true, force: true });

console.log(`packing with Electron ${electron.version} (${electron.source})`);
const { build, Platform } = require('electron-builder');
await build({
  targets: Platform.LINUX.createTarget('dir'),
  publish: 'never',
  config: {
    extends: path.join(root, 'electron-builder.yml'),
    electronVersion: electron.version,
    electronDist: electron.dist,
    // The stand-in default app belongs to development, the mark of a whole download to our cache.
    afterPack: ({ appOutDir }) => {
      for (const name of ['resources/default_app.asar', '.complete'])
        fs.rmSync(path.join(appOutDir, name), { force: true });
    },
  },
});
fs.copyFileSync(path.join(root, 'LICENSE'), path.join(unpacked, 'LICENSE'));
writeCommands();
console.log(`app: ${unpacked}`);

if (process.argv.includes('--unpacked')) process.exit(0);

const archive = `dist/slipway-${version()}-linux-x64.tar.gz`;
if (spawnSync('tar', ['-czf', archive, '-C', 'dist', 'linux-unpacked'], { cwd: root, stdio: 'inherit' }).status !== 0)
  process.exit(1);
console.log(`archive: ${archive}`);

if (!findProgram('dpkg-deb') || !findProgram('fakeroot')) {
  console.log('no .deb: dpkg-deb and fakeroot are missing here');
  process.exit(0);
}
teachPacker();
await require('electron-installer-debian')({
  src: unpacked,
  dest: path.join(root, 'dist'),
  arch: 'amd64',
  options: {
    name: 'slipway-desktop',
    productName: 'Slipway',
    genericName: 'Container desktop',
    description: 'A container desktop: one app that is the engine',
    productDescription:
      'Images, containers and terminals as things you can see and grab, with a container engine of its own inside. It speaks the Docker Engine API; no virtual machine, no daemon, no account.',
    version: version(),
    bin: 'launch',
    maintainer: 'Slipway maintainers <maintainers@slipway.invalid>',
    section: 'devel',
    categories: ['Development'],
    desktopTemplate: path.join(root, 'scripts/debian/desktop.ejs'),
    icon: icons,
    depends,
    recommends,
    scripts: { postinst: path.join(root, 'scripts/debian/postinst'), prerm: path.join(root, 'scripts/debian/prerm') },
  },
});
console.log(
  `package: ${fs
    .readdirSync(path.join(root, 'dist'))
    .filter((name) => name.endsWith('.deb'))
    .map((name) => `dist/${name}`)}`,
);

/**
 * The package's two commands. `slipway` is our command line, run by the app's own Electron as Node. `slipway-desktop` opens the window; with
 * `--headless`, or where there is no display, it is the engine alone. Chromium refuses to run as root with its sandbox on: only this
 * launcher says so, never the app.
 */
function writeCommands() {
  const here = '#!/bin/sh\nhere=$(dirname "$(readlink -f "$0")")\n';
  const node = 'ELECTRON_RUN_AS_NODE=1 exec "$here/slipway-desktop" "$here/resources/app.asar.unpacked/out';
  const commands = {
    slipway: `${here}${node}/cli/slipway.cjs" "$@"\n`,
    launch: `${here}headless=
[ -n "$DISPLAY$WAYLAND_DISPLAY" ] || headless=1
for word; do
  shift
  if [ "$word" = --headless ]; then headless=1; else set -- "$@" "$word"; fi
done
if [ -n "$headless" ]; then
  ${node}/daemon.cjs" --helper "$here/resources/native/slipway-helper" "$@"
fi
[ "$(id -u)" != 0 ] || set -- --no-sandbox "$@"
exec "$here/slipway-desktop" "$@"
`,
  };
  for (const [name, text] of Object.entries(commands)) {
    fs.writeFileSync(path.join(unpacked, name), text, { mode: 0o755 });
  }
}
