import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test as nodeTest } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Bench, unable } from './harness.mjs';

const sha256 = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const MIB = 1024 * 1024;

let bench;
let number = 0;
before(async () => {
  if (unable) return;
  bench = await Bench.open();
  mkdirSync(join(bench.data, 'ingest'));
});
after(() => bench?.close());

const test = (name, body) => nodeTest(name, { skip: unable, timeout: 300_000 }, body);

/** Compresses bytes, and says what came of it and where that is. */
async function compress(bytes) {
  const blob = join(bench.data, `blob${++number}`);
  const target = join(bench.data, 'ingest', `target${number}`);
  writeFileSync(blob, bytes);
  const seen = [];
  const answer = await bench.ask({ op: 'compress', blob, target }, { onProgress: (progress) => seen.push(progress) });
  return { ...answer, target, seen };
}

test('what was compressed is one gzip of the same bytes, at every size around a block', async () => {
  const text = Buffer.from('a line that comes again and again, with a number: 12345\n'.repeat(100_000));
  const mixed = Buffer.concat([text, randomBytes(3 * MIB + 17), Buffer.alloc(2 * MIB)]);
  const bodies = [0, 1, 511, MIB - 1, MIB, MIB + 1, 4 * MIB, 9 * MIB + 5].map((size) => mixed.subarray(0, size));
  for (const body of [...bodies, mixed, randomBytes(MIB + 1)]) {
    const { digest, size, plain, target } = await compress(body);
    const made = readFileSync(target);
    assert.deepEqual([digest, size, plain], [sha256(made), made.length, sha256(body)]);
    assert.ok(gunzipSync(made).equals(body), `${body.length} bytes`);
    assert.ok(execFileSync('gzip', ['-dc', target], { maxBuffer: 64 * MIB }).equals(body), `${body.length} bytes, by gzip`);
    assert.ok(size < body.length + body.length / 1000 + 1024, `${body.length} bytes became ${size}`);
  }
});

test('the same bytes give the same digest, and text gets smaller', async () => {
  const text = Buffer.from(Array.from({ length: 300_000 }, (_, i) => `${i} ${i * i}\n`).join(''));
  const [one, two] = [await compress(text), await compress(text)];
  assert.equal(one.digest, two.digest);
  assert.ok(one.size < text.length / 2, `${text.length} bytes became ${one.size}`);
});

test('how much is there is told while it is made', async () => {
  const { seen, size } = await compress(randomBytes(40 * MIB));
  assert.ok(seen.length >= 4, `${seen.length} reports`);
  for (const [i, { bytes, written }] of seen.entries()) {
    assert.ok(bytes > (seen[i - 1]?.bytes ?? 0) && written > (seen[i - 1]?.written ?? 0) && written <= size);
  }
});

test('a target that is there, or lies elsewhere, is refused', async () => {
  const { target } = await compress(Buffer.from('x'));
  const blob = join(bench.data, `blob${number}`);
  await assert.rejects(bench.ask({ op: 'compress', blob, target }), /File exists/);
  assert.ok(existsSync(target), 'the file that was there stays');
  await assert.rejects(bench.ask({ op: 'compress', blob, target: '/tmp/elsewhere' }), { kind: 'invalid' });
  await assert.rejects(bench.ask({ op: 'compress', blob: '/etc/passwd', target: `${target}2` }), { kind: 'invalid' });
  await assert.rejects(bench.ask({ op: 'compress', blob: `${blob}-not-there`, target: `${target}2` }), /No such file/);
  assert.equal(readdirSync(join(bench.data, 'ingest')).includes(`${target.split('/').pop()}2`), false);
});
