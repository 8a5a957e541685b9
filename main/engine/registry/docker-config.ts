import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { codeOf, messageOf } from '../../base/errors.js';
import { createLog } from '../../base/log.js';
import type { RegistryAuth } from './auth.js';
import { HUB_SERVER, serverHost } from './reference.js';

const log = createLog('registry');
const LARGEST = 1024 * 1024;

export interface DockerLogins {
  /** By host. */
  auths: ReadonlyMap<string, RegistryAuth>;
  /** The helper for everything that no other is for. */
  store?: string;
  /** By host. */
  helpers: ReadonlyMap<string, string>;
}

const NONE: DockerLogins = { auths: new Map(), helpers: new Map() };

/** What the docker command line of the person whose engine this is keeps: `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`. It is read, never written. */
export class DockerConfig {
  readonly path: string;
  readonly #uid: number;
  #complained = '';

  constructor(env: Record<string, string | undefined>, uid = process.geteuid?.() ?? 0) {
    this.path = join(env['DOCKER_CONFIG'] || join(env['HOME'] || homedir(), '.docker'), 'config.json');
    this.#uid = uid;
  }

  async logins(): Promise<DockerLogins> {
    try {
      const text = await this.#read();
      return text === undefined ? NONE : parsed(text);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ENOENT' || code === 'ENOTDIR') return NONE;
      // Once, not with every pull.
      const said = code ?? (error instanceof SyntaxError ? 'it is not JSON' : messageOf(error));
      if (this.#complained !== said) log.warn(`${this.path} is not used: ${said}`);
      this.#complained = said;
      return NONE;
    }
  }

  async #read(): Promise<string | undefined> {
    const file = await open(this.path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { uid, size } = await file.stat().then((stat) => {
        if (!stat.isFile()) throw new Error('it is no file');
        return stat;
      });
      // An engine that root runs with somebody's environment is not that person: their logins are theirs.
      if (uid !== this.#uid && uid !== 0) throw new Error('it belongs to another user');
      if (size > LARGEST) throw new Error('it is too large');
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  }
}

function parsed(text: string): DockerLogins {
  const document = objectOf(JSON.parse(text));
  const auths = new Map<string, RegistryAuth>();
  for (const [server, value] of Object.entries(objectOf(document['auths']))) {
    const host = serverHost(server);
    const auth = authOf(objectOf(value));
    // Docker Hub's own name for itself wins over others for the same.
    if (host && auth && (server === HUB_SERVER || !auths.has(host))) auths.set(host, auth);
  }
  const helpers = new Map<string, string>();
  for (const [server, name] of Object.entries(objectOf(document['credHelpers']))) {
    const host = serverHost(server);
    if (host && isHelper(name)) helpers.set(host, name);
  }
  const store = document['credsStore'];
  return { auths, helpers, ...(isHelper(store) && { store }) };
}

/** The end of a program's name, and no path to another one. */
const isHelper = (name: unknown): name is string => typeof name === 'string' && /^[A-Za-z0-9][\w.-]*$/.test(name);

function authOf(entry: Record<string, unknown>): RegistryAuth | undefined {
  const text = (key: string) => (typeof entry[key] === 'string' && entry[key] !== '' ? entry[key] : undefined);
  const identitytoken = text('identitytoken');
  const registrytoken = text('registrytoken');
  const [user, ...secret] = Buffer.from(text('auth') ?? '', 'base64')
    .toString('utf8')
    .split(':');
  const username = text('username') ?? (user || undefined);
  const password = text('password') ?? (secret.length > 0 ? secret.join(':').replace(/\0+$/, '') : undefined);
  if (!identitytoken && !registrytoken && !(username && password)) return undefined;
  return {
    ...(username && { username }),
    ...(password && { password }),
    ...(identitytoken && { identitytoken }),
    ...(registrytoken && { registrytoken }),
  };
}

const objectOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
