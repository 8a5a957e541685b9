import { test } from 'node:test';
import assert from 'node:assert/strict';
import { LogLines } from './log-lines.js';
import { matches } from './filter.js';
import type { ContainerSummary } from '../../../main/contract/containers.js';

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
  assert.deepEqual(texts(log), ['3', '4']);
  assert.equal(log.dropped, 2);
});

test('every word of a filter has to be found', () => {
  const container = {
    Id: 'abc123',
    Names: ['/web'],
    Image: 'nginx:1.27',
    Command: 'nginx -g',
    State: 'running',
    Status: 'Up 1 second',
  } as ContainerSummary;
  assert.equal(matches(container, 'web NGINX', 'all'), true);
  assert.equal(matches(container, 'web redis', 'all'), false);
  assert.equal(matches(container, 'abc', 'running'), true);
  assert.equal(matches(container, '', 'failed'), false);
});

test('a line that came in several stamped pieces, as a prompt does, shows none of their stamps', () => {
  const log = new LogLines();
  log.add([out('2026-11-24T01:02:50.905819928Z / # ')]);
  log.add([out('2026-11-24T01:02:51.905819929Z ls\r\n')]);
  assert.deepEqual(texts(log), ['/ # ls']);
  assert.equal(log.lines[0]?.time, '2026-11-24T01:02:50.905819928Z');
});
