#!/usr/bin/env node
/**
 * `npm start`: sets up what is missing, then opens the app; without a display, or with `--headless`, runs the engine alone and says how to
 * use it. Other arguments go to the app or the engine.
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { hasDisplay, root, setup } from './setup.mjs';

const args = process.argv.slice(2);
const headless = args.includes('--headless') || !hasDisplay();
await setup({ window: !headless });

if (headless) {
  const engine = spawn(
    process.execPath,
    [path.join(root, 'out/daemon.cjs'), ...args.filter((each) => each !== '--headless')],
    {
      stdio: ['inherit', 'pipe', 'inherit'],
    },
  );
  let told = false;
  engine.stdout.on('data', (chunk) => {
    process.stdout.write(chunk);
    const socket = /listening on (\S+)/.exec(String(chunk))?.[1];
    if (!socket || told) return;
    told = true;
    console.log(`
The engine runs without a window. Use it from another terminal:

  export DOCKER_HOST=unix://${socket}
  docker run -it --rm debian:12 bash        (or: npx slipway run -it --rm debian:12 bash)

${args.includes('--headless') ? 'For the window, run npm start without --headless.' : 'There is no display here. For the window, run npm start in a graphical session, or under one: xvfb-run npm start.'}
Ctrl-C ends the engine; containers go on and the next start takes them back.`);
  });
  follow(engine);
} else {
  const { resolveElectron } = await import('./electron.mjs');
  const electron = resolveElectron();
  // Chromium refuses to run as root with its sandbox on; only this launcher says so, never the app.
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  follow(
    spawn(electron.exe, [...sandbox, root, ...args], {
      stdio: 'inherit',
      env: { ...process.env, ELECTRON_OVERRIDE_DIST_PATH: electron.dist },
    }),
  );
}

/** Passes signals on and ends as the child ends. */
function follow(child) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => child.kill(signal === 'SIGINT' ? 'SIGTERM' : signal));
  child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
  child.on('error', (error) => {
    console.error(`${child.spawnfile} could not be started: ${error.message}`);
    process.exit(1);
  });
}
