/** Request bodies: from Node's parser, or, after an Upgrade header made Node stop parsing, from the connection itself. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { invalid, messageOf } from '../base/errors.js';
import type { Body } from './router.js';

/** Far above every document that clients send as JSON. */
const largestDocument = 16 * 1024 * 1024;

export const bodyOf = (headers: IncomingHttpHeaders, bytes: AsyncIterable<Uint8Array>): Body => ({
  stream: () => bytes,
  json: () => readJson(headers, bytes),
});

async function readJson(headers: IncomingHttpHeaders, bytes: AsyncIterable<Uint8Array>): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > largestDocument) throw invalid('the request body is larger than any document this API takes');
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  if (text.trim() === '') return undefined;
  const type = headers['content-type'] ?? '';
  if (type.split(';')[0]?.trim().toLowerCase() !== 'application/json')
    throw invalid(`unsupported Content-Type header (${type}): must be 'application/json'`);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw invalid(`invalid JSON: ${messageOf(error)}`);
  }
}

/** The body that a connection still holds after the headers; what follows it stays in the socket. */
export async function* bodyFrom(socket: Socket, headers: IncomingHttpHeaders): AsyncGenerator<Uint8Array> {
  if (/\bchunked\b/i.test(headers['transfer-encoding'] ?? '')) yield* chunked(socket);
  else yield* take(socket, Number(headers['content-length'] ?? 0));
}

async function* chunked(socket: Socket): AsyncGenerator<Uint8Array> {
  for (;;) {
    const size = parseInt(await line(socket), 16);
    if (!(size >= 0)) throw invalid('the chunked body is malformed');
    yield* take(socket, size);
    if (size > 0) await line(socket);
    else while ((await line(socket)) !== '');
    if (size === 0) return;
  }
}

async function line(socket: Socket): Promise<string> {
  let text = '';
  while (!text.endsWith('\n')) {
    if (text.length > 4096) throw invalid('the chunked body is malformed');
    for await (const byte of take(socket, 1)) text += String.fromCharCode(byte[0] as number);
  }
  return text.trimEnd();
}

async function* take(socket: Socket, count: number): AsyncGenerator<Uint8Array> {
  let left = count;
  while (left > 0) {
    const chunk = await nextChunk(socket);
    if (!chunk) throw invalid('the connection ended in the middle of the request body');
    if (chunk.length > left) socket.unshift(chunk.subarray(left));
    yield chunk.subarray(0, left);
    left -= Math.min(left, chunk.length);
  }
}

/** The next bytes of a connection, `undefined` once the other side has finished sending. */
export function nextChunk(socket: Socket): Promise<Buffer | undefined> {
  const ready = socket.read() as Buffer | null;
  if (ready) return Promise.resolve(ready);
  if (socket.readableEnded || socket.destroyed) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const settle = () => {
      const chunk = socket.read() as Buffer | null;
      if (!chunk && !socket.readableEnded && !socket.destroyed) return;
      for (const name of ['readable', 'end', 'close', 'error']) socket.off(name, settle);
      resolve(chunk ?? undefined);
    };
    for (const name of ['readable', 'end', 'close', 'error']) socket.on(name, settle);
  });
}
