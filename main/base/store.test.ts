import './scopes.js';
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { build, type BuildOptions } from 'esbuild';
import Database from 'libsql';
import { Store } from './store.js';

async function temporaryFile(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'slipway-store-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return join(directory, 'slipway.db');
}

test('what was committed is there when the store opens again', async (t) => {
  const file = await temporaryFile(t);
  const store = await Store.open(file, ['images', 'tags']);
  await store.commit((change) => {
    change.put('images', 'a', { size: 1 });
    change.put('tags', 'x:latest', 'a');
  });
  await store.commit((change) => {
    change.put('images', 'a', { size: 2 });
    change.remove('tags', 'x:latest');
  });
  await store.close();

  await using again = await Store.open(file, ['images', 'tags']);
  assert.deepEqual([...again.rows('images')], [['a', { size: 2 }]]);
  assert.equal(again.rows('tags').size, 0);
});

test('commits made together share a transaction and keep their order', async (t) => {
  const file = await temporaryFile(t);
  const store = await Store.open(file, ['facts']);
  await Promise.all(
    Array.from({ length: 500 }, (_, n) => store.commit((change) => change.put('facts', `k${n % 10}`, n))),
  );
  await store.close();
  await using again = await Store.open(file, ['facts']);
  assert.deepEqual(
    [...again.rows<number>('facts').values()].sort(),
    [490, 491, 492, 493, 494, 495, 496, 497, 498, 499],
  );
});

test('what passes is written all the same, in its order among what stays, and a kill does not take it back', async (t) => {
  const file = await temporaryFile(t);
  await using store = await Store.open(file, ['facts']);
  const passing = (key: string, value?: number) =>
    store.commit((change) => {
      change.passing();
      if (value === undefined) change.remove('facts', key);
      else change.put('facts', key, value);
    });
  await passing('a', 1);
  await store.commit((change) => change.put('facts', 'b', 2));
  await passing('a');
  await passing('c', 3);
  // As another process reads it, should this one be killed now.
  const beside = new Database(file, { readonly: true });
  const rows = beside.prepare('SELECT key, record FROM facts ORDER BY key').raw().all();
  beside.close();
  assert.deepEqual(rows, [
    ['b', '2'],
    ['c', '3'],
  ]);
});

test('closing writes what was committed before it', async (t) => {
  const file = await temporaryFile(t);
  const store = await Store.open(file, ['facts']);
  const pending = [1, 2, 3].map((n) => store.commit((change) => change.put('facts', String(n), n)));
  await store.close();
  await Promise.all(pending);
  await assert.rejects(
    store.commit((change) => change.put('facts', '4', 4)),
    { kind: 'system', message: 'The database is closed.' },
  );
});

test('a throw while a change is put together changes nothing', async (t) => {
  await using store = await Store.open(await temporaryFile(t), ['facts']);
  await assert.rejects(
    store.commit((change) => {
      change.put('facts', 'a', 1);
      throw new Error('no');
    }),
    { message: 'no' },
  );
  await store.commit((change) => change.put('facts', 'b', 1));
});

test('memory changed ahead of a commit is put right when it fails', async (t) => {
  await using store = await Store.open(await temporaryFile(t), ['facts']);
  const memory = ['a'];
  const commit = (table: string) =>
    store.commit((change) => {
      memory.push('b');
      change.undo(() => memory.pop());
      change.put(table, 'b', 1);
    });
  await assert.rejects(commit('nowhere'));
  assert.deepEqual(memory, ['a']);
  await commit('facts');
  assert.deepEqual(memory, ['a', 'b']);
});

test('a commit that fails says why, and the next one works', async (t) => {
  await using store = await Store.open(await temporaryFile(t), ['facts']);
  await assert.rejects(
    store.commit((change) => change.put('nowhere', 'a', 1)),
    (error: Error) => /there is no table nowhere/.test(error.message),
  );
  await store.commit((change) => change.put('facts', 'b', 1));
});

test('a database of a newer Slipway is refused and left alone', async (t) => {
  const file = await temporaryFile(t);
  const database = new Database(file);
  database.exec('PRAGMA user_version = 999');
  database.close();
  await assert.rejects(Store.open(file, ['facts']), { kind: 'unavailable', message: /written by a newer Slipway/ });
  const same = new Database(file);
  assert.deepEqual(same.prepare('PRAGMA user_version').raw().get(), [999]);
  same.close();
});

test('a damaged database is put aside, and the store starts empty with a warning', async (t) => {
  const file = await temporaryFile(t);
  await writeFile(file, 'this was a database once. '.repeat(400));
  await using store = await Store.open(file, ['facts']);
  assert.equal(store.rows('facts').size, 0);
  assert.match(store.warnings[0] ?? '', /was damaged/);
  const names = await readdir(dirname(file));
  const aside = names.find((name) => name.startsWith('slipway.db.corrupt-'))!;
  await store.close();
  await using next = await Store.open(file, ['facts']);
  assert.match(next.warnings[0] ?? '', /damaged database is kept as .*Delete that file/);
  await next.close();
  await rm(join(dirname(file), aside));
  await using last = await Store.open(file, ['facts']);
  assert.deepEqual(last.warnings, []);
});

test('the store works from a CommonJS bundle, as in Electron', async (t) => {
  const file = await temporaryFile(t);
  const out = dirname(file);
  const common = {
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node18',
    external: ['libsql'],
  } satisfies BuildOptions;
  const here = import.meta.dirname ?? dirname(new URL(import.meta.url).pathname);
  await build({ ...common, entryPoints: [join(here, 'store-worker.ts')], outfile: join(out, 'store-worker.cjs') });
  await build({
    ...common,
    stdin: {
      resolveDir: here,
      loader: 'ts',
      contents: `import { Store } from './store.js';
        Store.open(${JSON.stringify(file)}, ['facts']).then(async (store) => {
          await store.commit((change) => change.put('facts', 'a', 1));
          await store.close();
          console.log('done');
        });`,
    },
    outfile: join(out, 'app', 'main.cjs'),
    logLevel: 'error',
    logOverride: { 'empty-import-meta': 'silent' },
  });
  const { stdout } = await promisify(execFile)(process.execPath, [join(out, 'app', 'main.cjs')], {
    env: { ...process.env, NODE_OPTIONS: '', NODE_PATH: join(here, '../../node_modules') },
  });
  assert.equal(stdout, 'done\n');
});
