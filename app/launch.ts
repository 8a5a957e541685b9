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
}

/** The flags as given. */
export interface Flags {
  dataRoot: string | undefined;
  execRoot: string | undefined;
  host: string | undefined;
  /** Never host an engine: be a client of `--host`. */
  noEngine: boolean;
  registryMirrors: string[];
  insecureRegistries: string[];
}

/** Chromium's own switches are in `argv` too; they are none of ours. */
export function readFlags(argv: string[]): Flags {
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
  const one = (name: keyof typeof values) => {
    const value = values[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const many = (name: keyof typeof values) =>
    [values[name]].flat().filter((value): value is string => typeof value === 'string');
  return {
    dataRoot: one('data-root'),
    execRoot: one('exec-root'),
    host: one('host'),
    noEngine: values['no-engine'] === true,
    registryMirrors: many('registry-mirror'),
    insecureRegistries: many('insecure-registry'),
  };
}

/** Where things are, for this user. */
export async function placesFor(flags: Flags, env: NodeJS.ProcessEnv, uid: number): Promise<Places> {
  const usual = usualPlaces(env, uid);
  const dataRoot = resolve(flags.dataRoot ?? usual.data);
  const run = dataRoot === usual.data ? usual.run : join(usual.run, shortName(await real(dataRoot)));
  const execRoot = resolve(flags.execRoot ?? run);
  return { dataRoot, execRoot, socket: socketOf(flags.host) ?? join(execRoot, 'docker.sock') };
}

function usualPlaces(env: NodeJS.ProcessEnv, uid: number): { data: string; run: string } {
  if (uid === 0) return { data: '/var/lib/slipway', run: '/run/slipway' };
  const share = absolute(env['XDG_DATA_HOME']) ?? join(env['HOME'] || homedir(), '.local/share');
  const run = absolute(env['XDG_RUNTIME_DIR']) ?? `/run/user/${uid}`;
  return { data: join(share, 'slipway'), run: join(run, 'slipway') };
}

const real = (folder: string) => realpath(folder).catch(() => folder);

/** The 8 hex digits that stand for a path where a whole one is too long. */
export const shortName = (path: string) => createHash('sha256').update(path).digest('hex').slice(0, 8);

function socketOf(host: string | undefined): string | undefined {
  if (host === undefined) return undefined;
  const path = host.startsWith('unix://') ? host.slice('unix://'.length) : host;
  if (!isAbsolute(path)) throw new Error(`--host ${host}: the app reaches an engine by unix:///absolute/path.`);
  return path;
}

const absolute = (path: string | undefined) => (path && isAbsolute(path) ? path : undefined);
