/** Byte streams turned into what they carry: text, JSON lines, the two streams of a container without a tty. */
import { ApiError } from './errors.js';

type Bytes = AsyncIterable<Uint8Array>;

export async function readText(body: Bytes): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

/** One value for each line of JSON. A document may be cut anywhere by the network, also within a character. */
export async function* readJsonLines<T>(body: Bytes): AsyncGenerator<T> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim()) yield JSON.parse(line) as T;
  }
  rest += decoder.decode();
  if (rest.trim()) yield JSON.parse(rest) as T;
}

/** A piece of output and where it came from. With a tty everything is stdout. */
export interface Output {
  readonly stream: 'stdout' | 'stderr';
  readonly bytes: Uint8Array;
}

const headerLength = 8;

/** Takes Docker's frames apart. A frame's payload is passed on as it arrives, so a large one needs no room of its own. */
export async function* demultiplex(body: Bytes): AsyncGenerator<Output> {
  const header = new Uint8Array(headerLength);
  let filled = 0;
  let left = 0;
  let failure: string | undefined;
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    let at = 0;
    while (at < chunk.length) {
      if (left === 0) {
        while (filled < headerLength && at < chunk.length) header[filled++] = chunk[at++] as number;
        if (filled < headerLength) break;
        filled = 0;
        left = lengthIn(header);
        continue;
      }
      const bytes = chunk.subarray(at, at + left);
      at += bytes.length;
      left -= bytes.length;
      if (header[0] === 3) failure = (failure ?? '') + decoder.decode(bytes, { stream: true });
      else yield { stream: header[0] === 2 ? 'stderr' : 'stdout', bytes };
    }
  }
  if (failure !== undefined) throw new ApiError('system', failure);
  if (left > 0 || filled > 0) throw new ApiError('unavailable', 'the engine ended the stream in the middle of a frame');
}

function lengthIn(header: Uint8Array): number {
  const [stream = 0, a, b, c, d0 = 0, d1 = 0, d2 = 0, d3 = 0] = header;
  if (stream > 3 || a || b || c)
    throw new ApiError('system', 'this stream has no frames: the container has a terminal');
  return ((d0 << 24) | (d1 << 16) | (d2 << 8) | d3) >>> 0;
}

/** A terminal's bytes, as output of stdout. */
export async function* plainOutput(body: Bytes): AsyncGenerator<Output> {
  for await (const bytes of body) yield { stream: 'stdout', bytes };
}
