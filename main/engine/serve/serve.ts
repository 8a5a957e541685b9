import '../../base/scopes.js';
import http from 'node:http';
import { isIP, type AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { codeOf, conflict, invalid, messageOf, system } from '../../base/errors.js';
import { Locks } from '../../base/locks.js';
import { createLog } from '../../base/log.js';
import type { Store } from '../../base/store.js';
import type { ServeAnswer, ServeRequest, Serving } from '../../contract/serve.js';
import type { Content } from '../content/index.js';
import type { Shelf } from '../images/index.js';
import { Refusal, refuse } from './answers.js';
import { Handler, SILENCE_MS } from './handler.js';
import { hashOf, newToken, opens } from './token.js';
import { Uploads } from './uploads.js';

export interface ServeOptions {
  store: Store;
  content: Content;
  images: { readonly shelf: Shelf; removeUnused(digests: string[]): Promise<void> };
}

/** What is written down of a registry that is to come up again with the engine. */
interface Kept {
  address: string;
  writable: boolean;
  /** Of the token, which nobody knows any more but who was told. */
  hash: string | null;
}

interface Running {
  serving: Serving;
  hash: string | null;
  persistent: boolean;
  close(): Promise<void>;
}

const TABLE = 'serve';
const USUAL_ADDRESS = '127.0.0.1:5000';
const MOST_CONNECTIONS = 128;

const log = createLog('serve');

/** The images of this engine as a registry, for as long as somebody wants that. */
export class Serve {
  static readonly tables = [TABLE];
  readonly #store: Store;
  readonly #content: Content;
  readonly #images: ServeOptions['images'];
  readonly #locks = new Locks();
  #running: Running | undefined;

  /** Comes up again where it was asked to; an address that is taken by now keeps no engine from coming up. */
  static async open(options: ServeOptions): Promise<Serve> {
    const serve = new Serve(options);
    const kept = options.store.rows<Kept>(TABLE).get('it');
    if (kept)
      serve.#running = await serve.#listen(kept, true).catch((error: unknown) => {
        log.warn(`the images are not served: ${messageOf(error)}`);
        return undefined;
      });
    return serve;
  }

  private constructor({ store, content, images }: ServeOptions) {
    this.#store = store;
    this.#content = content;
    this.#images = images;
  }

  state(): ServeAnswer {
    return { serving: this.#running?.serving ?? null };
  }

  /** Begins to serve, or goes on as asked; a token is made anew each time, and told in the answer alone. */
  async start({ address, writable, persist, token: wanted }: ServeRequest): Promise<ServeAnswer> {
    using _ = await this.#locks.take('serve');
    const before = this.#running;
    const place = checkedAddress(address ?? before?.serving.address ?? USUAL_ADDRESS);
    const asks = (wanted ?? before?.serving.token) || !isLoopback(hostOf(place));
    const token = asks ? newToken() : undefined;
    const kept: Kept = {
      address: place,
      writable: writable ?? before?.serving.writable ?? false,
      hash: token === undefined ? null : hashOf(token),
    };
    const persistent = persist ?? before?.persistent ?? false;
    await before?.close();
    this.#running = undefined;
    try {
      this.#running = await this.#listen(kept, persistent);
    } catch (error) {
      // As it was.
      if (before) this.#running = await this.#listen(keptOf(before), before.persistent).catch(() => undefined);
      throw error;
    }
    await this.#write(persistent ? { ...kept, address: this.#running.serving.address } : undefined);
    return { serving: this.#running.serving, ...(token !== undefined && { token }) };
  }

  async stop(): Promise<void> {
    using _ = await this.#locks.take('serve');
    await this.#running?.close();
    this.#running = undefined;
    await this.#write(undefined);
  }

  /** The engine ends; what is to come up again does with the next one. */
  async close(): Promise<void> {
    using _ = await this.#locks.take('serve');
    await this.#running?.close();
    this.#running = undefined;
  }

  async #write(kept: Kept | undefined): Promise<void> {
    await this.#store.commit((change) => (kept ? change.put(TABLE, 'it', kept) : change.remove(TABLE, 'it')));
  }

  async #listen({ address, writable, hash }: Kept, persistent: boolean): Promise<Running> {
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
        server.listen({ host, port: Number(address.slice(address.lastIndexOf(':') + 1)) }, resolve);
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
    const serving: Serving = {
      address: withPort(host, port),
      writable,
      token: hash !== null,
      url: `http://${withPort(reachable(host), port)}`,
      persist: persistent,
    };
    return { serving, hash, persistent, close };
  }
}

const keptOf = ({ serving, hash }: Running): Kept => ({ address: serving.address, writable: serving.writable, hash });

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

/** An IP address and a port: a name may mean another address tomorrow. */
function checkedAddress(text: string): string {
  const [, host = '', port = ''] = /^(\[[^\]]+\]|[^:]+):(\d{1,5})$/.exec(text) ?? [];
  const ip = host === 'localhost' ? '127.0.0.1' : host.replace(/^\[|\]$/g, '');
  if (!isIP(ip) || Number(port) > 65535)
    throw invalid(`"${text}" is no address to serve at: write it like 127.0.0.1:5000 or 0.0.0.0:5000`);
  return withPort(ip, Number(port));
}

const hostOf = (address: string): string => address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '');

const withPort = (host: string, port: number): string => `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;

const isLoopback = (host: string): boolean => (isIP(host) === 4 && host.startsWith('127.')) || host === '::1';

/** An address that others can call, where all of this machine's are listened at. */
function reachable(host: string): string {
  if (host !== '0.0.0.0' && host !== '::') return host;
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
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
