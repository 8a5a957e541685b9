/** The headless engine: flags, the engine, its API on a socket, and a clean end. */
import '../base/scopes.js';
import { writeFile, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { createApi } from '../api/index.js';
import { addEngineFlags, engineSettings, type EngineFlags } from '../base/engine-flags.js';
import { messageOf } from '../base/errors.js';
import { createLog, setLogLevel } from '../base/log.js';
import { placesOf } from '../base/places.js';
import { openEngine } from '../engine/index.js';

interface Flags extends EngineFlags {
  dataRoot?: string;
  execRoot?: string;
  host?: string;
  watchdog?: boolean;
  standby?: boolean;
  pidfile?: string;
  statsHistory?: boolean;
  helper?: string;
  debug?: boolean;
}

const command = addEngineFlags(new Command('slipwayd'))
  .description('The Slipway engine without its window, for servers, tests and people who closed it.')
  .option('--data-root <directory>', 'Where images and containers are kept')
  .option('--exec-root <directory>', 'Where sockets and other run-time state are kept')
  .option('-H, --host <address>', 'The unix socket to listen on: unix:///path')
  .option('--watchdog', 'Should this engine be killed, the helper starts it again')
  .option('--standby', 'Hand over to the app when it asks (what the app starts when it quits); implies --watchdog')
  .option('--stats-history', 'Keep the last hour of what running containers use, in memory')
  .option('-p, --pidfile <file>', 'Write the process id there')
  .addOption(new Option('--helper <path>', 'The helper program').hideHelp())
  .option('-D, --debug', 'Log more');

const log = createLog('daemon');

/** Two programs that are built beside this one. */
const here = dirname(fileURLToPath(import.meta.url));
const helperPath = (given: string | undefined) =>
  given ??
  process.env['SLIPWAY_HELPER'] ??
  resolve(here, process.env['SLIPWAY_VERSION'] ? '..' : '../..', 'native/build/slipway-helper');

async function main(): Promise<void> {
  // Run by Electron as Node, commander would take the script's own path for an argument.
  const flags = command.parse(process.argv, { from: 'node' }).opts<Flags>();
  if (flags.debug) setLogLevel('debug');
  const places = await placesOf(flags, process.env, process.getuid?.() ?? 0);
  const watched = flags.watchdog === true || flags.standby === true;
  let end: (how: { handover: boolean }) => void = () => undefined;
  const engine = await openEngine({
    root: places.dataRoot,
    runDir: places.execRoot,
    helperPath: helperPath(flags.helper),
    ...engineSettings(flags),
    host: 'headless',
    statsHistory: flags.statsHistory,
    headless: watched
      ? { argv: [process.execPath, ...process.execArgv, ...process.argv.slice(1)], env: environment() }
      : null,
    ...(flags.standby && { onHandover: () => end({ handover: true }) }),
  });
  const api = createApi(engine);
  const ended = new Promise<{ handover: boolean }>((resolveEnd) => (end = resolveEnd));
  // Before the line that says we are ready: whoever reads it may end us at once.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => end({ handover: false }));
  try {
    await api.listen(places.socket);
    if (flags.pidfile) await writeFile(flags.pidfile, `${process.pid}\n`);
    process.stdout.write(`listening on ${places.socket}\n`);
    const how = await ended;
    log.info(how.handover ? 'handing over to another engine' : 'ending');
    await api.close();
    await engine.close(how);
  } catch (error) {
    await engine.close({ handover: true });
    throw error;
  } finally {
    if (flags.pidfile) await rm(flags.pidfile, { force: true });
  }
}

/** For the engine that the helper starts after us. */
const environment = () =>
  Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined));

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`slipway: ${messageOf(error)}\n`);
    process.exit(1);
  },
);
