import assert from 'node:assert/strict';
import { link, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { extract } from 'tar-stream';
import { packFiles, type Bytes } from '../../main/base/file-tar.js';
import type { Client } from '../../main/client/index.js';
import { download, fetch, TooLarge, upload } from './copies.js';
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

test('an upload is told of before it is measured, and can be cancelled while it is', async (context) => {
  const source = await folder(context);
  for (let count = 0; count < 50; count++) await writeFile(path.join(source, String(count)), 'x');
  const cancel = new AbortController();
  const told: unknown[] = [];
  const tell = (bytes: number, total?: number) => {
    told.push([bytes, total]);
    setImmediate(() => cancel.abort());
  };
  const client = { containers: { copyTo: () => assert.fail('nothing should be sent') } } as unknown as Client;
  const into = { container: 'c', path: '/', uid: 0, gid: 0 };
  await assert.rejects(upload(client, into, [source], { signal: cancel.signal, tell }), { name: 'AbortError' });
  assert.deepEqual(told, [[0, undefined]]);
});

test('two files of one name are not uploaded over each other', async (context) => {
  const [one, other] = [await folder(context), await folder(context)];
  await writeFile(path.join(one, 'name'), 'one');
  await link(path.join(one, 'name'), path.join(other, 'name'));
  const client = { containers: { copyTo: () => assert.fail('nothing should be sent') } } as unknown as Client;
  const sources = [one, other].map((each) => path.join(each, 'name'));
  const into = { container: 'c', path: '/', uid: 0, gid: 0 };
  await assert.rejects(upload(client, into, sources, watch), {
    kind: 'invalid',
    message: /two of them are called name/,
  });
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

const makes =
  (...names: string[]) =>
  async (at: string) => {
    for (const name of names) await writeFile(path.join(at, name), name);
    return 0;
  };
const openDrags = (temporary: string) => new Drags(temporary, async (file) => `icon of ${path.basename(file)}`);

function draggedNow(drags: Drags<string>, id: number) {
  let found: { file: string; icon: string } | undefined;
  drags.start(id, (item) => (found = item));
  return found;
}

test('what is ready to be dragged lies in a private folder, a failed one nowhere, and all is gone at the end', async (context) => {
  const temporary = await folder(context);
  const drags = openDrags(temporary);
  await drags.add(1, makes('one'));
  const ready = draggedNow(drags, 1);
  assert.equal(ready?.icon, 'icon of one');
  assert.equal(await readFile(ready?.file ?? '', 'utf8'), 'one');
  assert.ok(drags.has(ready?.file ?? ''));
  assert.ok(!drags.has('/etc/passwd'));
  const [root = ''] = await readdir(temporary);
  assert.equal((await stat(path.join(temporary, root))).mode & 0o777, 0o700);

  const failing = async (at: string) => {
    await writeFile(path.join(at, 'half'), '');
    throw new Error('no');
  };
  await assert.rejects(drags.add(1, failing), /no/);
  assert.equal(draggedNow(drags, 1), undefined);
  await assert.rejects(drags.add(3, makes()), /nothing in it/);
  await assert.rejects(drags.add(4, makes('bin', 'etc')), /more than one/);
  assert.equal((await readdir(temporary)).length, 1);
  await drags.close();
  assert.deepEqual(await readdir(temporary), []);
});

test('a temporary folder that fails or vanishes spoils one drag, not those after it', async (context) => {
  const temporary = path.join(await folder(context), 'tmp');
  const drags = openDrags(temporary);
  await assert.rejects(drags.add(1, makes('one')), /ENOENT/);
  assert.ok(!drags.has('/etc/passwd'));
  await mkdir(temporary);
  await drags.add(2, makes('two'));
  await rm(temporary, { recursive: true });
  await mkdir(temporary);
  await drags.add(3, makes('three'));
  assert.equal(await readFile(draggedNow(drags, 3)?.file ?? '', 'utf8'), 'three');
  await drags.close();
});

test('the oldest of what was made ready makes room for the next; what is under way is left alone', async (context) => {
  const temporary = await folder(context);
  const drags = openDrags(temporary);
  for (let id = 1; id <= 6; id++) await drags.add(id, makes(`file ${id}`));
  assert.equal((await readdir(temporary)).length, 4);
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6].map((id) => draggedNow(drags, id)?.icon),
    [undefined, undefined, ...[3, 4, 5, 6].map((id) => `icon of file ${id}`)],
  );

  let go = () => {};
  const gate = new Promise<void>((resolve) => (go = resolve));
  const slow = [7, 8, 9, 10].map((id) => drags.add(id, async (at) => (await gate, makes(`file ${id}`)(at))));
  while ((await readdir(temporary)).length > 4 || draggedNow(drags, 6)) await turn();
  await assert.rejects(drags.add(11, makes('file 11')), /wait for one/);
  go();
  await Promise.all(slow);
  assert.equal(draggedNow(drags, 10)?.icon, 'icon of file 10');
  await drags.close();
  assert.deepEqual(await readdir(temporary), []);
});

test('what an app that was killed left is removed once it is old: directories of this user, and nothing that a link leads to', async (context) => {
  const [temporary, other] = [await folder(context), await folder(context)];
  const old = new Date(Date.now() - 2 * 60 * 60 * 1000);
  for (const name of ['slipway-drag-old', 'slipway-drag-new', 'other']) await mkdir(path.join(temporary, name));
  await writeFile(path.join(temporary, 'slipway-drag-file'), '');
  await writeFile(path.join(other, 'precious'), '');
  await symlink(other, path.join(temporary, 'slipway-drag-old/inner'));
  await symlink(other, path.join(temporary, 'slipway-drag-link'));
  for (const name of ['slipway-drag-old', 'slipway-drag-file', 'other'])
    await utimes(path.join(temporary, name), old, old);
  await utimes(other, old, old);
  const drags = openDrags(temporary);
  await drags.add(1, makes('one'));
  await drags.sweep();
  const ours = path.basename(path.dirname(draggedNow(drags, 1)?.file ?? ''));
  const left = ['other', 'slipway-drag-file', 'slipway-drag-link', 'slipway-drag-new', ours];
  assert.deepEqual((await readdir(temporary)).sort(), left.sort());
  assert.deepEqual(await readdir(other), ['precious']);
  await drags.close();
});

/** What Node does between two timers, and so during a drag. */
const { _tickCallback: letPromisesGoOn } = process as unknown as { _tickCallback: () => void };

test('a quit waits for the whole of a drag, also if another began in it', async (context) => {
  const drags = openDrags(await folder(context));
  await drags.add(1, makes('one'));
  const seen: string[] = [];
  const drag = () =>
    drags.start(1, () => {
      drags.start(1, () => {});
      void drags.idle().then(() => seen.push('idle'));
      letPromisesGoOn();
      seen.push('end');
    });
  // From an event, as in the app: below a promise's turn no other has one.
  await new Promise<void>((resolve) => setImmediate(() => resolve(drag())));
  await turn();
  assert.deepEqual(seen, ['end', 'idle']);
  await drags.close();
});

test('of a folder only what is in it goes along where that is wished, links as links, and owners stay or are given', async (context) => {
  const source = await folder(context);
  await mkdir(path.join(source, 'data/inner'), { recursive: true });
  await writeFile(path.join(source, 'data/inner/a'), 'x');
  await symlink('nowhere', path.join(source, 'data/broken'));
  const sent: [string, number | undefined][] = [];
  const client = {
    volumes: {
      copyTo: async (name: string, at: string, tar: Bytes) => {
        assert.deepEqual([name, at], ['data', '/']);
        const read = extract();
        const whole = pipeline(Readable.from(tar), read as unknown as NodeJS.WritableStream);
        for await (const entry of read) {
          sent.push([entry.header.name, entry.header.uid]);
          entry.resume();
        }
        await whole;
      },
    },
  } as unknown as Client;
  const into = { volume: 'data', path: '/', content: true };
  await upload(client, { ...into, uid: 5, gid: 6 }, [path.join(source, 'data')], watch);
  assert.deepEqual(sent, [
    ['broken', 5],
    ['inner/', 5],
    ['inner/a', 5],
  ]);
  sent.length = 0;
  await upload(client, into, [path.join(source, 'data')], watch);
  assert.deepEqual(sent[0], ['broken', process.getuid?.()]);
});

test('a new volume is made of what goes into it at once', async (context) => {
  const source = await folder(context);
  await writeFile(path.join(source, 'a'), 'x');
  const made: [string, number][] = [];
  const client = {
    volumes: { copyTo: () => assert.fail('it is not there yet') },
    backups: {
      importTar: async (name: string, tar: Bytes) => {
        let size = 0;
        for await (const chunk of tar) size += chunk.length;
        made.push([name, size]);
      },
    },
  } as unknown as Client;
  await upload(client, { volume: 'data', path: '/', content: true, fresh: true }, [source], watch);
  assert.deepEqual(made, [['data', 2048]]);
});

test('what went away before it was copied is said to be gone', async (context) => {
  const gone = path.join(await folder(context), 'gone');
  const client = { volumes: { copyTo: () => assert.fail('nothing should be sent') } } as unknown as Client;
  for (const content of [true, false])
    await assert.rejects(upload(client, { volume: 'data', path: '/', content }, [gone], watch), {
      kind: 'not-found',
      message: `${gone} is not there any more`,
    });
});
