import { useCallback, useDeferredValue, useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { ArrowUpFromLine, Download, Layers, ListFilter, PackageOpen, Play, Trash2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { drawerWidth, useBeside } from '../../parts/Drawer.js';
import { useImageActions } from '../../parts/image-actions.js';
import { useLoadArchives } from '../../parts/load-archives.js';
import { namedImages, nameOfImage, usersByImage, type NamedImage } from '../../parts/image-names.js';
import { dropOn } from '../../store/drop.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { usePreferences } from '../../store/preferences.js';
import { useSurface } from '../../store/surface.js';
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
import { hiddenAtFirst, optionalColumns, useColumns, type OptionalColumn } from './columns.js';
import { imageFilterOf, type ImageFilter } from './filter.js';
import { groupsOf, type ImageGroup } from './grouping.js';
import { GroupTitle, nameOfGroup } from './GroupTitle.js';
import { ImageDrawer } from './ImageDrawer.js';
import { Toolbar } from './Toolbar.js';
import { useNewerCheck } from './use-newer.js';

const keyOf = ({ key }: NamedImage) => key;
const noChips: ReadonlySet<ImageFilter> = new Set();
const noImages: NamedImage[] = [];
/** Milliseconds without a change. */
const SIZES_AFTER_MS = 700;

/** Kept while the window lives: coming back to the page finds it as it was left. */
let remembered: { filter: string; chips: ReadonlySet<ImageFilter>; sort: Sort } = {
  filter: '',
  chips: noChips,
  sort: { column: 'name', descending: false },
};

export function ImagesPage() {
  const { t, i18n } = useTranslation();
  const store = useEngineStore();
  const images = useEngine((state) => state.images);
  const containers = useEngine((state) => state.containers);
  const newer = useEngine((state) => state.newer);
  const shared = useEngine((state) => state.sharedSizes);
  const connection = useEngine((state) => state.connection);
  const dense = usePreferences((preferences) => preferences.dense);
  const grouped = usePreferences((preferences) => preferences.groupImages);
  const letters = usePreferences((preferences) => preferences.letterKeys);
  const ask = useSurface((surface) => surface.open);
  const actions = useImageActions();
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
  // How much of each is shared takes an engine longer: after the rows, and once what comes has come.
  useEffect(() => {
    if (!images) return;
    const { sharedSizes, loadSharedSizes } = store.getState();
    const wait = Object.keys(sharedSizes).length > 0 ? SIZES_AFTER_MS : 0;
    const timer = setTimeout(() => void loadSharedSizes().catch(() => undefined), wait);
    return () => clearTimeout(timer);
  }, [store, images]);

  const all = images ? namedImages(images) : noImages;
  const facts = useMemo(() => ({ users: usersByImage(containers), newer }), [containers, newer]);
  useNewerCheck(all, facts.users);
  const split = useRef<HTMLDivElement>(null);
  const width = useWidth(split) - (openId !== undefined && beside ? drawerWidth : 0);
  const pull = useRef(actions.pullAgain);
  useEffect(() => {
    pull.current = actions.pullAgain;
  });
  const onPull = useCallback((row: NamedImage) => pull.current([row]), []);
  const { hidden, chooser } = useChooser();
  const columns = useColumns({ dense, grouped, width, hidden, facts, shared, onPull });
  // Sorting is what costs: done once, whatever is typed.
  const ordered = useMemo(() => sorted(all, columns, sort), [all, columns, sort]);
  const rows = useMemo(() => ordered.filter(imageFilterOf(text, chips, facts)), [ordered, text, chips, facts]);
  const groups = useMemo(() => {
    if (!grouped) return undefined;
    const { compare } = new Intl.Collator(i18n.language, { numeric: true });
    return groupsOf(rows, facts, shared, compare, (name, members) =>
      [nameOfGroup(t, name), t(name === undefined ? 'images.count' : 'images.tags', { count: members.length })].join(
        ', ',
      ),
    );
  }, [grouped, rows, facts, shared, i18n.language, t]);
  const chosen = useMemo(() => all.filter(({ key }) => selected.has(key)), [all, selected]);
  // What comes back must not come back selected.
  if (images && chosen.length < selected.size) setSelected(new Set(chosen.map(keyOf)));
  const open = openId === undefined ? undefined : all.find((row) => row.reference === openId || row.id === openId);
  const close = useCallback(() => {
    setFull(false);
    navigate(pathTo('images'));
  }, []);

  const load = useLoadArchives();

  const onRowKey = (row: NamedImage, event: KeyboardEvent): boolean => {
    if (event.key === 'Delete') {
      actions.remove(chosen.length > 0 ? chosen : [row]);
      return true;
    }
    if (!letters || event.shiftKey) return false;
    const act: Record<string, () => void> = {
      a: () => actions.addFolder(row),
      r: () => actions.run(row),
      p: () => actions.pullAgain([row]),
      t: () => actions.tag(row),
    };
    act[event.key]?.();
    return act[event.key] !== undefined;
  };
  const groupMenu = ({ rows: members, name }: ImageGroup): MenuEntry[] => [
    ...(name !== undefined
      ? [
          {
            label: t('images.groupPull', { count: members.length }),
            icon: Download,
            shortcut: 'P',
            onSelect: () => actions.pullAgain(members),
          },
          {
            label: t('images.groupPush', { count: members.length }),
            icon: ArrowUpFromLine,
            onSelect: () => actions.push(members),
          },
        ]
      : []),
    {
      label: t('images.groupSave', { count: members.length }),
      icon: PackageOpen,
      onSelect: () => actions.save(members),
    },
    'line',
    {
      label: t('containers.groupSelect', { count: members.length }),
      onSelect: () => setSelected(new Set([...selected, ...members.map(keyOf)])),
    },
    {
      label: t('containers.groupRemove', { count: members.length }),
      icon: Trash2,
      shortcut: 'Del',
      danger: true,
      onSelect: () => actions.remove(members),
    },
  ];
  const { folded, onFold } = useFolds();
  const grouping: Grouping<NamedImage, ImageGroup> | undefined = groups && {
    groups,
    folded,
    onFold,
    rowHeight: dense ? 32 : 36,
    title: (group) => <GroupTitle group={group} />,
    menu: groupMenu,
    words: {
      select: (group) => t('images.groupSelectAll', { name: nameOfGroup(t, group.name) }),
      fold: (group) => t('containers.groupFold', { name: nameOfGroup(t, group.name) }),
      menu: (group) => t('action.more', { name: nameOfGroup(t, group.name) }),
    },
    onKey: (group, event) => {
      if (event.key === 'Delete') actions.remove(chosen.length > 0 ? chosen : group.rows);
      else if (letters && event.key === 'p' && group.name !== undefined) actions.pullAgain(group.rows);
      else return false;
      return true;
    },
  };
  const clear = () => {
    setFilter('');
    setChips(noChips);
  };

  const list = () => {
    if (!images || (images.length === 0 && connection.state !== 'ready')) {
      if (connection.state === 'ready') return <Loading waitingFor={t('common.loading')} />;
      return (
        <Empty
          icon={Layers}
          title={connection.state === 'gone' ? t('containers.offTitle') : t('engine.bannerStarting')}
        >
          {connection.problem ?? t('images.offText')}
        </Empty>
      );
    }
    if (images.length === 0)
      return (
        <Empty
          icon={Layers}
          title={t('images.emptyTitle')}
          actions={
            <>
              <Button variant="primary" icon={Download} onClick={() => ask({ kind: 'pull' })}>
                {t('action.pullDots')}
              </Button>
              <button type="button" className="link" onClick={() => ask({ kind: 'pull', reference: 'hello-world' })}>
                {t('images.emptyExample')}
              </button>
            </>
          }
        >
          {t('images.emptyText')}
        </Empty>
      );
    if (rows.length === 0)
      return (
        <Empty
          icon={ListFilter}
          title={t('images.noneMatchTitle')}
          actions={<Button onClick={clear}>{t('containers.clearFilter')}</Button>}
        >
          {text ? t('containers.noneMatchText', { filter: text }) : t('images.noneMatchChips')}
        </Empty>
      );
    return (
      <DataGrid<NamedImage, ImageGroup>
        label={t('images.title')}
        words={{
          selectAll: t('images.selectAll'),
          actions: t('common.actions'),
          select: (row) => t('images.select', { name: nameOfImage(row) }),
          menu: (row) => t('action.more', { name: nameOfImage(row) }),
        }}
        columns={columns}
        rows={rows}
        grouping={grouping}
        chooser={chooser}
        keyOf={keyOf}
        nameOf={nameOfImage}
        rowHeight={dense ? 32 : 44}
        sort={sort}
        onSort={setSort}
        selected={selected}
        onSelect={setSelected}
        openKey={open?.key}
        onOpen={(row) => actions.open(row, open ? tab : undefined)}
        dataOf={(row) => dropOn({ kind: 'image', reference: row.reference })}
        menu={actions.menu}
        quickRoom={28}
        quick={(row) => (
          <IconButton
            small
            tabIndex={-1}
            icon={Play}
            label={t('action.runDots')}
            shortcut="R"
            onClick={() => actions.run(row)}
          />
        )}
        onRowKey={onRowKey}
      />
    );
  };

  const filtering = text !== '' || chips.size > 0;
  const size = useMemo(() => {
    const sizes = new Map(rows.map(({ id, image }) => [id, image.Size - (shared[id] ?? 0)]));
    return [...sizes.values()].reduce((sum, each) => sum + each, 0);
  }, [rows, shared]);
  return (
    <>
      {chosen.length > 0 ? (
        <BulkBar chosen={chosen} facts={facts} actions={actions} onClear={() => setSelected(new Set())} />
      ) : (
        <Toolbar
          rows={all}
          facts={facts}
          filter={filter}
          onFilter={setFilter}
          chips={chips}
          onChips={setChips}
          grouped={grouped}
          actions={actions}
          onLoad={load}
        />
      )}
      <div className="split" ref={split}>
        {!(openId !== undefined && (full || !beside)) && (
          <section className="list" aria-label={t('images.title')}>
            {list()}
            {images && images.length > 0 && (
              <div className="list-foot">
                <span className="num" role="status">
                  {filtering
                    ? t('images.countOf', { shown: rows.length, count: all.length })
                    : t('images.count', { count: all.length })}
                </span>
                {Object.keys(shared).length > 0 && (
                  <span className="num">{t('images.uniqueTotal', { size: bytes(size) })}</span>
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
                {letters && (
                  <span className="keys">
                    <kbd>R</kbd> {t('images.keysRun')}
                  </span>
                )}
                <kbd>?</kbd>
              </div>
            )}
          </section>
        )}
        {openId !== undefined && images && (
          <ImageDrawer key={open?.key ?? openId} row={open} tab={tab} full={full} onFull={setFull} onClose={close} />
        )}
      </div>
    </>
  );
}

/** Repositories that are folded, as the person left them. */
function useFolds(): { folded: ReadonlySet<string>; onFold(key: string, fold: boolean): void } {
  const names = usePreferences((preferences) => preferences.foldedImages);
  const set = usePreferences((preferences) => preferences.set);
  const folded = useMemo(() => new Set(names), [names]);
  const onFold = (key: string, fold: boolean) => {
    const others = names.filter((name) => name !== key);
    set({ foldedImages: fold ? [...others, key] : others });
  };
  return { folded, onFold };
}

/** The columns that nobody wants, and the menu that chooses them. */
function useChooser() {
  const { t } = useTranslation();
  const toggled = usePreferences((preferences) => preferences.toggledImageColumns);
  const set = usePreferences((preferences) => preferences.set);
  const hidden = useMemo(
    () => new Set(optionalColumns.filter((column) => hiddenAtFirst.includes(column) !== toggled.includes(column))),
    [toggled],
  );
  const names: Record<OptionalColumn, string> = {
    users: t('images.usedBy'),
    size: t('images.size'),
    shared: t('images.shared'),
    unique: t('images.unique'),
    created: t('images.created'),
    id: t('summary.id'),
    digest: t('images.digest'),
  };
  const entries = (): MenuEntry[] => [
    { heading: t('containers.columns') },
    ...optionalColumns.map((column) => ({
      label: names[column],
      checked: !hidden.has(column),
      stay: true,
      onSelect: () => {
        const others = usePreferences.getState().toggledImageColumns;
        const next = others.includes(column) ? others.filter((each) => each !== column) : [...others, column];
        set({ toggledImageColumns: next });
      },
    })),
  ];
  return { hidden, chooser: { label: t('containers.columns'), entries } };
}
