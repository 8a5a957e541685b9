import { join } from 'node:path';
import { z } from 'zod';
import { conflict, diskError, messageOf } from '../../base/errors.js';
import { createLog } from '../../base/log.js';
import { PrivateFile } from '../../base/private-file.js';
import type { RegistryAuth } from './auth.js';
import { CredentialHelper, isNotInstalled } from './credential-helper.js';
import { DockerConfig, type DockerLogins } from './docker-config.js';
import { DEFAULT_DOMAIN, HUB_SERVER, serverHost } from './reference.js';

const log = createLog('registry');

/** A list waits for no person. */
const LIST_MS = 5000;

/** Who keeps a login. */
export interface Keeper {
  kind: 'slipway' | 'docker' | 'helper';
  /** The helper's name. */
  helper?: string;
}

export interface KnownLogin extends Keeper {
  user?: string;
}

export interface CredentialsOptions {
  /** Where our own are kept. */
  folder: string;
  env: Record<string, string | undefined>;
}

/** Logins by registry: our own first, then those of the docker command line of the person whose engine this is, and of its helpers. */
export class Credentials {
  readonly #file: PrivateFile;
  readonly #docker: DockerConfig;
  readonly #env: Record<string, string | undefined>;
  #own = new Map<string, RegistryAuth>();
  /** What went wrong with the file and was worked round, in sentences for a person. */
  readonly warnings: string[] = [];

  static async open({ folder, env }: CredentialsOptions): Promise<Credentials> {
    const credentials = new Credentials(new PrivateFile(join(folder, 'credentials.json')), env);
    await credentials.#load();
    return credentials;
  }

  private constructor(file: PrivateFile, env: Record<string, string | undefined>) {
    this.#file = file;
    this.#env = env;
    this.#docker = new DockerConfig(env);
  }

  async find(host: string): Promise<RegistryAuth | undefined> {
    const own = this.#own.get(host);
    if (own) return own;
    const docker = await this.#docker.logins();
    const helper = this.#helperFor(host, docker);
    try {
      const kept = await helper?.get(serverOf(host));
      if (kept) return kept;
    } catch (error) {
      // Without it the registry says what is missing; a public image needs nothing.
      log.warn(messageOf(error));
    }
    return docker.auths.get(host);
  }

  /** Keeps a login: with the helper that docker's configuration names, else in our own file. */
  async keep(host: string, auth: RegistryAuth): Promise<Keeper> {
    const helper = this.#helperFor(host, await this.#docker.logins());
    if (helper) {
      try {
        await helper.store(serverOf(host), auth);
        if (this.#own.has(host)) await this.#change((own) => own.delete(host));
        return { kind: 'helper', helper: helper.name };
      } catch (error) {
        if (!isNotInstalled(error)) throw error;
      }
    }
    await this.#change((own) => own.set(host, auth));
    return { kind: 'slipway' };
  }

  /** Forgets a login; false: there was none. One that only docker's own file has is docker's to forget. */
  async forget(host: string): Promise<boolean> {
    let forgotten = false;
    if (this.#own.has(host)) {
      await this.#change((own) => own.delete(host));
      forgotten = true;
    }
    const docker = await this.#docker.logins();
    const helper = this.#helperFor(host, docker);
    try {
      if (helper && (await helper.get(serverOf(host)))) {
        await helper.erase(serverOf(host));
        forgotten = true;
      }
    } catch (error) {
      if (!isNotInstalled(error)) throw error;
    }
    if (!forgotten && docker.auths.has(host))
      throw conflict(
        `the login for ${host} is docker's own, in ${this.#docker.path}: "docker logout${host === DEFAULT_DOMAIN ? '' : ` ${host}`}" forgets it`,
      );
    return forgotten;
  }

  /** Who is logged in where. */
  async list(): Promise<Map<string, KnownLogin>> {
    const known = new Map<string, KnownLogin>();
    const docker = await this.#docker.logins();
    for (const [host, auth] of docker.auths) known.set(host, { kind: 'docker', ...userOf(auth) });
    const shared = docker.store === undefined ? [] : await this.#listed(docker.store);
    for (const [host, user] of shared)
      if (!docker.helpers.has(host)) known.set(host, { kind: 'helper', helper: docker.store as string, ...user });
    for (const [name, hosts] of byHelper(docker.helpers))
      for (const [host, user] of await this.#listed(name))
        if (hosts.includes(host)) known.set(host, { kind: 'helper', helper: name, ...user });
    for (const [host, auth] of this.#own) known.set(host, { kind: 'slipway', ...userOf(auth) });
    return known;
  }

  async #listed(name: string): Promise<[host: string, { user?: string }][]> {
    try {
      const entries = Object.entries(await new CredentialHelper(name, this.#env, LIST_MS).list());
      return entries.flatMap(([server, user]): [string, { user?: string }][] => {
        const host = serverHost(server);
        return host ? [[host, user && user !== '<token>' ? { user } : {}]] : [];
      });
    } catch (error) {
      log.warn(messageOf(error));
      return [];
    }
  }

  #helperFor(host: string, { helpers, store }: DockerLogins): CredentialHelper | undefined {
    const name = helpers.get(host) ?? store;
    return name === undefined ? undefined : new CredentialHelper(name, this.#env);
  }

  async #change(change: (own: Map<string, RegistryAuth>) => void): Promise<void> {
    const before = this.#own;
    const next = new Map(before);
    change(next);
    this.#own = next;
    const auths = Object.fromEntries([...next].sort(([a], [b]) => (a < b ? -1 : 1)));
    await this.#file.write({ auths }).catch((error: unknown) => {
      if (this.#own === next) this.#own = before;
      throw diskError(error, this.#file.path);
    });
  }

  async #load(): Promise<void> {
    await this.#file.tidy();
    const { value, warning } = await this.#file.readOrSetAside((document) => kept.parse(document));
    this.#own = new Map(Object.entries(value?.auths ?? {}));
    if (warning) this.warnings.push(`Logins: ${warning} Log in again.`);
  }
}

const text = z.string().optional();
const kept = z.object({
  auths: z.record(z.string(), z.object({ username: text, password: text, identitytoken: text, registrytoken: text })),
}) as z.ZodType<{ auths: Record<string, RegistryAuth> }>;

/** What helpers and docker's file call a registry. */
const serverOf = (host: string): string => (host === DEFAULT_DOMAIN ? HUB_SERVER : host);

const userOf = ({ username }: RegistryAuth): { user?: string } => (username ? { user: username } : {});

function byHelper(helpers: ReadonlyMap<string, string>): Map<string, string[]> {
  const hosts = new Map<string, string[]>();
  for (const [host, name] of helpers) hosts.set(name, [...(hosts.get(name) ?? []), host]);
  return hosts;
}
