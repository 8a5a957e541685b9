import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import type { ApiResponse, Transport } from '../../main/contract/bridge.js';
import { watched } from './patience.js';

/** Answers when it is told to. */
function slow() {
  const answers: (() => void)[] = [];
  const transport = {
    send: () => new Promise<ApiResponse>((resolve) => answers.push(() => resolve({} as ApiResponse))),
  } as unknown as Transport;
  return { transport, answer: () => answers.shift()?.() };
}

test('a question that waits too long is told, and that the engine answers again', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const heard: (number | undefined)[] = [];
  const { transport, answer } = slow();
  const { send } = watched(transport, (since) => heard.push(since));
  const [first, second] = [send({ method: 'GET', path: '/a' }), send({ method: 'GET', path: '/b' })];
  mock.timers.tick(2900);
  assert.deepEqual(heard, []);
  mock.timers.tick(200);
  assert.deepEqual(heard, [0]);
  answer();
  await first;
  assert.deepEqual(heard, [0]);
  answer();
  await second;
  assert.deepEqual(heard, [0, undefined]);
  mock.timers.reset();
});

test('an act may take as long as it takes', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const heard: unknown[] = [];
  void watched(slow().transport, (since) => heard.push(since)).send({ method: 'POST', path: '/containers/a/stop' });
  mock.timers.tick(20_000);
  assert.deepEqual(heard, []);
  mock.timers.reset();
});
