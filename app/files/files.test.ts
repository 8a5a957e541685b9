import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { packFiles, type Bytes } from '../../main/base/file-tar.js';
import type { Client } from '../../main/client/index.js';
import { download, fetch, TooLarge } from './copies.js';
import { Drags } from './drags.js';

async function folder(context: TestContext): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), 'app-files-'));
  context.after(() => rm(made, { recursive: true, force: true }));
  return made;
}

const watch = { signal: new AbortController().signal, tell: () => {} };
const place = { container: 'c', path: '/srv/name', folder: false };

/** An engine with one file, which may break off. */
function engineWith({ size, bytes, tar }: { size?: number; bytes?: string[]; tar?: Bytes }) {
  let cancelled = 0;
  const body = Object.assign(
    (async function* () {
      for (const each of bytes ?? []) {
        if (each === 'broken') throw new Error('the connection broke');
        yield Buffer.from(each);
      }
    })(),
    { cancel: () => void cancelled++ },
  );
  const client = {
    slipway: { files: { read: async () => ({ stat: { Size: size }, bytes: body }) } },
    containers: { copyFrom: async () => ({ tar }) },
  } as unknown as Client;
  return { client, cancelled: () => cancelled };
}

test('a download that fails leaves the file that was there, and nothing beside it', async (context) => {
  const to = path.join(await folder(context), 'name');
  await writeFile(to, 'before');
  await assert.rejects(download(engineWith({ bytes: ['new', 'broken'] }).client, place, to, watch), /broke/);
  assert.equal(await readFile(to, 'utf8'), 'before');
  assert.deepEqual(await readdir(path.dirname(to)), ['name']);
  await download(engineWith({ bytes: ['ne', 'w'] }).client, place, to, watch);
  assert.equal(await readFile(to, 'utf8'), 'new');
});

test('what is larger than can be dragged is not begun, or given up as soon as that is known', async (context) => {
  const [known, grown] = [engineWith({ size: 11, bytes: ['x'] }), engineWith({ size: 3, bytes: ['12345', '678901'] })];
  const at = await folder(context);
  await assert.rejects(fetch(known.client, place, at, 10, watch), TooLarge);
  assert.equal(known.cancelled(), 1);
  assert.deepEqual(await readdir(at), []);
  await assert.rejects(fetch(grown.client, place, at, 10, watch), TooLarge);

  const source = await folder(context);
  await mkdir(path.join(source, 'name'));
  await writeFile(path.join(source, 'name/large'), 'x'.repeat(100_000));
  const tar = packFiles([{ path: path.join(source, 'name'), name: 'name' }]);
  const folderPlace = { ...place, folder: true };
  const other = await folder(context);
  await assert.rejects(fetch(engineWith({ tar }).client, folderPlace, other, 50_000, watch), TooLarge);
});

test('the root of a container is not dragged: it has no name, and many things', async (context) => {
  const at = await folder(context);
  for (const root of ['/', '//', '/srv/..', '/.'])
    await assert.rejects(
      fetch(engineWith({ bytes: ['x'] }).client, { ...place, path: root, folder: true }, at, 10, watch),
      /root of a container/,
    );
  assert.deepEqual(await readdir(at), []);
});

test('what is ready to be dragged lies in a private folder, a failed one nowhere, and all is gone at the end', async (context) => {
  const temporary = await folder(context);
  const drags = new Drags(temporary, async (file) => `icon of ${path.basename(file)}`);
  await drags.add(1, async (at) => (await writeFile(path.join(at, 'one'), '1'), 2));
  const draggedNow = (id: number) => {
    let found: { file: string; icon: string } | undefined;
    drags.start(id, (item) => (found = item));
    return found;
  };
  const ready = draggedNow(1);
  assert.equal(ready?.icon, 'icon of one');
  assert.equal(await readFile(ready?.file ?? '', 'utf8'), '1');
  assert.ok(await drags.has(ready?.file ?? ''));
  assert.ok(!(await drags.has('/etc/passwd')));
  const [root = ''] = await readdir(temporary);
  assert.equal((await stat(path.join(temporary, root))).mode & 0o777, 0o700);

  const failing = async (at: string) => {
    await writeFile(path.join(at, 'half'), '');
    throw new Error('no');
  };
  await assert.rejects(drags.add(1, failing), /no/);
  assert.equal(draggedNow(1), undefined);
  await assert.rejects(
    drags.add(3, async () => 0),
    /nothing in it/,
  );
  assert.equal((await readdir(path.join(temporary, root))).length, 1);
  await drags.close();
  assert.deepEqual(await readdir(temporary), []);
});
