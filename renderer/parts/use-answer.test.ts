import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '../../main/client/index.js';
import type { ConnectionInfo } from '../../main/contract/bridge.js';
import { createEngineStore } from '../store/index.js';
import { askUntilBack } from './use-answer.js';

test('what failed with the engine is asked again when that is back, and only then', async () => {
  const store = createEngineStore({} as Client);
  const connect = (state: ConnectionInfo['state']) => store.getState().setConnection({ name: '', host: '', state });
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  const questions: { answer(value: string): void; fail(error: Error): void }[] = [];
  const said: string[] = [];
  connect('ready');
  const stop = askUntilBack(store, () => new Promise<string>((answer, fail) => questions.push({ answer, fail })), {
    value: (value) => said.push(value),
    problem: (error) => said.push((error as Error).message),
  });
  questions[0]?.fail(new Error('cut off'));
  await settled();
  connect('gone');
  assert.deepEqual([questions.length, said], [1, ['cut off']]);
  connect('ready');
  assert.equal(questions.length, 2);
  // Gone and back before the question is given up.
  connect('gone');
  connect('ready');
  questions[1]?.fail(new Error('cut off again'));
  await settled();
  questions[2]?.answer('here');
  await settled();
  assert.deepEqual([questions.length, said], [3, ['cut off', 'here']]);
  connect('gone');
  connect('ready');
  assert.equal(questions.length, 3, 'what went well is not asked again');
  stop();
});
