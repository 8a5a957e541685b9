import { test } from 'node:test';
import assert from 'node:assert/strict';
import { ansiSpans, plain } from './ansi.js';

test('a coloured word becomes its own span and the rest keeps the ground colour', () => {
  const spans = ansiSpans('a \x1b[31mred\x1b[0m z');
  assert.deepEqual(
    spans.map(({ text, color }) => [text, color]),
    [
      ['a ', undefined],
      ['red', 'var(--ansi-red)'],
      [' z', undefined],
    ],
  );
});

test('bold, 256 colours and true colour are understood', () => {
  assert.equal(ansiSpans('\x1b[1mx')[0]?.bold, true);
  assert.equal(ansiSpans('\x1b[38;5;196mx')[0]?.color, 'rgb(255 0 0)');
  assert.equal(ansiSpans('\x1b[38;2;1;2;3mx')[0]?.color, 'rgb(1 2 3)');
});

test('plain text loses every escape sequence, titles included', () => {
  assert.equal(plain('\x1b]0;title\x07a\x1b[2Kb\x1b[1;32mc\x1b(B'), 'abc');
});
