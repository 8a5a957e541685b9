/** What the command line says, dockerd's names for its flags, and where things are when it says nothing. */
import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** Where the engine keeps its data, its run-time state and its socket. */
export interface Places {
  dataRoot: string;
  execRoot: string;
  /** Path of the API's unix socket. */
  socket: string;
  /** False when `--data-root` or `--host` named other places than this user's own. */
  usual: boolean;
}

export interface Launch {
  places: Places;
  /** Never host an engine: be a client of `--host`. */
  noEngine: boolean;
  registryMirrors: string[];
  insecureRegistries: string[];
}

/** Chromium's own switches are in `argv` too; they are none of ours. */
export async function readLaunch(argv: string[], env: NodeJS.ProcessEnv, uid: number): Promise<Launch> {
  const { values } = parseArgs({
    args: argv,
    strict: false,
    options: {
      'data-root': { type: 'string' },
      'exec-root': { type: 'string' },
      host: { type: 'string', short: 'H' },
      'no-engine': { type: 'boolean' },
      'registry-mirror': { type: 'string', multiple: true },
      'insecure-registry': { type: 'string', multiple: true },
    },
  });
  const one = (name: 'data-root' | 'exec-root' | 'host') => {
    const value = values[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const many = (name: 'registry-mirror' | 'insecure-registry') =>
    (Array.isArray(values[name]) ? values[name] : []).filter((value): value is string => typeof value === 'string');
  return {
    places: await places(one('data-root'), one('exec-root'), one('host'), env, uid),
    noEngine: values['no-engine'] === true,
    registryMirrors: many('registry-mirror'),
    insecureRegistries: many('insecure-registry'),
  };
}

async function places(
  dataRoot: string | undefined,
  execRoot: string | undefined,
  host: string | undefined,
  env: NodeJS.ProcessEnv,
  uid: number,
): Promise<Places> {
  const home = env['HOME'] || homedir();
  const usualData =
    uid === 0 ? '/var/lib/slipway' : join(absolute(env['XDG_DATA_HOME']) ?? join(home, '.local/share'), 'slipway');
  const usualRun = uid === 0 ? '/run/slipway' : join(absolute(env['XDG_RUNTIME_DIR']) ?? `/run/user/${uid}`, 'slipway');
  const data = resolve(dataRoot ?? usualData);
  const usual = data === usualData;
  const run = resolve(execRoot ?? (usual ? usualRun : join(usualRun, await shortName(data))));
  return { dataRoot: data, execRoot: run, socket: socketOf(host) ?? join(run, 'docker.sock'), usual: usual && !host };
}

/** The first 8 hex digits that stand for a data root elsewhere. */
export async function shortName(folder: string): Promise<string> {
  const real = await realpath(folder).catch(() => folder);
  return createHash('sha256').update(real).digest('hex').slice(0, 8);
}

function socketOf(host: string | undefined): string | undefined {
  if (host === undefined) return undefined;
  const path = host.startsWith('unix://') ? host.slice('unix://'.length) : host;
  if (!isAbsolute(path)) throw new Error(`--host ${host}: the app reaches an engine by unix:///absolute/path.`);
  return path;
}

const absolute = (path: string | undefined) => (path && isAbsolute(path) ? path : undefined);
