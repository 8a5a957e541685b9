/* eslint-disable @typescript-eslint/no-require-imports -- what is loaded before a program is CommonJS */
/**
 * Loaded into the engine before its own code (`node --require`): how long its event loop was kept from running, and the most memory that it had.
 * SIGUSR2 writes both to the file that SLIPWAY_PROBE names, and begins anew.
 */
const { renameSync, writeFileSync } = require('node:fs');
const { monitorEventLoopDelay } = require('node:perf_hooks');
const { isMainThread } = require('node:worker_threads');

if (isMainThread) {
  /** Milliseconds between two looks, which are no delay. */
  const EVERY = 10;
  const delay = monitorEventLoopDelay({ resolution: EVERY });
  let most = 0;
  const look = () => (most = Math.max(most, process.memoryUsage.rss()));
  const begin = () => {
    delay.reset();
    most = 0;
    look();
  };
  delay.enable();
  begin();
  setInterval(look, 100).unref();
  process.on('SIGUSR2', () => {
    look();
    const inMs = (ns) => Math.max(0, ns / 1e6 - EVERY);
    const file = process.env.SLIPWAY_PROBE;
    writeFileSync(
      `${file}.part`,
      JSON.stringify({ p99: inMs(delay.percentile(99)), longest: inMs(delay.max), rss: most }),
    );
    renameSync(`${file}.part`, file);
    begin();
  });
}
