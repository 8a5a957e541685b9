import { useCallback, useDeferredValue, useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import {
  Box,
  ListFilter,
  Play,
  Plus,
  RotateCw,
  ScrollText,
  Square,
  Terminal as TerminalIcon,
  Trash2,
} from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../../main/contract/containers.js';
import { fits, useContainerActions, type ContainerActions } from '../../parts/container-actions.js';
import { nameOf, portsOf, shapeOf, stateOrder, type Shape } from '../../parts/container-state.js';
import { ShapeIcon } from '../../parts/Shape.js';
import { StateBadge } from '../../parts/StateBadge.js';
import { drawerWidth, useBeside } from '../../parts/Drawer.js';
import { useEngine } from '../../store/index.js';
import { usePreferences } from '../../store/preferences.js';
import { useSurface } from '../../store/surface.js';
import { Button, IconButton } from '../../ui/Button.js';
import { useNow } from '../../ui/clock.js';
import { DataGrid, sorted, type Column, type Sort } from '../../ui/DataGrid.js';
import { Empty } from '../../ui/Empty.js';
import { ago } from '../../ui/format.js';
import { Loading } from '../../ui/Loading.js';
import { navigate, pathTo, useRoute } from '../../ui/route.js';
import { useWidth } from '../../ui/use-width.js';
import { ContainerDrawer } from './ContainerDrawer.js';
import { matches, type StateFilter } from './filter.js';

const keyOf = ({ Id }: ContainerSummary) => Id;

/** Kept while the window lives: coming back to the page finds it as it was left. */
let remembered: { filter: string; state: StateFilter; sort: Sort } = {
  filter: '',
  state: 'all',
  sort: { column: 'name', descending: false },
};

export function ContainersPage() {
  const { t } = useTranslation();
  const containers = useEngine((state) => state.containers);
  const connection = useEngine((state) => state.connection);
  const dense = usePreferences((preferences) => preferences.dense);
  const letters = usePreferences((preferences) => preferences.letterKeys);
  const ask = useSurface((surface) => surface.open);
  const actions = useContainerActions();
  const beside = useBeside();
  const [, openId, tab] = useRoute();
  const [filter, setFilter] = useState(remembered.filter);
  const [only, setOnly] = useState<StateFilter>(remembered.state);
  const [sort, setSort] = useState(remembered.sort);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [full, setFull] = useState(false);
  const filterBox = useRef<HTMLInputElement>(null);
  const text = useDeferredValue(filter);
  useEffect(() => {
    remembered = { filter, state: only, sort };
  }, [filter, only, sort]);

  const split = useRef<HTMLDivElement>(null);
  const width = useWidth(split) - (openId !== undefined && beside ? drawerWidth : 0);
  const columns = useColumns(dense, width);
  const rows = useMemo(
    () =>
      sorted(
        (containers ?? []).filter((container) => matches(container, text, only)),
        columns,
        sort,
      ),
    [containers, text, only, columns, sort],
  );
  const chosen = useMemo(() => (containers ?? []).filter(({ Id }) => selected.has(Id)), [containers, selected]);
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
    };
    act[event.key]?.();
    return act[event.key] !== undefined;
  };
  const clear = () => {
    setFilter('');
    setOnly('all');
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
      <DataGrid<ContainerSummary>
        label={t('containers.title')}
        words={{
          selectAll: t('containers.selectAll'),
          actions: t('common.actions'),
          select: (row) => t('containers.select', { name: nameOf(row) }),
          menu: (row) => t('action.more', { name: nameOf(row) }),
        }}
        columns={columns}
        rows={rows}
        keyOf={keyOf}
        nameOf={nameOf}
        rowHeight={dense ? 32 : 44}
        sort={sort}
        onSort={setSort}
        selected={selected}
        onSelect={setSelected}
        openKey={open?.Id}
        onOpen={(row) => actions.open(row, open ? tab : undefined)}
        menu={actions.menu}
        quick={(row) => <Quick container={row} actions={actions} />}
        onRowKey={onRowKey}
      />
    );
  };

  const filtering = text !== '' || only !== 'all';
  return (
    <>
      {chosen.length > 0 ? (
        <BulkBar chosen={chosen} actions={actions} onClear={() => setSelected(new Set())} />
      ) : (
        <div className="tools">
          <h1>{t('containers.title')}</h1>
          <label className="filter">
            <ListFilter className="icon s14" aria-hidden />
            <input
              ref={filterBox}
              type="text"
              data-filter
              aria-label={t('containers.filterLabel')}
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
          {(['running', 'failed'] as const).map((state) => (
            <button
              key={state}
              type="button"
              className="chip"
              aria-pressed={only === state}
              onClick={() => setOnly(only === state ? 'all' : state)}
            >
              <ShapeIcon shape={state === 'running' ? 'run' : 'failed'} />
              {state === 'running' ? t('containers.runningOnly') : t('containers.failedOnly')}
            </button>
          ))}
          <span className="grow" />
          <Button
            variant="primary"
            icon={Plus}
            disabled={connection.state !== 'ready'}
            onClick={() => ask({ kind: 'run' })}
          >
            {t('action.run')}
          </Button>
        </div>
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

/** What there is no room for is left out: the command first. */
function useColumns(dense: boolean, width: number): Column<ContainerSummary>[] {
  const { t, i18n } = useTranslation();
  const room = width >= 760 ? 'command' : width >= 560 ? 'created' : 'state';
  return useMemo(() => {
    const compareNames = new Intl.Collator(i18n.language, { numeric: true }).compare;
    const rank = (container: ContainerSummary) => stateOrder.indexOf(shapeOf(container));
    const columns: (Column<ContainerSummary> | false)[] = [
      {
        id: 'name',
        header: t('containers.name'),
        width: 'minmax(0, 1.3fr)',
        compare: (a, b) => compareNames(nameOf(a), nameOf(b)),
        cell: (row) => (
          <span style={{ display: 'block' }}>
            <span className="name cut" style={{ display: 'block' }}>
              {nameOf(row)}
            </span>
            {!dense && (
              <span className="sub cut" style={{ display: 'block' }}>
                {row.Image}
              </span>
            )}
          </span>
        ),
      },
      dense &&
        room !== 'state' && {
          id: 'image',
          header: t('summary.image'),
          width: 'minmax(0, 1fr)',
          compare: (a, b) => compareNames(a.Image, b.Image),
          cell: (row) => (
            <span className="mono t2 cut" style={{ display: 'block' }}>
              {row.Image}
            </span>
          ),
        },
      {
        id: 'state',
        header: t('containers.state'),
        width: '164px',
        compare: (a, b) => rank(a) - rank(b),
        cell: (row) => (
          <span className="s12" style={{ display: 'flex' }}>
            <StateBadge container={row} />
          </span>
        ),
      },
      room === 'command' && {
        id: 'command',
        header: t('containers.command'),
        width: 'minmax(0, 1.2fr)',
        cell: (row) => (
          <span className="mono t2 cut" style={{ display: 'block' }} title={row.Command}>
            {row.Command}
          </span>
        ),
      },
      room !== 'state' && {
        id: 'ports',
        header: t('containers.ports'),
        width: '76px',
        cell: (row) => (
          <span className={`mono cut ${portsOf(row).length > 0 ? '' : 't3'}`} style={{ display: 'block' }}>
            {portsOf(row).join(' ') || '–'}
          </span>
        ),
      },
      room !== 'state' && {
        id: 'created',
        header: t('containers.created'),
        width: '112px',
        right: true,
        compare: (a, b) => b.Created - a.Created,
        cell: (row) => <Created at={row.Created} />,
      },
    ];
    return columns.filter((column) => column !== false);
  }, [t, i18n.language, dense, room]);
}

function Created({ at }: { at: number }) {
  const { t } = useTranslation();
  const now = useNow(60_000);
  return <span className="s12 t3 num">{ago(t, now - at * 1000)}</span>;
}

/** What one does most, on the row itself: on hover and on focus. */
function Quick({ container, actions }: { container: ContainerSummary; actions: ContainerActions }) {
  const { t } = useTranslation();
  const pending = useEngine((state) => state.pending[container.Id]) !== undefined;
  const stops = fits('stop', container);
  return (
    <>
      <IconButton
        small
        tabIndex={-1}
        icon={stops ? Square : Play}
        label={stops ? t('action.stop') : t('action.start')}
        shortcut="S"
        disabled={pending}
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

const counted = ['failed', 'unhealthy', 'run', 'paused', 'created', 'exited', 'moving'] as const;
type Counted = (typeof counted)[number];
const groupOf = (shape: Shape): Counted =>
  shape === 'healthy' || shape === 'starting' ? 'run' : shape === 'restarting' ? 'moving' : shape;

/** Takes the toolbar's place while something is selected. */
function BulkBar({
  chosen,
  actions,
  onClear,
}: {
  chosen: ContainerSummary[];
  actions: ContainerActions;
  onClear(): void;
}) {
  const { t } = useTranslation();
  const run = (verb: 'start' | 'stop' | 'restart') =>
    Promise.all(chosen.filter((container) => fits(verb, container)).map((container) => actions.act(container, verb)));
  const verbs = [
    { verb: 'start', icon: Play, key: 'containers.bulkStart' },
    { verb: 'stop', icon: Square, key: 'containers.bulkStop' },
    { verb: 'restart', icon: RotateCw, key: 'containers.bulkRestart' },
  ] as const;
  return (
    <div
      className="tools bulk"
      role="toolbar"
      aria-label={t('containers.selected', { count: chosen.length })}
      onKeyDown={(event) => event.key === 'Escape' && onClear()}
      data-bulk
    >
      <b className="b6" role="status" style={{ whiteSpace: 'nowrap' }}>
        {t('containers.selected', { count: chosen.length })}
      </b>
      <span className="row g12 s12 t2" style={{ margin: '0 8px 0 4px', overflow: 'hidden' }}>
        {counted.map((group) => {
          const count = chosen.filter((container) => groupOf(shapeOf(container)) === group).length;
          return count === 0 ? null : (
            <span className="state" style={{ fontWeight: 400 }} key={group}>
              <ShapeIcon shape={group} />
              {t(`containers.byState.${group}`, { count })}
            </span>
          );
        })}
      </span>
      {verbs.map(({ verb, icon, key }) => {
        const count = chosen.filter((container) => fits(verb, container)).length;
        return (
          <Button key={verb} icon={icon} disabled={count === 0} onClick={() => void run(verb)}>
            {t(key, { count })}
          </Button>
        );
      })}
      <span className="grow" />
      <Button variant="danger" icon={Trash2} shortcut="Del" onClick={() => actions.remove(chosen)}>
        {t('containers.bulkRemove', { count: chosen.length })}
      </Button>
      <Button variant="ghost" shortcut="Esc" onClick={onClear} data-clear>
        {t('common.clear')}
      </Button>
    </div>
  );
}
