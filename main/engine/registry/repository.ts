import { EngineError, invalid, notImplemented, unavailable } from '../../base/errors.js';
import { checkedDigest, digestOf, isDigest, type BlobSource } from '../content/index.js';
import type { Authorizer } from './auth.js';
import { deniedOf, failureOf, isUnauthorized, RegistryError, speaksOtherwise, type Asked } from './failures.js';
import { familiar, familiarName, type Reference } from './reference.js';
import {
  networkCode,
  speaksNoTls,
  type Method,
  type RegistryRequest,
  type RegistryResponse,
  type RequestBody,
  type Trust,
} from './request.js';
import { repositoryScope, type Actions, type Scope } from './scopes.js';

export interface RemoteManifest {
  digest: string;
  mediaType: string;
  bytes: Buffer;
}

/** A manifest as far as HEAD tells. */
export interface ManifestHead {
  digest: string;
  mediaType: string;
  size: number;
}

export const MEDIA_TYPES = {
  index: ['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json'],
  manifest: ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json'],
} as const;

/** One of the places where a repository can be had. */
export interface Endpoint {
  base: URL;
  /** What stands before a repository's path there: a mirror may keep another registry's below a name of its own. */
  prefix: string;
  mirror: boolean;
  insecure: boolean;
  trust: (url: URL) => Promise<Trust>;
  authorizer: Authorizer;
  send: (url: URL, options: RegistryRequest) => Promise<RegistryResponse>;
  /** It did not answer: others are not to wait for it, for a while. */
  failed: () => void;
}

export interface RepositoryRequest {
  headers?: Record<string, string>;
  query?: Record<string, string>;
  body?: RequestBody;
  /** What is to be allowed; without it `pull` for what reads and `pull,push` for the rest. */
  actions?: Actions;
  /** The path of another repository of this registry that a blob is to be mounted from: its `pull` is asked for as well. */
  mountFrom?: string;
  /** In the place of the repository's own scope, for what belongs to none. */
  scopes?: Scope[];
  /** The answer is a document: one that breaks off is asked for again. */
  whole?: boolean;
  /** Statuses besides those below 400 that are an answer and no failure: 404 for HEAD. */
  expect?: readonly number[];
  /** For the failure's sentence: the tag or digest that was asked for. */
  what?: string;
  signal?: AbortSignal | undefined;
  silenceMs?: number;
  /** How often it is tried where the network or the registry fails in passing; without it three times, once with a body that streams. */
  attempts?: number;
}

/** What a mirror may take to be reached, and to begin its answer about a document. */
export const MIRROR_PATIENCE_MS = 3000;
/** A mirror may have to get a layer itself before it gives it. */
const MIRROR_LAYER_MS = 10_000;
const ATTEMPTS = 3;
/** A registry that asks for no more than this is waited for. */
const SHORT_WAIT_S = 5;

/** One repository at the first of its endpoints that works. */
export class Repository {
  /** Those that are still to be tried, the best first. */
  #endpoints: Endpoint[];

  constructor(
    private readonly reference: Reference,
    private readonly endpoints: () => Endpoint[],
    private readonly backOffMs: number,
  ) {
    this.#endpoints = endpoints();
  }

  /** A manifest or an index by tag or digest, verified where a digest says what it must be. */
  async manifest(tagOrDigest: string, signal?: AbortSignal): Promise<RemoteManifest> {
    const response = await this.request('GET', `manifests/${checkedName(tagOrDigest)}`, {
      headers: ACCEPT,
      what: tagOrDigest,
      whole: true,
      signal,
    });
    const bytes = await response.bytes();
    const digest = digestOf(bytes);
    if (isDigest(tagOrDigest) && digest !== tagOrDigest) {
      throw invalid(
        `manifest verification failed for digest ${tagOrDigest}: the registry sent another document, which was refused`,
      );
    }
    const mediaType = mediaTypeOf(response);
    if (/manifest\.v1\+(json|prettyjws)$/.test(mediaType) && !mediaType.includes('oci')) {
      throw notImplemented(
        `${familiar(this.reference)} is stored in the old format "schema 1", which is no longer supported: push the image again with a current tool`,
      );
    }
    return { digest, mediaType, bytes };
  }

  /** What a tag or digest stands for, without getting it; undefined: nothing. */
  async head(tagOrDigest: string, signal?: AbortSignal): Promise<ManifestHead | undefined> {
    const response = await this.request('HEAD', `manifests/${checkedName(tagOrDigest)}`, {
      headers: ACCEPT,
      what: tagOrDigest,
      expect: [404, 405],
      signal,
    });
    response.discard();
    if (response.status === 404) return undefined;
    const digest = [response.headers['docker-content-digest'] ?? ''].flat()[0];
    if (response.status === 200 && isDigest(digest) && (!isDigest(tagOrDigest) || digest === tagOrDigest))
      return { digest, mediaType: mediaTypeOf(response), size: Number(response.headers['content-length'] ?? 0) };
    // A registry that does not say: the document does.
    const manifest = await this.manifest(tagOrDigest, signal);
    return { digest: manifest.digest, mediaType: manifest.mediaType, size: manifest.bytes.length };
  }

