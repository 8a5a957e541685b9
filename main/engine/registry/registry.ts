import { join } from 'node:path';
import { unauthorized } from '../../base/errors.js';
import type { RegistryChange } from '../../contract/registries.js';
import { Agents } from './agents.js';
import { Authorizer, fetchToken, fingerprint, basic, parseChallenge, type RegistryAuth } from './auth.js';
import { certificateFolders, filedTrust, type FiledTrust } from './certificates.js';
import { Credentials, type Keeper, type KnownLogin } from './credentials.js';
import { failureOf, speaksOtherwise } from './failures.js';
import { Hosts, type HostSettings } from './hosts.js';
import { parseMirror, type Mirror } from './mirrors.js';
import { inNetwork, isLocal, Proxies } from './proxies.js';
import { DEFAULT_DOMAIN, type Reference } from './reference.js';
import { MIRROR_PATIENCE_MS, Repository, type Endpoint } from './repository.js';
import { request, type RegistryRequest, type RegistryResponse, type Trust } from './request.js';

export interface RegistryOptions {
  /** Tried before docker.io, for docker.io's images. */
  mirrors?: string[];
  /** `host`, `host:port` or a network `a.b.c.d/n`: plain HTTP and unknown certificates are accepted. */
  insecure?: string[];
  /** Where proxies, docker's configuration and the person's own certificates are. */
  env?: Record<string, string | undefined>;
  /** Where certificates for registries lie; as for dockerd when not given. */
  certificates?: string[];
  /** Before the second attempt; the third waits four times as long. */
  backOffMs?: number;
}

export interface RepositoryOptions {
  /** False: the registry itself and nobody in its place, as for what is pushed. */
  mirrors?: boolean;
}

/** How one registry is reached, and by whose word. */
export interface HostDescription extends HostSettings {
  fixed: { mirrors: string[]; insecure: boolean; ca: boolean; client: boolean };
}

const DOCKER_HUB = 'https://registry-1.docker.io';
/** For so long nobody waits for an endpoint that did not answer. */
const REST_MS = 60_000;
/** People and registries whose tokens are remembered. */
const MANY = 256;

/** The distribution protocol: manifests and blobs of one repository at a time. */
export class Registry {
  readonly #mirrors: readonly Mirror[];
  readonly #insecure: readonly string[];
  readonly #agents: Agents;
  readonly #certificates: readonly string[];
  readonly #backOffMs: number;
  readonly #credentials: Credentials | undefined;
  readonly #hosts: Hosts | undefined;
  readonly #resting = new Map<string, number>();
  readonly #authorizers = new Map<string, Authorizer>();
  readonly proxies: Proxies;

  /** With the logins and settings that are kept below the data root. */
  static async open({ root, ...options }: RegistryOptions & { root: string }): Promise<Registry> {
    const { env = process.env } = options;
    const folder = join(root, 'registries');
    return new Registry(options, await Credentials.open({ folder, env }), await Hosts.open({ folder }));
  }

  constructor(
    { mirrors = [], insecure = [], env = process.env, certificates, backOffMs = 300 }: RegistryOptions = {},
    credentials?: Credentials,
    hosts?: Hosts,
  ) {
    this.#mirrors = mirrors.map(parseMirror);
    this.#insecure = insecure;
    this.proxies = new Proxies(env);
    this.#agents = new Agents(this.proxies, env);
    this.#certificates = certificates ?? certificateFolders(env, process.geteuid?.() ?? 0);
    this.#backOffMs = backOffMs;
    this.#credentials = credentials;
    this.#hosts = hosts;
  }

  /** Who is logged in there, as the engine knows it. */
  loginFor(domain: string): Promise<RegistryAuth | undefined> {
    return this.#credentials?.find(domain) ?? Promise.resolve(undefined);
  }

