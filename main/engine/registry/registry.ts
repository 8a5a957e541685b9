import { isIP } from 'node:net';
import { EngineError, invalid, notFound, notImplemented, unauthorized, unavailable } from '../../base/errors.js';
import { checkedDigest, digestOf, isDigest, type BlobSource } from '../content/index.js';
import { answerChallenge, parseChallenge, type RegistryAuth } from './auth.js';
import { DEFAULT_DOMAIN, familiar, familiarName, type Reference } from './reference.js';
import { networkCode, request, type RegistryResponse } from './request.js';

export interface RegistryOptions {
  /** Tried before docker.io, for docker.io's images. */
  mirrors?: string[];
  /** `host`, `host:port` or an IPv4 `a.b.c.d/n`: plain HTTP and unknown certificates are accepted. */
  insecure?: string[];
}

export interface RemoteManifest {
  digest: string;
  mediaType: string;
  bytes: Buffer;
}

export const MEDIA_TYPES = {
  index: ['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json'],
  manifest: ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json'],
} as const;

const DOCKER_HUB = 'https://registry-1.docker.io';
/** A mirror that does not answer must not cost more than this. */
const MIRROR_PATIENCE_MS = 3000;

/** The distribution protocol: manifests and blobs of one repository at a time. */
export class Registry {
  readonly mirrors: readonly string[];
  readonly insecure: readonly string[];

  constructor({ mirrors = [], insecure = [] }: RegistryOptions = {}) {
    this.mirrors = mirrors.map((mirror) => checkedMirror(mirror));
    this.insecure = insecure;
  }

