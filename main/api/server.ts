/** HTTP: requests come in, a route answers, replies go out. Nothing here knows what a container is. */
import { createServer, ServerResponse, type IncomingMessage, type Server } from 'node:http';
import { createServer as createNetServer, type Server as NetServer, type Socket } from 'node:net';
import type { AttachStream } from '../contract/streams.js';
import { EngineError, messageOf, notFound } from '../base/errors.js';
import { createLog } from '../base/log.js';
import { bodyFrom, bodyOf, nextChunk } from './body.js';
import { errorReply } from './errors.js';
import { cleanPath, isBadlyEscaped, queryOf } from './paths.js';
import { lookAtFirstRequest, rawUpgrade } from './raw-hijack.js';
import { badRequest, empty, type Reply } from './replies.js';
import { createRouter, type Match, type Route } from './router.js';
import { listenOn } from './unix-socket.js';
import { maximumVersion, splitVersion } from './versions.js';
import { acceptHandshake, serveWebsocket } from './websocket.js';

const log = createLog('api');

export interface ApiServerOptions {
  /** What the `Server` header says: `Slipway/0.1.0 (linux)`. */
  product: string;
  /** Called with a connection once much has been written to it in one answer. */
  onLarge?: (socket: Socket) => void;
}

/** Serves routes on unix sockets. */
export class ApiServer {
  readonly #http: Server;
  readonly #listeners: NetServer[] = [];
  readonly #connections = new Set<Socket>();
  readonly #match: (method: string, path: string) => Match | undefined;
  readonly #headers: Record<string, string>;
  readonly #onLarge: ((socket: Socket) => void) | undefined;

