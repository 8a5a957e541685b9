import { test } from 'node:test';
import assert from 'node:assert/strict';
import { levelIn } from './level.js';
import { LogLines } from './log-lines.js';
import { columnsOf, jsonLinesOf, LogView, patternOf, showsAll } from './log-view.js';

const out = (text: string, stream: 'stdout' | 'stderr' = 'stdout') => ({
  stream,
  bytes: new TextEncoder().encode(text),
});
const shown = (view: LogView) => view.shown.map(({ text }) => text);
const opened = (text: string, limit?: number) => {
  const log = new LogLines(limit);
  log.add([out(text)]);
  return { log, view: new LogView(log) };
};

test('a view takes in what comes, lets go of what goes, and finds in both', () => {
  const { log, view } = opened('a1\nb\na2\n', 4);
  view.setQuery({ ...showsAll, search: /a/ });
  log.add([out('a3\nb\nb\na4\n')]);
  log.trim();
  view.sync();
  assert.deepEqual(shown(view), ['a3', 'b', 'b', 'a4']);
  assert.deepEqual(
    view.found.map((number) => view.shown[view.indexOf(number)]?.text),
    ['a3', 'a4'],
  );
  assert.equal(view.rows, 4);
});

test('lines are shown by what they have and what they have not, by level and by stream', () => {
  const { log, view } = opened('GET /a 200\nGET /health 200\nERROR broken\nwarning: full\n');
  log.add([out('said on stderr\n', 'stderr')]);
  view.sync();
  view.setQuery({ ...showsAll, include: /GET/, exclude: /health/ });
  assert.deepEqual(shown(view), ['GET /a 200']);
  view.setQuery({ ...showsAll, levels: new Set(['error', 'warn']) });
  assert.deepEqual(shown(view), ['ERROR broken', 'warning: full']);
  view.setQuery({ ...showsAll, stream: 'stderr' });
  assert.deepEqual(shown(view), ['said on stderr']);
});

test('a line that is still being written is judged again when it grows', () => {
  const { log, view } = opened('wait');
  view.setQuery({ ...showsAll, search: /done/ });
  assert.deepEqual(view.found, []);
  log.add([out('ing… done\nnext\n')]);
  view.sync();
  assert.deepEqual(shown(view), ['waiting… done', 'next']);
  assert.deepEqual(view.found, [0]);
});

test('older lines come before, with their place and what is found in them', () => {
  const { log, view } = opened('new x\n');
  view.setQuery({ ...showsAll, search: /x/ });
  log.prepend(opened('old x\nold\n').log.lines);
  view.sync();
  assert.deepEqual(shown(view), ['old x', 'old', 'new x']);
  assert.deepEqual(view.found, [-2, 0]);
  assert.equal(view.rowOf(2), 2);
});

test('places are in rows: a long line takes several, an opened document one for each of its lines', () => {
  const { view } = opened(`${'x'.repeat(25)}\n{"level":"info","n":{"a":1}}\nend\n`);
  view.setLayout({ columns: 40, wrap: true });
  assert.equal(view.rows, 3);
  view.setLayout({ columns: 10, wrap: true });
  assert.equal(view.rowOf(1), 3);
  view.setLayout({ columns: 40, wrap: true });
  view.toggle(1);
  assert.equal(view.rowOf(2), 1 + 1 + 6);
  assert.equal(view.indexAt(5), 1);
  view.setLayout({ columns: 5, wrap: false });
  assert.equal(view.indexAt(0), 0);
});

test('wide letters, tabs and emoji take the columns that they are drawn with', () => {
  assert.equal(columnsOf('abc'), 3);
  assert.equal(columnsOf('世界'), 4);
  assert.equal(columnsOf('a\tb'), 9);
  assert.equal(columnsOf('🚀'), 2);
});

test('levels are read as loggers write them, and not out of sentences', () => {
  const levels: [string, string | undefined][] = [
    ['2026-11-23 12:00:00 ERROR db: timeout', 'error'],
    ['[warn] something', 'warn'],
    ['level=info msg="ready"', 'info'],
    ['{"level":"debug","msg":"x"}', 'debug'],
    ['{"level":50,"msg":"x"}', 'error'],
    ['{"severity": "WARNING", "message": "x"}', 'warn'],
    ['E1126 12:03:00.1 1 main.go:1] oh', 'error'],
    ['nginx: warning: low on space', 'warn'],
    ['2026/11/23 22:57:13 [error] 31#31: *1 open() failed', 'error'],
    ['no error was found', undefined],
    ['plain words', undefined],
  ];
  for (const [line, level] of levels) assert.equal(levelIn(line), level, line);
});

test('a pattern in small letters finds capitals too, a mistake in it is told', () => {
  assert.equal(patternOf('err(or)?').pattern?.test('ERROR'), true);
  assert.equal(patternOf('Err').pattern?.test('err'), false);
  assert.match(patternOf('(').problem ?? '', /Unterminated group/);
  assert.deepEqual(patternOf(''), {});
});

test('as JSON lines a log says of each line when, where from, how grave and what', () => {
  const log = new LogLines();
  log.add([out('2026-11-23T22:57:13.000000001Z \x1b[31mERROR\x1b[0m no\n', 'stderr')]);
  assert.deepEqual(JSON.parse(jsonLinesOf(log.lines)), {
    time: '2026-11-23T22:57:13.000000001Z',
    stream: 'stderr',
    level: 'error',
    text: 'ERROR no',
  });
});
