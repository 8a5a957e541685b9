import { useCallback, useDeferredValue, useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import {
  Box,
  ListFilter,
  Play,
  RotateCw,
  ScrollText,
  Skull,
  Square,
  Terminal as TerminalIcon,
  Trash2,
} from 'lucide-react';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../../main/contract/containers.js';
import { useBulk } from '../../parts/bulk.js';
import { fits, useContainerActions, type ContainerActions } from '../../parts/container-actions.js';
import { nameOf } from '../../parts/container-state.js';
import { drawerWidth, useBeside } from '../../parts/Drawer.js';
import { dropOn } from '../../store/drop.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { usePreferences } from '../../store/preferences.js';
import type { StatsSlice } from '../../store/stats-slice.js';
import { useSurface } from '../../store/surface.js';
import { Button, IconButton } from '../../ui/Button.js';
import { sorted, type Grouping, type Sort } from '../../ui/data-grid.js';
import { DataGrid } from '../../ui/DataGrid.js';
import { Empty } from '../../ui/Empty.js';
import { Loading } from '../../ui/Loading.js';
import type { MenuEntry } from '../../ui/Menu.js';
import { navigate, pathTo, useRoute } from '../../ui/route.js';
import { useWidth } from '../../ui/use-width.js';
import { BulkBar } from './BulkBar.js';
import { hiddenAtFirst, optionalColumns, useColumns, type OptionalColumn, type TableGroup } from './columns.js';
import { ContainerDrawer } from './ContainerDrawer.js';
import { filterOf, type StateFilter } from './filter.js';
import { groupsOf, isGroupBy, type GroupBy } from './grouping.js';
import { GroupActs, GroupTitle, nameOfGroup, tallyOf } from './GroupTitle.js';
import { Toolbar } from './Toolbar.js';
import { createSight, FollowStats } from './Usage.js';

const keyOf = ({ Id }: ContainerSummary) => Id;
const noStates: ReadonlySet<StateFilter> = new Set();

/** Kept while the window lives: coming back to the page finds it as it was left. */
let remembered: { filter: string; states: ReadonlySet<StateFilter>; sort: Sort } = {
  filter: '',
  states: noStates,
  sort: { column: 'name', descending: false },
};

export function ContainersPage() {
  const { t, i18n } = useTranslation();
  const containers = useEngine((state) => state.containers);
  const connection = useEngine((state) => state.connection);
  const dense = usePreferences((preferences) => preferences.dense);
  const letters = usePreferences((preferences) => preferences.letterKeys);
  const ask = useSurface((surface) => surface.open);
  const actions = useContainerActions();
  const bulk = useBulk();
  const beside = useBeside();
  const [, openId, tab] = useRoute();
  const [filter, setFilter] = useState(remembered.filter);
  const [states, setStates] = useState(remembered.states);
  const [sort, setSort] = useState(remembered.sort);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [sight] = useState(createSight);
  const [full, setFull] = useState(false);
  const text = useDeferredValue(filter);
  useEffect(() => {
    remembered = { filter, states, sort };
  }, [filter, states, sort]);

  const split = useRef<HTMLDivElement>(null);
  const width = useWidth(split) - (openId !== undefined && beside ? drawerWidth : 0);
  const byUse = sort.column === 'cpu' || sort.column === 'memory';
  const { columns, chooser } = useChosenColumns(dense, width, byUse);
  const rows = useMemo(
    () => sorted((containers ?? []).filter(filterOf(text, states)), columns, sort),
    [containers, text, states, columns, sort],
  );
  const { groupBy, groups, folded, onFold } = useGroups(rows, i18n.language);
  const chosen = useMemo(() => (containers ?? []).filter(({ Id }) => selected.has(Id)), [containers, selected]);
  // What comes back from the bin has its old id: it must not come back selected.
  if (containers && chosen.length < selected.size) setSelected(new Set(chosen.map(keyOf)));
  const open = openId === undefined ? undefined : containers?.find(({ Id }) => Id === openId || Id.startsWith(openId));
  const close = useCallback(() => {
    setFull(false);
    navigate(pathTo('containers'));
  }, []);

  const onRowKey = (container: ContainerSummary, event: KeyboardEvent): boolean => {
    if (event.key === 'Delete') {
      actions.remove(chosen.length > 0 ? chosen : [container]);
      return true;
    }
    if (!letters || event.shiftKey) return false;
    const act: Record<string, () => void> = {
      s: () => void actions.act(container, fits('stop', container) ? 'stop' : 'start'),
      r: () => void actions.act(container, 'restart'),
      l: () => actions.open(container, 'logs'),
      t: () => actions.open(container, 'terminal'),
      e: () => actions.edit(container),
      a: () => actions.addFolder(container),
    };
    act[event.key]?.();
    return act[event.key] !== undefined;
  };
  const onGroupKey = ({ members }: TableGroup, event: KeyboardEvent): boolean => {
    if (event.key === 'Delete') {
      actions.remove(chosen.length > 0 ? chosen : members);
      return true;
    }
    if (!letters || event.shiftKey) return false;
    const stops = members.some((member) => fits('stop', member));
    const act: Record<string, () => void> = {
      s: () => void bulk(stops ? 'stop' : 'start', members),
      r: () => void bulk('restart', members),
    };
    act[event.key]?.();
    return act[event.key] !== undefined;
  };
  const groupMenu = ({ members }: TableGroup): MenuEntry[] => {
    const item = (verb: 'start' | 'stop' | 'restart' | 'kill', icon: typeof Play, key?: string) => {
      const count = members.filter((member) => fits(verb, member)).length;
      return {
        label: t(`containers.groupVerbs.${verb}`, { count }),
        icon,
        shortcut: key,
        disabled: count === 0,
        onSelect: () => void bulk(verb, members),
      };
    };
    return [
      item('start', Play),
      item('stop', Square),
      item('restart', RotateCw, 'R'),
      item('kill', Skull),
      'line',
      {
        label: t('containers.groupSelect', { count: members.length }),
        onSelect: () => setSelected(new Set([...selected, ...members.map(keyOf)])),
      },
      {
        label: actions.asksToRemove(members)
          ? t('containers.groupRemove', { count: members.length })
          : t('containers.bulkRemove', { count: members.length }),
        icon: Trash2,
        shortcut: 'Del',
        danger: true,
        onSelect: () => actions.remove(members),
      },
    ];
  };
  const grouping: Grouping<ContainerSummary, TableGroup> | undefined = useTableGroups(groups, groupBy, t, {
    folded,
    onFold,
    rowHeight: dense ? 32 : 36,
    title: (group) => <GroupTitle group={group} by={groupBy} />,
    acts: (group) => (
      <GroupActs group={group} name={nameOfGroup(t, group, groupBy)} onAct={(verb) => void bulk(verb, group.members)} />
    ),
    menu: groupMenu,
    words: {
      select: (group) => t('containers.groupSelectAll', { name: nameOfGroup(t, group, groupBy) }),
      fold: (group) => t('containers.groupFold', { name: nameOfGroup(t, group, groupBy) }),
      menu: (group) => t('action.more', { name: nameOfGroup(t, group, groupBy) }),
    },
    onKey: onGroupKey,
  });
  const clear = () => {
    setFilter('');
    setStates(noStates);
  };

  const list = () => {
    if (!containers || (containers.length === 0 && connection.state !== 'ready')) {
      if (connection.state === 'ready') return <Loading waitingFor={t('common.loading')} />;
      return (
        <Empty icon={Box} title={connection.state === 'gone' ? t('containers.offTitle') : t('engine.bannerStarting')}>
          {connection.problem ?? t('containers.offText')}
        </Empty>
      );
    }
    if (containers.length === 0)
      return (
        <Empty
          icon={Box}
          title={t('containers.emptyTitle')}
          actions={
            <>
              <Button variant="primary" icon={Play} onClick={() => ask({ kind: 'run' })}>
                {t('action.runDots')}
              </Button>
              <button type="button" className="link" onClick={() => ask({ kind: 'run', image: 'hello-world' })}>
                {t('containers.emptyExample')}
              </button>
            </>
          }
        >
          {t('containers.emptyText')}
        </Empty>
      );
    if (rows.length === 0)
      return (
        <Empty
          icon={ListFilter}
          title={t('containers.noneMatchTitle')}
          actions={<Button onClick={clear}>{t('containers.clearFilter')}</Button>}
        >
          {text ? t('containers.noneMatchText', { filter: text }) : t('containers.noneMatchState')}
        </Empty>
      );
    return (
      <DataGrid<ContainerSummary, TableGroup>
        label={t('containers.title')}
        words={{
          selectAll: t('containers.selectAll'),
          actions: t('common.actions'),
          select: (row) => t('containers.select', { name: nameOf(row) }),
          menu: (row) => t('action.more', { name: nameOf(row) }),
        }}
        columns={columns}
        rows={rows}
        grouping={grouping}
        chooser={chooser}
        onInSight={sight.set}
        keyOf={keyOf}
        nameOf={nameOf}
        rowHeight={dense ? 32 : 44}
        sort={sort}
        onSort={setSort}
        selected={selected}
        onSelect={setSelected}
        openKey={open?.Id}
        onOpen={(row) => actions.open(row, open ? tab : undefined)}
        dataOf={({ Id }) => dropOn({ kind: 'container', id: Id })}
        menu={actions.menu}
        quick={(row) => <Quick container={row} actions={actions} />}
        onRowKey={onRowKey}
      />
    );
  };

  const filtering = text !== '' || states.size > 0;
  return (
    <>
      {chosen.length > 0 ? (
        <BulkBar chosen={chosen} actions={actions} onClear={() => setSelected(new Set())} />
      ) : (
        <Toolbar
          containers={containers ?? []}
          filter={filter}
          onFilter={setFilter}
          states={states}
          onStates={setStates}
          groupBy={groupBy}
        />
      )}
      <div className="split" ref={split}>
        {!(openId !== undefined && (full || !beside)) && (
          <section className="list" aria-label={t('containers.title')}>
            {list()}
            {containers && containers.length > 0 && (
              <div className="list-foot">
                <span className="num" role="status">
                  {filtering
                    ? t('containers.countOf', { shown: rows.length, count: containers.length })
                    : t('containers.count', { count: containers.length })}
                </span>
                <span className="grow" />
                <span className="keys">
                  <kbd>↑</kbd>
                  <kbd>↓</kbd> {t('containers.keysMove')}
                </span>
                <span className="keys">
                  <kbd>Space</kbd> {t('containers.keysSelect')}
                </span>
                <span className="keys">
                  <kbd>↵</kbd> {t('containers.keysOpen')}
                </span>
                {letters && (
                  <span className="keys">
                    <kbd>T</kbd> {t('containers.keysTerminal')}
                  </span>
                )}
                <kbd>?</kbd>
              </div>
            )}
          </section>
        )}
        {/* An order by use needs to know all of them. */}
        <FollowStats sight={sight} all={byUse ? rows : undefined} />
        {openId !== undefined && containers && (
          <ContainerDrawer
            key={open?.Id ?? openId}
            container={open}
            tab={tab}
            full={full}
            onFull={setFull}
            onClose={close}
          />
        )}
      </div>
    </>
  );
}

/** The groups with what the table wants of them. */
function useTableGroups(
  groups: ReturnType<typeof groupsOf>,
  groupBy: GroupBy,
  t: TFunction,
  rest: Omit<Grouping<ContainerSummary, TableGroup>, 'groups'>,
): Grouping<ContainerSummary, TableGroup> | undefined {
  const tableGroups = useMemo(
    () =>
      groups?.map((group) => ({
        ...group,
        label: `${nameOfGroup(t, group, groupBy)}, ${tallyOf(t, group)}`,
        rows: group.members,
      })),
    [groups, groupBy, t],
  );
  return tableGroups && { groups: tableGroups, ...rest };
}

function useGroups(rows: ContainerSummary[], language: string) {
  const wanted = usePreferences((preferences) => preferences.groupBy);
  const foldedNames = usePreferences((preferences) => preferences.folded);
  const set = usePreferences((preferences) => preferences.set);
  const groupBy: GroupBy = isGroupBy(wanted) ? wanted : 'project';
  const groups = useMemo(() => {
    const { compare } = new Intl.Collator(language, { numeric: true });
    return groupsOf(rows, groupBy, compare);
  }, [rows, groupBy, language]);
  const prefix = `${groupBy} `;
  const folded = useMemo(
    () => new Set(foldedNames.flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []))),
    [foldedNames, prefix],
  );
  const onFold = (key: string, fold: boolean) => {
    const others = foldedNames.filter((name) => name !== prefix + key);
    set({ folded: fold ? [...others, prefix + key] : others });
  };
  return { groupBy, groups, folded, onFold };
}

