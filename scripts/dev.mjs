#!/usr/bin/env node
/** `npm run dev`: the app with hot reload. The window's code is served by Vite; a change of the engine's or the app's restarts the app. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { resolveElectron } from './electron.mjs';
import { hasDisplay, root, setup } from './setup.mjs';

await setup({ window: true });
// A fresh clone has these only now.
const [{ context }, { createServer }, { bundles, finish }] = await Promise.all([
  import('esbuild'),
  import('vite'),
  import('./build.mjs'),
]);
if (!hasDisplay()) {
  console.error('There is no display here. Run it under one: xvfb-run npm run dev');
  process.exit(1);
}

const server = await createServer({
  configFile: path.join(root, 'renderer/vite.config.ts'),
  server: { host: '127.0.0.1' },
});
await server.listen();
// Vite would leave at once and the app behind; `end` closes both.
process.removeAllListeners('SIGTERM');
process.stdin.removeAllListeners('end');
const address = server.resolvedUrls?.local[0];
console.log(`window code at ${address}`);

const electron = resolveElectron();
let app;
let gone;
let ending = false;
let pending = false;
let timer;

/** Starts the app, or ends the running one and starts it anew once it has gone (containers go on meanwhile). */
function restart() {
  if (app) return void app.kill('SIGTERM');
  app = spawn(electron.exe, [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), root, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, ELECTRON_OVERRIDE_DIST_PATH: electron.dist, SLIPWAY_DEV_SERVER: address },
  });
  gone = once(app, 'exit');
  app.on('exit', (code, signal) => {
    app = undefined;
    if (ending || (!pending && signal === null)) return void end(code ?? 0);
    pending = false;
    restart();
  });
}

const watchedBundles = bundles();
let built = 0;
const watched = await Promise.all(
  watchedBundles.map((options) =>
    context({
      ...options,
      plugins: [
        {
          name: 'restart',
          setup: (build) =>
            void build.onEnd(({ errors }) => {
              if (errors.length > 0) return;
              finish();
              clearTimeout(timer);
              if (++built < watchedBundles.length) return; // the first start waits for all of them
              timer = setTimeout(() => ((pending = Boolean(app)), restart()), 100);
            }),
        },
      ],
    }),
  ),
);
await Promise.all(watched.map((each) => each.watch()));

async function end(code) {
  ending = true;
  app?.kill('SIGTERM');
  await Promise.all([gone, server.close(), ...watched.map((each) => each.dispose())]);
  process.exit(code);
}
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void end(0));
