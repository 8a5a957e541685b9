import { createTwoFilesPatch, diffWordsWithSpace, structuredPatch } from 'diff';

export interface Piece {
  text: string;
  /** It is what the line differs by. */
  lit: boolean;
}

export interface DiffLine {
  kind: 'same' | 'added' | 'removed';
  pieces: Piece[];
  /** Line numbers, from 1. */
  before?: number;
  after?: number;
}

export type DiffRow = DiffLine | { kind: 'gap'; count: number } | { kind: 'no-newline' };

export interface TextDiff {
  rows: DiffRow[];
  added: number;
  removed: number;
}

/** Milliseconds; two texts that have little in common take for ever. */
const PATIENCE = 1500;
/** Lines of that length are shown as they are. */
const LONG = 400;

/** Undefined: they differ too much for it to be found out how in time. */
export function diffOf(before: string, after: string): TextDiff | undefined {
  const patch = structuredPatch('', '', before, after, undefined, undefined, { context: 3, timeout: PATIENCE });
  if (!patch) return undefined;
  const rows: DiffRow[] = [];
  let added = 0;
  let removed = 0;
  let next = 1;
  for (const { oldStart, newStart, lines } of patch.hunks) {
    if (oldStart > next) rows.push({ kind: 'gap', count: oldStart - next });
    let [was, is] = [Math.max(1, oldStart), Math.max(1, newStart)];
    for (const line of lines) {
      const pieces = [{ text: line.slice(1), lit: false }];
      if (line.startsWith('+')) {
        rows.push({ kind: 'added', pieces, after: is++ });
        added += 1;
      } else if (line.startsWith('-')) {
        rows.push({ kind: 'removed', pieces, before: was++ });
        removed += 1;
      } else if (line.startsWith('\\')) rows.push({ kind: 'no-newline' });
      else rows.push({ kind: 'same', pieces, before: was++, after: is++ });
    }
    next = was;
  }
  const lines = linesIn(before);
  if (patch.hunks.length > 0 && lines >= next) rows.push({ kind: 'gap', count: lines - next + 1 });
  return { rows: lightUp(rows), added, removed };
}

const linesIn = (text: string): number => (text === '' ? 0 : text.split('\n').length - (text.endsWith('\n') ? 1 : 0));

/** Lines that stand for each other show by what they differ. */
function lightUp(rows: DiffRow[]): DiffRow[] {
  for (let at = 0; at < rows.length; at++) {
    if (rows[at]?.kind !== 'removed') continue;
    let middle = at;
    while (rows[middle]?.kind === 'removed') middle++;
    let end = middle;
    while (rows[end]?.kind === 'added') end++;
    for (let step = 0; step < Math.min(middle - at, end - middle); step++)
      compareLines(rows[at + step] as DiffLine, rows[middle + step] as DiffLine);
    at = end - 1;
  }
  return rows;
}

function compareLines(removed: DiffLine, added: DiffLine): void {
  const [before = '', after = ''] = [removed, added].map(({ pieces }) => pieces[0]?.text);
  if (before.length > LONG || after.length > LONG) return;
  const parts = diffWordsWithSpace(before, after);
  const kept = parts
    .filter((part) => !part.added && !part.removed)
    .reduce((sum, { value }) => sum + value.trim().length, 0);
  if (kept * 3 < Math.max(before.trim().length, after.trim().length)) return; // another line altogether
  removed.pieces = parts.filter((part) => !part.added).map(({ value, removed: lit }) => ({ text: value, lit }));
  added.pieces = parts.filter((part) => !part.removed).map(({ value, added: lit }) => ({ text: value, lit }));
}

/** For `git apply` and `patch -p1`; a side that is not there is /dev/null. */
export const patchOf = (path: string, before: string | undefined, after: string | undefined): string =>
  createTwoFilesPatch(
    before === undefined ? '/dev/null' : `a${path}`,
    after === undefined ? '/dev/null' : `b${path}`,
    before ?? '',
    after ?? '',
    undefined,
    undefined,
    { context: 3, timeout: PATIENCE },
  )?.replace(/^={10,}\n/, '') ?? '';

export type SplitRow = { left?: DiffLine; right?: DiffLine } | { gap: number };

/** What was left, what is right. */
export function splitRows(rows: readonly DiffRow[]): SplitRow[] {
  const split: SplitRow[] = [];
  let lefts: DiffLine[] = [];
  let rights: DiffLine[] = [];
  const flush = () => {
    for (let at = 0; at < Math.max(lefts.length, rights.length); at++) {
      const [left, right] = [lefts[at], rights[at]];
      split.push({ ...(left && { left }), ...(right && { right }) });
    }
    lefts = [];
    rights = [];
  };
  for (const row of rows) {
    if (row.kind === 'removed') lefts.push(row);
    else if (row.kind === 'added') rights.push(row);
    else if (row.kind !== 'no-newline') {
      flush();
      split.push(row.kind === 'gap' ? { gap: row.count } : { left: row, right: row });
    }
  }
  flush();
  return split;
}
