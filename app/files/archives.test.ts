import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Client } from '../../main/client/index.js';
import type { ByteStream } from '../../main/contract/bridge.js';
import type { Progress } from '../../main/contract/images.js';
import { loadImages, saveImages } from './archives.js';

async function folder(context: TestContext): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), 'app-archives-'));
  context.after(() => rm(made, { recursive: true, force: true }));
  return made;
}

/** An engine that gives one archive, and says what it was given. */
function engine({ bytes = [] }: { bytes?: (string | Error)[] }) {
  const read = async function* (how: string, archive: ByteStream): AsyncGenerator<Progress> {
    let size = 0;
    for await (const chunk of archive) size += chunk.length;
    yield { stream: `${how} ${size}` };
  };
  const client = {
    images: {
      save: async (names: string[]) => ({
        total: 20,
        bytes: (async function* () {
          yield Buffer.from(`${names.join()} `);
          for (const each of bytes) {
            if (each instanceof Error) throw each;
            yield Buffer.from(each);
          }
        })(),
      }),
      load: (archive: ByteStream) => read('loaded', archive),
      import: (archive: ByteStream, { reference = '' }) => read(`imported ${reference}`, archive),
    },
  };
  return client as unknown as Client;
}

function watching() {
  const said: string[] = [];
  const told: [number, number | undefined][] = [];
  const watch = {
    signal: new AbortController().signal,
    tell: (bytes: number, total?: number) => void told.push([bytes, total]),
    say: ({ stream }: Progress) => void said.push(stream ?? ''),
  };
  return { said, told, watch };
}

test('images are saved whole, or what was there before stays', async (context) => {
  const at = await folder(context);
  const to = path.join(at, 'images.tar');
  await writeFile(to, 'before');
  const { watch, told } = watching();
  await assert.rejects(saveImages(engine({ bytes: ['half', new Error('it broke')] }), ['a:1'], to, watch), /broke/);
  assert.equal(await readFile(to, 'utf8'), 'before');
  assert.deepEqual(await readdir(at), ['images.tar']);
  await saveImages(engine({ bytes: ['whole'] }), ['a:1', 'b:1'], to, watch);
  assert.equal(await readFile(to, 'utf8'), 'a:1,b:1 whole');
  assert.ok(told.every(([, total]) => total === 20));
});

test('an archive is told of as it passes, with what the engine says; a folder is none', async (context) => {
  const at = await folder(context);
  const file = path.join(at, 'images.tar');
  await writeFile(file, 'x'.repeat(1000));
  const { said, told, watch } = watching();
  await loadImages(engine({}), file, undefined, watch);
  await loadImages(engine({}), file, { reference: 'a:1' }, watch);
  assert.deepEqual(said, ['loaded 1000', 'imported a:1 1000']);
  assert.deepEqual(told.slice(0, 2), [
    [0, 1000],
    [1000, 1000],
  ]);
  await assert.rejects(loadImages(engine({}), at, undefined, watch), { kind: 'invalid' });
});
