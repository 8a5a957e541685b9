import type { Output } from '../../../main/client/index.js';

export interface LogLine {
  /** Rises by one per line; never changes for a line, also when older ones are dropped. */
  number: number;
  stream: 'stdout' | 'stderr';
  /** As the engine stamped it, when asked for stamps. */
  time: string;
  text: string;
}

const stamp = /^(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)) /;

/** Output as lines: each stream on its own, cut anywhere; only the last `limit` lines are kept. */
export class LogLines {
  #lines: LogLine[] = [];
  #next = 0;
  readonly #open = new Map<Output['stream'], { decoder: TextDecoder; line: LogLine | undefined }>();

  constructor(private readonly limit = 50_000) {}

  /** A new array after every change, so it can be compared by identity. */
  get lines(): LogLine[] {
    return this.#lines;
  }

  get dropped(): number {
    return this.#next - this.#lines.length;
  }

  add(outputs: Output[]): void {
    const lines = [...this.#lines];
    for (const { stream, bytes } of outputs) {
      const state = this.#open.get(stream) ?? { decoder: new TextDecoder(), line: undefined };
      this.#open.set(stream, state);
      const pieces = state.decoder.decode(bytes, { stream: true }).split('\n');
      pieces.forEach((piece, index) => {
        const ends = index < pieces.length - 1;
        if (state.line) {
          const whole = withText(state.line, state.line.text + piece, stream);
          const at = lines.findLastIndex((line) => line.number === whole.number);
          if (at >= 0) lines[at] = whole;
          state.line = whole;
        } else if (piece !== '' || ends) {
          state.line = withText({ number: this.#next, stream, time: '', text: '' }, piece, stream);
          this.#next += 1;
          lines.push(state.line);
        }
        if (ends) {
          const done = state.line;
          if (done?.text.endsWith('\r')) {
            const at = lines.findLastIndex((line) => line.number === done.number);
            if (at >= 0) lines[at] = { ...done, text: done.text.replace(/\r+$/, '') };
          }
          state.line = undefined;
        }
      });
    }
    this.#lines = lines.length > this.limit ? lines.slice(lines.length - this.limit) : lines;
  }
}

/** What a terminal writes without a line's end is an entry of its own, with a stamp of its own in the middle of the line: nine digits, always. */
const inner = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z /g;

function withText(line: LogLine, text: string, stream: Output['stream']): LogLine {
  const match = line.time === '' ? stamp.exec(text) : null;
  return match
    ? { ...line, stream, time: match[1] ?? '', text: text.slice(match[0].length).replace(inner, '') }
    : { ...line, stream, text: line.time === '' ? text : text.replace(inner, '') };
}
