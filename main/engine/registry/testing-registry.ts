/** A registry of a few lines for tests of what a client sends: what it answers is the test's. Real ones are met in e2e/engine. */
import '../../base/scopes.js';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Seen {
  method: string;
  /** Path and query. */
  url: string;
  authorization: string;
  headers: http.IncomingHttpHeaders;
  body: string;
}

export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body?: string | object;
  /** The connection is cut instead. */
  cut?: boolean;
}

export interface TestServer extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly seen: Seen[];
  /** What was asked for, as `METHOD /path`. */
  asked(): string[];
}

export async function serve(
  answer: (request: Seen, server: TestServer) => Answer,
  { port = 0 }: { port?: number } = {},
): Promise<TestServer> {
  const seen: Seen[] = [];
  const listener = http.createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const one: Seen = {
        method: incoming.method ?? '',
        url: incoming.url ?? '',
        authorization: incoming.headers.authorization ?? '',
        headers: incoming.headers,
        body: Buffer.concat(chunks).toString(),
      };
      seen.push(one);
      const { status = 200, headers = {}, body = '', cut = false } = answer(one, server);
      if (cut) return void incoming.socket.destroy();
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      outgoing.writeHead(status, { 'Content-Length': Buffer.byteLength(text), ...headers });
      outgoing.end(one.method === 'HEAD' ? undefined : text);
    });
  });
  listener.listen(port, '127.0.0.1');
  await once(listener, 'listening');
  const server: TestServer = {
    host: `127.0.0.1:${(listener.address() as AddressInfo).port}`,
    seen,
    asked: () => seen.map(({ method, url }) => `${method} ${url.split('?')[0]}`),
    async [Symbol.asyncDispose]() {
      listener.closeAllConnections();
      listener.close();
      await once(listener, 'close');
    },
  };
  return server;
}
