import http from 'node:http';
import https from 'node:https';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { codeOf, EngineError, messageOf, unavailable } from '../../base/errors.js';

export interface RegistryResponse {
  status: number;
  headers: IncomingHttpHeaders;
  /** Where the answer came from: after redirects another address than was asked. */
  url: URL;
  body: AsyncIterable<Uint8Array>;
  /** The whole body, for documents. */
  bytes(limit?: number): Promise<Buffer>;
  /** Lets go of a body that nobody reads. */
  discard(): void;
}

/** A body that is sent: all at once, or as it comes. A stream is made anew for every attempt. */
export type RequestBody = string | Uint8Array | (() => AsyncIterable<Uint8Array>);

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Whom to believe at the other end, and who we are to it. */
export interface Trust {
  /** Accept any certificate (a registry that was declared insecure). */
  insecure: boolean;
  /** PEM certificates beside the machine's own. */
  ca: readonly string[];
  client?: { certificate: string; key: string };
}

/** Nothing but what this machine trusts anyway. */
export const USUAL: Trust = { insecure: false, ca: [] };

export interface RegistryRequest {
  method?: Method | undefined;
  headers?: Record<string, string> | undefined;
  body?: RequestBody | undefined;
  signal?: AbortSignal | undefined;
  /** For each address on the way; a redirect may lead to another one. */
  trust?: ((url: URL) => Promise<Trust>) | undefined;
  /** No connection after this long: given up. */
  connectMs?: number | undefined;
  /** Nothing heard for this long: given up. */
  silenceMs?: number | undefined;
  /** The body is a secret: it goes where it was addressed to, not where a redirect leads. */
  secret?: boolean | undefined;
  /** Who is asked is no registry, and is not called one. */
  anyHost?: boolean | undefined;
}

/** Makes the connections: an agent for an address, and how a request to it is written. */
export interface Route {
  agent: http.Agent;
  /** Of a proxy that takes whole addresses; absent: the address itself. */
  through?: { url: URL; headers: Record<string, string> };
}

export type Router = (url: URL, trust: Trust) => Promise<Route>;

const CONNECT_MS = 15_000;
const SILENCE_MS = 30_000;
/** A registry that has been given much has to read it again before it answers. */
const SENT_SILENCE_MS = 180_000;
const REDIRECTS = 10;
const DOCUMENT_LIMIT = 8 * 1024 * 1024;

/** One request and its redirects. Credentials go to the host they were given for, and no further. */
export async function request(url: URL, route: Router, options: RegistryRequest = {}): Promise<RegistryResponse> {
  const { method = 'GET' } = options;
  let headers = options.headers ?? {};
  for (let hop = 0; ; hop++) {
    const response = await sendOnce(url, route, { ...options, headers });
    const location = response.headers.location;
    const again = method === 'GET' || method === 'HEAD' ? [301, 302, 303, 307, 308] : [307, 308];
    if (!again.includes(response.status) || !location) return response;
    response.discard();
    if (hop === REDIRECTS) throw unavailable(`${url.host} redirects in a circle`);
    const next = new URL(location, url);
    if (next.protocol !== 'http:' && next.protocol !== 'https:') {
      throw unavailable(`${url.host} redirects to ${next.protocol}, which is no place for content`);
    }
    if (url.protocol === 'https:' && next.protocol === 'http:' && !(await options.trust?.(url))?.insecure) {
      throw unavailable(`${url.host} redirects to ${next.host} without encryption: refused`);
    }
    if (next.origin !== url.origin) {
      if (options.secret) throw unavailable(`${url.host} sends a login on to ${next.host}: refused`);
      headers = without(headers, 'authorization');
    }
    url = next;
  }
}

async function sendOnce(url: URL, route: Router, options: RegistryRequest): Promise<RegistryResponse> {
  const { method = 'GET', headers = {}, body, signal, trust, connectMs = CONNECT_MS } = options;
  const silenceMs = options.silenceMs ?? (body === undefined ? SILENCE_MS : SENT_SILENCE_MS);
  const peer = options.anyHost ? url.host : `the registry ${url.host}`;
  const { agent, through } = await route(url, trust ? await trust(url) : USUAL);
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const settings = {
      method,
      headers: { 'User-Agent': 'slipway', ...headers, ...through?.headers },
      agent,
      signal,
      // localhost is ::1 and 127.0.0.1; the registry may listen on either.
      autoSelectFamily: true,
      ...(through && { path: url.href }),
    };
    const target = through?.url ?? url;
    const outgoing = (target.protocol === 'https:' ? https : http).request(target, settings, (incoming) => {
      // A registry that has made up its mind need not be told the rest.
      incoming.once('close', () => outgoing.writableEnded || outgoing.destroy());
      resolve(responseOf(url, incoming, { method, signal, peer }));
    });
    const connecting = setTimeout(() => outgoing.destroy(timedOut(peer, connectMs)), connectMs);
    outgoing.once('socket', (socket) => {
      if (!socket.connecting) return clearTimeout(connecting);
      socket.once(target.protocol === 'https:' ? 'secureConnect' : 'connect', () => clearTimeout(connecting));
    });
    outgoing.once('close', () => clearTimeout(connecting));
    outgoing.setTimeout(silenceMs, () => outgoing.destroy(timedOut(peer, silenceMs)));
    outgoing.on('error', (error) => reject(signal?.aborted ? (signal.reason as Error) : explained(error, url, peer)));
    if (typeof body === 'function') {
      feed(outgoing, body()).catch((error: unknown) => {
        reject(signal?.aborted ? (signal.reason as Error) : (error as Error));
        outgoing.destroy();
      });
    } else outgoing.end(body);
  });
}

