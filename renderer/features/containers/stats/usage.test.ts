import { test } from 'node:test';
import assert from 'node:assert/strict';
import type { ContainerStats } from '../../../../main/contract/stats.js';
import { noSamples, ofDocker, ofHistory, rates, spans, withSample, type Sample } from './usage.js';

const sample = (at: number, part: Partial<Sample> = {}): Sample => ({
  at,
  cpu: 1,
  memory: 10,
  memoryLimit: 100,
  netRx: 0,
  netTx: 0,
  blockRead: 0,
  blockWrite: 0,
  pids: 1,
  ...part,
});

test('each span keeps what lies in it, the hour in longer steps', () => {
  let samples = noSamples;
  for (let second = 0; second < 2 * 3600; second += 1) samples = withSample(samples, sample(second * 1000));
  assert.equal(samples.minutes.length, 301);
  assert.ok(samples.hour.length <= 3600 / 4.5 + 1);
  const newest = samples.hour.at(-1)?.at ?? 0;
  assert.ok((samples.hour[0]?.at ?? 0) >= newest - spans.hour.length);
});

test('the engine’s hour comes before what is seen live', () => {
  const column = [1, 2, 3];
  const history = {
    every: 5000,
    at: [0, 5000, 10_000],
    cpu: column,
    memory: column,
    netRx: column,
    netTx: column,
    blockRead: column,
    blockWrite: column,
    pids: column,
  };
  const samples = withSample(ofHistory(history, 100), sample(15_000, { cpu: 9 }));
  assert.deepEqual(
    samples.hour.map(({ cpu }) => cpu),
    [1, 2, 3, 9],
  );
});

test('what passed is told by the second, and not across a restart', () => {
  const samples = [sample(0, { netRx: 100 }), sample(2000, { netRx: 300 }), sample(3000, { netRx: 5 })];
  assert.deepEqual(rates(samples, 'netRx'), [undefined, 100, undefined]);
});

test('Docker’s numbers become the same few', () => {
  const cpu = (total_usage: number, system_cpu_usage: number) => ({
    cpu_usage: { total_usage, usage_in_kernelmode: 0, usage_in_usermode: 0 },
    system_cpu_usage,
    online_cpus: 4,
    throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
  });
  const entry = (op: string, value: number) => ({ major: 8, minor: 0, op, value });
  const network = { rx_bytes: 3, tx_bytes: 4 } as NonNullable<ContainerStats['networks']>[string];
  const stats = {
    read: '2026-11-23T00:00:00Z',
    cpu_stats: cpu(300, 2000),
    precpu_stats: cpu(200, 1000),
    memory_stats: { usage: 100, limit: 1000, stats: { inactive_file: 30 } },
    blkio_stats: { io_service_bytes_recursive: [entry('Read', 5), entry('write', 6), entry('read', 1)] },
    networks: { eth0: network, eth1: network },
    pids_stats: { current: 7 },
  } as unknown as ContainerStats;
  assert.deepEqual(ofDocker(stats), {
    at: Date.UTC(2026, 10, 23),
    cpu: 40,
    memory: 70,
    memoryLimit: 1000,
    netRx: 6,
    netTx: 8,
    blockRead: 6,
    blockWrite: 6,
    pids: 7,
  });
});