  /** Stores a manifest under a tag or its digest; the registry must have everything it names. */
  async putManifest(
    tagOrDigest: string,
    { mediaType, bytes }: { mediaType: string; bytes: Uint8Array },
    signal?: AbortSignal,
  ): Promise<string> {
    const response = await this.request('PUT', `manifests/${checkedName(tagOrDigest)}`, {
      headers: { 'Content-Type': mediaType, 'Content-Length': String(bytes.length) },
      body: bytes,
      what: tagOrDigest,
      signal,
    });
    response.discard();
    return digestOf(bytes);
  }

  /** A blob's size there; undefined: the repository does not have it. */
  async blobSize(digest: string, signal?: AbortSignal): Promise<number | undefined> {
    const response = await this.request('HEAD', `blobs/${checkedDigest(digest)}`, {
      what: digest,
      expect: [404],
      signal,
    });
    response.discard();
    return response.status === 404 ? undefined : Number(response.headers['content-length'] ?? 0);
  }

  /** A blob that is a document (a configuration), in one piece and verified. */
  async document(digest: string, signal?: AbortSignal): Promise<Buffer> {
    const response = await this.request('GET', `blobs/${checkedDigest(digest)}`, { what: digest, whole: true, signal });
    const bytes = await response.bytes();
    if (digestOf(bytes) !== digest)
      throw invalid(
        `the content does not match its digest and was refused: expected ${digest}, got ${digestOf(bytes)}`,
      );
    return bytes;
  }

  /** Where a blob's bytes come from; goes on at any byte. */
  blob(digest: string): BlobSource {
    checkedDigest(digest);
    return async (offset, signal) => {
      const response = await this.request('GET', `blobs/${digest}`, {
        headers: offset > 0 ? { Range: `bytes=${offset}-` } : {},
        what: digest,
        signal,
        attempts: 1, // who takes the bytes tries again, from where they stopped
      });
      if (response.status !== 206) return { offset: 0, body: response.body };
      const start = /^bytes (\d+)-/.exec(response.headers['content-range'] ?? '')?.[1];
      return { offset: start === undefined ? offset : Number(start), body: response.body };
    };
  }

