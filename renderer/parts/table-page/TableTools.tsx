import type { ReactNode } from 'react';
import { ChevronDown, Group as GroupIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { FilterField } from '../../ui/FilterField.js';
import { Menu, type MenuEntry } from '../../ui/Menu.js';
import type { TableNoun } from './TablePage.js';
import type { TablePageState } from './use-table-page.js';

/** The toolbar above a table: its name, the filter and the chips, then what else there is to do. */
export function TableTools<Row, Chip extends string>({
  noun,
  page,
  rows,
  chips,
  children,
}: {
  noun: TableNoun;
  page: Pick<TablePageState<Chip>, 'filter' | 'chips' | 'look'>;
  rows: Row[];
  chips: {
    label: string;
    all: readonly Chip[];
    /** Always there; the others only where there is something of the kind. */
    constant: readonly Chip[];
    isIn(row: Row, chip: Chip): boolean;
    name(chip: Chip): ReactNode;
  };
  children: ReactNode;
}) {
  const { t } = useTranslation();
  const shown = chips.all.filter(
    (chip) => chips.constant.includes(chip) || page.chips.has(chip) || rows.some((row) => chips.isIn(row, chip)),
  );
  const toggle = (chip: Chip) => {
    const next = new Set(page.chips);
    if (!next.delete(chip)) next.add(chip);
    page.look({ chips: next });
  };
  return (
    <div className="tools">
      <h1>{t(`${noun}.title`)}</h1>
      <FilterField
        label={t(`${noun}.filterLabel`)}
        hint={t(`${noun}.filterHint`)}
        value={page.filter}
        onChange={(filter) => page.look({ filter })}
      />
      <span className="chips" role="group" aria-label={chips.label}>
        {shown.map((chip) => (
          <button
            key={chip}
            type="button"
            className="chip"
            aria-pressed={page.chips.has(chip)}
            onClick={() => toggle(chip)}
          >
            {chips.name(chip)}
          </button>
        ))}
      </span>
      <span className="grow" />
      {children}
    </div>
  );
}

/** By what the table is grouped now, and what else it can be. */
export function GroupByMenu({ now, entries }: { now: string; entries(): MenuEntry[] }) {
  const { t } = useTranslation();
  const label = t('table.groupBy');
  return (
    <Menu label={label} entries={() => [{ heading: label }, ...entries()]}>
      <button type="button" className="btn ghost" aria-label={`${label}: ${now}`}>
        <GroupIcon className="icon" aria-hidden />
        <span className="cut group-by">{now}</span>
        <ChevronDown className="icon s12" aria-hidden />
      </button>
    </Menu>
  );
}
