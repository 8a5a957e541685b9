#!/usr/bin/env node
/**
 * `npm run bench [-- life|streams|files|memory|runtime|window|containers|logs|layers|images|images-window|volumes|volumes-data|mounts] [--only PART] [--long] [--json FILE]`: speed and memory, ours and the peers
 * interleaved in one run, in a network namespace of its own. Prints medians and ratios, writes them to out/bench.json too, and exits non-zero
 * when a target is missed. `--long` takes the full counts (100,000 execs) where the default takes a sample.
 */
import { spawn } from 'node:child_process';
import { resolveElectron } from './electron.mjs';
import { findProgram, root, setup } from './setup.mjs';

await setup({ tests: true, bench: true, window: true });
if (process.getuid?.() !== 0) {
  console.error('The bench compares with dockerd, runc and crun, which need root: sudo npm run bench');
  process.exit(1);
}
const inside = `${findProgram('ip')} link set lo up && exec "$@"`;
const command = [process.execPath, '--import', 'tsx', 'e2e/bench/main.ts', ...process.argv.slice(2)];
spawn('unshare', ['--net', 'sh', '-c', inside, 'sh', ...command], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
    ELECTRON_OVERRIDE_DIST_PATH: resolveElectron().dist,
  },
}).on('exit', (code) => process.exit(code ?? 1));
