import { plain } from '../../../ui/ansi.js';
import { prettyJson, type Level } from './level.js';
import { levelOf, type LogLine, type LogLines } from './log-lines.js';

/** Which lines are shown, and which of them are found. */
export interface LogQuery {
  include: RegExp | undefined;
  exclude: RegExp | undefined;
  /** None: every level, and lines without one. */
  levels: ReadonlySet<Level>;
  stream: 'stdout' | 'stderr' | 'both';
  search: RegExp | undefined;
}

/** How lines are laid out: `columns` characters to a row, or each line in one row. */
export interface LogLayout {
  columns: number;
  wrap: boolean;
}

export const showsAll: LogQuery = {
  include: undefined,
  exclude: undefined,
  levels: new Set(),
  stream: 'both',
  search: undefined,
};

/** Wide glyphs take two columns: Han, kana, hangul, full-width forms, emoji. */
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}]/u;
const narrow = /^[\x20-\x7e]*$/;

/** How many columns a text takes in a fixed pitch. */
export function columnsOf(text: string): number {
  if (narrow.test(text)) return text.length;
  let columns = 0;
  for (const char of text) {
    if (char === '\t') columns += 8 - (columns % 8);
    else columns += wide.test(char) ? 2 : 1;
  }
  return columns;
}

/**
 * What of a log is shown and where: kept level with the log by what has come and gone, not by looking at all of it again. Positions are in rows of
 * text, so nothing has to be drawn to be measured.
 */
export class LogView {
  shown: LogLine[] = [];
  /** The numbers of lines that the search finds, in order. */
  found: number[] = [];
  /** The rows up to and with each shown line, counted from `#base`. */
  #ends: number[] = [];
  #base = 0;
  #from = 0;
  #to = 0;
  readonly #expanded = new Set<number>();
  #expandAll = false;

  constructor(
    private readonly log: LogLines,
    private query: LogQuery = showsAll,
    private layout: LogLayout = { columns: 80, wrap: true },
  ) {
    this.#restart();
  }