  repository(reference: Reference, auth?: RegistryAuth): Repository {
    return new Repository(reference, this.#endpoints(reference.domain, auth));
  }

  #endpoints(domain: string, auth: RegistryAuth | undefined): Endpoint[] {
    const endpoint = (base: string, more: Partial<Endpoint> = {}): Endpoint => ({
      base: new URL(base),
      auth,
      insecure: false,
      mirror: false,
      ...more,
    });
    if (domain === DEFAULT_DOMAIN) {
      return [
        // Whoever runs a mirror has no business with somebody's Docker Hub password.
        ...this.mirrors.map((mirror) =>
          endpoint(mirror, { mirror: true, auth: undefined, insecure: this.#isInsecure(new URL(mirror).host) }),
        ),
        endpoint(DOCKER_HUB),
      ];
    }
    if (!this.#isInsecure(domain)) return [endpoint(`https://${domain}`)];
    return [endpoint(`https://${domain}`, { insecure: true }), endpoint(`http://${domain}`, { insecure: true })];
  }

  #isInsecure(domain: string): boolean {
    const host = hostOf(domain);
    if (host === 'localhost' || host === '::1' || /^127\./.test(host)) return true;
    return this.insecure.some((entry) => entry === domain || entry === host || inNetwork(host, entry));
  }
}

interface Endpoint {
  base: URL;
  auth: RegistryAuth | undefined;
  insecure: boolean;
  mirror: boolean;
  /** The Authorization that this endpoint accepted last. */
  authorization?: string;
}

/** One repository at the first of its endpoints that works. */
export class Repository {
  #endpoints: Endpoint[];

  constructor(
    private readonly reference: Reference,
    endpoints: Endpoint[],
  ) {
    this.#endpoints = endpoints;
  }

  /** A manifest or an index by tag or digest, verified where a digest says what it must be. */
  async manifest(tagOrDigest: string, signal?: AbortSignal): Promise<RemoteManifest> {
    const response = await this.#get(`manifests/${tagOrDigest}`, {
      headers: { Accept: [...MEDIA_TYPES.index, ...MEDIA_TYPES.manifest].join(', ') },
      what: tagOrDigest,
      signal,
    });
    const bytes = await response.bytes();
    const digest = digestOf(bytes);
    if (isDigest(tagOrDigest) && digest !== tagOrDigest) {
      throw invalid(
        `manifest verification failed for digest ${tagOrDigest}: the registry sent another document, which was refused`,
      );
    }
    const mediaType = (response.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
    if (/manifest\.v1\+(json|prettyjws)$/.test(mediaType) && !mediaType.includes('oci')) {
      throw notImplemented(
        `${familiar(this.reference)} is stored in the old format "schema 1", which is no longer supported: push the image again with a current tool`,
      );
    }
    return { digest, mediaType, bytes };
  }

  /** Where a blob's bytes come from; goes on at any byte. */
  blob(digest: string): BlobSource {
    checkedDigest(digest);
    return async (offset, signal) => {
      const response = await this.#get(`blobs/${digest}`, {
        headers: offset > 0 ? { Range: `bytes=${offset}-` } : {},
        what: digest,
        signal,
      });
      if (response.status !== 206) return { offset: 0, body: response.body };
      const start = /^bytes (\d+)-/.exec(response.headers['content-range'] ?? '')?.[1];
      return { offset: start === undefined ? offset : Number(start), body: response.body };
    };
  }

  async #get(path: string, options: GetOptions): Promise<RegistryResponse> {
    for (;;) {
      const endpoint = this.#endpoints[0] as Endpoint;
      try {
        return await this.#getFrom(endpoint, path, options);
      } catch (error) {
        options.signal?.throwIfAborted();
        const next = this.#endpoints.length > 1 && (endpoint.mirror || cannotSpeakTls(error, endpoint));
        if (!next) throw error;
        // Another request may have gone on already.
        if (this.#endpoints[0] === endpoint) this.#endpoints = this.#endpoints.slice(1);
      }
    }
  }

  async #getFrom(endpoint: Endpoint, path: string, { headers, what, signal }: GetOptions): Promise<RegistryResponse> {
    const url = new URL(`/v2/${this.reference.path}/${path}`, endpoint.base);
    const send = () =>
      request(url, {
        headers: { ...headers, ...(endpoint.authorization && { Authorization: endpoint.authorization }) },
        signal,
        insecure: endpoint.insecure,
        ...(endpoint.mirror && path.startsWith('manifests/') && { silenceMs: MIRROR_PATIENCE_MS }),
      });
    let response = await send();
    const challenge = response.status === 401 ? parseChallenge(response.headers['www-authenticate']) : undefined;
    if (challenge) {
      const used = endpoint.authorization;
      // A second challenge to what we have sent: a token that has run out (get another), or credentials that are wrong.
      if (!used || challenge.scheme === 'bearer') {
        response.discard();
        endpoint.authorization = await answerChallenge(challenge, {
          auth: endpoint.auth,
          scope: challenge.parameters['scope'] ?? `repository:${this.reference.path}:pull`,
          registry: endpoint.base,
          insecure: endpoint.insecure,
          signal,
        }).catch((error: unknown) => {
          throw isUnauthorized(error) ? this.#denied(error.message) : error;
        });
        response = await send();
      }
    }
    if (response.status === 200 || response.status === 206) return response;
    throw await this.#failure(response, what);
  }

  async #failure(response: RegistryResponse, what: string): Promise<EngineError> {
    const { status } = response;
    const { code, message } = firstError(await response.bytes().catch(() => Buffer.alloc(0)));
    const said = code ? `${code.toLowerCase().replaceAll('_', ' ')}: ${message}` : '';
    const host = response.url.host;
    switch (status) {
      case 401:
      case 403:
        return this.#denied(said || (status === 401 ? 'unauthorized: authentication required' : 'denied'));
      case 404: {
        if (code === 'NAME_UNKNOWN') return notFound(`repository ${familiarName(this.reference)} not found: ${said}`);
        const wanted = familiar(what.startsWith('sha256:') ? { ...this.reference, digest: what } : this.reference);
        return notFound(
          code === 'BLOB_UNKNOWN'
            ? `the registry ${host} lacks a part of ${familiar(this.reference)} (${what}): push the image again`
            : `manifest for ${wanted} not found: ${said || 'manifest unknown: manifest unknown'}`,
        );
      }
      case 429:
        return new EngineError(
          'forbidden',
          `toomanyrequests: ${message || `the registry ${host} limits how much may be pulled`}. Wait a while, log in (docker login), or use a mirror (--registry-mirror)`,
        );
      default: {
        const sentence = `the registry ${host} answered with status ${status}${said ? ` (${said})` : ''}`;
        return status >= 500 ? unavailable(`${sentence}: try again later`) : invalid(sentence);
      }
    }
  }

  #denied(said: string): EngineError {
    return notFound(
      `pull access denied for ${familiarName(this.reference)}, repository does not exist or may require 'docker login': ${said}`,
    );
  }
}

interface GetOptions {
  headers: Record<string, string>;
  /** The tag or digest asked for, for the error's sentence. */
  what: string;
  signal: AbortSignal | undefined;
}

function firstError(bytes: Buffer): { code: string; message: string } {
  try {
    const { errors } = JSON.parse(bytes.toString('utf8')) as { errors?: { code?: unknown; message?: unknown }[] };
    const { code, message } = errors?.[0] ?? {};
    return { code: typeof code === 'string' ? code : '', message: typeof message === 'string' ? message : '' };
  } catch {
    return { code: '', message: '' };
  }
}

const isUnauthorized = (error: unknown): error is EngineError =>
  error instanceof EngineError && error.kind === unauthorized('').kind;

/** An insecure registry that does not answer in TLS is asked again in plain HTTP. */
function cannotSpeakTls(error: unknown, { insecure, base }: Endpoint): boolean {
  if (!insecure || base.protocol !== 'https:') return false;
  return networkCode(error) !== undefined;
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

/** `10.0.0.0/8` holds 10.1.2.3. */
function inNetwork(host: string, network: string): boolean {
  const [base = '', length] = network.split('/');
  if (length === undefined || isIP(host) !== 4 || isIP(base) !== 4) return false;
  const number = (ip: string) => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(length));
  return Math.floor(number(host) / size) === Math.floor(number(base) / size);
}
