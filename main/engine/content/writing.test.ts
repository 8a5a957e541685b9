import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { appendBehind } from './writing.js';

test('a body that never has to be waited for does not keep the event loop for itself', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-writing-'));
  t.after(() => rm(folder, { recursive: true }));
  const chunk = Buffer.alloc(64 * 1024, 'x');
  let turns = 0;
  let going = true;
  const others = () => {
    turns++;
    if (going) setImmediate(others);
  };
  setImmediate(others);
  let most = 0;
  async function* body() {
    for (let count = 0, before = turns, since = 0; count < 160; count++) {
      if (turns > before) [before, since] = [turns, 0];
      most = Math.max(most, ++since);
      yield chunk;
    }
  }
  const file = await open(path.join(folder, 'blob'), 'a+');
  const hash = createHash('sha256');
  assert.equal(await appendBehind(file, hash, 0, body(), () => undefined), 160 * chunk.length);
  going = false;
  await file.close();
  assert.ok(most <= 5, `${most} chunks in one turn`);
  const written = await readFile(path.join(folder, 'blob'));
  assert.equal(createHash('sha256').update(written).digest('hex'), hash.digest('hex'));
});
