/** Turns the lines of a json-file log into what `GET logs` sends. */

export interface LogView {
  stdout: boolean;
  stderr: boolean;
  /** Docker's 8-byte frames around each entry; a terminal's output has none. */
  framed: boolean;
  timestamps: boolean;
  /** Each entry is preceded by its container's attributes and a space; undefined: by neither. */
  details?: string | undefined;
  /** Inclusive bounds, as `2026-11-23T22:57:13.123456789Z`. */
  since?: string;
  until?: string;
}

const PREFIX_TEXT = '{"log":"';
const PREFIX = Buffer.from(PREFIX_TEXT);
const BETWEEN = Buffer.from('","stream":"std');
const TIME_KEY = Buffer.from('","time":"');
const TIME_LENGTH = '2026-11-23T22:57:13.123456789Z'.length;
/** From the end of the text to the end of the line; `out` and `err` are of one length. */
const REST = BETWEEN.length + 3 + TIME_KEY.length + TIME_LENGTH + '"}'.length;
const HEADER = 8;

const NEWLINE = 0x0a;
const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SMALL_E = 0x65;
const SMALL_N = 0x6e;
const SMALL_U = 0x75;
const CLOSING_BRACE = 0x7d;
/** What the character after a backslash stands for, where that is one byte. */
const ESCAPES = new Uint8Array(128);
for (const [name, byte] of Object.entries({ n: 10, r: 13, t: 9, b: 8, f: 12, '"': 34, '\\': 92, '/': 47 })) {
  ESCAPES[name.charCodeAt(0)] = byte;
}

/**
 * The monitor writes one fixed layout, and `JSON.parse` for each line is what makes other engines slow: here a line is found and checked by
 * its ends, and its text moved as a whole to where its output begins, in the very buffer that was read. A line of another layout takes the
 * slow road.
 */
export class LogFormat {
  /** A line later than `until` was met: nothing further is wanted. */
  finished = false;
  #carry: Buffer = Buffer.alloc(0);
  readonly #since: Buffer | undefined;
  readonly #until: Buffer | undefined;
  readonly #time = Buffer.alloc(TIME_LENGTH);

  constructor(private readonly view: LogView) {
    this.#since = view.since === undefined ? undefined : Buffer.from(view.since);
    this.#until = view.until === undefined ? undefined : Buffer.from(view.until);
  }

  /**
   * The output for the whole lines in what was given so far; a part of a line is kept for the next call. Takes the bytes over, and with them
   * `room` bytes in front of them.
   */
  push(bytes: Buffer, room = 0): Buffer {
    const input = this.#behindCarry(bytes, room);
    const end = input.lastIndexOf(NEWLINE) + 1;
    this.#carry = Buffer.from(input.subarray(end));
    const parts: Buffer[] = [];
    let begin = 0; // where the part that is being written begins
    let written = 0;
    this.#backslash = -1;
    for (let at = 0; at < end && !this.finished;) {
      const lineEnd = input.indexOf(NEWLINE, at);
      const entry = this.view.details ? -1 : this.#fast(input, at, lineEnd, written);
      if (entry >= 0) written = entry;
      else {
        const output = this.#slow(input.toString('utf8', at, lineEnd));
        if (output.length <= lineEnd + 1 - written) written += output.copy(input, written);
        else {
          // Bytes that are no UTF-8 grow when they are replaced.
          parts.push(input.subarray(begin, written), output);
          begin = written = lineEnd + 1;
        }
      }
      at = lineEnd + 1;
    }
    const last = input.subarray(begin, written);
    return parts.length === 0 ? last : Buffer.concat([...parts, last]);
  }