const nothingUsed: StatsSlice['used'] = {};

/** What rows are ordered by where the order is one of use: they change places every few seconds at most, and not under the pointer. */
function useOrderOfUse(byUse: boolean): StatsSlice['used'] {
  const store = useEngineStore();
  const [used, setUsed] = useState(nothingUsed);
  useEffect(() => {
    if (!byUse) return;
    const look = () => {
      if (!document.hidden && !document.querySelector('.grid-row:hover')) setUsed(store.getState().used);
    };
    const first = setTimeout(look, 1500);
    const timer = setInterval(look, 5000);
    return () => {
      clearTimeout(first);
      clearInterval(timer);
    };
  }, [byUse, store]);
  return byUse ? used : nothingUsed;
}

/** The columns that are wanted and have room, and the menu that chooses them. */
function useChosenColumns(dense: boolean, width: number, byUse: boolean) {
  const { t } = useTranslation();
  const live = useEngine((state) => state.features?.can?.includes('stats') ?? false);
  const toggled = usePreferences((preferences) => preferences.toggledColumns);
  const set = usePreferences((preferences) => preferences.set);
  const hidden = useMemo(
    () => new Set(optionalColumns.filter((column) => hiddenAtFirst.includes(column) !== toggled.includes(column))),
    [toggled],
  );
  const shown = useOrderOfUse(byUse);
  const columns = useColumns({ dense, width, hidden, live, used: shown });
  const entries = (): MenuEntry[] => [
    { heading: t('containers.columns') },
    ...optionalColumns
      .filter((column) => live || (column !== 'cpu' && column !== 'memory'))
      .map((column: OptionalColumn) => ({
        label: column === 'image' ? t('summary.image') : t(`containers.${column}`),
        checked: !hidden.has(column),
        stay: true,
        onSelect: () => {
          const others = usePreferences.getState().toggledColumns;
          const next = others.includes(column) ? others.filter((each) => each !== column) : [...others, column];
          set({ toggledColumns: next });
        },
      })),
  ];
  return { columns, chooser: { label: t('containers.columns'), entries } };
}

