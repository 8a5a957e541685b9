import { test } from 'node:test';
import assert from 'node:assert/strict';
import type { HostConfig } from '../../../main/contract/containers.js';
import { sizeText } from '../../parts/sizes.js';
import { updateLine } from '../../parts/update-line.js';
import { limitProblems, limitsForm, updateBody, type LimitsForm } from './limits.js';
import { parseProcesses, secondsOf, sortProcesses } from './processes.js';
import { ownerIn, permissions } from './mounts.js';

const host = (part: Partial<HostConfig> = {}): HostConfig =>
  ({
    ...{ Memory: 0, MemoryReservation: 0, MemorySwap: 0, NanoCpus: 0, CpuQuota: 0, CpuPeriod: 0, CpuShares: 0 },
    ...{ CpusetCpus: '', PidsLimit: null, BlkioWeight: 0 },
    ...part,
  }) as HostConfig;
const change = (part: Partial<HostConfig>, draft: Partial<LimitsForm>) => {
  const before = limitsForm(host(part));
  return updateBody({ ...before, ...draft }, before, host(part));
};

test('only what was changed is sent, and the line says the same', () => {
  assert.deepEqual(change({ Memory: 2 ** 29, MemorySwap: 2 ** 30, NanoCpus: 5e8 }, { cpus: '1.5' }), {
    NanoCpus: 1.5e9,
  });
  assert.equal(updateLine('web', { NanoCpus: 1.5e9, PidsLimit: 100 }), 'docker update --cpus 1.5 --pids-limit 100 web');
  assert.equal(updateLine('web', change({}, {})), undefined);
});

test('memory that rises above memory with swap takes it along, as the engine wants it', () => {
  assert.deepEqual(change({}, { memory: '512m' }), { Memory: 2 ** 29, MemorySwap: 2 ** 30 });
  assert.deepEqual(change({ Memory: 2 ** 29, MemorySwap: 2 ** 30 }, { memory: '256m' }), { Memory: 2 ** 28 });
  assert.deepEqual(change({ Memory: 2 ** 29, MemorySwap: -1 }, { memory: '1g' }), { Memory: 2 ** 30, MemorySwap: -1 });
});

test('a limit on processes can be taken away, one that was said by quota is changed by quota', () => {
  assert.deepEqual(change({ PidsLimit: 100 }, { pids: '' }), { PidsLimit: -1 });
  assert.deepEqual(change({ CpuQuota: 50_000, CpuPeriod: 100_000 }, { cpus: '2' }), { CpuQuota: 200_000 });
});

test('what the engine would refuse is said at the field', () => {
  const before = limitsForm(host({ Memory: 2 ** 29, MemorySwap: 2 ** 30 }));
  const problems = (draft: Partial<LimitsForm>) => limitProblems({ ...before, ...draft }, before, 2);
  assert.deepEqual(problems({}), {});
  assert.deepEqual(problems({ memory: 'much' }), { memory: 'size' });
  assert.deepEqual(problems({ memory: '1m' }), { memory: 'small' });
  assert.deepEqual(problems({ memory: '' }), { memory: 'stays' });
  assert.deepEqual(problems({ swap: '100m' }), { swap: 'swap' });
  assert.deepEqual(problems({ reservation: '1g' }), { reservation: 'reservation' });
  assert.deepEqual(problems({ cpus: '3' }), { cpus: 'cpus' });
  assert.deepEqual(problems({ cpuset: '0-2' }), { cpuset: 'cpuset' });
  assert.deepEqual(problems({ pids: '0', weight: '5', shares: '1' }), {
    pids: 'pids',
    weight: 'weight',
    shares: 'shares',
  });
});

test('sizes are written in the largest unit that leaves a whole number', () => {
  assert.deepEqual([2 ** 29, 1536 * 1024 * 1024, 1000, 0].map(sizeText), ['512m', '1536m', '1000b', '']);
});

const top = {
  Titles: ['PID', 'PPID', 'USER', 'STAT', '%CPU', 'RSS', 'TIME', 'COMMAND'],
  Processes: [
    ['10', '5', 'root', 'Ss', '0.0', '100', '00:00:01', 'sh'],
    ['12', '10', 'root', 'R', '9.5', '300', '1-00:00:00', 'yes'],
    ['11', '10', 'www', 'S', '1.5', '200', '00:01:00', 'nginx'],
  ],
};

test('processes are sorted by what they use, or stand as a tree by their commands', () => {
  const list = parseProcesses(top);
  const order = (column: 'cpu' | 'time' | 'command', descending = true) =>
    sortProcesses(list, { column, descending }).map(({ command, depth }) => `${command} ${depth}`);
  assert.deepEqual(order('cpu'), ['yes 0', 'nginx 0', 'sh 0']);
  assert.deepEqual(order('time', false), ['sh 0', 'nginx 0', 'yes 0']);
  assert.deepEqual(order('command', false), ['sh 0', 'nginx 1', 'yes 1']);
  assert.equal(secondsOf('1-02:03:04'), 93_784);
});

test('whose a directory is stands in the head of its tar, whatever comes before and however it is cut', async () => {
  const head = (kind: string, size = 0) => {
    const bytes = new Uint8Array(512);
    const write = (at: number, text: string) => bytes.set(new TextEncoder().encode(text), at);
    write(100, '0040755');
    write(108, '0001747');
    write(116, '0000764');
    write(124, size.toString(8).padStart(11, '0'));
    write(156, kind);
    return bytes;
  };
  const tar = Uint8Array.from([...head('x', 20), ...new Uint8Array(512), ...head('5')]);
  async function* pieces() {
    for (let at = 0; at < tar.length; at += 100) yield tar.subarray(at, at + 100);
  }
  assert.deepEqual(await ownerIn(pieces()), { mode: 0o755, uid: 999, gid: 500 });
  assert.equal(permissions(0o1755), 'rwxr-xr-x');
});
