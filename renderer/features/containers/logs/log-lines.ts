import type { Output } from '../../../../main/client/index.js';
import { plain } from '../../../ui/ansi.js';
import { levelIn, type Level } from './level.js';

export interface LogLine {
  /** One more than the line before; never changes for a line, also when others are dropped or older ones are put before it. */
  readonly number: number;
  readonly stream: 'stdout' | 'stderr';
  /** As the engine stamped it, when asked for stamps. */
  time: string;
  /** With its escape sequences; grows while the line is still being written. */
  text: string;
  /** Not a line of the log: here the container started again, at `time`; or here lines were passed over. */
  readonly rule?: 'started' | 'skipped';
  /** The line was too long to be kept as one: it goes on in the next of its stream. */
  cut?: boolean;
  level?: Level | 'none';
}

/** More than any person reads; a program that never ends its line must not fill the memory. */
const longest = 32 * 1024;

const stamp = /^(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)) /;

/** Of a stamp with its nine digits and the space after it. */
const stampLength = 31;

/** What a terminal writes without a line's end is an entry of its own, with a stamp of its own in the middle of the line: nine digits, always. */
const inner = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z /g;

/** Looked for when it is first asked for: most lines of a flood are never looked at. */
export const levelOf = (line: LogLine): Level | undefined => {
  line.level ??= line.rule ? 'none' : (levelIn(plain(line.text)) ?? 'none');
  return line.level === 'none' ? undefined : line.level;
};

/** Stamps of different lengths, made comparable as text. */
export function momentOf(time: string): string {
  const [, whole = '', fraction = ''] = /^([^.Z+]*)(?:\.(\d+))?/.exec(time) ?? [];
  return `${whole}.${fraction.padEnd(9, '0')}`;
}

/** A stamp as the engine takes it for `since` and `until`: seconds with nine digits. `earlier`: by so many milliseconds. */
export function secondsOf(time: string, earlier = 0): string {
  const [whole = '', fraction = ''] = momentOf(time).split('.');
  const milliseconds = Math.max(0, Date.parse(`${whole}Z`) - Math.ceil(earlier / 1000) * 1000);
  return `${milliseconds / 1000}.${fraction}`;
}

/** Lines of one moment, as many as have its stamp. */
export interface StampRun {
  time: string;
  count: number;
}

/** Stands in for a line that is here already. */
const passed: LogLine = { number: Number.NaN, stream: 'stdout', time: '', text: '' };

interface Open {
  decoder: TextDecoder;
  line: LogLine | undefined;
  /** The begin of a line whose stamp has not come whole. */
  rest: string;
}

/** Output as lines: each stream on its own, cut anywhere; so many lines and characters are kept, the newest. */
export class LogLines {
  readonly lines: LogLine[] = [];
  /** The lowest number whose line may have changed since this was last set to Infinity. */
  changedFrom = Infinity;
  /** Lines that were here and are not any more. */
  dropped = 0;
  readonly #rules: number[] = [];
  #chars = 0;
  #next = 0;
  #open = new Map<Output['stream'], Open>();
  #start: string | undefined;
  #startAt = '';
  #again: StampRun | undefined;

  constructor(
    private readonly limit = 50_000,
    private readonly charLimit = 24_000_000,
  ) {}

  get first(): number {
    return this.lines[0]?.number ?? this.#next;
  }

  get next(): number {
    return this.#next;
  }

  /** How many rules there are among the lines. */
  get rules(): number {
    return this.#rules.filter((number) => number >= this.first).length;
  }

  /** As much as may be kept by one who reads, who is left what is there: twice what one keeps who follows. */
  get full(): boolean {
    return this.lines.length >= this.limit * 2 || this.#chars >= this.charLimit * 2;
  }

  /** When the container was started: the first line written after `from` gets a rule before it. */
  expectStart(time: string, from = time): void {
    this.#start = momentOf(from);
    this.#startAt = time;
  }

  /** What comes next begins with lines that are here already. */
  expectAgain(run: StampRun): void {
    this.#close();
    this.#again = { ...run };
  }

  rule(rule: 'started' | 'skipped', time = ''): void {
    this.#close();
    this.#start = undefined;
    this.#rules.push(this.#next);
    this.#push({ number: this.#next, stream: 'stdout', time, text: '', rule });
  }