  /** What went wrong with what is kept of registries and was worked round, in sentences for a person. */
  get warnings(): string[] {
    return [...(this.#credentials?.warnings ?? []), ...(this.#hosts?.warnings ?? [])];
  }

  /** Of docker.io, by flag or set: as `docker info` tells it. */
  get mirrors(): string[] {
    return this.#mirrorsOf(DEFAULT_DOMAIN).map(({ text }) => text);
  }

  /** Hosts and networks that may be plain, by flag or set. */
  get insecure(): string[] {
    return [
      ...new Set([
        ...this.#insecure,
        ...(this.#hosts?.names() ?? []).filter((host) => this.#hosts?.get(host).insecure),
      ]),
    ];
  }

  /** `auth` is what the client sent; without it whoever is logged in there is asked for. */
  repository(reference: Reference, auth?: RegistryAuth, { mirrors = true }: RepositoryOptions = {}): Repository {
    return new Repository(reference, () => this.#endpoints(reference.domain, auth, mirrors), this.#backOffMs);
  }

  /** For what belongs to no repository (`/v2/_catalog`), of the registry and nobody in its place. */
  itself(domain: string, auth?: RegistryAuth): Repository {
    return new Repository({ domain, path: '' }, () => this.#endpoints(domain, auth, false), this.#backOffMs);
  }

  /**
   * Whether a registry accepts somebody. What comes back is what is to be kept: a lasting token in the place of the password, where the
   * registry gives one.
   */
  async check(domain: string, auth: RegistryAuth, signal?: AbortSignal): Promise<RegistryAuth> {
    const endpoints = this.#endpoints(domain, auth, false);
    for (const [at, endpoint] of endpoints.entries()) {
      try {
        return await this.#checkAt(endpoint, auth, signal);
      } catch (error) {
        signal?.throwIfAborted();
        if (at === endpoints.length - 1 || !speaksOtherwise(error, endpoint)) throw error;
        endpoint.failed();
      }
    }
    throw unauthorized('there is nobody to ask');
  }

  /** Checks a login, then keeps it; answers who keeps it. */
  async login(domain: string, auth: RegistryAuth, signal?: AbortSignal): Promise<Keeper> {
    const kept = await this.check(domain, auth, signal);
    const keeper = await this.#store.credentials.keep(domain, kept);
    this.#authorizers.clear();
    return keeper;
  }

  async logout(domain: string): Promise<boolean> {
    const forgotten = await this.#store.credentials.forget(domain);
    this.#authorizers.clear();
    return forgotten;
  }

  logins(): Promise<Map<string, KnownLogin>> {
    return this.#store.credentials.list();
  }

  /** Registries that something was set for, or that the flags name. */
  known(): string[] {
    return [
      ...this.#store.hosts.names(),
      ...(this.#mirrors.length > 0 ? [DEFAULT_DOMAIN] : []),
      ...this.#insecure.filter((entry) => !entry.includes('/')),
    ];
  }

  async describe(domain: string): Promise<HostDescription> {
    const own = this.#hosts?.get(domain) ?? {};
    // What is wrong with a file is said by who needs it.
    const { ca, client } = await this.#filed(domain).catch((): FiledTrust => ({ ca: [] }));
    return {
      ...own,
      mirrors: this.#mirrorsOf(domain).map(({ text }) => text),
      insecure: this.#isInsecure(domain),
      fixed: {
        mirrors: domain === DEFAULT_DOMAIN ? this.#mirrors.map(({ text }) => text) : [],
        insecure: this.#isInsecureByFlag(domain),
        ca: ca.length > 0,
        client: client !== undefined,
      },
    };
  }

  async configure(domain: string, change: RegistryChange): Promise<void> {
    await this.#store.hosts.set(domain, change);
    this.#resting.clear();
  }

  async forget(domain: string): Promise<void> {
    await this.#store.hosts.remove(domain);
    this.#resting.clear();
  }

  /** What lies at any address, asked for by nobody in particular: no credentials are shown, there or on the way. Statuses are the caller's. */
  open(url: URL, options: Pick<RegistryRequest, 'headers' | 'signal' | 'anyHost'> = {}): Promise<RegistryResponse> {
    return this.#send(url, { ...options, trust: (to) => this.#trust(to.host, [to.host]) });
  }

  /** Plain HTTP and unknown certificates will do. */
  isInsecure(domain: string): boolean {
    return this.#isInsecure(domain);
  }

  readonly #send = (url: URL, options: RegistryRequest): Promise<RegistryResponse> =>
    request(url, (to, trust) => this.#agents.route(to, trust), options);

  get #store(): { credentials: Credentials; hosts: Hosts } {
    if (!this.#credentials || !this.#hosts) throw new Error('this registry keeps nothing');
    return { credentials: this.#credentials, hosts: this.#hosts };
  }

  async #checkAt(endpoint: Endpoint, auth: RegistryAuth, signal: AbortSignal | undefined): Promise<RegistryAuth> {
    const { base, trust } = endpoint;
    const url = new URL('/v2/', base);
    const send = (to: URL, options: RegistryRequest) => endpoint.send(to, { ...options, trust, signal });
    const first = await send(url, {});
    const challenge = first.status === 401 ? parseChallenge(first.headers['www-authenticate']) : undefined;
    if (!challenge) {
      if (first.status < 400) return (first.discard(), auth);
      throw await failureOf(first, { repository: base.host, what: base.host, action: 'pull' });
    }
    first.discard();
    let kept = auth;
    let header = auth.username ? basic(auth) : undefined;
    if (challenge.scheme === 'bearer') {
      const { realm = '', service = '' } = challenge.parameters;
      const mayBePlain = (to: URL) => this.#isInsecure(to.host);
      const answer = await fetchToken(realm, {
        ...{ registry: base, auth, service, scopes: [], send, mayBePlain },
        lasting: !auth.identitytoken,
      });
      header = `Bearer ${answer.token}`;
      if (answer.refreshToken)
        kept = { ...(auth.username && { username: auth.username }), identitytoken: answer.refreshToken };
    }
    const second = await send(url, header === undefined ? {} : { headers: { Authorization: header } });
    if (second.status < 400) return (second.discard(), kept);
    if (second.status === 401 || second.status === 403) {
      second.discard();
      throw unauthorized(`unauthorized: incorrect username or password for ${base.host}`);
    }
    throw await failureOf(second, { repository: base.host, what: base.host, action: 'pull' });
  }

  #endpoints(domain: string, auth: RegistryAuth | undefined, mirrors: boolean): Endpoint[] {
    const insecure = this.#isInsecure(domain);
    const schemes =
      domain === DEFAULT_DOMAIN ? [DOCKER_HUB] : [`https://${domain}`, ...(insecure ? [`http://${domain}`] : [])];
    const own = schemes.map((base) => this.#endpoint(new URL(base), domain, { auth, insecure }));
    // Whoever runs a mirror has no business with somebody's password for the registry: who is logged in to the mirror is another matter.
    const before = mirrors
      ? this.#mirrorsOf(domain).map(({ base, prefix }) =>
          this.#endpoint(base, base.host, { mirror: true, prefix, insecure: this.#isInsecure(base.host) }),
        )
      : [];
    const rests = ({ base }: Endpoint) => (this.#resting.get(base.origin) ?? 0) > Date.now();
    // The last resort, should the registry itself be out of reach.
    return [
      ...before.filter((each) => !rests(each)),
      ...own.filter((each) => !rests(each)),
      ...own.filter(rests),
      ...before.filter(rests),
    ];
  }

  #mirrorsOf(domain: string): Mirror[] {
    const set = (this.#hosts?.get(domain).mirrors ?? []).map(parseMirror);
    const all = [...set, ...(domain === DEFAULT_DOMAIN ? this.#mirrors : [])];
    return all.filter(({ text }, at) => all.findIndex((other) => other.text === text) === at);
  }

  #endpoint(base: URL, domain: string, { auth, insecure, mirror = false, prefix = '' }: EndpointWish): Endpoint {
    // Read once for the whole of a pull.
    const known = new Map<string, Promise<Trust>>();
    const trust = (url: URL): Promise<Trust> => {
      const found = known.get(url.host) ?? this.#trustFor(url, base, domain);
      known.set(url.host, found);
      return found;
    };
    return {
      base,
      prefix,
      mirror,
      insecure,
      trust,
      send: this.#send,
      failed: () => void this.#resting.set(base.origin, Date.now() + REST_MS),
      authorizer: this.#authorizer(base, domain, { auth, mirror }),
    };
  }

  /** The registry's own machine is trusted as was said of it. Where it sends us to is so for what it signs, and is shown nothing. */
  async #trustFor(url: URL, base: URL, domain: string): Promise<Trust> {
    const own = await this.#trust(domain, [base.host]);
    if (url.host === base.host) return own;
    const other = await this.#trust(url.host, [url.host]);
    return {
      ca: [...own.ca, ...other.ca],
      insecure: other.insecure || (own.insecure && url.hostname === base.hostname),
      ...(other.client && { client: other.client }),
    };
  }

  async #trust(domain: string, hosts: string[]): Promise<Trust> {
    const own = this.#hosts?.get(domain) ?? {};
    const filed = await this.#filed(domain, hosts);
    const client = own.client ?? filed.client;
    return {
      insecure: this.#isInsecure(domain),
      ca: [...(own.ca ? [own.ca] : []), ...filed.ca],
      ...(client && { client }),
    };
  }

  #filed(domain: string, hosts: string[] = []) {
    const names = domain === DEFAULT_DOMAIN ? [new URL(DOCKER_HUB).host, domain] : [domain];
    return filedTrust(this.#certificates, [...new Set([...names, ...hosts])]);
  }

  #authorizer(base: URL, domain: string, { auth, mirror }: Pick<EndpointWish, 'auth' | 'mirror'>): Authorizer {
    const key = `${base.origin} ${mirror ? 'mirror' : ''} ${auth ? fingerprint(auth) : ''}`;
    const known = this.#authorizers.get(key);
    if (known) return known;
    const authorizer = new Authorizer({
      registry: base,
      credentials: () => (auth ? Promise.resolve(auth) : this.loginFor(domain)),
      send: (url, options) =>
        this.#send(url, {
          ...(mirror && { connectMs: MIRROR_PATIENCE_MS, silenceMs: MIRROR_PATIENCE_MS }),
          ...options,
          trust: (to) => this.#trustFor(to, base, domain),
        }),
      mayBePlain: (url) => this.#isInsecure(url.host),
    });
    this.#authorizers.set(key, authorizer);
    const [oldest] = this.#authorizers.keys();
    if (this.#authorizers.size > MANY && oldest !== undefined) this.#authorizers.delete(oldest);
    return authorizer;
  }

  #isInsecure(domain: string): boolean {
    return this.#isInsecureByFlag(domain) || this.#hosts?.get(domain).insecure === true;
  }

  #isInsecureByFlag(domain: string): boolean {
    const host = hostOf(domain);
    if (isLocal(host)) return true;
    return this.#insecure.some((entry) => {
      const [base = '', bits] = entry.split('/');
      return entry === domain || entry === host || (bits !== undefined && inNetwork(host, base, Number(bits)));
    });
  }
}

interface EndpointWish {
  auth?: RegistryAuth | undefined;
  insecure: boolean;
  mirror?: boolean;
  prefix?: string;
}

const hostOf = (domain: string): string => domain.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
