/** Hosts the engine in this process and serves its API on the socket everybody uses; starts the headless one that goes on after us. */
import { spawn } from 'node:child_process';
import { mkdir, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { engineArguments, engineSettings } from '../main/base/engine-flags.js';
import { system } from '../main/base/errors.js';
import type { Places } from '../main/base/places.js';
import type { Transport } from '../main/contract/bridge.js';
import type { HostedEngine } from './connections/local.js';
import type { Flags } from './launch.js';

/** What the command line and the defaults come to. */
export type Launch = Flags & { places: Places };

/** Where the built parts are: `out/` of a checkout, `resources/` of a package. */
export interface Parts {
  daemon: string;
  helper: string;
}

/** A command that becomes the headless engine. */
export interface Headless {
  argv: string[];
  env: Record<string, string>;
}

/** How this program, as plain Node, is the headless engine for the same places. `--standby`: it hands back to the next app. */
export function headlessCommand({ places, engine }: Launch, parts: Parts): Headless {
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !/^(ELECTRON_|NODE_OPTIONS|CHROME_)/.test(entry[0]),
  );
  return {
    argv: [
      process.execPath,
      parts.daemon,
      ...['--standby', '--helper', parts.helper],
      ...['--data-root', places.dataRoot, '--exec-root', places.execRoot, '--host', `unix://${places.socket}`],
      ...engineArguments(engine),
    ],
    env: { ...Object.fromEntries(kept), ELECTRON_RUN_AS_NODE: '1' },
  };
}

/** Loaded only now, so that the window is on its way to the screen before the engine's code is read. */
export async function hostEngine(launch: Launch, parts: Parts): Promise<HostedEngine> {
  const [{ openEngine }, { createApi }] = await Promise.all([
    import('../main/engine/index.js'),
    import('../main/api/index.js'),
  ]);
  const { places } = launch;
  const engine = await openEngine({
    root: places.dataRoot,
    runDir: places.execRoot,
    helperPath: parts.helper,
    ...engineSettings(launch.engine),
    host: 'app',
    statsHistory: true,
    headless: headlessCommand(launch, parts),
  });
  try {
    const api = createApi(engine);
    await api.listen(places.socket);
    return {
      async close({ handover }) {
        await api.close();
        await engine.close({ handover });
      },
    };
  } catch (error) {
    await engine.close({ handover: true });
    throw error;
  }
}

const STANDBY_MS = 10_000;

/** Starts the headless engine in a session of its own and waits until it answers. */
export async function startStandby(launch: Launch, parts: Parts, transport: Transport): Promise<void> {
  const { argv, env } = headlessCommand(launch, parts);
  const [program = process.execPath, ...args] = argv;
  await mkdir(launch.places.execRoot, { recursive: true, mode: 0o700 });
  const logFile = join(launch.places.execRoot, 'headless.log');
  const log = await open(logFile, 'a', 0o600);
  try {
    const stdio = await onlyStandardStreams(log.fd);
    const child = spawn(program, args, { cwd: '/', env, detached: true, stdio });
    let ended: string | undefined;
    child.once('error', (error) => (ended = error.message));
    child.once('exit', (code, signal) => (ended = signal ?? `exit status ${code}`));
    child.unref();
    for (const until = Date.now() + STANDBY_MS; ; await sleep(25)) {
      const response = await transport.send({ method: 'GET', path: '/_ping' }).catch(() => undefined);
      response?.body.cancel();
      if (response?.status === 200) return;
      if (ended) throw system(`The headless engine ended at once (${ended}); ${logFile} says why.`);
      if (Date.now() > until) throw system(`The headless engine does not answer; ${logFile} may say why.`);
    }
  } finally {
    await log.close();
  }
}

/**
 * Chromium leaves most of its descriptors open to the programs it starts: sockets, the profile's files, the terminal's pipes. What goes on after us must hold none of them,
 * so each is replaced on the way; `ignore` above 2 means that the number stays as it is.
 */
async function onlyStandardStreams(log: number): Promise<('ignore' | number)[]> {
  const open = new Set((await readdir('/proc/self/fd')).map(Number));
  const highest = Math.max(2, ...open);
  return Array.from({ length: highest + 1 }, (_, fd) => (fd > 0 && (fd < 3 || open.has(fd)) ? log : 'ignore'));
}
