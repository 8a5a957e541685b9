import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { extract, type Headers } from 'tar-stream';
import { tarOf } from './tar.js';

test('names of any length and script, owners, times and bytes come out of the tar as they went in', async () => {
  const long = `${'a long name '.repeat(20)}.txt`;
  const tar = tarOf(
    [
      { name: 'folder/', modified: 1_700_000_000_000 },
      { name: 'folder/容器.txt', bytes: new TextEncoder().encode('水'), modified: 1_700_000_000_000 },
      { name: long, bytes: new Uint8Array(1000).fill(7), modified: 1_700_000_000_000 },
      { name: 'empty', bytes: new Uint8Array(0), modified: 0 },
    ],
    { uid: 1000, gid: 33 },
  );
  const seen: [string, Headers['type'], number | undefined, number | undefined, string][] = [];
  const extraction = extract();
  Readable.from([Buffer.from(tar)]).pipe(extraction);
  for await (const entry of extraction) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    const { name, type, uid, gid } = entry.header;
    seen.push([name, type, uid, gid, Buffer.concat(chunks).toString().slice(0, 3)]);
  }
  assert.deepEqual(seen, [
    ['folder/', 'directory', 1000, 33, ''],
    ['folder/容器.txt', 'file', 1000, 33, '水'],
    [long, 'file', 1000, 33, '\u0007\u0007\u0007'],
    ['empty', 'file', 1000, 33, ''],
  ]);
});
