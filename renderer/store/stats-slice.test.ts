import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after } from './stats-slice.js';

const usage = { memory: 1, memoryLimit: 2, netRx: 0, netTx: 0, blockRead: 0, blockWrite: 0, pids: 1 };

test('shares of the processor line up, the oldest leave, and an unknown one keeps what was there', () => {
  let used = after({}, { at: 0, containers: { a: usage } });
  assert.deepEqual(used['a']?.cpu, []);
  for (let cpu = 1; cpu <= 30; cpu++) used = after(used, { at: cpu, containers: { a: { cpu, ...usage } } });
  used = after(used, { at: 31, containers: { a: usage } });
  assert.equal(used['a']?.cpu.length, 22);
  assert.equal(used['a']?.cpu.at(-1), 30);
});

test('what is out of sight is remembered for a minute', () => {
  const used = after({}, { at: 0, containers: { a: { cpu: 1, ...usage } } });
  assert.deepEqual(Object.keys(after(used, { at: 59_000, containers: {} })), ['a']);
  assert.deepEqual(Object.keys(after(used, { at: 61_000, containers: {} })), []);
});
