import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Client } from '../../main/client/index.js';
import type { ByteStream } from '../../main/contract/bridge.js';
import type { Follow } from '../../main/client/backups.js';
import { fillVolume, saveVolume } from './volumes.js';

async function folder(context: TestContext): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), 'app-volumes-'));
  context.after(() => rm(made, { recursive: true, force: true }));
  return made;
}

/** An engine that has one volume and one backup, and says what it was asked. */
function engine({ fails = false } = {}) {
  const asked: unknown[] = [];
  const tar = async function* (text: string) {
    yield Buffer.from(text);
    if (fails) throw new Error('cut off');
  };
  const backups = {
    exportTar: async (name: string, how: object) => (asked.push(['export', name, how]), tar('whole')),
    download: async (id: string) => (
      asked.push(['download', id]),
      { status: 200, headers: { 'content-length': '6' }, body: tar('backup') }
    ),
    importTar: async (name: string, archive: ByteStream, { replace, onProgress }: Follow & { replace?: boolean }) => {
      let size = 0;
      for await (const chunk of archive) size += chunk.length;
      onProgress?.({ Stage: 'unpacking', Bytes: size });
      asked.push(['import', name, replace, size]);
    },
  };
  return { client: { backups } as unknown as Client, asked };
}

const watching = () => {
  const told: unknown[] = [];
  return {
    told,
    watch: {
      signal: new AbortController().signal,
      tell: (bytes: number, total?: number) => void told.push(total === undefined ? bytes : [bytes, total]),
      stage: (progress: object) => void told.push(progress),
    },
  };
};

test('a volume is saved as it was wished, a backup as it is; it is a task before the engine has sent anything', async (context) => {
  const into = await folder(context);
  const { client, asked } = engine();
  const { watch, told } = watching();
  const wish = { volume: 'data', compress: 'zstd', pause: true, name: 'data.tar.zst' } as const;
  await saveVolume(client, wish, path.join(into, 'a'), watch);
  assert.deepEqual(told.slice(0, 2), [0, 0]);
  await saveVolume(client, { backup: 'b1', name: 'b.tar.zst' }, path.join(into, 'b'), watch);
  assert.deepEqual(told.at(-1), [6, 6]);
  assert.equal(await readFile(path.join(into, 'a'), 'utf8'), 'whole');
  assert.equal(await readFile(path.join(into, 'b'), 'utf8'), 'backup');
  assert.deepEqual(asked, [
    ['export', 'data', { compress: 'zstd', pause: true }],
    ['download', 'b1'],
  ]);
});

test('of an archive that is cut off nothing stays', async (context) => {
  const into = await folder(context);
  await assert.rejects(
    saveVolume(engine({ fails: true }).client, { backup: 'b1', name: 'b.tar' }, path.join(into, 'b'), watching().watch),
    /cut off/,
  );
  assert.deepEqual(await readdir(into), []);
});

test('an archive goes to the engine, which says how far it is; a folder is none', async (context) => {
  const from = await folder(context);
  await writeFile(path.join(from, 'a.tar'), 'content');
  await mkdir(path.join(from, 'b.tar'));
  const { client, asked } = engine();
  const { watch, told } = watching();
  await fillVolume(client, path.join(from, 'a.tar'), { volume: 'data', replace: true }, watch);
  assert.deepEqual(asked, [['import', 'data', true, 7]]);
  assert.deepEqual(told, [[0, 7], [7, 7], { Stage: 'unpacking', Bytes: 7 }]);
  await assert.rejects(
    fillVolume(client, path.join(from, 'b.tar'), { volume: 'data', replace: false }, watch),
    /b\.tar is a folder/,
  );
});
