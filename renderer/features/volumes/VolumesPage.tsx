import { useCallback, useDeferredValue, useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { Archive, Database, ListFilter, Play, Plus, Trash2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { VolumeOverview } from '../../../main/contract/volume-data.js';
import { drawerWidth, useBeside } from '../../parts/Drawer.js';
import { useVolumes, useWatchVolumes } from '../../parts/volumes/use-volumes.js';
import { useVolumeActions } from '../../parts/volumes/actions.js';
import { isCopyable, nameOfVolume } from '../../parts/volumes/names.js';
import { dropOn } from '../../store/drop.js';
import { useEngine } from '../../store/index.js';
import { usePreferences } from '../../store/preferences.js';
import { useSurface } from '../../store/surface.js';
import { copiesVolumes, knowsVolumes } from '../../store/volumes-slice.js';
import { Button, IconButton } from '../../ui/Button.js';
import { sorted, type Grouping, type Sort } from '../../ui/data-grid.js';
import { DataGrid } from '../../ui/DataGrid.js';
import { Empty } from '../../ui/Empty.js';
import { bytes } from '../../ui/format.js';
import { Loading } from '../../ui/Loading.js';
import type { MenuEntry } from '../../ui/Menu.js';
import { navigate, pathTo, useRoute } from '../../ui/route.js';
import { useWidth } from '../../ui/use-width.js';
import { BulkBar } from './BulkBar.js';
import { hiddenAtFirst, optionalColumns, oursAlone, useColumns, type OptionalColumn } from './columns.js';
import { volumeFilterOf, type VolumeFilter } from './filter.js';
import { groupsOf, type VolumeGroup } from './grouping.js';
import { GroupTitle, nameOfGroup } from './GroupTitle.js';
import { Toolbar } from './Toolbar.js';
import { VolumeDrawer } from './VolumeDrawer.js';

const keyOf = ({ Name }: VolumeOverview) => Name;
const noChips: ReadonlySet<VolumeFilter> = new Set();
const noVolumes: VolumeOverview[] = [];

/** Kept while the window lives: coming back to the page finds it as it was left. */
let remembered: { filter: string; chips: ReadonlySet<VolumeFilter>; sort: Sort } = {
  filter: '',
  chips: noChips,
  sort: { column: 'name', descending: false },
};

export function VolumesPage() {
  const { t, i18n } = useTranslation();
  useWatchVolumes();
  const volumes = useVolumes();
  const known = useEngine(knowsVolumes);
  const copies = useEngine(copiesVolumes);
  const connection = useEngine((state) => state.connection);
  const dense = usePreferences((preferences) => preferences.dense);
  const groupBy = usePreferences((preferences) => preferences.groupVolumes);
  const letters = usePreferences((preferences) => preferences.letterKeys);
  const ask = useSurface((surface) => surface.open);
  const actions = useVolumeActions();
  const beside = useBeside();
  const [, openId, tab] = useRoute();
  const [filter, setFilter] = useState(remembered.filter);
  const [chips, setChips] = useState(remembered.chips);
  const [sort, setSort] = useState(remembered.sort);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [full, setFull] = useState(false);
  const text = useDeferredValue(filter);
  useEffect(() => {
    remembered = { filter, chips, sort };
  }, [filter, chips, sort]);

  const all = volumes ?? noVolumes;
  const split = useRef<HTMLDivElement>(null);
  const width = useWidth(split) - (openId !== undefined && beside ? drawerWidth : 0);
  const { hidden, chooser } = useChooser(known);
  const columns = useColumns({ dense, width, hidden, known });
  // Sorting is what costs: done once, whatever is typed.
  const ordered = useMemo(() => sorted(all, columns, sort), [all, columns, sort]);
  const rows = useMemo(() => ordered.filter(volumeFilterOf(text, chips)), [ordered, text, chips]);
  const groups = useMemo(() => {
    const { compare } = new Intl.Collator(i18n.language, { numeric: true });
    return groupsOf(rows, groupBy, compare, (name, members) =>
      [nameOfGroup(t, groupBy, name), t('volumes.count', { count: members.length })].join(', '),
    );
  }, [groupBy, rows, i18n.language, t]);
  const chosen = useMemo(() => all.filter(({ Name }) => selected.has(Name)), [all, selected]);
  // What comes back must not come back selected.
  if (volumes && chosen.length < selected.size) setSelected(new Set(chosen.map(keyOf)));
  const open = openId === undefined ? undefined : all.find(({ Name }) => Name === openId);
  const close = useCallback(() => {
    setFull(false);
    navigate(pathTo('volumes'));
  }, []);

  const onRowKey = (row: VolumeOverview, event: KeyboardEvent): boolean => {
    if (event.key === 'Delete') {
      actions.remove(chosen.length > 0 ? chosen : [row]);
      return true;
    }
    if (!letters || event.shiftKey) return false;
    if (event.key === 'r') actions.run(row);
    else if (event.key === 'a') actions.addFolder(row);
    else if (event.key === 'b' && copies) actions.backUp(chosen.length > 0 ? chosen : [row]);
    else return false;
    return true;
  };
  const groupMenu = ({ rows: members }: VolumeGroup): MenuEntry[] => [
    ...(copies
      ? [
          {
            label: t('volumes.bulkBackUp', { count: members.length }),
            icon: Archive,
            shortcut: 'B',
            onSelect: () => actions.backUp(members),
          },
        ]
      : []),
    {
      label: t('containers.groupSelect', { count: members.length }),
      onSelect: () => setSelected(new Set([...selected, ...members.map(keyOf)])),
    },
    'line',
    {
      label: t('containers.groupRemove', { count: members.length }),
      icon: Trash2,
      shortcut: 'Del',
      danger: true,
      onSelect: () => actions.remove(members),
    },
  ];
  const { folded, onFold } = useFolds();
  const grouping: Grouping<VolumeOverview, VolumeGroup> | undefined = groups && {
    groups,
    folded,
    onFold,
    rowHeight: dense ? 32 : 36,
    title: (group) => <GroupTitle group={group} by={groupBy} />,
    menu: groupMenu,
    words: {
      select: (group) => t('volumes.groupSelectAll', { name: nameOfGroup(t, groupBy, group.name) }),
      fold: (group) => t('containers.groupFold', { name: nameOfGroup(t, groupBy, group.name) }),
      menu: (group) => t('action.more', { name: nameOfGroup(t, groupBy, group.name) }),
    },
    onKey: (group, event) => {
      if (event.key === 'Delete') actions.remove(chosen.length > 0 ? chosen : group.rows);
      else if (letters && event.key === 'b' && copies) actions.backUp(chosen.length > 0 ? chosen : group.rows);
      else return false;
      return true;
    },
  };
  const clear = () => {
    setFilter('');
    setChips(noChips);
  };

  const list = () => {
    if (!volumes || (volumes.length === 0 && connection.state !== 'ready')) {
      if (connection.state === 'ready') return <Loading waitingFor={t('common.loading')} />;
      return (
        <Empty
          icon={Database}
          title={connection.state === 'gone' ? t('containers.offTitle') : t('engine.bannerStarting')}
        >
          {connection.problem ?? t('volumes.offText')}
        </Empty>
      );
    }
    if (volumes.length === 0)
      return (
        <Empty
          icon={Database}
          title={t('volumes.emptyTitle')}
          actions={
            <>
              <Button variant="primary" icon={Plus} onClick={() => ask({ kind: 'create-volume' })}>
                {t('volumes.create.dots')}
              </Button>
              {copies && (
                <button type="button" className="link" onClick={() => actions.importArchive()}>
                  {t('volumes.emptyExample')}
                </button>
              )}
            </>
          }
        >
          {t('volumes.emptyText')}
        </Empty>
      );
    if (rows.length === 0)
      return (
        <Empty
          icon={ListFilter}
          title={t('volumes.noneMatchTitle')}
          actions={<Button onClick={clear}>{t('containers.clearFilter')}</Button>}
        >
          {text ? t('containers.noneMatchText', { filter: text }) : t('volumes.noneMatchChips')}
        </Empty>
      );
    return (
      <DataGrid<VolumeOverview, VolumeGroup>
        label={t('volumes.title')}
        words={{
          selectAll: t('volumes.selectAll'),
          actions: t('common.actions'),
          select: (row) => t('images.select', { name: nameOfVolume(row) }),
          menu: (row) => t('action.more', { name: nameOfVolume(row) }),
        }}
        columns={columns}
        rows={rows}
        grouping={grouping}
        chooser={chooser}
        keyOf={keyOf}
        nameOf={nameOfVolume}
        rowHeight={dense ? 32 : 44}
        sort={sort}
        onSort={setSort}
        selected={selected}
        onSelect={setSelected}
        openKey={open?.Name}
        onOpen={(row) => actions.open(row, open ? tab : undefined)}
        dataOf={({ Name }) => dropOn({ kind: 'volume', name: Name })}
        menu={actions.menu}
        quickRoom={28}
        quick={(row) =>
          copies && isCopyable(row) ? (
            <IconButton
              small
              tabIndex={-1}
              icon={Archive}
              label={t('volumes.backUpDots')}
              shortcut="B"
              onClick={() => actions.backUp([row])}
            />
          ) : (
            <IconButton
              small
              tabIndex={-1}
              icon={Play}
              label={t('volumes.runDots')}
              shortcut="R"
              onClick={() => actions.run(row)}
            />
          )
        }
        onRowKey={onRowKey}
      />
    );
  };

  const filtering = text !== '' || chips.size > 0;
  const size = useMemo(() => rows.reduce((sum, { Size }) => sum + (Size ?? 0), 0), [rows]);
  const counting = known && rows.some(({ Size, Kind }) => Size === null && Kind === 'local');
  return (
    <>
      {chosen.length > 0 ? (
        <BulkBar chosen={chosen} actions={actions} onClear={() => setSelected(new Set())} />
      ) : (
        <Toolbar
          rows={all}
          filter={filter}
          onFilter={setFilter}
          chips={chips}
          onChips={setChips}
          groupBy={groupBy}
          actions={actions}
        />
      )}
      <div className="split" ref={split} {...dropOn({ kind: 'volumes' })}>
        {!(openId !== undefined && (full || !beside)) && (
          <section className="list" aria-label={t('volumes.title')}>
            {list()}
            {volumes && volumes.length > 0 && (
              <div className="list-foot">
                <span className="num" role="status">
                  {filtering
                    ? t('volumes.countOf', { shown: rows.length, count: all.length })
                    : t('volumes.count', { count: all.length })}
                </span>
                {known && (
                  <span className="num">
                    {bytes(size)}
                    {counting && ` · ${t('volumes.counting')}`}
                  </span>
                )}
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
                {letters && copies && (
                  <span className="keys">
                    <kbd>B</kbd> {t('volumes.keysBackUp')}
                  </span>
                )}
                <kbd>?</kbd>
              </div>
            )}
          </section>
        )}
        {openId !== undefined && volumes && (
          <VolumeDrawer key={openId} volume={open} tab={tab} full={full} onFull={setFull} onClose={close} />
        )}
      </div>
    </>
  );
}

/** Groups that are folded, as the person left them. */
function useFolds(): { folded: ReadonlySet<string>; onFold(key: string, fold: boolean): void } {
  const names = usePreferences((preferences) => preferences.foldedVolumes);
  const set = usePreferences((preferences) => preferences.set);
  const folded = useMemo(() => new Set(names), [names]);
  const onFold = (key: string, fold: boolean) => {
    const others = names.filter((name) => name !== key);
    set({ foldedVolumes: fold ? [...others, key] : others });
  };
  return { folded, onFold };
}

/** The columns that nobody wants, and the menu that chooses them. */
function useChooser(known: boolean) {
  const { t } = useTranslation();
  const toggled = usePreferences((preferences) => preferences.toggledVolumeColumns);
  const set = usePreferences((preferences) => preferences.set);
  const hidden = useMemo(
    () => new Set(optionalColumns.filter((column) => hiddenAtFirst.includes(column) !== toggled.includes(column))),
    [toggled],
  );
  const names: Record<OptionalColumn, string> = {
    users: t('volumes.usedBy'),
    size: t('volumes.size'),
    written: t('volumes.written'),
    backups: t('volumes.backups'),
    kind: t('volumes.kind'),
    by: t('volumes.createdBy'),
    created: t('volumes.created'),
  };
  const entries = (): MenuEntry[] => [
    { heading: t('containers.columns') },
    ...optionalColumns
      .filter((column) => known || !oursAlone.includes(column))
      .map((column) => ({
        label: names[column],
        checked: !hidden.has(column),
        stay: true,
        onSelect: () => {
          const others = usePreferences.getState().toggledVolumeColumns;
          const next = others.includes(column) ? others.filter((each) => each !== column) : [...others, column];
          set({ toggledVolumeColumns: next });
        },
      })),
  ];
  return { hidden, chooser: { label: t('containers.columns'), entries } };
}
