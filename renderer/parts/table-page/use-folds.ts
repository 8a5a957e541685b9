import { useMemo } from 'react';
import { usePreferences } from '../../store/preferences.js';
import type { Grouping } from '../../ui/data-grid.js';

/** Groups that are folded, as the person left them; `prefix` stands before their keys where a preference keeps several kinds. */
export function useFolds(
  kept: 'folded' | 'foldedImages' | 'foldedVolumes',
  prefix = '',
): Pick<Grouping<never, never>, 'folded' | 'onFold'> {
  const names = usePreferences((preferences) => preferences[kept]);
  const set = usePreferences((preferences) => preferences.set);
  const folded = useMemo(
    () => new Set(names.flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []))),
    [names, prefix],
  );
  const onFold = (key: string, fold: boolean) => {
    const others = names.filter((name) => name !== prefix + key);
    set({ [kept]: fold ? [...others, prefix + key] : others });
  };
  return { folded, onFold };
}
