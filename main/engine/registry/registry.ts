import { invalid } from '../../base/errors.js';
import { Agents } from './agents.js';
import { Authorizer, fingerprint, type RegistryAuth } from './auth.js';
import { inNetwork, isLocal, Proxies } from './proxies.js';
import { DEFAULT_DOMAIN, type Reference } from './reference.js';
import { Repository, type Endpoint } from './repository.js';
import { request, USUAL, type RegistryRequest, type RegistryResponse, type Trust } from './request.js';

export interface RegistryOptions {
  /** Tried before docker.io, for docker.io's images. */
  mirrors?: string[];
  /** `host`, `host:port` or a network `a.b.c.d/n`: plain HTTP and unknown certificates are accepted. */
  insecure?: string[];
  /** Where the proxies are named. */
  env?: Record<string, string | undefined>;
  /** Before the second attempt; the third waits four times as long. */
  backOffMs?: number;
}

export interface RepositoryOptions {
  /** False: the registry itself and nobody in its place, as for what is pushed. */
  mirrors?: boolean;
}

const DOCKER_HUB = 'https://registry-1.docker.io';
/** For so long nobody waits for an endpoint that did not answer. */
const REST_MS = 60_000;
/** People and registries whose tokens are remembered. */
const MANY = 256;

/** The distribution protocol: manifests and blobs of one repository at a time. */
export class Registry {
  readonly mirrors: readonly string[];
  readonly insecure: readonly string[];
  readonly #agents: Agents;
  readonly #backOffMs: number;
  readonly #resting = new Map<string, number>();
  readonly #authorizers = new Map<string, Authorizer>();

  constructor({ mirrors = [], insecure = [], env = process.env, backOffMs = 300 }: RegistryOptions = {}) {
    this.mirrors = mirrors.map((mirror) => checkedMirror(mirror));
    this.insecure = insecure;
    this.#agents = new Agents(new Proxies(env), env);
    this.#backOffMs = backOffMs;
  }

  repository(reference: Reference, auth?: RegistryAuth, options: RepositoryOptions = {}): Repository {
    return new Repository(reference, () => this.#endpoints(reference.domain, auth, options), this.#backOffMs);
  }

  async #endpoints(
    domain: string,
    auth: RegistryAuth | undefined,
    { mirrors = true }: RepositoryOptions,
  ): Promise<Endpoint[]> {
    const insecure = this.#isInsecure(domain);
    const own =
      domain === DEFAULT_DOMAIN
        ? [this.#endpoint(new URL(DOCKER_HUB), { auth })]
        : [
            this.#endpoint(new URL(`https://${domain}`), { auth, insecure }),
            ...(insecure ? [this.#endpoint(new URL(`http://${domain}`), { auth, insecure })] : []),
          ];
    // Whoever runs a mirror has no business with somebody's password for the registry.
    const before =
      domain === DEFAULT_DOMAIN && mirrors
        ? this.mirrors.map((mirror) => {
            const url = new URL(mirror);
            return this.#endpoint(url, { mirror: true, insecure: this.#isInsecure(url.host) });
          })
        : [];
    const rests = ({ base }: Endpoint) => (this.#resting.get(base.origin) ?? 0) > Date.now();
    return [...before.filter((each) => !rests(each)), ...own.filter((each) => !rests(each)), ...own.filter(rests)];
  }

  #endpoint(
    base: URL,
    {
      auth,
      insecure = false,
      mirror = false,
    }: { auth?: RegistryAuth | undefined; insecure?: boolean; mirror?: boolean },
  ): Endpoint {
    const trust = (url: URL): Promise<Trust> =>
      Promise.resolve(
        url.hostname === base.hostname || mirror
          ? { ...USUAL, insecure }
          : { ...USUAL, insecure: this.#isInsecure(url.host) },
      );
    return {
      base,
      prefix: '',
      mirror,
      insecure,
      trust,
      send: this.#send,
      failed: () => void this.#resting.set(base.origin, Date.now() + REST_MS),
      authorizer: this.#authorizer(base, auth, trust),
    };
  }

  readonly #send = (url: URL, options: RegistryRequest): Promise<RegistryResponse> =>
    request(url, (to, trust) => this.#agents.route(to, trust), options);

  #authorizer(base: URL, auth: RegistryAuth | undefined, trust: (url: URL) => Promise<Trust>): Authorizer {
    const key = `${base.origin} ${auth ? fingerprint(auth) : ''}`;
    const known = this.#authorizers.get(key);
    if (known) return known;
    const authorizer = new Authorizer({
      registry: base,
      credentials: () => Promise.resolve(auth),
      send: (url, options) => this.#send(url, { ...options, trust }),
      mayBePlain: (url) => this.#isInsecure(url.host),
    });
    this.#authorizers.set(key, authorizer);
    const [oldest] = this.#authorizers.keys();
    if (this.#authorizers.size > MANY && oldest !== undefined) this.#authorizers.delete(oldest);
    return authorizer;
  }

  #isInsecure(domain: string): boolean {
    const host = hostOf(domain);
    if (isLocal(host)) return true;
    return this.insecure.some((entry) => {
      const [base = '', bits] = entry.split('/');
      return entry === domain || entry === host || (bits !== undefined && inNetwork(host, base, Number(bits)));
    });
  }
}

function checkedMirror(mirror: string): string {
  const url = parseUrl(mirror);
  if (!url || !/^https?:$/.test(url.protocol)) throw invalid(`invalid mirror: ${mirror} is not an http or https URL`);
  return url.origin;
}

function parseUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

const hostOf = (domain: string): string => domain.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