  add(outputs: Output[]): void {
    for (const { stream, bytes } of outputs) {
      let state = this.#open.get(stream);
      if (!state) this.#open.set(stream, (state = { decoder: new TextDecoder(), line: undefined, rest: '' }));
      const text = state.rest + state.decoder.decode(bytes, { stream: true });
      state.rest = '';
      let from = 0;
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', from)) {
        this.#append(stream, state, text.slice(from, at));
        if (state.line) endLine(state.line);
        state.line = undefined;
        from = at + 1;
      }
      const rest = text.slice(from);
      if (this.#again && !state.line && rest.length < stampLength) state.rest = rest;
      else if (rest !== '') this.#append(stream, state, rest);
      if (state.line === undefined) continue;
      if (state.line.text.length > longest) {
        state.line.cut = true;
        state.line = undefined;
      }
    }
  }

  /** Drops the oldest beyond what is kept. In larger steps, so that a flood does not pay for it with each line. */
  trim(): void {
    const { lines } = this;
    let over = lines.length - this.limit;
    let chars = this.#chars;
    for (let at = 0; at < lines.length && (at < over || chars > this.charLimit); at += 1) {
      chars -= lines[at]?.text.length ?? 0;
      over = Math.max(over, at + 1);
    }
    if (over <= 0 || (over < this.limit / 20 && chars === this.#chars)) return;
    lines.splice(0, over);
    this.#chars = chars;
    this.dropped += over;
  }

  /** Puts older lines before all others. */
  prepend(older: LogLine[]): void {
    const first = this.first;
    const before = older.map((line, index) => ({ ...line, number: first - older.length + index }));
    // In one go, however many: a spread of a hundred thousand arguments is too much for a call.
    const all = before.concat(this.lines);
    this.lines.length = 0;
    for (const line of all) this.lines.push(line);
    for (const line of before) this.#chars += line.text.length;
    this.dropped = Math.max(0, this.dropped - older.length);
  }

  clear(): void {
    this.#close();
    this.lines.length = 0;
    this.#chars = 0;
    this.dropped = 0;
    this.changedFrom = -Infinity;
  }

  /** The stamp of the last line, and how many at the end have it. */
  get lastStamp(): StampRun | undefined {
    return stampRun(this.lines, -1);
  }

  get firstStamp(): StampRun | undefined {
    return stampRun(this.lines, 1);
  }

  #close(): void {
    for (const { line } of this.#open.values()) if (line) endLine(line);
    this.#open = new Map();
  }

  #append(stream: Output['stream'], state: Open, piece: string): void {
    const { line } = state;
    if (line) {
      if (line === passed) return;
      const before = line.text.length;
      line.text += piece;
      settle(line);
      line.level = undefined;
      this.#chars += line.text.length - before;
      if (line.number < this.changedFrom) this.changedFrom = line.number;
      return;
    }
    const begun: LogLine = { number: this.#next, stream, time: '', text: piece };
    settle(begun);
    if (this.#again && begun.time === this.#again.time && this.#again.count > 0) {
      this.#again.count -= 1;
      state.line = passed;
      return;
    }
    if (begun.time !== '') this.#again = undefined;
    if (this.#start !== undefined && begun.time !== '' && momentOf(begun.time) >= this.#start) {
      if (this.lines.length > 0) this.rule('started', this.#startAt);
      this.#start = undefined;
      state = this.#open.get(stream) ?? state;
      this.#open.set(stream, state);
    }
    const added = { ...begun, number: this.#next };
    state.line = added;
    this.#push(added);
  }

  #push(line: LogLine): void {
    this.lines.push(line);
    this.#next += 1;
    this.#chars += line.text.length;
  }
}

function settle(line: LogLine): void {
  if (line.time === '') {
    const match = stamp.exec(line.text);
    if (match) {
      line.time = match[1] ?? '';
      line.text = line.text.slice(match[0].length);
    }
  }
  if (line.time !== '' && line.text.includes('Z ')) line.text = line.text.replace(inner, '');
}

function endLine(line: LogLine): void {
  if (line.text.endsWith('\r')) line.text = line.text.replace(/\r+$/, '');
}

function stampRun(lines: LogLine[], step: 1 | -1): StampRun | undefined {
  let time: string | undefined;
  let count = 0;
  for (let at = step > 0 ? 0 : lines.length - 1; at >= 0 && at < lines.length; at += step) {
    const line = lines[at];
    if (!line || line.rule || line.time === '') continue;
    time ??= line.time;
    if (line.time !== time) break;
    count += 1;
  }
  return time === undefined ? undefined : { time, count };
}
