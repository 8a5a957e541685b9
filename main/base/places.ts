/** Where an engine keeps its data, its run-time state and its socket, unless it is told otherwise. */
import { createHash } from 'node:crypto';
import { mkdir, realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { invalid } from './errors.js';

export interface Places {
  dataRoot: string;
  execRoot: string;
  /** Path of the API's unix socket. */
  socket: string;
}

export interface PlacesWish {
  dataRoot?: string;
  execRoot?: string;
  /** `unix:///path`. */
  host?: string;
}

type Environment = Record<string, string | undefined>;

/** The directories of this machine's root engine, or of a person's own. */
export function usualPlaces(env: Environment, uid: number): Places {
  const dataRoot =
    uid === 0
      ? '/var/lib/slipway'
      : join(absolute(env['XDG_DATA_HOME']) ?? join(env['HOME'] || homedir(), '.local/share'), 'slipway');
  const execRoot = uid === 0 ? '/run/slipway' : join(absolute(env['XDG_RUNTIME_DIR']) ?? `/run/user/${uid}`, 'slipway');
  return { dataRoot, execRoot, socket: join(execRoot, 'docker.sock') };
}

/** The usual places but for what is wished. A data root elsewhere has a run directory of its own, so two engines never meet. */
export async function placesOf(wish: PlacesWish, env: Environment, uid: number): Promise<Places> {
  const usual = usualPlaces(env, uid);
  const dataRoot = resolve(wish.dataRoot ?? usual.dataRoot);
  const execRoot = resolve(
    wish.execRoot ?? (dataRoot === usual.dataRoot ? usual.execRoot : join(usual.execRoot, await shortName(dataRoot))),
  );
  return { dataRoot, execRoot, socket: wish.host === undefined ? join(execRoot, 'docker.sock') : socketOf(wish.host) };
}

/** The first 8 hex digits that stand for a data root; it is made first, as only an existing path has one real name. */
async function shortName(dataRoot: string): Promise<string> {
  await mkdir(dataRoot, { recursive: true, mode: 0o711 });
  return createHash('sha256')
    .update(await realpath(dataRoot))
    .digest('hex')
    .slice(0, 8);
}

function socketOf(host: string): string {
  const path = host.startsWith('unix://') ? host.slice('unix://'.length) : host;
  if (!isAbsolute(path)) throw invalid(`the engine listens on unix:///absolute/path only, not on ${host}`);
  return path;
}

const absolute = (path: string | undefined) => (path && isAbsolute(path) ? path : undefined);
