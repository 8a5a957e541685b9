/** Turns the lines of a json-file log into what `GET logs` sends. */

export interface LogView {
  stdout: boolean;
  stderr: boolean;
  /** Docker's 8-byte frames around each entry; a terminal's output has none. */
  framed: boolean;
  timestamps: boolean;
  /** Each entry is preceded by its attributes and a space; we keep no attributes, so by the space. */
  details: boolean;
  /** Inclusive bounds, as `2026-11-23T22:57:13.123456789Z`. */
  since?: string;
  until?: string;
}

const PREFIX = Buffer.from('{"log":"');
const BETWEEN = Buffer.from('","stream":"std');
const TIME_KEY = Buffer.from('","time":"');
const TIME_LENGTH = '2026-11-23T22:57:13.123456789Z'.length;
const HEADER = 8;

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** What the character after a backslash stands for, where that is one byte. */
const ESCAPES = new Uint8Array(128);
for (const [name, byte] of Object.entries({ n: 10, r: 13, t: 9, b: 8, f: 12, '"': 34, '\\': 92, '/': 47 })) {
  ESCAPES[name.charCodeAt(0)] = byte;
}

/**
 * One pass over the bytes, for the monitor writes one fixed layout and `JSON.parse` for each line is what makes other engines slow.
 * A line of another layout takes the slow road.
 */
export class LogFormat {
  /** A line later than `until` was met: nothing further is wanted. */
  finished = false;
  #carry: Buffer = Buffer.alloc(0);
  readonly #since: Buffer | undefined;
  readonly #until: Buffer | undefined;

  constructor(private readonly view: LogView) {
    this.#since = view.since === undefined ? undefined : Buffer.from(view.since);
    this.#until = view.until === undefined ? undefined : Buffer.from(view.until);
  }

  /** The output for the whole lines in what was given so far; a part of a line is kept for the next call. */
  push(bytes: Buffer): Buffer {
    const input = this.#carry.length === 0 ? bytes : Buffer.concat([this.#carry, bytes]);
    const end = input.lastIndexOf(NEWLINE) + 1;
    this.#carry = Buffer.from(input.subarray(end));
    // No entry grows: what the line has around its text is longer than a frame's header, a timestamp and two spaces.
    const output = Buffer.allocUnsafeSlow(end);
    let written = 0;
    let at = 0;
    while (at < end && !this.finished) {
      const next = this.#fast(input, at, output, written);
      if (next >= 0) {
        written = this.#written;
        at = next;
        continue;
      }
      const lineEnd = input.indexOf(NEWLINE, at);
      written = this.#slow(input.toString('utf8', at, lineEnd), output, written);
      at = lineEnd + 1;
    }
    return output.subarray(0, written);
  }

  #written = 0;

  /** Writes one entry and returns where the next line starts; -1: not our layout. `#written` is where the output then ends. */
  #fast(input: Buffer, start: number, output: Buffer, written: number): number {
    if (!matches(input, start, PREFIX)) return -1;
    const { framed, timestamps, details } = this.view;
    const body = written + (framed ? HEADER : 0);
    let to = body + (timestamps ? TIME_LENGTH + 1 : 0) + (details ? 1 : 0);
    let from = start + PREFIX.length;
    for (;;) {
      const byte = input[from] as number;
      if (byte > BACKSLASH || (byte !== QUOTE && byte !== NEWLINE && byte !== BACKSLASH)) {
        output[to++] = byte;
        from++;
        continue;
      }
      if (byte === QUOTE) break;
      if (byte === NEWLINE) return -1;
      const escape = input[from + 1] as number;
      const plain = escape < 128 ? (ESCAPES[escape] as number) : 0;
      if (plain !== 0) {
        output[to++] = plain;
        from += 2;
        continue;
      }
      const code = escape === 0x75 ? hex(input, from + 2) : -1;
      if (code < 0 || code > 0x7f) return -1;
      output[to++] = code;
      from += 6;
    }
    if (!matches(input, from, BETWEEN)) return -1;
    const stream = input[from + BETWEEN.length]; // stdo…, stde…
    const isError = stream === 0x65;
    const key = from + BETWEEN.length + 3;
    if (!matches(input, key, TIME_KEY)) return -1;
    const time = key + TIME_KEY.length;
    const close = time + TIME_LENGTH;
    if (input[close] !== QUOTE || input[close + 1] !== 0x7d || input[close + 2] !== NEWLINE) return -1;
    const next = close + 3;
    this.#written = written;
    if (this.#since && compare(input, time, this.#since) < 0) return next;
    if (this.#until && compare(input, time, this.#until) > 0) {
      this.finished = true;
      return next;
    }
    if (!(isError ? this.view.stderr : this.view.stdout)) return next;
    if (framed) header(output, written, isError, to - body);
    let at = body;
    if (timestamps) {
      for (let i = 0; i < TIME_LENGTH; i++) output[at++] = input[time + i] as number;
      output[at++] = 0x20;
    }
    if (details) output[at] = 0x20;
    this.#written = to;
    return next;
  }

  #slow(line: string, output: Buffer, written: number): number {
    const entry = parse(line);
    if (!entry) return written; // torn by a full disk
    const time = fixedWidth(entry.time);
    if (this.view.since !== undefined && time < this.view.since) return written;
    if (this.view.until !== undefined && time > this.view.until) {
      this.finished = true;
      return written;
    }
    const isError = entry.stream === 'stderr';
    if (!(isError ? this.view.stderr : this.view.stdout)) return written;
    const text = (this.view.timestamps ? `${time} ` : '') + (this.view.details ? ' ' : '') + entry.log;
    const body = written + (this.view.framed ? HEADER : 0);
    const length = Math.min(Buffer.byteLength(text), output.length - body);
    output.write(text, body, length);
    if (this.view.framed) header(output, written, isError, length);
    return body + length;
  }
}

/** RFC 3339 with all nine digits, so that times compare as text. */
export function fixedWidth(time: string): string {
  const [, seconds, fraction = ''] = /^([^.Z]*)(?:\.(\d+))?Z$/.exec(time) ?? [];
  return seconds === undefined ? time : `${seconds}.${fraction.padEnd(9, '0').slice(0, 9)}Z`;
}

function parse(line: string): { log: string; stream: string; time: string } | undefined {
  try {
    const { log, stream, time } = JSON.parse(line) as Record<string, unknown>;
    return typeof log === 'string' && typeof time === 'string' ? { log, stream: String(stream), time } : undefined;
  } catch {
    return undefined;
  }
}

function header(output: Buffer, at: number, isError: boolean, length: number): void {
  output[at] = isError ? 2 : 1;
  output[at + 1] = output[at + 2] = output[at + 3] = 0;
  output[at + 4] = length >>> 24;
  output[at + 5] = (length >>> 16) & 0xff;
  output[at + 6] = (length >>> 8) & 0xff;
  output[at + 7] = length & 0xff;
}

function matches(input: Buffer, at: number, expected: Buffer): boolean {
  for (let i = 0; i < expected.length; i++) if (input[at + i] !== expected[i]) return false;
  return true;
}

function compare(input: Buffer, at: number, bound: Buffer): number {
  for (let i = 0; i < bound.length; i++) {
    const difference = (input[at + i] as number) - (bound[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

function hex(input: Buffer, at: number): number {
  let value = 0;
  for (let i = 0; i < 4; i++) {
    const byte = input[at + i] as number;
    const digit =
      byte >= 0x30 && byte <= 0x39
        ? byte - 0x30
        : (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66
          ? (byte | 0x20) - 87
          : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}
