import { test } from 'node:test';
import assert from 'node:assert/strict';
import { joinCommand, splitCommand } from './command-line.js';

const words = (line: string) => {
  const split = splitCommand(line);
  return 'words' in split ? split.words : split.problem;
};

test('words are split at spaces and quotes keep them together', () => {
  assert.deepEqual(words(`sh -c 'echo "a  b"'  tail`), ['sh', '-c', 'echo "a  b"', 'tail']);
  assert.deepEqual(words('echo "it is $HOME" a\\ b'), ['echo', 'it is $HOME', 'a b']);
});

test('an empty quoted word stays a word and an empty line has none', () => {
  assert.deepEqual(words(`x '' ""`), ['x', '', '']);
  assert.deepEqual(words('   '), []);
});

test('inside double quotes a backslash only escapes what the shell says', () => {
  assert.deepEqual(words('"a\\n\\"b\\$"'), ['a\\n"b$']);
});

test('an open quote and a lone backslash at the end are told apart', () => {
  assert.equal(words(`echo 'a`), 'open-quote');
  assert.equal(words('echo \\'), 'trailing-backslash');
});

test('a joined command splits back into the same words', () => {
  const command = ['sh', '-c', `echo 'it''s' "$x" \\ ok`, ''];
  assert.deepEqual(words(joinCommand(command)), command);
});
