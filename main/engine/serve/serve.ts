import '../../base/scopes.js';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { codeOf, conflict, invalid, messageOf, system } from '../../base/errors.js';
import { Locks } from '../../base/locks.js';
import { createLog } from '../../base/log.js';
import type { Store } from '../../base/store.js';
import type { ServeAnswer, ServeRequest, Serving } from '../../contract/serve.js';
import type { Content } from '../content/index.js';
import type { Shelf } from '../images/index.js';
import { checkedAddress, hostOf, isLoopback, links, portOf, reachable, withPort } from './addresses.js';
import { Refusal, refuse } from './answers.js';
import { Handler, SILENCE_MS } from './handler.js';
import { hashOf, newToken, opens } from './token.js';
import { Uploads } from './uploads.js';

export interface ServeOptions {
  store: Store;
  content: Content;
  images: { readonly shelf: Shelf; removeUnused(digests: string[]): Promise<void> };
  /** Time between attempts to go on at an address that cannot be had yet; tests shorten it. */
  retryMs?: number;
}

/** What is written down of a registry, for the engine that comes next. */
interface Kept {
  address: string;
  writable: boolean;
  /** Of the token, which nobody knows any more but who was told. */
  hash: string | null;
  /** It comes up with every engine; absent from earlier versions, which kept no other. */
  persist?: boolean;
  /** Since the machine came up so: without `persist` it goes on after this engine, not after the machine. */
  bootId?: string;
}

interface Running {
  kept: Kept;
  close(): Promise<void>;
}

const TABLE = 'serve';
const USUAL_ADDRESS = '127.0.0.1:5000';
const MOST_CONNECTIONS = 128;
const RETRY_MS = 10_000;

const log = createLog('serve');

/** The images of this engine as a registry, for as long as somebody wants that. */
export class Serve {
  static readonly tables = [TABLE];
  readonly #store: Store;
  readonly #content: Content;
  readonly #images: ServeOptions['images'];
  readonly #bootId: string;
  readonly #locks = new Locks();
  #running: Running | undefined;
  readonly #retryMs: number;
  #problem: ServeAnswer['problem'];
  /** What is to be served as soon as it can be. */
  #wanted: Kept | undefined;
  #again: NodeJS.Timeout | undefined;

  /** Goes on where the engine before it did; an address that cannot be had (a network that is not up yet) is told, and tried again. */
  static async open(options: ServeOptions): Promise<Serve> {
    const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    const serve = new Serve(options, bootId);
    const kept = options.store.rows<Kept>(TABLE).get('it');
    if (kept && (kept.persist !== false || kept.bootId === bootId)) await serve.#resume(kept);
    return serve;
  }

  private constructor({ store, content, images, retryMs = RETRY_MS }: ServeOptions, bootId: string) {
    this.#store = store;
    this.#content = content;
    this.#images = images;
    this.#bootId = bootId;
    this.#retryMs = retryMs;
  }

  async state(): Promise<ServeAnswer> {
    const serving = this.#running ? await described(this.#running.kept) : null;
    return { serving, ...(this.#problem && { problem: this.#problem }) };
  }

  /** Begins to serve, or goes on as asked; a token is made anew each time, and told in the answer alone. */
  async start({ address, writable, persist, token: wanted }: ServeRequest): Promise<ServeAnswer> {
    using _ = await this.#locks.take('serve');
    const before = this.#running?.kept ?? this.#wanted;
    const place = checkedAddress(address ?? before?.address ?? USUAL_ADDRESS);
    const asks = (wanted ?? (before && before.hash !== null)) || !isLoopback(hostOf(place));
    const token = asks ? newToken() : undefined;
    await this.#rest();
    try {
      this.#running = await this.#listen({
        address: place,
        writable: writable ?? before?.writable ?? false,
        hash: token === undefined ? null : hashOf(token),
        persist: persist ?? before?.persist ?? false,
        bootId: this.#bootId,
      });
    } catch (error) {
      // As it was.
      if (before) await this.#resume(before);
      throw error;
    }
    await this.#write(this.#running.kept);
    return { serving: await described(this.#running.kept), ...(token !== undefined && { token }) };
  }

  async stop(): Promise<void> {
    using _ = await this.#locks.take('serve');
    await this.#rest();
    await this.#write(undefined);
  }

  /** The engine ends. With `handover` another comes at once and goes on; else only what is to come up with every engine does. */
  async close({ handover }: { handover: boolean }): Promise<void> {
    using _ = await this.#locks.take('serve');
    const kept = this.#running?.kept ?? this.#wanted;
    await this.#rest();
    if (kept && !kept.persist && !handover) await this.#write(undefined);
  }

  async #resume(kept: Kept): Promise<void> {
    try {
      this.#running = await this.#listen({ ...kept, persist: kept.persist !== false });
    } catch (error) {
      if (!this.#problem) log.warn(`the images are not served: ${messageOf(error)}`);
      this.#problem = { address: kept.address, message: messageOf(error) };
      this.#wanted = kept;
      this.#again = setTimeout(() => void this.#tryAgain(kept), this.#retryMs).unref();
      return;
    }
    if (this.#problem) log.info(`the images are served again at ${kept.address}`);
    this.#problem = undefined;
    this.#wanted = undefined;
  }

  async #tryAgain(kept: Kept): Promise<void> {
    const mine = this.#again;
    using _ = await this.#locks.take('serve');
    // Somebody may have had another wish meanwhile.
    if (this.#again === mine) await this.#resume(kept);
  }

  /** Nothing is served, and nothing tried. */
  async #rest(): Promise<void> {
    clearTimeout(this.#again);
    this.#again = undefined;
    this.#problem = undefined;
    this.#wanted = undefined;
    await this.#running?.close();
    this.#running = undefined;
  }

  async #write(kept: Kept | undefined): Promise<void> {
    await this.#store.commit((change) => {
      if (kept) return change.put(TABLE, 'it', kept);
      change.urgent();
      change.remove(TABLE, 'it');
    });
  }