  constructor(routes: readonly Route[], { product, onLarge }: ApiServerOptions) {
    this.#onLarge = onLarge;
    this.#match = createRouter(routes);
    this.#headers = {
      'Api-Version': maximumVersion,
      'Docker-Experimental': 'false',
      Ostype: 'linux',
      Server: product,
    };
    // As with dockerd: no limit on how long a request or an idle connection may take, and Go's own limit on headers.
    this.#http = createServer({
      requestTimeout: 0,
      headersTimeout: 0,
      keepAliveTimeout: 0,
      maxHeaderSize: 1024 * 1024,
      requireHostHeader: false,
    });
    this.#http.timeout = 0;
    this.#http.on('request', (request, response) => void this.#onRequest(request, response));
    this.#http.on('upgrade', (request, socket, head) => void this.#onUpgrade(request, socket as Socket, head));
    this.#http.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
      socket.end(
        'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request',
      );
    });
  }

  /** Answers at a socket path from the moment the promise resolves. */
  async listen(path: string): Promise<void> {
    const server = createNetServer({ allowHalfOpen: true }, (socket) => this.#onConnection(socket));
    await listenOn(server, path);
    this.#listeners.push(server);
  }

  /** Answers no more; connections that are still open are cut. */
  async close(): Promise<void> {
    const closed = this.#listeners.splice(0).map((server) => new Promise((resolve) => server.close(resolve)));
    for (const socket of this.#connections) socket.destroy();
    await Promise.all(closed);
  }

  #onConnection(socket: Socket): void {
    this.#connections.add(socket);
    socket.once('close', () => this.#connections.delete(socket));
    socket.on('error', () => socket.destroy());
    lookAtFirstRequest(socket, () => this.#http.emit('connection', socket));
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = await this.#answer(request, request, gone(response));
    await this.#write(request, response, reply);
    // What a handler did not read must not be taken for the next request.
    if (!request.complete) request.resume();
  }

  /** Node stops parsing at an Upgrade header, even if it is one that means nothing to us (`h2c`): then it is an ordinary request. */
  async #onUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    if (head.length > 0) socket.unshift(head);
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    const body = bodyFrom(socket, request.headers);
    const reply = await this.#answer(request, body, gone(socket));
    try {
      if (reply.kind === 'hijack' || reply.kind === 'websocket') for await (const _ of body);
      if (reply.kind === 'hijack') return await this.#hijack(request, socket, reply.contentType, reply.stream);
      if (reply.kind === 'websocket') {
        socket.write(acceptHandshake(request.headers['sec-websocket-key']));
        return await serveWebsocket(socket, reply.stream, reply.binary);
      }
      response.assignSocket(socket);
      response.once('finish', () => socket.end());
      await this.#write(request, response, reply);
    } catch (error) {
      log.warn(`a connection for ${request.url} was cut: ${messageOf(error)}`);
      if (reply.kind === 'hijack' || reply.kind === 'websocket') reply.stream.close();
      socket.destroy();
    }
  }

  async #answer(request: IncomingMessage, bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Reply> {
    try {
      const url = request.url ?? '/';
      const question = url.indexOf('?');
      const pathname = question < 0 ? url : url.slice(0, question);
      const search = question < 0 ? '' : url.slice(question + 1);
      log.debug(`${request.method} ${pathname}`);
      if (isBadlyEscaped(pathname)) return badRequest();
      const clean = cleanPath(pathname);
      if (clean !== pathname) return empty(301, { Location: search ? `${clean}?${search}` : clean });
      const { version, path } = splitVersion(pathname);
      if (request.method === 'OPTIONS') return empty(200);
      const match = this.#match(request.method ?? 'GET', path);
      if (!match) throw notFound('page not found');
      return await match.handler({
        params: match.params,
        query: queryOf(search),
        headers: request.headers,
        version,
        body: bodyOf(request.headers, bytes),
        signal,
      });
    } catch (error) {
      // A client that has left is told nothing, and that it has is no failure of ours.
      return signal.aborted && !(error instanceof EngineError) ? empty(400) : errorReply(error);
    }
  }

  async #write(request: IncomingMessage, response: ServerResponse, reply: Reply): Promise<void> {
    for (const [name, value] of Object.entries(this.#headers)) response.setHeader(name, value);
    switch (reply.kind) {
      case 'empty':
        response.writeHead(reply.status, reply.headers).end();
        return;
      case 'json': {
        const text = Buffer.from(`${JSON.stringify(reply.value)}\n`);
        const headers = { 'Content-Type': 'application/json', 'Content-Length': text.length, ...reply.headers };
        if (reply.sent) response.once('finish', reply.sent);
        response.writeHead(reply.status, headers).end(text);
        return;
      }
      case 'stream':
        return this.#stream(response, reply, request.method === 'HEAD');
      case 'hijack':
        // A client that neither asked for an upgrade nor opened the connection for this: it gets the output.
        return this.#outputOnly(response, reply.contentType, reply.stream);
      case 'websocket':
        reply.stream.close();
        return this.#write(request, response, {
          kind: 'json',
          status: 400,
          headers: {},
          value: { message: 'this endpoint speaks websocket only' },
        });
    }
  }

  async #stream(response: ServerResponse, reply: Reply & { kind: 'stream' }, headOnly: boolean): Promise<void> {
    const start = () => {
      if (!response.headersSent) response.writeHead(reply.status, reply.headers);
    };
    if (headOnly) {
      start();
      response.end();
      return;
    }
    if (reply.eager) {
      start();
      response.flushHeaders();
    } else {
      // A short answer goes out in one piece, its end with its beginning.
      response.cork();
      setImmediate(() => response.writableEnded || response.uncork());
    }
    let sent = 0;
    try {
      for await (const chunk of reply.body) {
        start();
        if (response.destroyed) return;
        if (sent < LARGE && (sent += chunk.length) >= LARGE && response.socket) this.#onLarge?.(response.socket);
        if (!response.write(chunk)) await drained(response);
      }
      start();
      response.end();
    } catch (error) {
      if (response.destroyed) return; // nobody is left to be told
      if (!response.headersSent) await this.#write(response.req, response, errorReply(error));
      else if (reply.failure) response.end(reply.failure(messageOf(error)));
      else {
        log.warn(`an answer to ${response.req.url} was cut: ${messageOf(error)}`);
        response.destroy();
      }
    }
  }

  async #outputOnly(response: ServerResponse, contentType: string, stream: AttachStream): Promise<void> {
    response.shouldKeepAlive = false;
    response.useChunkedEncodingByDefault = false;
    response.once('close', () => stream.close());
    const headers = { 'Content-Type': contentType };
    await this.#stream(response, { kind: 'stream', status: 200, headers, body: stream.readable, eager: true }, false);
  }

  async #hijack(request: IncomingMessage, socket: Socket, contentType: string, stream: AttachStream): Promise<void> {
    const common = Object.entries({ 'Content-Type': contentType, ...this.#headers }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    const upgraded = request.headers.upgrade !== rawUpgrade;
    socket.setNoDelay(true);
    socket.write(
      upgraded
        ? `HTTP/1.1 101 UPGRADED\r\n${common.join('')}Connection: Upgrade\r\nUpgrade: ${request.headers.upgrade}\r\n\r\n`
        : `HTTP/1.1 200 OK\r\n${common.join('')}\r\n`,
    );
    socket.once('close', () => stream.close());
    void this.#input(socket, stream);
    stream.direct?.({ socket, flushed: () => new Promise((resolve) => socket.write('', () => resolve())) });
    for await (const bytes of stream.readable) {
      if (socket.destroyed) return;
      if (!socket.write(bytes)) await drained(socket);
    }
    // All output is out; what the client may still be typing has nobody to read it.
    socket.end();
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), 10_000).unref();
    socket.once('close', () => clearTimeout(timer));
  }

  async #input(socket: Socket, stream: AttachStream): Promise<void> {
    try {
      for (let bytes = await nextChunk(socket); bytes; bytes = await nextChunk(socket)) await stream.write(bytes);
      if (socket.destroyed) return;
      stream.end();
      leaveWithClient(socket);
    } catch {
      // The process no longer reads. Its output goes on, and the client's input has to be taken or it could not go away.
      socket.resume();
    }
  }
}

const LARGE = 1024 * 1024;
const LOOK_AFTER_MS = 5000;

/**
 * A client that has closed its half may still read, or may have gone altogether, which shows only in that nothing can be written to it: an empty
 * write asks without sending anything. Of a process that says nothing its streams would otherwise be held for as long as it lives.
 */
function leaveWithClient(socket: Socket): void {
  const look = () => {
    if (!socket.destroyed) socket.write('', (error) => error && socket.destroy());
  };
  const timer = setInterval(look, LOOK_AFTER_MS).unref();
  socket.once('close', () => clearInterval(timer));
  look();
}

const drained = (target: ServerResponse | Socket): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      for (const name of ['drain', 'close', 'error']) target.off(name, done);
      resolve();
    };
    if (target.destroyed) return resolve();
    for (const name of ['drain', 'close', 'error']) target.on(name, done);
  });

/** Aborted when the other side closes before its answer is complete. */
function gone(target: ServerResponse | Socket): AbortSignal {
  const controller = new AbortController();
  target.once('close', () => {
    if (!(target instanceof ServerResponse && target.writableFinished)) controller.abort();
  });
  return controller.signal;
}
