import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeConfig, type Config } from './change-config.js';
import { expand, words } from './shell-words.js';

const variables = new Map([
  ['HOME', '/root'],
  ['EMPTY', ''],
]);

test("words are a shell's: quotes, escapes and variables", () => {
  const cases: [string, string[]][] = [
    ['a b  c', ['a', 'b', 'c']],
    [`'a b' "c d" e\\ f`, ['a b', 'c d', 'e f']],
    [`k="two words" 'x=y'`, ['k=two words', 'x=y']],
    ['$HOME/x ${HOME}y $NONE', ['/root/x', '/rooty', '']],
    [`'$HOME' "$HOME" \\$HOME`, ['$HOME', '/root', '$HOME']],
    ['${EMPTY:-else} ${HOME:+set} ${NONE:+set}', ['else', 'set', '']],
    ['', []],
  ];
  for (const [text, wanted] of cases) assert.deepEqual(words(text, variables), wanted, text);
  assert.equal(expand('costs $5 a $', variables), 'costs $5 a $');
});

test('a configuration is changed line by line, and the one before stays as it was', () => {
  const before: Config = { Env: ['A=1', 'B=2'], Cmd: ['x'], WorkingDir: '/w', Labels: { k: 'v' } };
  const after = changeConfig(before, [
    'ENV A=3 \\\n  C=$B',
    '# nothing',
    'WORKDIR sub',
    'LABEL l=m',
    'ENTRYPOINT ["e"]',
  ]);
  assert.deepEqual(after.Env, ['A=3', 'B=2', 'C=2']);
  assert.equal(after.WorkingDir, '/w/sub');
  assert.deepEqual(after.Labels, { k: 'v', l: 'm' });
  assert.deepEqual([after.Entrypoint, after.Cmd], [['e'], null]);
  assert.deepEqual(before, { Env: ['A=1', 'B=2'], Cmd: ['x'], WorkingDir: '/w', Labels: { k: 'v' } });
});
