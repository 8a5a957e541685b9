import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Store } from '../../base/store.js';
import type { Filters } from '../../contract/filters.js';
import { Library } from './library.js';
import { listed } from './list.js';

/** What the store has of three images, a year apart. */
function library(): Library {
  const years = ['2024', '2025', '2026'];
  const image = (year: string) => ({
    ...{ id: `sha256:${year.padStart(64, '0')}`, chainId: '', chain: [], diffIds: [], layers: [], documents: [] },
    ...{ config: { Labels: { year } }, created: `${year}-01-01T00:00:00Z`, size: 0, history: [] },
  });
  const tables: Record<string, Map<string, unknown>> = {
    images: new Map(years.map((year) => [image(year).id, image(year)])),
    image_references: new Map(years.map((year) => [`docker.io/library/app:${year}`, image(year).id])),
    image_holds: new Map(),
  };
  return new Library({ rows: (table: string) => tables[table] } as unknown as Store);
}

test('images are listed by when they were made, before and after others, by label and by name', () => {
  const names = (filters: Filters) => listed(library(), filters).map(({ RepoTags }) => RepoTags?.[0]);
  assert.deepEqual(names({}), ['app:2026', 'app:2025', 'app:2024']);
  assert.deepEqual(names({ until: ['2025-06-01'] }), ['app:2025', 'app:2024']);
  assert.deepEqual(names({ until: ['2025-06-01', '1730000000'] }), ['app:2024']);
  assert.deepEqual(names({ before: ['app:2026'], since: ['app:2024'] }), ['app:2025']);
  assert.deepEqual(names({ 'label!': ['year=2025'], reference: ['app:*'] }), ['app:2026', 'app:2024']);
  assert.throws(() => names({ until: ['never'] }), { kind: 'invalid' });
});
