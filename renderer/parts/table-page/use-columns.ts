import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { usePreferences } from '../../store/preferences.js';
import type { Column, DataGridProps, RowGroup } from '../../ui/data-grid.js';

/** Columns of a table that can be left out. */
export interface OptionalColumns<Id extends string> {
  /** In the order of the table. */
  ids: readonly Id[];
  /** Left out until somebody wants them. */
  hiddenAtFirst: readonly Id[];
  /** How wide the table has to be for each. */
  roomFor: Record<Id, number>;
  /** The preference that keeps which are the other way than at first. */
  kept: 'toggledColumns' | 'toggledImageColumns' | 'toggledVolumeColumns';
}

/** The columns that are wanted and have room, and the menu that chooses them. */
export function useChosenColumns<Row, Group extends RowGroup<Row>, Id extends string>(
  { ids, hiddenAtFirst, roomFor, kept }: OptionalColumns<Id>,
  all: { first: Column<Row, Group>[]; optional: Record<Id, Column<Row, Group>> },
  { width, offered, forced }: { width: number; offered(id: Id): boolean; forced?: Id | undefined },
): Required<Pick<DataGridProps<Row, Group>, 'columns' | 'chooser'>> {
  const { t } = useTranslation();
  const toggled = usePreferences((preferences) => preferences[kept]);
  const wants = (id: Id) => hiddenAtFirst.includes(id) === toggled.includes(id);
  const wanted = ids.filter((id) => id === forced || (wants(id) && offered(id) && width >= roomFor[id])).join(' ');
  const columns = useMemo(() => {
    const words = wanted.split(' ');
    return [...all.first, ...ids.filter((id) => words.includes(id)).map((id) => all.optional[id])];
  }, [all, ids, wanted]);
  const toggle = (id: Id) => {
    const { [kept]: before, set } = usePreferences.getState();
    set({ [kept]: before.includes(id) ? before.filter((each) => each !== id) : [...before, id] });
  };
  const label = t('table.columns');
  const entries = () => [
    { heading: label },
    ...ids.filter(offered).map((id) => ({
      label: all.optional[id].header,
      checked: wants(id),
      stay: true,
      onSelect: () => toggle(id),
    })),
  ];
  return { columns, chooser: { label, entries } };
}
