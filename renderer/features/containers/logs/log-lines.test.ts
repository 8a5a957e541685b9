import { test } from 'node:test';
import assert from 'node:assert/strict';
import { LogLines, secondsOf } from './log-lines.js';
import { textOf } from './log-view.js';

const out = (text: string, stream: 'stdout' | 'stderr' = 'stdout') => ({
  stream,
  bytes: new TextEncoder().encode(text),
});
const texts = (log: LogLines) => log.lines.map(({ text }) => text);

test('lines cut anywhere come together again', () => {
  const log = new LogLines();
  log.add([out('one\ntw')]);
  log.add([out('o\nthree')]);
  assert.deepEqual(texts(log), ['one', 'two', 'three']);
});

test('a character cut in two is one character', () => {
  const log = new LogLines();
  const bytes = new TextEncoder().encode('é\n');
  log.add([{ stream: 'stdout', bytes: bytes.subarray(0, 1) }]);
  log.add([{ stream: 'stdout', bytes: bytes.subarray(1) }]);
  assert.deepEqual(texts(log), ['é']);
});

test('the two streams do not run into each other', () => {
  const log = new LogLines();
  log.add([out('begin '), out('oops\n', 'stderr'), out('end\n')]);
  assert.deepEqual(
    log.lines.map(({ stream, text }) => [stream, text]),
    [
      ['stdout', 'begin end'],
      ['stderr', 'oops'],
    ],
  );
});

test('a stamp is taken off the line, and a tty’s carriage return with it', () => {
  const log = new LogLines();
  log.add([out('2026-11-23T22:57:13.123456789Z hello\r\n2026-11-23T22:57:14Z \r\n')]);
  assert.deepEqual(
    log.lines.map(({ time, text }) => [time, text]),
    [
      ['2026-11-23T22:57:13.123456789Z', 'hello'],
      ['2026-11-23T22:57:14Z', ''],
    ],
  );
});

test('only the newest lines are kept and the others counted', () => {
  const log = new LogLines(2);
  log.add([out('1\n2\n3\n4\n')]);
  log.trim();
  assert.deepEqual(texts(log), ['3', '4']);
  assert.equal(log.dropped, 2);
});

test('a line that came in several stamped pieces, as a prompt does, shows none of their stamps', () => {
  const log = new LogLines();
  log.add([out('2026-11-24T01:02:50.905819928Z / # ')]);
  log.add([out('2026-11-24T01:02:51.905819929Z ls\r\n')]);
  assert.deepEqual(texts(log), ['/ # ls']);
  assert.equal(log.lines[0]?.time, '2026-11-24T01:02:50.905819928Z');
});

test('many characters count as many lines do', () => {
  const log = new LogLines(100, 10);
  log.add([out('aaaaaaaa\nbbbbbbbb\ncc\n')]);
  log.trim();
  assert.deepEqual(texts(log), ['bbbbbbbb', 'cc']);
});

test('a line that never ends is cut, and nothing of it is lost', () => {
  const log = new LogLines();
  const piece = 'x'.repeat(20_000);
  for (let count = 0; count < 5; count += 1) log.add([out(piece)]);
  assert.equal(log.lines.map(({ text }) => text).join(''), 'x'.repeat(100_000));
  assert.ok(log.lines.length > 1);
  assert.equal(textOf(log.lines, false).replace(/\n$/, ''), 'x'.repeat(100_000));
});

const at = (second: number, text: string) =>
  out(`2026-11-23T22:57:${String(second).padStart(2, '0')}.000000000Z ${text}\n`);

test('where the container was started again there is a rule between what it wrote before and after', () => {
  const log = new LogLines();
  log.expectStart('2026-11-23T22:57:10.5Z');
  log.add([at(9, 'old'), at(11, 'new'), at(12, 'newer')]);
  assert.deepEqual(
    log.lines.map(({ rule, text }) => rule ?? text),
    ['old', 'started', 'new', 'newer'],
  );
});

test('a log that is taken up again does not repeat the lines of its last moment', () => {
  const log = new LogLines();
  log.add([at(1, 'a'), at(2, 'b'), at(2, 'c')]);
  const last = log.lastStamp;
  assert.deepEqual(last, { time: '2026-11-23T22:57:02.000000000Z', count: 2 });
  log.expectAgain(last);
  log.add([out('2026-11-23T22:57:02.000000000Z'), out(' b\n'), at(2, 'c'), at(2, 'd'), at(3, 'e')]);
  assert.deepEqual(texts(log).slice(3), ['d', 'e']);
});

test('a stamp can be asked for as the engine takes it, to the nanosecond', () => {
  assert.equal(secondsOf('2026-11-23T22:57:13.123456789Z'), `${Date.parse('2026-11-23T22:57:13Z') / 1000}.123456789`);
  assert.equal(secondsOf('1970-01-01T00:00:05Z', 60_000), '0.000000000');
});
