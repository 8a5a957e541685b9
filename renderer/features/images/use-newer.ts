import { useEffect } from 'react';
import type { NamedImage } from '../../parts/image-names.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { usePreferences } from '../../store/preferences.js';
import { can } from '../../store/registries-slice.js';
import { digestOf } from './columns.js';
import type { ImageFacts } from './filter.js';

/** So many at most are asked about in one go: registries count. */
const MOST = 100;

/** Asks the registries about images while the page is seen, if the person wants that: those in use first, and only what came from a registry. */
export function useNewerCheck(rows: NamedImage[], users: ImageFacts['users']): void {
  const store = useEngineStore();
  const wanted = usePreferences((preferences) => preferences.checkNewer);
  const knows = useEngine(can('registries'));
  useEffect(() => {
    if (!wanted || !knows) return;
    const known = rows.filter((row) => row.repository !== undefined && digestOf(row) !== undefined);
    const inOrder = known.toSorted((a, b) => Number(users.has(b.id)) - Number(users.has(a.id)));
    void store.getState().checkNewer(inOrder.slice(0, MOST).map(({ reference }) => reference));
  }, [store, wanted, knows, rows, users]);
}
