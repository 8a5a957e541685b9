#!/usr/bin/env node
/** `npm run engine -- --data-root DIR --host unix://PATH …`: the headless engine in the foreground (docs/engine.md lists its flags). */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { root, setup } from './setup.mjs';

await setup();
const engine = spawn(process.execPath, [path.join(root, 'out/daemon.cjs'), ...process.argv.slice(2)], {
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => engine.kill(signal));
engine.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