  #behindCarry(bytes: Buffer, room: number): Buffer {
    const { length } = this.#carry;
    if (length === 0) return bytes;
    if (length > room) return Buffer.concat([this.#carry, bytes]);
    const input = Buffer.from(bytes.buffer, bytes.byteOffset - length, length + bytes.length);
    this.#carry.copy(input);
    return input;
  }

  /** The next backslash at or after where it was last looked for. */
  #backslash = -1;

  /**
   * Writes one entry at `to`, which is never behind the line's own start, and returns where it ends; -1: not our layout. No entry grows: what the
   * line has around its text is longer than a frame's header, a timestamp and two spaces.
   */
  #fast(input: Buffer, start: number, lineEnd: number, to: number): number {
    const { framed, timestamps, details } = this.view;
    const from = start + PREFIX.length;
    const textEnd = lineEnd - REST;
    const key = textEnd + BETWEEN.length + 3;
    const time = key + TIME_KEY.length;
    if (
      textEnd < from ||
      input[lineEnd - 1] !== CLOSING_BRACE ||
      input[lineEnd - 2] !== QUOTE ||
      !matches(input, start, PREFIX) ||
      !matches(input, textEnd, BETWEEN) ||
      !matches(input, key, TIME_KEY)
    )
      return -1;
    if (this.#backslash < from) this.#backslash = this.#find(input, from);
    const quote = input.indexOf(QUOTE, from);
    // Nearly every line has one escape, its newline at the very end.
    const plain = quote === textEnd && (this.#backslash >= textEnd || this.#backslash === textEnd - 2);
    if (!(plain ? this.#endsPlainly(input, textEnd) : escapesAreKnown(input, from, textEnd))) return -1;
    if (this.#since && compare(input, time, this.#since) < 0) return to;
    if (this.#until && compare(input, time, this.#until) > 0) {
      this.finished = true;
      return to;
    }
    const isError = input[textEnd + BETWEEN.length] === SMALL_E; // err, out
    if (!(isError ? this.view.stderr : this.view.stdout)) return to;
    if (timestamps) input.copy(this.#time, 0, time, time + TIME_LENGTH);
    let textLength = textEnd - from;
    if (!plain) textLength = unescape(input, from, textEnd);
    else if (this.#backslash < textEnd) {
      input[textEnd - 2] = NEWLINE;
      textLength--;
    }
    const body = to + (framed ? HEADER : 0);
    const text = body + (timestamps ? TIME_LENGTH + 1 : 0) + (details === undefined ? 0 : 1);
    input.copyWithin(text, from, from + textLength);
    if (timestamps) {
      this.#time.copy(input, body);
      input[body + TIME_LENGTH] = SPACE;
    }
    if (details !== undefined) input[text - 1] = SPACE;
    if (framed) header(input, to, isError, text + textLength - body);
    return text + textLength;
  }

  #find(input: Buffer, from: number): number {
    const found = input.indexOf(BACKSLASH, from);
    return found < 0 ? input.length : found;
  }

  /** The text has no escape, or the one of a newline as its last. */
  #endsPlainly(input: Buffer, textEnd: number): boolean {
    return this.#backslash >= textEnd || input[textEnd - 1] === SMALL_N;
  }

  #slow(line: string): Buffer {
    // What was torn off, by a full disk or a power cut, may have the next line's beginning right behind it.
    const entry = parse(line) ?? parse(line.slice(Math.max(0, line.lastIndexOf(PREFIX_TEXT))));
    if (!entry) return NOTHING;
    const time = fixedWidth(entry.time);
    if (this.view.since !== undefined && time < this.view.since) return NOTHING;
    if (this.view.until !== undefined && time > this.view.until) {
      this.finished = true;
      return NOTHING;
    }
    const isError = entry.stream === 'stderr';
    if (!(isError ? this.view.stderr : this.view.stdout)) return NOTHING;
    const { timestamps, details } = this.view;
    const before = `${timestamps ? `${time} ` : ''}${details === undefined ? '' : `${details} `}`;
    const text = Buffer.from(before + entry.log);
    if (!this.view.framed) return text;
    const head = Buffer.alloc(HEADER);
    header(head, 0, isError, text.length);
    return Buffer.concat([head, text]);
  }
}

const NOTHING = Buffer.alloc(0);

/** Whether a text has only escapes that `unescape` knows, and no quote outside of one. */
function escapesAreKnown(input: Buffer, from: number, end: number): boolean {
  for (let at = from; at < end; at++) {
    const byte = input[at] as number;
    if (byte === QUOTE) return false;
    if (byte !== BACKSLASH) continue;
    const escape = input[++at] as number;
    if (at >= end) return false;
    if (escape < 128 && ESCAPES[escape] !== 0) continue;
    const code = escape === SMALL_U ? hex(input, at + 1) : -1;
    if (code < 0 || code > 0x7f || at + 4 >= end) return false;
    at += 4;
  }
  return true;
}

/** Puts what a text's escapes stand for in their place, from its own beginning on; returns how long it is then. */
function unescape(input: Buffer, from: number, end: number): number {
  let to = from;
  for (let at = from; at < end; at++) {
    const byte = input[at] as number;
    if (byte !== BACKSLASH) {
      input[to++] = byte;
      continue;
    }
    const escape = input[++at] as number;
    if (escape !== SMALL_U) input[to++] = ESCAPES[escape] as number;
    else {
      input[to++] = hex(input, at + 1);
      at += 4;
    }
  }
  return to - from;
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
