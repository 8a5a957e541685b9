import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { totalmem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readBuffer } from './kernel-file.js';
import { Meter, type Round, type Run } from './meter.js';

const run: Run = {
  name: 'a',
  image: { id: '', chainId: '' },
  pid: process.pid,
  ownNetwork: false,
  cgroup: 'slipway/a',
  memoryLimit: 0,
};

/** A folder in the place of a group's controllers, with another group beside it. */
async function grouped() {
  const root = await mkdtemp(join(tmpdir(), 'slipway-meter-'));
  const group = join(root, 'slipway/a');
  await mkdir(group, { recursive: true });
  const meter = new Meter(run, { version: 1, directory: () => group }, false);
  const set = async ({ above, own, memory }: { above: number; own: number; memory: number }) => {
    await writeFile(join(root, 'slipway/cpuacct.usage'), `${above}\n`);
    await writeFile(join(group, 'cpuacct.usage'), `${own}\n`);
    await writeFile(join(group, 'memory.usage_in_bytes'), `${memory}\n`);
  };
  const look = async () => {
    const round: Round = {
      buffer: readBuffer(),
      memory: totalmem(),
      text: (path) => readFile(path, 'utf8'),
      processes: () => Promise.reject(new Error('it has groups')),
    };
    return meter.read(run, round);
  };
  const gone = () => rm(root, { recursive: true });
  return { set, look, [Symbol.asyncDispose]: gone };
}

test('who has used nothing is believed to be as before; who works is looked at, whatever the others do', async () => {
  await using group = await grouped();
  const { set, look } = group;
  await set({ above: 100, own: 10, memory: 1 });
  for (let looks = 0; looks < 2; looks++) assert.equal((await look()).memory, 1);
  await set({ above: 100, own: 10, memory: 2 });
  assert.equal((await look()).memory, 1);
  await set({ above: 150, own: 10, memory: 3 }); // somebody else did
  assert.equal((await look()).memory, 1);
  await set({ above: 160, own: 20, memory: 4 });
  const seen = await look();
  assert.deepEqual([seen.memory, seen.cpu], [4, 20]);
});

test('nobody is believed for ever', async () => {
  await using group = await grouped();
  const { set, look } = group;
  await set({ above: 100, own: 10, memory: 1 });
  for (let looks = 0; looks < 2; looks++) await look();
  await set({ above: 100, own: 10, memory: 2 });
  const seen: number[] = [];
  for (let looks = 0; looks < 8; looks++) seen.push((await look()).memory);
  assert.equal(seen.at(0), 1);
  assert.equal(seen.at(-1), 2);
});