/** What one does most, on the row itself: on hover and on focus. */
function Quick({ container, actions }: { container: ContainerSummary; actions: ContainerActions }) {
  const { t } = useTranslation();
  const pending = useEngine((state) => state.pending[container.Id]);
  const stops = fits('stop', container);
  if (pending?.verb === 'stop' && fits('kill', container)) return <KillNow container={container} actions={actions} />;
  return (
    <>
      <IconButton
        small
        tabIndex={-1}
        icon={stops ? Square : Play}
        label={stops ? t('action.stop') : t('action.start')}
        shortcut="S"
        disabled={pending !== undefined}
        onClick={() => void actions.act(container, stops ? 'stop' : 'start')}
      />
      <IconButton
        small
        tabIndex={-1}
        icon={ScrollText}
        label={t('action.logs')}
        shortcut="L"
        onClick={() => actions.open(container, 'logs')}
      />
      <IconButton
        small
        tabIndex={-1}
        icon={TerminalIcon}
        label={t('action.terminal')}
        shortcut="T"
        onClick={() => actions.open(container, 'terminal')}
      />
    </>
  );
}

/** The way out of a stop that takes its time. */
function KillNow({ container, actions }: { container: ContainerSummary; actions: ContainerActions }) {
  const { t } = useTranslation();
  return (
    <Button size="small" tabIndex={-1} icon={Skull} onClick={() => void actions.act(container, 'kill')}>
      {t('action.killNow')}
    </Button>
  );
}