  async #listen(kept: Kept): Promise<Running> {
    const { address, writable, hash } = kept;
    const uploads = new Uploads(this.#content, (digests) => this.#images.removeUnused(digests));
    const handler = new Handler({ shelf: this.#images.shelf, content: this.#content, uploads, writable });
    const server = http.createServer({ headersTimeout: 20_000, requestTimeout: 0, keepAliveTimeout: 30_000 });
    server.maxConnections = MOST_CONNECTIONS;
    server.timeout = SILENCE_MS;
    server.on('clientError', (_error, socket) => socket.destroy());
    server.on('request', (request, response) => {
      response.setHeader('Docker-Distribution-Api-Version', 'registry/2.0');
      response.setHeader('X-Content-Type-Options', 'nosniff');
      const refusal = refusedPage(request) ?? (hash === null ? refusedHost(request) : refusedToken(request, hash));
      if (refusal) {
        refuse(response, refusal);
        request.resume();
      } else void handler.handle(request, response);
    });
    const host = hostOf(address);
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host, port: portOf(address) }, resolve);
      });
    } catch (error) {
      await uploads.close();
      throw explained(error, address);
    }
    const { port } = server.address() as AddressInfo;
    server.on('error', (error) => log.warn(`serving the images: ${error.message}`));
    const close = async () => {
      const gone = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await gone;
      await uploads.close();
    };
    return { kept: { ...kept, address: withPort(host, port) }, close };
  }
}

async function described({ address, writable, hash, persist = true }: Kept): Promise<Serving> {
  const urls = reachable(hostOf(address), await links()).map((host) => `http://${withPort(host, portOf(address))}`);
  return { address, writable, token: hash !== null, url: urls[0]!, urls, persist };
}

function refusedToken({ headers }: http.IncomingMessage, hash: string): Refusal | undefined {
  if (opens(hash, headers.authorization)) return undefined;
  return new Refusal(401, 'UNAUTHORIZED', 'this registry wants its token, as the password of any user', {
    'WWW-Authenticate': 'Basic realm="slipway"',
  });
}

/** Tools say no origin; a page in somebody's browser does as soon as it wants to change something. */
function refusedPage({ headers }: http.IncomingMessage): Refusal | undefined {
  return headers.origin === undefined ? undefined : new Refusal(403, 'DENIED', 'this registry is not for web pages');
}

/** Without a token only this machine is served; a page in its browser that calls us by a name of its own is not. */
function refusedHost({ headers }: http.IncomingMessage): Refusal | undefined {
  const host = (headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  if (host === 'localhost' || isLoopback(host.replace(/^\[|\]$/g, ''))) return undefined;
  return new Refusal(403, 'DENIED', 'this registry is for this machine alone, by its own address');
}

function explained(error: unknown, address: string): unknown {
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return conflict(`${address} is in use: choose another port`, { cause: error });
    case 'EADDRNOTAVAIL':
      return invalid(`${address} is none of this machine's addresses: name one of them, 127.0.0.1 or 0.0.0.0`, {
        cause: error,
      });
    case 'EACCES':
      return invalid(`${address} is for root alone: choose a port of 1024 or more`, { cause: error });
    default:
      return system(`the images cannot be served at ${address}: ${messageOf(error)}`, { cause: error });
  }
}
