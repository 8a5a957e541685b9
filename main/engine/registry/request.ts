import http from 'node:http';
import https from 'node:https';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { codeOf, EngineError, messageOf, unavailable } from '../../base/errors.js';

export interface RegistryResponse {
  status: number;
  headers: IncomingHttpHeaders;
  url: URL;
  body: AsyncIterable<Uint8Array>;
  /** The whole body, for documents. */
  bytes(limit?: number): Promise<Buffer>;
  /** Lets go of a body that nobody reads. */
  discard(): void;
}

export interface RegistryRequest {
  method?: 'GET' | 'HEAD' | 'POST';
  headers?: Record<string, string>;
  body?: string;
  signal?: AbortSignal | undefined;
  /** Accept any certificate (a registry that was declared insecure). */
  insecure?: boolean;
  /** Nothing heard for this long: given up. */
  silenceMs?: number;
}

const SILENCE_MS = 30_000;
const REDIRECTS = 10;
const DOCUMENT_LIMIT = 8 * 1024 * 1024;

/** Idle connections are kept for the next layer; they hold no process open. */
const agents = {
  'http:': new http.Agent({ keepAlive: true, maxFreeSockets: 8, timeout: 60_000 }),
  'https:': new https.Agent({ keepAlive: true, maxFreeSockets: 8, timeout: 60_000 }),
  insecure: new https.Agent({ keepAlive: true, maxFreeSockets: 8, timeout: 60_000, rejectUnauthorized: false }),
};

/** One request and its redirects. Credentials go to the host they were given for, and no further. */
export async function request(url: URL, options: RegistryRequest = {}): Promise<RegistryResponse> {
  let headers = options.headers ?? {};
  for (let hop = 0; ; hop++) {
    const response = await sendOnce(url, { ...options, headers });
    const location = response.headers.location;
    if (![301, 302, 303, 307, 308].includes(response.status) || !location) return response;
    response.discard();
    if (hop === REDIRECTS) throw unavailable(`${url.host} redirects in a circle`);
    const next = new URL(location, url);
    if (next.protocol !== 'http:' && next.protocol !== 'https:') {
      throw unavailable(`${url.host} redirects to ${next.protocol}, which is no place for content`);
    }
    if (url.protocol === 'https:' && next.protocol === 'http:' && !options.insecure) {
      throw unavailable(`${url.host} redirects to ${next.host} without encryption: refused`);
    }
    if (next.origin !== url.origin) headers = without(headers, 'authorization');
    url = next;
  }
}

function sendOnce(url: URL, options: RegistryRequest): Promise<RegistryResponse> {
  const { method = 'GET', headers = {}, body, signal, insecure = false, silenceMs = SILENCE_MS } = options;
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const secure = url.protocol === 'https:';
    const settings = {
      method,
      headers: { 'User-Agent': 'slipway', ...headers },
      agent: secure ? (insecure ? agents.insecure : agents['https:']) : agents['http:'],
      signal,
      // localhost is ::1 and 127.0.0.1; the registry may listen on either.
      autoSelectFamily: true,
    };
    const outgoing = (secure ? https : http).request(url, settings, (incoming) => {
      resolve(responseOf(url, incoming, signal));
    });
    outgoing.setTimeout(silenceMs, () => outgoing.destroy(timedOut(url, silenceMs)));
    outgoing.once('error', (error) => reject(signal?.aborted ? (signal.reason as Error) : explained(error, url)));
    outgoing.end(body);
  });
}

function responseOf(url: URL, incoming: IncomingMessage, signal: AbortSignal | undefined): RegistryResponse {
  // A failure after the last byte was taken, or of a body nobody reads, concerns nobody.
  incoming.on('error', () => undefined);
  const body = bytesOf(url, incoming, signal);
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
      if (Number(incoming.headers['content-length'] ?? Infinity) < 64 * 1024) incoming.resume();
      else incoming.destroy();
    },
  };
}

async function* bytesOf(url: URL, incoming: IncomingMessage, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of incoming) yield chunk as Buffer;
  } catch (error) {
    signal?.throwIfAborted();
    // What had arrived when the connection broke need not be asked for again.
    for (let rest = incoming.read() as Buffer | null; rest !== null; rest = incoming.read() as Buffer | null)
      yield rest;
    throw explained(error as Error, url);
  }
}

const timedOut = (url: URL, ms: number) =>
  unavailable(`the registry ${url.host} has not answered for ${ms / 1000} seconds: check the network, then try again`);

/** What the network's error codes mean for a person. */
function explained(error: Error, url: URL): EngineError {
  if (error instanceof EngineError) return error;
  const first = error instanceof AggregateError ? (error.errors[0] as Error) : error;
  const code = codeOf(error) ?? codeOf(first) ?? '';
  const why = new Map([
    [
      'ENOTFOUND',
      `the registry ${url.host} cannot be found: no such host. Check the name and this machine's network (DNS)`,
    ],
    [
      'EAI_AGAIN',
      `the registry ${url.host} cannot be found: the name server does not answer. Check this machine's network`,
    ],
    [
      'ECONNREFUSED',
      `the registry ${url.host} refuses the connection: nothing listens there. Check its address, and that it runs`,
    ],
    [
      'ENETUNREACH',
      `the registry ${url.host} cannot be reached: this machine has no network. Connect it, then try again`,
    ],
    ['EHOSTUNREACH', `the registry ${url.host} cannot be reached: no route to host. Check this machine's network`],
    ['ETIMEDOUT', `the registry ${url.host} does not answer (timed out). Check the network, then try again`],
    ['ECONNRESET', `the registry ${url.host} cut the connection`],
    [
      'EPROTO',
      `the registry ${url.host} does not speak HTTPS. If it is yours, name it with --insecure-registry ${url.host}`,
    ],
  ]).get(code);
  const certificate = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ISSUER/.test(code)
    ? `the certificate of the registry ${url.host} is not trusted (${first.message}). If the registry is yours, name it with --insecure-registry ${url.host}`
    : undefined;
  return unavailable(why ?? certificate ?? `talking to the registry ${url.host} failed: ${messageOf(first)}`, {
    cause: error,
  });
}

/** The system's code behind an explained failure: tells "nobody there" from "not what I speak". */
export const networkCode = (error: unknown): string | undefined =>
  error instanceof EngineError ? codeOf(error.cause) : undefined;

const without = (headers: Record<string, string>, name: string): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([key]) => key.toLowerCase() !== name));
