import { test } from 'node:test';
import assert from 'node:assert/strict';
import i18n from '../i18n/index.js';
import { explainRun } from './explain.js';

const explained = (message: string) => explainRun(i18n.t, new Error(message));

test('a program that the image lacks is named', () => {
  assert.match(
    explained('failed to create task for container: exec: "nope": executable file not found in $PATH: unknown'),
    /no program “nope”/,
  );
});

test('a name that is taken says what to do', () => {
  assert.match(
    explained('Conflict. The container name "/web" is already in use by container "abc". You have to remove …'),
    /named web is already here/,
  );
});

test('what is not known is said as the engine says it', () => {
  assert.equal(explained('no space left on device'), 'no space left on device');
});