  /**
   * Asks the registry, with the authorisation that it wants. `path` is relative to the repository (`blobs/uploads/`), or an address that
   * the registry gave (`Location`; from `/` on: of the registry): another host than the registry's is shown no credentials.
   */
  async request(method: Method, path: string | URL, options: RepositoryRequest = {}): Promise<RegistryResponse> {
    const attempts = options.attempts ?? (typeof options.body === 'function' ? 1 : ATTEMPTS);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#anywhere(method, path, options);
      } catch (error) {
        options.signal?.throwIfAborted();
        const wait = attempt < attempts ? patience(error, this.backOffMs * 4 ** (attempt - 1)) : undefined;
        if (wait === undefined) throw error;
        await pause(wait, options.signal);
      }
    }
  }

  async #anywhere(method: Method, path: string | URL, options: RepositoryRequest): Promise<RegistryResponse> {
    let first: unknown;
    for (;;) {
      const [endpoint, ...others] = this.#endpoints as [Endpoint, ...Endpoint[]];
      try {
        return await this.#at(endpoint, method, path, options);
      } catch (error) {
        options.signal?.throwIfAborted();
        const unwell = !(error instanceof RegistryError) || error.reason === 'unavailable';
        const next =
          others.length > 0 &&
          (endpoint.mirror || speaksOtherwise(error, endpoint) || (unwell && others.some(({ mirror }) => mirror)));
        if (next && unwell) endpoint.failed();
        // What the registry itself said counts; that it does not speak TLS either is no news to anybody.
        if (!next) {
          this.#endpoints = this.endpoints();
          throw first !== undefined && (endpoint.mirror || speaksNoTls(error)) ? first : error;
        }
        if (!endpoint.mirror) first ??= error;
        this.#leave(endpoint);
      }
    }
  }

  /** Another request may have gone on already. */
  #leave(endpoint: Endpoint): void {
    if (this.#endpoints[0] === endpoint && this.#endpoints.length > 1) this.#endpoints = this.#endpoints.slice(1);
  }

  async #at(
    endpoint: Endpoint,
    method: Method,
    path: string | URL,
    options: RepositoryRequest,
  ): Promise<RegistryResponse> {
    const { base, authorizer, mirror } = endpoint;
    const { query, body, mountFrom, expect = [], what = '', signal } = options;
    const actions = options.actions ?? (method === 'GET' || method === 'HEAD' ? 'pull' : 'pull,push');
    const repository = endpoint.prefix + this.reference.path;
    const url = addressOf(path, base, repository);
    for (const [key, value] of Object.entries(query ?? {})) url.searchParams.set(key, value);
    const own = url.origin === base.origin;
    const scopes: Scope[] = options.scopes ?? [
      repositoryScope(repository, actions),
      ...(mountFrom ? [repositoryScope(endpoint.prefix + mountFrom, 'pull')] : []),
    ];
    const asked: Asked = {
      repository: this.reference.path === '' ? this.reference.domain : familiarName(this.reference),
      what: isDigest(what) ? familiar({ ...this.reference, digest: what }) : familiar(this.reference),
      action: actions === 'pull' ? 'pull' : 'push',
    };
    const document = url.pathname.includes('/manifests/');
    const send = (authorization: string | undefined) =>
      endpoint.send(url, {
        method,
        headers: { ...options.headers, ...(authorization && { Authorization: authorization }) },
        body,
        signal,
        trust: endpoint.trust,
        ...(mirror && { connectMs: MIRROR_PATIENCE_MS }),
        silenceMs: options.silenceMs ?? (mirror ? (document ? MIRROR_PATIENCE_MS : MIRROR_LAYER_MS) : undefined),
      });
    const denied = (error: unknown): never => {
      throw isUnauthorized(error) ? deniedOf(asked, error.message, 401) : error;
    };
    let shown = own ? await authorizer.header(scopes, signal).catch(denied) : undefined;
    let response = await send(shown);
    // Twice, as a registry may say only to a token what it wants a token for. And only the registry itself may ask who we are: whoever it
    // sends us to may not.
    for (let round = 0; round < 2 && response.status === 401 && own && response.url.origin === base.origin; round++) {
      const challenge = response.headers['www-authenticate'];
      const answer = await authorizer.answer(challenge, scopes, { refused: shown, signal }).catch(denied);
      if (answer === undefined) break;
      response.discard();
      response = await send((shown = answer));
    }
    if (response.status < 400 || expect.includes(response.status)) {
      if (options.whole) {
        const bytes = await response.bytes();
        return { ...response, bytes: () => Promise.resolve(bytes) };
      }
      return mirror ? { ...response, body: this.#watched(endpoint, response.body) } : response;
    }
    throw await failureOf(response, asked);
  }

  /** A mirror that fails in the middle is not asked for the rest. */
  async *#watched(endpoint: Endpoint, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (error) {
      if (error instanceof EngineError) {
        endpoint.failed();
        this.#leave(endpoint);
      }
      throw error;
    }
  }
}

const ACCEPT = { Accept: [...MEDIA_TYPES.index, ...MEDIA_TYPES.manifest].join(', ') };

const mediaTypeOf = ({ headers }: RegistryResponse): string =>
  (headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';

/** A tag or a digest, before it becomes part of an address. */
function checkedName(tagOrDigest: string): string {
  if (/^\w[\w.-]{0,127}$/.test(tagOrDigest)) return tagOrDigest;
  return checkedDigest(tagOrDigest);
}

function addressOf(path: string | URL, base: URL, repository: string): URL {
  if (typeof path === 'string') return new URL(path.startsWith('/') ? path : `/v2/${repository}/${path}`, base);
  const url = new URL(path);
  // Behind something that ends TLS, a registry may take itself for unencrypted.
  if (base.protocol === 'https:' && url.protocol === 'http:' && url.hostname === base.hostname) {
    url.protocol = 'https:';
    url.port = base.port;
  }
  if (base.protocol === 'https:' && url.protocol !== 'https:')
    throw unavailable(`the registry ${base.host} sends us on to ${url.host} without encryption: refused`);
  return url;
}

/** How long to wait before the next attempt; undefined: another attempt would meet the same. */
function patience(error: unknown, backOff: number): number | undefined {
  if (error instanceof RegistryError) {
    if (error.reason === 'rate-limited')
      return error.retryAfter !== undefined && error.retryAfter <= SHORT_WAIT_S ? error.retryAfter * 1000 : undefined;
    if (![502, 503, 504].includes(error.status)) return undefined;
    if (error.retryAfter === undefined) return backOff;
    return error.retryAfter <= SHORT_WAIT_S ? Math.max(error.retryAfter * 1000, backOff) : undefined;
  }
  return /^(ECONNRESET|EPIPE)$/.test(networkCode(error) ?? '') ? backOff : undefined;
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
