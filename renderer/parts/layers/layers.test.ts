import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Layer, LayerStep } from '../../../main/contract/layers.js';
import { partsOfSight, sightOf, type Sight } from './address.js';
import { cardsOf, choose, heightOf, layerAt, marksOf, stepOf } from './layout.js';
import { diffOf, patchOf, splitRows, type DiffRow } from './text-diff.js';

const step = (Number?: number, Size = 0): LayerStep => ({
  ...{ Command: '', Original: '', Comment: '', Created: 0 },
  Layer: Number === undefined ? null : ({ Number, Size } as Layer),
});

test('an address says which layer and file is looked at, and what it is compared with', () => {
  const sights: Sight[] = [
    {},
    { layer: 3 },
    { layer: 3, path: '/etc/a b' },
    { path: '/etc' },
    { with: { kind: 'image', name: 'shop/api:1', layer: undefined } },
    { layer: 4, path: '/x', with: { kind: 'container', name: 'web', layer: 2 } },
  ];
  for (const sight of sights) {
    const { layer, path, with: other } = sight;
    assert.deepEqual(sightOf(partsOfSight(sight)), { layer, path, ...(other && { with: other }) });
  }
  assert.deepEqual(sightOf(['0', 'relative']), { layer: undefined, path: undefined });
  assert.deepEqual(sightOf(['2', 'with', 'volume:x']), { layer: 2, path: undefined });
});

test('stacks stand on one ground, and larger layers are higher', () => {
  assert.ok(heightOf(step()) < heightOf(step(1, 100)));
  assert.ok(heightOf(step(1, 1e7)) < heightOf(step(1, 1e8)));
  assert.equal(heightOf(step(1, 1e12)), 150);
  const { cards, height } = cardsOf([[step(1)], [step(), step(1)]]);
  assert.deepEqual(
    cards.map((each) => (each.at(-1)?.top ?? 0) + (each.at(-1)?.height ?? 0)),
    [height, height],
  );
  assert.equal(cards[1]?.[0]?.top, 0);
});

test('what is chosen on one side is compared with what stands for it on the other', () => {
  const before = [step(), step(2), step(1)];
  const after = [step(), step(3), step(2), step(1)];
  const pairs = [
    { Before: 0, After: 0, Same: true },
    { Before: 1, After: 1, Same: false },
    { Before: 2, After: 3, Same: true },
  ];
  assert.deepEqual(marksOf(before, after, pairs), [
    ['same', 'changed', 'same'],
    ['same', 'changed', 'new', 'same'],
  ]);
  assert.deepEqual(choose(1, 1, [before, after], pairs), [2, 3]);
  assert.deepEqual(choose(1, 2, [before, after], pairs), [1, 2]);
  assert.deepEqual(choose(0, 2, [before, after], pairs), [1, 1]);
  assert.equal(layerAt(after, 0), 3);
  assert.equal(stepOf(after, undefined), 1);
  assert.equal(stepOf(after, 9), -1);
});

test('a text differs by lines, and lines by words; what is the same is folded', () => {
  const before = [
    '{',
    ...Array.from({ length: 20 }, (_, index) => `  "k${index}": 1,`),
    '  "version": "2.3.1"',
    '}',
    '',
  ].join('\n');
  const after = before.replace('2.3.1', '2.4.0').replace('"k0": 1', '"k0": 1, "new": true');
  const diff = diffOf(before, after);
  assert.deepEqual([diff?.added, diff?.removed], [2, 2]);
  const rows = diff?.rows as DiffRow[];
  assert.deepEqual(
    rows.filter(({ kind }) => kind === 'gap'),
    [{ kind: 'gap', count: 13 }],
  );
  const removed = rows.filter((row) => row.kind === 'removed');
  assert.deepEqual([removed[1]?.before, removed[1]?.pieces.find(({ lit }) => lit)?.text], [22, '3']);
  assert.ok(
    splitRows(rows).some((row) => 'left' in row && row.left?.kind === 'removed' && row.right?.kind === 'added'),
  );
  const patch = patchOf('/app/x.json', before, after);
  assert.match(patch, /^--- a\/app\/x\.json\t?\n\+\+\+ b\/app\/x\.json\t?\n@@ /);
  assert.match(patchOf('/new', undefined, 'x\n'), /^--- \/dev\/null\t?\n\+\+\+ b\/new\t?\n@@ -0,0 \+1,1 @@\n\+x\n$/);
  assert.deepEqual(diffOf('same\n', 'same\n'), { rows: [], added: 0, removed: 0 });
  assert.deepEqual(
    diffOf('', 'one')?.rows.map(({ kind }) => kind),
    ['added', 'no-newline'],
  );
});
