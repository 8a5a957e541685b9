import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arrival, StartsOver } from './index.js';

/** What somebody who follows hears, and how it ends for him. */
async function heard(arrival: Arrival): Promise<(number | string)[]> {
  const all: (number | string)[] = [];
  try {
    for await (const there of arrival.growth()) all.push(there);
    return [...all, 'whole'];
  } catch (error) {
    return [...all, error instanceof StartsOver ? 'starts over' : (error as Error).message];
  }
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('who follows an arrival hears how far it is, and that it is whole', async () => {
  const arrival = new Arrival('/path', 5);
  const first = heard(arrival);
  await turn();
  arrival.grow(10);
  arrival.grow(20);
  await turn();
  arrival.grow(30);
  arrival.end('whole');
  assert.deepEqual(await first, [5, 20, 30, 'whole']);
  assert.deepEqual(await heard(arrival), [30, 'whole']);
});

test('an arrival that begins anew is begun anew by all who follow, and one that fails says why', async () => {
  const arrival = new Arrival('/path', 0);
  const first = heard(arrival);
  await turn();
  arrival.grow(10);
  await turn();
  arrival.startOver();
  assert.deepEqual(await first, [0, 10, 'starts over']);
  const second = heard(arrival);
  arrival.grow(7);
  await turn();
  arrival.end(new Error('the line was cut'));
  assert.deepEqual((await second).slice(-2), [7, 'the line was cut']);
  assert.deepEqual(await heard(arrival), [7, 'the line was cut']);
});
