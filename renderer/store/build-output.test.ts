import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noOutput, withMore } from './build-output.js';

const after = (...pieces: string[]) => pieces.reduce(withMore, noOutput);

test('a build tells its step, and which were there already, wherever its output is cut', () => {
  const said =
    'Step 1/3 : FROM scratch\n ---> \nStep 2/3 : COPY . /\n ---> Using cache\nStep 3/3 : RUN echo "Step 9/9 : no"\n';
  for (const pieces of [[said], said.split(''), said.split(/(?= )/)]) {
    const output = after(...pieces);
    assert.deepEqual(output.step, { at: 3, of: 3, command: 'RUN echo "Step 9/9 : no"' });
    assert.deepEqual(output.cached, [2]);
    assert.equal(output.text, said);
  }
  assert.equal(after('Step 1/3 : FR').step, undefined);
});

test('what a command prints is no step of another count', () => {
  const { step } = after('Step 1/2 : RUN x\n', 'Step 1/99999999 : x\nStep 3/2 : x\n');
  assert.deepEqual(step, { at: 1, of: 2, command: 'RUN x' });
});

test('of very much output the end is kept', () => {
  const output = after('Step 1/1 : RUN yes\n', ...Array.from({ length: 40 }, () => 'y\n'.repeat(20_000)), 'end');
  assert.ok(output.text.length <= 1024 * 1024 && output.text.endsWith('y\nend'));
  assert.equal(output.step?.at, 1);
});
