import { useCallback, useMemo, useRef, useState } from 'react';
import { Copy, Download, Layers, ListFilter, Play, Trash2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { drawerWidth, useBeside } from '../../parts/Drawer.js';
import { namedImages, nameOfImage, usersOf, type NamedImage } from '../../parts/image-names.js';
import { useEngine } from '../../store/index.js';
import { usePreferences } from '../../store/preferences.js';
import { useSurface } from '../../store/surface.js';
import { Button, IconButton } from '../../ui/Button.js';
import { useNow } from '../../ui/clock.js';
import { DataGrid, sorted, type Column, type Sort } from '../../ui/DataGrid.js';
import { copyText } from '../../ui/desktop.js';
import { Empty } from '../../ui/Empty.js';
import { ago, bytes } from '../../ui/format.js';
import { Loading } from '../../ui/Loading.js';
import type { MenuEntry } from '../../ui/Menu.js';
import { navigate, pathTo, useRoute } from '../../ui/route.js';
import { useWidth } from '../../ui/use-width.js';
import { ImageDrawer } from './ImageDrawer.js';

const keyOf = ({ key }: NamedImage) => key;

export function ImagesPage() {
  const { t } = useTranslation();
  const images = useEngine((state) => state.images);
  const connection = useEngine((state) => state.connection);
  const letters = usePreferences((preferences) => preferences.letterKeys);
  const ask = useSurface((surface) => surface.open);
  const beside = useBeside();
  const [, openId, tab] = useRoute();
  const [filter, setFilter] = useState('');
  const [sort, setSort] = useState<Sort>({ column: 'name', descending: false });
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [full, setFull] = useState(false);
  const filterBox = useRef<HTMLInputElement>(null);
  const split = useRef<HTMLDivElement>(null);
  const columns = useColumns(useWidth(split) - (openId !== undefined && beside ? drawerWidth : 0));
  const all = useMemo(() => namedImages(images ?? []), [images]);
  const rows = useMemo(() => {
    const words = filter.toLowerCase().split(/\s+/);
    const fits = (row: NamedImage) =>
      words.every((word) => row.reference.toLowerCase().includes(word) || row.id.startsWith(`sha256:${word}`));
    return sorted(all.filter(fits), columns, sort);
  }, [all, columns, filter, sort]);
  const chosen = all.filter(({ key }) => selected.has(key));
  const open = openId === undefined ? undefined : all.find((row) => row.reference === openId || row.id === openId);
  const close = useCallback(() => {
    setFull(false);
    navigate(pathTo('images'));
  }, []);

  const show = (row: NamedImage, to = tab) => navigate(pathTo('images', row.reference, ...(to ? [to] : [])));
  const remove = (victims: NamedImage[]) =>
    ask({ kind: 'remove-images', images: victims.map(({ id, reference }) => ({ id, name: reference })) });
  const menu = (row: NamedImage): MenuEntry[] => [
    {
      label: t('action.runDots'),
      icon: Play,
      shortcut: 'R',
      onSelect: () => ask({ kind: 'run', image: row.reference }),
    },
    ...(row.repository
      ? [
          {
            label: t('action.pullDots'),
            icon: Download,
            onSelect: () => ask({ kind: 'pull' as const, reference: row.reference }),
          },
          { label: t('action.copyName'), icon: Copy, onSelect: () => void copyText(row.reference) },
        ]
      : []),
    { label: t('action.copyId'), icon: Copy, onSelect: () => void copyText(row.id) },
    'line',
    { label: t('action.removeDots'), icon: Trash2, shortcut: 'Del', danger: true, onSelect: () => remove([row]) },
  ];

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
          actions={<Button onClick={() => setFilter('')}>{t('containers.clearFilter')}</Button>}
        >
          {t('containers.noneMatchText', { filter })}
        </Empty>
      );
    return (
      <DataGrid<NamedImage>
        label={t('images.title')}
        words={{
          selectAll: t('images.selectAll'),
          actions: t('common.actions'),
          select: (row) => t('images.select', { name: nameOfImage(row) }),
          menu: (row) => t('action.more', { name: nameOfImage(row) }),
        }}
        columns={columns}
        rows={rows}
        keyOf={keyOf}
        nameOf={nameOfImage}
        rowHeight={32}
        sort={sort}
        onSort={setSort}
        selected={selected}
        onSelect={setSelected}
        openKey={open?.key}
        onOpen={(row) => show(row)}
        menu={menu}
        quickRoom={28}
        quick={(row) => (
          <IconButton
            small
            tabIndex={-1}
            icon={Play}
            label={t('action.runDots')}
            onClick={() => ask({ kind: 'run', image: row.reference })}
          />
        )}
        onRowKey={(row, event) => {
          if (event.key === 'Delete') remove(chosen.length > 0 ? chosen : [row]);
          else if (letters && event.key === 'r') ask({ kind: 'run', image: row.reference });
          else return false;
          return true;
        }}
      />
    );
  };
  return (
    <>
      {chosen.length > 0 ? (
        <div className="tools bulk" role="toolbar" aria-label={t('containers.selected', { count: chosen.length })}>
          <b className="b6" role="status">
            {t('containers.selected', { count: chosen.length })}
          </b>
          <span className="grow" />
          <Button variant="danger" icon={Trash2} shortcut="Del" onClick={() => remove(chosen)}>
            {t('containers.bulkRemove', { count: chosen.length })}
          </Button>
          <Button variant="ghost" shortcut="Esc" onClick={() => setSelected(new Set())} data-clear>
            {t('common.clear')}
          </Button>
        </div>
      ) : (
        <div className="tools">
          <h1>{t('images.title')}</h1>
          <label className="filter">
            <ListFilter className="icon s14" aria-hidden />
            <input
              ref={filterBox}
              type="text"
              data-filter
              aria-label={t('images.filterLabel')}
              placeholder={t('containers.filter')}
              value={filter}
              onChange={(event) => setFilter(event.target.value)}
              onKeyDown={(event) => {
                if (event.key !== 'Escape') return;
                event.stopPropagation();
                if (filter === '') filterBox.current?.blur();
                else setFilter('');
              }}
            />
            {filter === '' && <kbd aria-hidden>/</kbd>}
          </label>
          <span className="grow" />
          <Button
            variant="primary"
            icon={Download}
            disabled={connection.state !== 'ready'}
            onClick={() => ask({ kind: 'pull' })}
          >
            {t('action.pull')}
          </Button>
        </div>
      )}
      <div className="split" ref={split}>
        {!(openId !== undefined && (full || !beside)) && (
          <section className="list" aria-label={t('images.title')}>
            {list()}
            {images && images.length > 0 && (
              <div className="list-foot">
                <span className="num" role="status">
                  {filter === ''
                    ? t('images.count', { count: all.length })
                    : t('images.countOf', { shown: rows.length, count: all.length })}
                </span>
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

function useColumns(width: number): Column<NamedImage>[] {
  const { t, i18n } = useTranslation();
  const containers = useEngine((state) => state.containers);
  const room = width >= 760 ? 'users' : width >= 540 ? 'created' : 'size';
  return useMemo(() => {
    const compare = new Intl.Collator(i18n.language, { numeric: true }).compare;
    const columns: (Column<NamedImage> | false)[] = [
      {
        id: 'name',
        header: t('images.name'),
        width: 'minmax(0, 1.5fr)',
        compare: (a, b) => compare(nameOfImage(a), nameOfImage(b)),
        cell: (row) =>
          row.repository ? (
            <span className="name cut" style={{ display: 'block' }}>
              {row.repository}
            </span>
          ) : (
            <span className="mono t3 cut" style={{ display: 'block' }}>
              {nameOfImage(row)}
            </span>
          ),
      },
      {
        id: 'tag',
        header: t('images.tag'),
        width: '128px',
        cell: (row) =>
          row.tag ? (
            <span className="mono cut" style={{ display: 'block' }}>
              {row.tag}
            </span>
          ) : (
            <span className="t3">{t('images.untagged')}</span>
          ),
      },
      {
        id: 'size',
        header: t('images.size'),
        width: '96px',
        right: true,
        compare: (a, b) => a.image.Size - b.image.Size,
        cell: (row) => <span className="num">{bytes(row.image.Size)}</span>,
      },
      room !== 'size' && {
        id: 'created',
        header: t('images.created'),
        width: '128px',
        compare: (a, b) => b.image.Created - a.image.Created,
        cell: (row) => <Created at={row.image.Created} />,
      },
      room === 'users' && {
        id: 'users',
        header: t('images.usedBy'),
        width: 'minmax(0, 1fr)',
        compare: (a, b) => usersOf(b.id, containers).length - usersOf(a.id, containers).length,
        cell: (row) => {
          const count = usersOf(row.id, containers).length;
          return <span className="t3 num">{count === 0 ? '–' : t('containers.count', { count })}</span>;
        },
      },
    ];
    return columns.filter((column) => column !== false);
  }, [t, i18n.language, containers, room]);
}

function Created({ at }: { at: number }) {
  const { t } = useTranslation();
  const now = useNow(60_000);
  return <span className="t3 num">{at > 0 ? ago(t, now - at * 1000) : '–'}</span>;
}