async function feed(outgoing: http.ClientRequest, body: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of body) {
    if (outgoing.destroyed) return;
    if (!outgoing.write(chunk)) await roomIn(outgoing);
  }
  outgoing.end();
}

function roomIn(outgoing: http.ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      outgoing.off('drain', done).off('close', done);
      resolve();
    };
    outgoing.on('drain', done).on('close', done);
    if (outgoing.destroyed) done();
  });
}

function responseOf(
  url: URL,
  incoming: IncomingMessage,
  { method, signal, peer }: { method: Method; signal: AbortSignal | undefined; peer: string },
): RegistryResponse {
  // A failure after the last byte was taken, or of a body nobody reads, concerns nobody.
  incoming.on('error', () => undefined);
  const body = bytesOf(incoming, signal, (error) => explained(error, url, peer));
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    url,
    body,
    async bytes(limit = DOCUMENT_LIMIT) {
      const chunks: Uint8Array[] = [];
      let size = 0;
      for await (const chunk of body) {
        size += chunk.length;
        if (size > limit) throw unavailable(`${url.host} sent a document of more than ${limit} bytes: refused`);
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    },
    discard() {
      // A short rest is read away so that the connection can be used again.
      const rest = method === 'HEAD' ? 0 : Number(incoming.headers['content-length'] ?? Infinity);
      if (rest < 64 * 1024) incoming.resume();
      else incoming.destroy();
    },
  };
}

async function* bytesOf(
  incoming: IncomingMessage,
  signal: AbortSignal | undefined,
  explain: (error: Error) => Error,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of incoming) yield chunk as Buffer;
  } catch (error) {
    signal?.throwIfAborted();
    // What had arrived when the connection broke need not be asked for again.
    for (let rest = incoming.read() as Buffer | null; rest !== null; rest = incoming.read() as Buffer | null)
      yield rest;
    throw explain(error as Error);
  }
}

const timedOut = (peer: string, ms: number) =>
  unavailable(`${peer} has not answered for ${ms / 1000} seconds: check the network, then try again`);

/** What the network's error codes mean for a person; `peer`: the registry, or whoever it is. */
function explained(error: Error, url: URL, peer: string): EngineError {
  if (error instanceof EngineError) return error;
  const first = error instanceof AggregateError ? (error.errors[0] as Error) : error;
  const code = codeOf(error) ?? codeOf(first) ?? '';
  const why = new Map([
    ['ENOTFOUND', `${peer} cannot be found: no such host. Check the name and this machine's network (DNS)`],
    ['EAI_AGAIN', `${peer} cannot be found: the name server does not answer. Check this machine's network`],
    ['ECONNREFUSED', `${peer} refuses the connection: nothing listens there. Check its address, and that it runs`],
    ['ENETUNREACH', `${peer} cannot be reached: this machine has no network. Connect it, then try again`],
    ['EHOSTUNREACH', `${peer} cannot be reached: no route to host. Check this machine's network`],
    ['ETIMEDOUT', `${peer} does not answer (timed out). Check the network, then try again`],
    ['ECONNRESET', `${peer} cut the connection`],
    ['EPIPE', `${peer} cut the connection`],
  ]).get(code);
  const shown = /certificate.required|bad.certificate|handshake.failure/i.test(`${code} ${first.message}`)
    ? `${peer} wants a client certificate of us, or another one: put it into /etc/docker/certs.d/${url.host}, or give it in the window (Registries)`
    : undefined;
  const certificate = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ISSUER/.test(code)
    ? `the certificate of ${peer} is not trusted (${first.message}). If it is yours, give the engine the certificate of its authority (/etc/docker/certs.d/${url.host}/ca.crt, or in the window: Registries), or name it with --insecure-registry ${url.host}`
    : undefined;
  const plain = isNoTls(code)
    ? `${peer} does not speak HTTPS. If it is yours, name it with --insecure-registry ${url.host}`
    : undefined;
  return unavailable(why ?? shown ?? certificate ?? plain ?? `talking to ${peer} failed: ${messageOf(first)}`, {
    cause: error,
  });
}

/** The system's code behind an explained failure: tells "nobody there" from "not what I speak". */
export const networkCode = (error: unknown): string | undefined =>
  error instanceof EngineError ? codeOf(error.cause) : undefined;

const isNoTls = (code: string): boolean => /^(EPROTO$|ERR_SSL_)/.test(code);

export const speaksNoTls = (error: unknown): boolean => isNoTls(networkCode(error) ?? '');

const without = (headers: Record<string, string>, name: string): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([key]) => key.toLowerCase() !== name));
