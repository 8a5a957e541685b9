import '../base/scopes.js';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { lockDataRoot } from './lock.js';

const root = await mkdtemp(join(tmpdir(), 'slipway-lock-'));
after(() => rm(root, { recursive: true }));

test('a second engine on the same data root is told who has it', async () => {
  await using _ = await lockDataRoot(root);
  await assert.rejects(lockDataRoot(root), {
    kind: 'conflict',
    message: `another engine (pid ${process.pid}) already uses ${root}`,
  });
});

test('a released lock leaves nothing behind', async () => {
  await (await lockDataRoot(root))[Symbol.asyncDispose]();
  assert.deepEqual(await readdir(root), []);
});

test('of many that come at once, exactly one gets it', async () => {
  await writeFile(join(root, 'LOCK'), '{"pid":1,"startTime":"0","bootId":"another boot"}');
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => lockDataRoot(root)));
  const winners = results.filter((result) => result.status === 'fulfilled');
  assert.equal(winners.length, 1);
  await winners[0]!.value[Symbol.asyncDispose]();
});

test('a lock whose process is gone, or whose number another process has got, stands aside', async () => {
  const child = spawn('sleep', ['60']);
  const stat = await readFile(`/proc/${child.pid}/stat`, 'utf8');
  const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  const write = (holder: object) => writeFile(join(root, 'LOCK'), JSON.stringify(holder));

  await write({ pid: child.pid, startTime, bootId });
  await assert.rejects(lockDataRoot(root), { kind: 'conflict' });
  await write({ pid: child.pid, startTime: '17', bootId });
  await (await lockDataRoot(root))[Symbol.asyncDispose]();

  await write({ pid: child.pid, startTime, bootId });
  child.kill();
  await once(child, 'exit');
  await (await lockDataRoot(root))[Symbol.asyncDispose]();
  await writeFile(join(root, 'LOCK'), 'torn');
  await (await lockDataRoot(root))[Symbol.asyncDispose]();
});
