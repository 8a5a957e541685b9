/** Colours in log lines: select graphic rendition (ECMA-48) to spans; every other escape sequence is dropped. */
export interface AnsiSpan {
  text: string;
  color?: string;
  background?: string;
  bold?: boolean;
  dim?: boolean;
  italic?: boolean;
  underline?: boolean;
}

type Style = Omit<AnsiSpan, 'text'> & { inverse?: boolean };

const names = ['grey', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'grey'];
const basic = (index: number): string =>
  index % 8 === 7 ? 'var(--term-text)' : `var(--ansi-${names[index % 8] ?? 'grey'})`;

function palette(index: number): string {
  if (index < 16) return basic(index);
  if (index >= 232) {
    const level = 8 + (index - 232) * 10;
    return `rgb(${level} ${level} ${level})`;
  }
  const steps = [0, 95, 135, 175, 215, 255];
  const cube = index - 16;
  return `rgb(${steps[Math.floor(cube / 36)]} ${steps[Math.floor(cube / 6) % 6]} ${steps[cube % 6]})`;
}

/** Reads `38;5;n` and `38;2;r;g;b` from where they start; returns the colour and how many codes it took. */
function extended(codes: number[], at: number): [color: string | undefined, taken: number] {
  if (codes[at + 1] === 5) return [palette((codes[at + 2] ?? 0) & 255), 2];
  if (codes[at + 1] === 2) return [`rgb(${codes[at + 2] ?? 0} ${codes[at + 3] ?? 0} ${codes[at + 4] ?? 0})`, 4];
  return [undefined, 0];
}

function apply(style: Style, codes: number[]): Style {
  let next = { ...style };
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? 0;
    if (code === 0) next = {};
    else if (code === 1) next.bold = true;
    else if (code === 2) next.dim = true;
    else if (code === 3) next.italic = true;
    else if (code === 4) next.underline = true;
    else if (code === 7) next.inverse = true;
    else if (code === 22) next.bold = next.dim = undefined;
    else if (code === 23) next.italic = undefined;
    else if (code === 24) next.underline = undefined;
    else if (code === 27) next.inverse = undefined;
    else if (code >= 30 && code <= 37) next.color = basic(code - 30);
    else if (code >= 90 && code <= 97) next.color = basic(code - 90);
    else if (code >= 40 && code <= 47) next.background = basic(code - 40);
    else if (code >= 100 && code <= 107) next.background = basic(code - 100);
    else if (code === 39) next.color = undefined;
    else if (code === 49) next.background = undefined;
    else if (code === 38 || code === 48) {
      const [color, taken] = extended(codes, at);
      if (code === 38) next.color = color;
      else next.background = color;
      at += taken;
    }
  }
  return next;
}

// CSI sequences, OSC sequences, and two-character escapes.
// eslint-disable-next-line no-control-regex
const escape = /\x1b(?:\[([0-9;:?<=>]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])/g;

/** Text without any escape sequence: what search and copy work on. */
export const plain = (line: string): string => line.replace(escape, '');

export function ansiSpans(line: string): AnsiSpan[] {
  if (!line.includes('\x1b')) return [{ text: line }];
  const spans: AnsiSpan[] = [];
  let style: Style = {};
  let from = 0;
  const push = (text: string) => {
    if (text === '') return;
    const { inverse, color, background, ...rest } = style;
    spans.push(
      inverse
        ? { text, ...rest, color: background ?? 'var(--term)', background: color ?? 'var(--term-text)' }
        : { text, ...rest, color, background },
    );
  };
  for (const match of line.matchAll(escape)) {
    push(line.slice(from, match.index));
    from = match.index + match[0].length;
    if (match[2] === 'm') style = apply(style, (match[1] ?? '').split(/[;:]/).map(Number));
  }
  push(line.slice(from));
  return spans;
}
