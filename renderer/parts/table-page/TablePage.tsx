import { useMemo, useState, type KeyboardEvent, type ReactNode } from 'react';
import { ListFilter, Trash2, type LucideIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { DropTarget } from '../../store/drop.js';
import { useEngine } from '../../store/index.js';
import { usePreferences } from '../../store/preferences.js';
import { Button } from '../../ui/Button.js';
import type { DataGridProps, Grouping, RowGroup } from '../../ui/data-grid.js';
import { DataGrid } from '../../ui/DataGrid.js';
import { Empty } from '../../ui/Empty.js';
import { Loading } from '../../ui/Loading.js';
import type { MenuEntry } from '../../ui/Menu.js';
import { EngineOff } from './EngineOff.js';
import { SplitPage } from './SplitPage.js';
import type { TablePageState } from './use-table-page.js';

/** Whose words a page has: `title`, `offText`, `emptyTitle`, `noneMatchTitle`, `count` and so on. */
export type TableNoun = 'containers' | 'images' | 'volumes';

/** What single letters do. */
export type Letters = Record<string, (() => void) | undefined>;

export interface TableGroups<Row, Group extends RowGroup<Row>> extends Pick<
  Grouping<Row, Group>,
  'groups' | 'folded' | 'onFold' | 'title' | 'acts'
> {
  nameOf(group: Group): string;
  /** What stands in its menu before selecting and removing all of it. */
  menu(group: Group): MenuEntry[];
  /** `those` are the selected, or the group's. */
  letters(group: Group, those: Row[]): Letters;
}

export interface TablePageProps<Row, Group extends RowGroup<Row>, Chip extends string> extends Pick<
  DataGridProps<Row, Group>,
  'columns' | 'chooser' | 'keyOf' | 'nameOf' | 'openKey' | 'menu' | 'dataOf' | 'quick' | 'quickRoom' | 'onInSight'
> {
  noun: TableNoun;
  icon: LucideIcon;
  page: TablePageState<Chip>;
  /** All there are; undefined: not loaded yet. */
  all: Row[] | undefined;
  /** Those that fit the filter, in order. */
  rows: Row[];
  /** Undefined: not grouped. */
  groups: TableGroups<Row, Group> | undefined;
  onOpen(row: Row, tab: string | undefined): void;
  onRemove(rows: Row[]): void;
  /** Removing asks first. */
  asks?(rows: Row[]): boolean;
  /** `those` are the selected, or the row. */
  letters(row: Row, those: Row[]): Letters;
  /** The letter that the foot names, and what it does. */
  letter?: { key: string; does: string } | undefined;
  /** Above the list while nothing is selected, and while something is. */
  tools: ReactNode;
  bulk(chosen: Row[], onClear: () => void): ReactNode;
  /** What is offered where there is nothing yet. */
  first: ReactNode;
  /** What the foot says of the rows beside their number. */
  total?: ReactNode;
  drawer: ReactNode;
  drop?: DropTarget;
}

/**
 * A page that is a table: tools, or what can be done with the selected; the rows, or why there are none; how many; and what is open beside
 * them. Delete removes the selected, or the row; single letters act where a person has not turned them off.
 */
export function TablePage<Row, Group extends RowGroup<Row>, Chip extends string>(
  props: TablePageProps<Row, Group, Chip>,
) {
  const { noun, icon, page, all, rows, keyOf, nameOf } = props;
  const { t } = useTranslation();
  const ready = useEngine((state) => state.connection.state === 'ready');
  const dense = usePreferences((preferences) => preferences.dense);
  const lettersAct = usePreferences((preferences) => preferences.letterKeys);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const chosen = useMemo(() => (all ?? []).filter((row) => selected.has(keyOf(row))), [all, selected, keyOf]);
  // What comes back, as from the bin, must not come back selected.
  if (all && chosen.length < selected.size) setSelected(new Set(chosen.map(keyOf)));

  const orChosen = (some: Row[]) => (chosen.length > 0 ? chosen : some);
  const pressed = (event: KeyboardEvent, those: Row[], letters: Letters): boolean => {
    if (event.key === 'Delete') {
      props.onRemove(those);
      return true;
    }
    const act = lettersAct && !event.shiftKey ? letters[event.key] : undefined;
    act?.();
    return act !== undefined;
  };

  const list = () => {
    if (!all || (all.length === 0 && !ready))
      return ready ? (
        <Loading waitingFor={t('common.loading')} />
      ) : (
        <EngineOff icon={icon}>{t(`${noun}.offText`)}</EngineOff>
      );
    if (all.length === 0)
      return (
        <Empty icon={icon} title={t(`${noun}.emptyTitle`)} actions={props.first}>
          {t(`${noun}.emptyText`)}
        </Empty>
      );
    if (rows.length === 0)
      return (
        <Empty
          icon={ListFilter}
          title={t(`${noun}.noneMatchTitle`)}
          actions={<Button onClick={page.clear}>{t('table.clearFilter')}</Button>}
        >
          {page.text ? t('table.noneMatchText', { filter: page.text }) : t(`${noun}.noneMatchChips`)}
        </Empty>
      );
    return (
      <DataGrid<Row, Group>
        label={t(`${noun}.title`)}
        words={{
          actions: t('common.actions'),
          menu: (row) => t('action.more', { name: nameOf(row) }),
        }}
        columns={props.columns}
        chooser={props.chooser}
        rows={rows}
        grouping={grouping()}
        keyOf={keyOf}
        nameOf={nameOf}
        rowHeight={dense ? 32 : 44}
        sort={page.sort}
        onSort={(sort) => page.look({ sort })}
        selection={{
          selected,
          onSelect: setSelected,
          words: { all: t(`${noun}.selectAll`), one: (row) => t('table.select', { name: nameOf(row) }) },
        }}
        openKey={props.openKey}
        beside={page.opened !== undefined}
        onOpen={(row) => props.onOpen(row, props.openKey === undefined ? undefined : page.frame.tab)}
        menu={props.menu}
        dataOf={props.dataOf}
        quick={props.quick}
        quickRoom={props.quickRoom}
        onInSight={props.onInSight}
        onRowKey={(row, event) => {
          const those = orChosen([row]);
          return pressed(event, those, props.letters(row, those));
        }}
      />
    );
  };
  const grouping = (): Grouping<Row, Group> | undefined => {
    const { groups } = props;
    if (!groups) return undefined;
    return {
      ...groups,
      rowHeight: dense ? 32 : 36,
      menu: (group) => groupMenu(group, groups.menu(group)),
      words: {
        select: (group) => t(`${noun}.groupSelectAll`, { name: groups.nameOf(group) }),
        fold: (group) => t('table.fold', { name: groups.nameOf(group) }),
        menu: (group) => t('action.more', { name: groups.nameOf(group) }),
      },
      onKey: (group, event) => {
        const those = orChosen(group.rows);
        return pressed(event, those, groups.letters(group, those));
      },
    };
  };
  const groupMenu = ({ rows: members }: Group, before: MenuEntry[]): MenuEntry[] => {
    const count = members.length;
    const asks = props.asks?.(members) ?? true;
    return [
      ...before,
      ...(before.length > 0 ? (['line'] as const) : []),
      {
        label: t('table.selectMany', { count }),
        onSelect: () => setSelected(new Set([...selected, ...members.map(keyOf)])),
      },
      {
        label: asks ? t('table.removeDots', { count }) : t('table.remove', { count }),
        icon: Trash2,
        shortcut: 'Del',
        danger: true,
        onSelect: () => props.onRemove(members),
      },
    ];
  };
  return (
    <SplitPage
      page={page}
      label={t(`${noun}.title`)}
      tools={chosen.length > 0 ? props.bulk(chosen, () => setSelected(new Set())) : props.tools}
      drawer={props.drawer}
      drop={props.drop}
    >
      {list()}
      {all && all.length > 0 && (
        <Foot letter={lettersAct ? props.letter : undefined} total={props.total}>
          {page.text !== '' || page.chips.size > 0
            ? t(`${noun}.countOf`, { shown: rows.length, count: all.length })
            : t(`${noun}.count`, { count: all.length })}
        </Foot>
      )}
    </SplitPage>
  );
}

/** How many there are, and which keys do what. */
function Foot({
  letter,
  total,
  children,
}: Pick<TablePageProps<never, never, never>, 'letter' | 'total'> & { children: string }) {
  const { t } = useTranslation();
  return (
    <div className="list-foot">
      <span className="num" role="status">
        {children}
      </span>
      {total}
      <span className="foot-keys">
        <span className="keys">
          <kbd>↑</kbd>
          <kbd>↓</kbd> {t('table.keysMove')}
        </span>
        <span className="keys">
          <kbd>Space</kbd> {t('table.keysSelect')}
        </span>
        <span className="keys">
          <kbd>↵</kbd> {t('table.keysOpen')}
        </span>
        {letter && (
          <span className="keys">
            <kbd>{letter.key}</kbd> {letter.does}
          </span>
        )}
      </span>
      <kbd>?</kbd>
    </div>
  );
}
