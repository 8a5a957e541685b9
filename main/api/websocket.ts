/** The server's half of RFC 6455, as much as `attach/ws` needs: one container's bytes each way. */
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import type { AttachStream } from '../contract/streams.js';
import { invalid } from '../base/errors.js';
import { nextChunk } from './body.js';

const magic = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const largestMessage = 1024 * 1024;
const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** The headers that accept a client's handshake. */
export function acceptHandshake(key: string | undefined): string {
  if (!key) throw invalid('this endpoint speaks websocket only: the handshake has no Sec-WebSocket-Key');
  const accept = createHash('sha1')
    .update(key + magic)
    .digest('base64');
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
}

/** Carries a container's streams in messages until either side ends. */
export async function serveWebsocket(socket: Socket, stream: AttachStream, binary: boolean): Promise<void> {
  const send = (code: number, payload: Uint8Array) =>
    new Promise<void>((resolve) => {
      socket.write(frame(code, payload), () => resolve());
    });
  const input = (async () => {
    for await (const message of messages(socket)) {
      if (message.code === opcode.ping) await send(opcode.pong, message.payload);
      else if (message.code === opcode.close) break;
      else if (message.code !== opcode.pong) await stream.write(message.payload);
    }
  })();
  // Both ends are needed: a client that leaves ends its streams, and a container that ends closes the connection.
  input.catch(() => undefined).finally(() => stream.close());
  try {
    for await (const bytes of stream.readable) {
      if (socket.destroyed) break;
      await send(binary ? opcode.binary : opcode.text, bytes);
    }
  } finally {
    stream.close();
    await send(opcode.close, Buffer.from([0x03, 0xe8])); // 1000: normal closure
    socket.end();
    const timer = setTimeout(() => socket.destroy(), 1000).unref();
    socket.once('close', () => clearTimeout(timer));
  }
}

function frame(code: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65536 ? 4 : 10);
  head[0] = 0x80 | code;
  if (length < 126) head[1] = length;
  else if (length < 65536) {
    head[1] = 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([head, payload]);
}

/** Frames in order, unmasked. Fragments need no joining: a container's input is a stream anyway. */
async function* messages(socket: Socket): AsyncGenerator<{ code: number; payload: Buffer }> {
  let bytes = Buffer.alloc(0);
  const need = async (count: number): Promise<boolean> => {
    while (bytes.length < count) {
      const chunk = await nextChunk(socket);
      if (!chunk) return false;
      bytes = Buffer.concat([bytes, chunk]);
    }
    return true;
  };
  while (await need(2)) {
    const first = bytes[0] as number;
    const second = bytes[1] as number;
    const extended = (second & 0x7f) === 126 ? 2 : (second & 0x7f) === 127 ? 8 : 0;
    const masked = (second & 0x80) !== 0;
    const headLength = 2 + extended + (masked ? 4 : 0);
    if (!masked || !(await need(headLength))) return; // a client must mask
    const length =
      extended === 2 ? bytes.readUInt16BE(2) : extended === 8 ? Number(bytes.readBigUInt64BE(2)) : second & 0x7f;
    if (length > largestMessage || !(await need(headLength + length))) return;
    const mask = bytes.subarray(headLength - 4, headLength);
    const payload = Buffer.from(bytes.subarray(headLength, headLength + length));
    for (let i = 0; i < length; i++) payload[i] = (payload[i] as number) ^ (mask[i & 3] as number);
    bytes = bytes.subarray(headLength + length);
    yield { code: first & 0x0f, payload };
  }
}