  get rows(): number {
    return (this.#ends.at(-1) ?? this.#base) - this.#base;
  }

  setQuery(query: LogQuery): void {
    if (query === this.query) return;
    this.query = query;
    this.#restart();
  }

  /** Says whether it is another than before. */
  setLayout(layout: LogLayout): boolean {
    if (layout.columns === this.layout.columns && layout.wrap === this.layout.wrap) return false;
    this.layout = layout;
    this.#measure();
    return true;
  }

  toggle(number: number): void {
    if (!this.#expanded.delete(number)) this.#expanded.add(number);
    this.#measure();
  }

  expandAll(all: boolean): void {
    if (all === this.#expandAll) return;
    this.#expandAll = all;
    this.#expanded.clear();
    this.#measure();
  }

  /** The document of a row that is opened. With all opened, the numbers kept are those that were closed again. */
  pretty(line: LogLine): string | undefined {
    return this.#expanded.has(line.number) === this.#expandAll || line.rule ? undefined : prettyJson(plain(line.text));
  }

  /** Takes in what the log has gained and lost. */
  sync(): void {
    const { log } = this;
    if (log.changedFrom < this.#to) this.#forget(log.changedFrom);
    log.changedFrom = Infinity;
    if (log.first > this.#from) this.#drop(log.first);
    else if (log.first < this.#from && this.#to > this.#from) this.#takeOlder(log.first);
    this.#from = log.first;
    if (this.#to < log.first) this.#to = log.first;
    for (let at = this.#to - log.first; at < log.lines.length; at += 1) this.#take(log.lines[at] as LogLine);
    this.#to = log.next;
    for (const number of this.#expanded) {
      if (number >= log.first) break;
      this.#expanded.delete(number);
    }
  }

  /** The first row of a shown line. */
  rowOf(index: number): number {
    return (index === 0 ? this.#base : (this.#ends[index - 1] ?? this.#base)) - this.#base;
  }

  /** The shown line that a row belongs to. */
  indexAt(row: number): number {
    return Math.min(firstAbove(this.#ends, row + this.#base), Math.max(0, this.#ends.length - 1));
  }

  /** Where a line is among the shown ones; -1 when it is not. */
  indexOf(number: number): number {
    const index = firstAtLeast(this.shown, number);
    return this.shown[index]?.number === number ? index : -1;
  }

  /** Which of the found lines comes first at or after a line. */
  foundFrom(number: number): number {
    let low = 0;
    let high = this.found.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.found[middle] ?? 0) < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #restart(): void {
    this.shown = [];
    this.found = [];
    this.#ends = [];
    this.#base = 0;
    this.#from = this.#to = this.log.first;
    this.sync();
  }

  #fits(line: LogLine): boolean {
    const { include, exclude, levels, stream } = this.query;
    if (line.rule) return true;
    if (stream !== 'both' && line.stream !== stream) return false;
    if (levels.size > 0) {
      const level = levelOf(line);
      if (level === undefined || !levels.has(level)) return false;
    }
    if (!include && !exclude) return true;
    const text = plain(line.text);
    return (!include || include.test(text)) && !exclude?.test(text);
  }

  #finds(line: LogLine): boolean {
    return this.query.search !== undefined && !line.rule && this.query.search.test(plain(line.text));
  }

  #take(line: LogLine): void {
    if (!this.#fits(line)) return;
    this.shown.push(line);
    this.#ends.push((this.#ends.at(-1) ?? this.#base) + this.#rowsOf(line));
    if (this.#finds(line)) this.found.push(line.number);
  }

  /** Lets go of lines from a number on, to look at them again. */
  #forget(number: number): void {
    const index = firstAtLeast(this.shown, number);
    this.shown.length = index;
    this.#ends.length = index;
    this.found.length = this.foundFrom(number);
    this.#to = Math.max(this.#from, Math.min(this.#to, number));
  }

  #drop(first: number): void {
    const index = firstAtLeast(this.shown, first);
    const rows = index === 0 ? 0 : (this.#ends[index - 1] ?? this.#base) - this.#base;
    this.shown.splice(0, index);
    this.#ends.splice(0, index);
    this.found.splice(0, this.foundFrom(first));
    this.#base += rows;
  }

  #takeOlder(first: number): void {
    const count = this.#from - first;
    const older = this.log.lines.slice(0, count).filter((line) => this.#fits(line));
    this.found = older
      .filter((line) => this.#finds(line))
      .map(({ number }) => number)
      .concat(this.found);
    this.shown = older.concat(this.shown);
    this.#measure();
  }

  #measure(): void {
    let end = 0;
    this.#base = 0;
    this.#ends = this.shown.map((line) => (end += this.#rowsOf(line)));
  }

  #rowsOf(line: LogLine): number {
    if (line.rule) return 1;
    const pretty = this.#expandAll || this.#expanded.size > 0 ? this.pretty(line) : undefined;
    const own = this.#rowsFor(line.text.includes('\x1b') ? plain(line.text) : line.text);
    if (pretty === undefined) return own;
    return own + pretty.split('\n').reduce((rows, text) => rows + this.#rowsFor(text), 0);
  }

  #rowsFor(text: string): number {
    const { columns, wrap } = this.layout;
    if (!wrap || text.length * 2 <= columns) return 1;
    return Math.max(1, Math.ceil(columnsOf(text) / columns));
  }
}

/** The first index whose end lies above a row. */
function firstAbove(ends: number[], row: number): number {
  let low = 0;
  let high = ends.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ends[middle] ?? 0) <= row) low = middle + 1;
    else high = middle;
  }
  return low;
}

function firstAtLeast(lines: LogLine[], number: number): number {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lines[middle]?.number ?? 0) < number) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What a person typed as a pattern: a regular expression, or undefined for nothing; a mistake in it is told. */
export function patternOf(text: string): { pattern?: RegExp; problem?: string } {
  if (text === '') return {};
  try {
    // Small letters find both; a capital letter means what it says.
    return { pattern: new RegExp(text, /\p{Lu}/u.test(text.replace(/\\./g, '')) ? '' : 'i') };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

export const textOf = (lines: LogLine[], stamps: boolean): string =>
  lines
    .filter(({ rule }) => rule === undefined)
    .map((line) => `${stamps ? `${line.time} ` : ''}${plain(line.text)}${line.cut ? '' : '\n'}`)
    .join('');

export const jsonLinesOf = (lines: LogLine[]): string =>
  lines
    .filter(({ rule }) => rule === undefined)
    .map((line) => {
      const { time, stream, text } = line;
      return `${JSON.stringify({ time, stream, level: levelOf(line), text: plain(text) })}\n`;
    })
    .join('');
