import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { en } from './en.js';
import { zhCN } from './zh-CN.js';

type Tree = { [key: string]: string | Tree };

const leaves = (tree: Tree, path = ''): [key: string, words: string][] =>
  Object.entries(tree).flatMap(([key, value]) =>
    typeof value === 'string' ? [[path + key, value] as [string, string]] : leaves(value, `${path}${key}.`),
  );
const stem = (key: string) => key.replace(/_(?:one|other)$/, '');
const english = leaves(en);
const chinese = leaves(zhCN as Tree);
const variables = (words: string) => [...words.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name ?? '').sort();

test('Chinese has every sentence of English and no other', () => {
  const stems = (list: [string, string][]) => [...new Set(list.map(([key]) => stem(key)))].sort();
  assert.deepEqual(stems(chinese), stems(english));
});

test('a sentence that counts has both forms in English and the one form in Chinese', () => {
  const keys = new Set(english.map(([key]) => key));
  for (const [key] of english) if (key.endsWith('_one')) assert.ok(keys.has(`${stem(key)}_other`), key);
  const plural = new Set(english.filter(([key]) => key.endsWith('_one')).map(([key]) => stem(key)));
  for (const [key] of chinese) {
    assert.ok(!key.endsWith('_one'), key);
    assert.equal(key.endsWith('_other'), plural.has(stem(key)), key);
  }
});

test('both languages fill in the same values', () => {
  const said = new Map(chinese.map(([key, words]) => [stem(key), words]));
  for (const [key, words] of english)
    if (!key.endsWith('_one')) assert.deepEqual(variables(said.get(stem(key)) ?? ''), variables(words), key);
});

test('between Han and Latin letters there is a space', () => {
  for (const [key, words] of chinese)
    assert.doesNotMatch(words, /\p{Script=Han}[A-Za-z0-9]|[A-Za-z0-9]\p{Script=Han}/u, `${key}: ${words}`);
});

test('every sentence is used somewhere', async () => {
  const root = join(import.meta.dirname, '..');
  const files = (await readdir(root, { recursive: true })).filter(
    (name) => /\.tsx?$/.test(name) && !/^i18n|test/.test(name),
  );
  const source = (await Promise.all(files.map((name) => readFile(join(root, name), 'utf8')))).join('\n');
  // Keys made of parts, as `state.${shape}`, count for their whole branch.
  const branches = [...source.matchAll(/`([a-zA-Z.]+)\$\{/g)].map(([, branch]) => branch ?? '');
  // And of a page of a table, as `${noun}.title`, those of each noun that has one.
  const nouns = [...source.matchAll(/ noun="(\w+)"/g)].map(([, noun]) => noun ?? '');
  const ofNouns = new Set(
    [...source.matchAll(/`\$\{noun\}\.(\w+)`/g)].flatMap(([, word]) => nouns.map((noun) => `${noun}.${word}`)),
  );
  const unused = [...new Set(english.map(([key]) => stem(key)))].filter(
    (key) => !source.includes(`'${key}'`) && !ofNouns.has(key) && !branches.some((branch) => key.startsWith(branch)),
  );
  assert.deepEqual(unused, []);
});
