import assert from 'node:assert/strict';
import { test } from 'node:test';
import { History } from './history.js';

const usage = { memory: 2, memoryLimit: 100, netRx: 3, netTx: 4, blockRead: 5, blockWrite: 6, pids: 7 };
const SPAN = 100_000;
const EVERY = 1000;
const everybody = () => true;

/** Samples of one container, the last of them now; its processor share counts up from 1. */
function filled(count: number) {
  const history = new History(EVERY, SPAN);
  const start = Date.now() - (count - 1) * EVERY;
  for (let index = 0; index < count; index++)
    history.record({ at: start + index * EVERY, containers: { a: { cpu: index + 1, ...usage } } }, everybody);
  return history;
}

test('samples come back in columns, the oldest first', () => {
  const { every, at, cpu, memory, pids } = filled(3).of('a');
  assert.equal(every, EVERY);
  assert.deepEqual(
    [cpu, memory, pids],
    [
      [1, 2, 3],
      [2, 2, 2],
      [7, 7, 7],
    ],
  );
  assert.equal((at[2] ?? 0) - (at[0] ?? 0), 2 * EVERY);
});

test('more samples than there is room for push out the oldest', () => {
  const { cpu } = filled(250).of('a');
  assert.equal(cpu.length, SPAN / EVERY);
  assert.deepEqual([cpu[0], cpu.at(-1)], [151, 250]);
});

test('a container that has ended keeps its samples until their time has passed, one that was removed does not', () => {
  const history = filled(3);
  history.record({ at: Date.now(), containers: {} }, everybody);
  assert.equal(history.of('a').at.length, 3);
  history.record({ at: Date.now() + SPAN + EVERY, containers: {} }, everybody);
  assert.equal(history.of('a').at.length, 0);
  const removed = filled(3);
  removed.record({ at: Date.now(), containers: {} }, () => false);
  assert.deepEqual(removed.of('a').cpu, []);
});

test('a first look, which knows no share of the processor yet, is no sample', () => {
  const history = new History(EVERY, SPAN);
  history.record({ at: Date.now(), containers: { a: usage } }, everybody);
  assert.deepEqual(history.of('a').at, []);
  assert.deepEqual(history.of('nobody').at, []);
});
