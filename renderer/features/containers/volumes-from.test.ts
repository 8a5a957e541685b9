import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chainOf, entryOf, sourceOf, type Link } from './volumes-from.js';

const machine: Record<string, string[]> = { web: ['db:ro'], db: ['base'], base: [], one: ['two'], two: ['one'] };
const ask = (container: string) => {
  const sources = machine[container];
  return Promise.resolve(sources && { id: `id-${container}`, name: container, sources });
};
const drawn = ({ name, sources }: Link): string => [name, ...sources.map(drawn)].join(' < ');

test('sources are followed to their ends, and what is gone is one', async () => {
  const [link] = await chainOf(['web'], ask);
  assert.equal(link && drawn(link), 'web < db < base');
  const [gone] = await chainOf(['gone'], ask);
  assert.deepEqual([gone?.id, gone?.name], [undefined, 'gone']);
});

test('a circle ends where it closes', async () => {
  const [link] = await chainOf(['one'], ask);
  assert.equal(link && drawn(link), 'one < two < one');
});

test('an entry is read and written as docker has it', () => {
  assert.deepEqual(sourceOf('db:ro'), { container: 'db', readOnly: true });
  assert.deepEqual(sourceOf('db:rw'), { container: 'db', readOnly: false });
  for (const entry of ['db', 'db:ro']) assert.equal(entryOf(sourceOf(entry)), entry);
});
