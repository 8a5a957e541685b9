/** Reaches an engine over a unix socket (or, for tests and `tcp://` hosts, plain TCP). */
import {
  Agent,
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { ApiRequest, ApiResponse, ByteDuplex, ByteStream, Transport } from '../../contract/bridge.js';
import { ApiError, errorOf } from '../errors.js';
import { readText } from '../streams.js';

export type Address = { socketPath: string } | { host: string; port: number };

export const unixTransport = (socketPath: string): Transport => new HttpTransport({ socketPath });
export const tcpTransport = (host: string, port: number): Transport => new HttpTransport({ host, port });

class HttpTransport implements Transport {
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: 8, timeout: 0 });
  readonly #upgraded = new Set<Socket>();

  constructor(private readonly address: Address) {}

  send(request: ApiRequest, { signal }: { signal?: AbortSignal } = {}): Promise<ApiResponse> {
    return new Promise((resolve, reject) => {
      const outgoing = this.#request(request, { agent: this.#agent, signal });
      outgoing.once('error', (error) => reject(this.#explain(error)));
      outgoing.once('response', (incoming) =>
        resolve({ status: incoming.statusCode ?? 0, headers: flat(incoming), body: this.#bodyOf(incoming) }),
      );
      sendBody(outgoing, request.body);
    });
  }

  upgrade(request: ApiRequest): Promise<ByteDuplex> {
    return new Promise((resolve, reject) => {
      // A connection of its own: it never goes back to a pool.
      const outgoing = this.#request(
        { ...request, headers: { ...request.headers, Connection: 'Upgrade', Upgrade: 'tcp' } },
        { agent: false },
      );
      outgoing.once('error', (error) => reject(this.#explain(error)));
      outgoing.once('upgrade', (_: IncomingMessage, socket: Socket, head: Buffer) => {
        this.#upgraded.add(socket);
        socket.once('close', () => this.#upgraded.delete(socket));
        resolve(duplex(socket, head));
      });
      outgoing.once('response', (incoming) => {
        readText(incoming).then((body) => reject(errorOf(incoming.statusCode ?? 0, body)), reject);
      });
      sendBody(outgoing, request.body);
    });
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    for (const socket of this.#upgraded) socket.destroy();
  }

  #request({ method, path, headers = {}, body }: ApiRequest, options: RequestOptions): ClientRequest {
    // A body of unknown length goes in chunks.
    const length =
      isStream(body) || (body === undefined && method !== 'POST') ? {} : { 'Content-Length': lengthOf(body) };
    return httpRequest({
      ...this.address,
      ...options,
      method,
      path,
      headers: { Host: 'docker', 'User-Agent': 'slipway', ...length, ...headers },
    });
  }

  #bodyOf(incoming: IncomingMessage): ApiResponse['body'] {
    const explain = (error: unknown) => this.#explain(error);
    return {
      async *[Symbol.asyncIterator]() {
        try {
          for await (const chunk of incoming) yield chunk as Uint8Array;
        } catch (error) {
          throw explain(error);
        }
      },
      cancel: () => void incoming.destroy(),
    };
  }

  #explain(error: unknown): Error {
    if (!(error instanceof Error)) return new Error(String(error));
    if (error instanceof ApiError || error.name === 'AbortError') return error;
    const where = 'socketPath' in this.address ? this.address.socketPath : `${this.address.host}:${this.address.port}`;
    const { code, syscall, path } = error as NodeJS.ErrnoException;
    // The file that was to be sent, not the connection.
    if (syscall !== 'connect' && path !== undefined) return error;
    if (code === 'EACCES') return new ApiError('forbidden', `no permission to use the engine's socket ${where}`);
    if (code === 'ENOENT' || code === 'ECONNREFUSED')
      return new ApiError('unavailable', `no engine answers at ${where}: is it running?`);
    return new ApiError('unavailable', `the connection to the engine at ${where} broke: ${error.message}`);
  }
}

type RequestBody = ApiRequest['body'];

const isStream = (body: RequestBody): body is ByteStream => typeof body === 'object' && Symbol.asyncIterator in body;

const lengthOf = (body: Exclude<RequestBody, ByteStream>) => String(body === undefined ? 0 : Buffer.byteLength(body));

function sendBody(outgoing: ClientRequest, body: RequestBody): void {
  if (!isStream(body)) return void outgoing.end(body);
  // An engine that refuses early answers while we still send: its answer counts, not our broken pipe.
  Readable.from(body)
    .once('error', (error) => outgoing.destroy(error))
    .pipe(outgoing);
}

/** Repeated headers are joined; names are lower case, as Node gives them. */
const flat = ({ headers }: IncomingMessage): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')]));

function duplex(socket: Socket, head: Buffer): ByteDuplex {
  if (head.length > 0) socket.unshift(head);
  socket.setNoDelay(true);
  // Whoever iterates or writes gets the error; a socket that nobody touches any more must not end the process.
  socket.on('error', () => undefined);
  return {
    readable: socket as AsyncIterable<Uint8Array>,
    write: (bytes) =>
      new Promise((resolve, reject) => socket.write(bytes, (error) => (error ? reject(error) : resolve()))),
    end: () => void socket.end(),
    close: () => void socket.destroy(),
  };
}
