import {
  memo,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
  type MouseEvent,
  type ReactNode,
} from 'react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { ArrowDown, ArrowUp, ChevronDown, ChevronRight, Columns2, Ellipsis } from 'lucide-react';
import { clsx } from 'clsx';
import { Menu, RightClickMenu, type MenuEntry } from './Menu.js';

export interface Column<Row, Group = never> {
  id: string;
  header: string;
  /** A grid track: `minmax(0, 1fr)`, `120px`. */
  width: string;
  right?: boolean;
  compare?(a: Row, b: Row): number;
  cell(row: Row): ReactNode;
  /** What a group says in this column; its name takes the columns before the first that has one. */
  total?(group: Group): ReactNode;
}

export interface Sort {
  column: string;
  descending: boolean;
}

/** Rows under a heading that can be folded. Keys of groups are no keys of rows. */
export interface RowGroup<Row> {
  key: string;
  /** As it is read out. */
  label: string;
  rows: Row[];
}

export interface Grouping<Row, Group extends RowGroup<Row>> {
  groups: Group[];
  folded: ReadonlySet<string>;
  onFold(key: string, folded: boolean): void;
  rowHeight: number;
  title(group: Group): ReactNode;
  /** Acts that are always in sight. */
  acts?(group: Group): ReactNode;
  menu(group: Group): MenuEntry[];
  words: { select(group: Group): string; fold(group: Group): string; menu(group: Group): string };
  onKey?(group: Group, event: KeyboardEvent): boolean;
}

export interface DataGridProps<Row, Group extends RowGroup<Row> = never> {
  label: string;
  words: { selectAll: string; actions: string; select(row: Row): string; menu(row: Row): string };
  columns: Column<Row, Group>[];
  /** All rows, also those in groups. */
  rows: Row[];
  grouping?: Grouping<Row, Group> | undefined;
  keyOf(row: Row): string;
  nameOf(row: Row): string;
  rowHeight: number;
  sort: Sort;
  onSort(sort: Sort): void;
  selected: ReadonlySet<string>;
  onSelect(keys: Set<string>): void;
  openKey?: string;
  onOpen(row: Row): void;
  menu(row: Row): MenuEntry[];
  /** Further attributes of a row. */
  dataOf?(row: Row): Record<`data-${string}`, string>;
  quick?(row: Row): ReactNode;
  /** Pixels kept free for the quick actions, so that they cover nothing; without it they lie over what is there. */
  quickRoom?: number;
  /** Letters and Delete on the focused row. Returns whether the key was taken. */
  onRowKey?(row: Row, event: KeyboardEvent): boolean;
  /** Which columns there are to choose from. */
  chooser?: { label: string; entries(): MenuEntry[] };
  /** The rows in sight, those of the groups in sight among them, whenever they change. */
  onInSight?(rows: Row[]): void;
}

/** Sorted by a column; equal rows keep the order they came in. */
export function sorted<Row, Group = never>(rows: Row[], columns: Column<Row, Group>[], sort: Sort): Row[] {
  const compare = columns.find((column) => column.id === sort.column)?.compare;
  if (!compare) return rows;
  const direction = sort.descending ? -1 : 1;
  return rows.toSorted((a, b) => direction * compare(a, b));
}

interface RowOf<Row> {
  kind: 'row';
  key: string;
  level: 1 | 2;
  row: Row;
}

interface GroupOf<Group> {
  kind: 'group';
  key: string;
  group: Group;
  folded: boolean;
}

type Line<Row, Group> = RowOf<Row> | GroupOf<Group>;

function linesOf<Row, Group extends RowGroup<Row>>({
  rows,
  grouping,
  keyOf,
}: DataGridProps<Row, Group>): Line<Row, Group>[] {
  if (!grouping) return rows.map((row) => ({ kind: 'row', key: keyOf(row), level: 1, row }));
  return grouping.groups.flatMap((group): Line<Row, Group>[] => {
    const folded = grouping.folded.has(group.key);
    const below = folded
      ? []
      : group.rows.map((row): Line<Row, Group> => ({ kind: 'row', key: keyOf(row), level: 2, row }));
    return [{ kind: 'group', key: `group ${group.key}`, group, folded }, ...below];
  });
}

const inControl = (event: MouseEvent): boolean =>
  event.defaultPrevented || (event.target as HTMLElement).closest('button, input, a, [role="menu"]') !== null;

/**
 * A table of many rows that only draws those in sight: an ARIA grid (a tree grid where rows are grouped) with one tab stop, arrow keys
 * inside, a menu and quick actions per row. It knows nothing of what it lists.
 */
export function DataGrid<Row, Group extends RowGroup<Row> = never>(props: DataGridProps<Row, Group>) {
  const { rows, grouping, keyOf, columns, selected, onSelect, sort, words, rowHeight, onInSight } = props;
  const scroll = useRef<HTMLDivElement>(null);
  const anchor = useRef<string | undefined>(undefined);
  const [current, setCurrent] = useState<string>();
  const [pointed, setPointed] = useState<string>();
  // eslint-disable-next-line react-hooks/exhaustive-deps -- what lines are made from
  const lines = useMemo(() => linesOf(props), [rows, grouping?.groups, grouping?.folded, keyOf]);
  const groupHeight = grouping?.rowHeight ?? rowHeight;
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroll.current,
    estimateSize: useCallback(
      (index: number) => (lines[index]?.kind === 'group' ? groupHeight : rowHeight),
      [lines, groupHeight, rowHeight],
    ),
    overscan: 6,
    getItemKey: useCallback((index: number) => lines[index]?.key ?? index, [lines]),
  });
  const places = useMemo(() => new Map(lines.map(({ key }, index) => [key, index])), [lines]);
  const currentIndex = (current === undefined ? undefined : places.get(current)) ?? 0;
  const [gutter, setGutter] = useState(0);
  useLayoutEffect(() => {
    const box = scroll.current;
    if (box) setGutter(box.offsetWidth - box.clientWidth);
  }, [lines.length, rowHeight]);
  useLayoutEffect(() => virtual.measure(), [virtual, rowHeight, groupHeight]);
  const wantsFocus = useRef(false);
  useEffect(() => {
    if (!wantsFocus.current) return;
    const element = scroll.current?.querySelector<HTMLElement>(`[data-index="${currentIndex}"]`);
    if (!element) return;
    wantsFocus.current = false;
    element.focus({ preventScroll: true });
  });

  const items = virtual.getVirtualItems();
  const [first, last] = [items[0]?.index ?? 0, items.at(-1)?.index ?? -1];
  useEffect(() => {
    if (!onInSight) return;
    const seen = new Set(
      lines.slice(first, last + 1).flatMap((line) => (line.kind === 'group' ? line.group.rows : [line.row])),
    );
    onInSight([...seen]);
  }, [lines, first, last, onInSight]);

  const moveTo = (index: number) => {
    const bounded = Math.min(lines.length - 1, Math.max(0, index));
    const key = lines[bounded]?.key;
    if (key === undefined) return;
    virtual.scrollToIndex(bounded);
    wantsFocus.current = true;
    setCurrent(key);
  };
  const keysIn = (line: Line<Row, Group>): string[] =>
    line.kind === 'group' ? line.group.rows.map(keyOf) : [line.key];
  const toggle = (line: Line<Row, Group>, range: boolean) => {
    const next = new Set(selected);
    const from = anchor.current === undefined ? undefined : places.get(anchor.current);
    const to = places.get(line.key) ?? 0;
    if (range && from !== undefined) {
      for (const between of lines.slice(Math.min(from, to), Math.max(from, to) + 1))
        if (between.kind === 'row' || between.folded) for (const key of keysIn(between)) next.add(key);
    } else {
      const keys = keysIn(line);
      const all = keys.every((key) => next.has(key));
      for (const key of keys)
        if (all) next.delete(key);
        else next.add(key);
    }
    anchor.current = line.key;
    onSelect(next);
  };
  const fold = (line: Line<Row, Group>, folded: boolean) => {
    if (line.kind === 'group') grouping?.onFold(line.group.key, folded);
  };
  const enter = (line: Line<Row, Group>) => (line.kind === 'group' ? fold(line, !line.folded) : props.onOpen(line.row));

  const onKeyDown = (event: KeyboardEvent) => {
    const line = lines[currentIndex];
    const element = event.target;
    const onRow = element instanceof HTMLElement && element.dataset['index'] !== undefined;
    if (line === undefined || !onRow) return;
    const page = Math.max(1, Math.floor((scroll.current?.clientHeight ?? 0) / rowHeight) - 1);
    const moves: Record<string, number> = {
      ArrowDown: currentIndex + 1,
      j: currentIndex + 1,
      ArrowUp: currentIndex - 1,
      k: currentIndex - 1,
      Home: 0,
      End: lines.length - 1,
      PageDown: currentIndex + page,
      PageUp: currentIndex - page,
    };
    const plain = !event.ctrlKey && !event.altKey && !event.metaKey;
    const target = moves[event.key];
    if (target !== undefined && plain) {
      moveTo(target);
      const reached = lines[Math.min(lines.length - 1, Math.max(0, target))];
      if (event.shiftKey && reached !== undefined) {
        anchor.current ??= line.key;
        toggle(reached, true);
      }
    } else if (event.key === 'ArrowRight' && plain && line.kind === 'group') fold(line, false);
    else if (event.key === 'ArrowLeft' && plain && grouping) {
      if (line.kind === 'group') fold(line, true);
      else moveTo(lines.findLastIndex(({ kind }, index) => index < currentIndex && kind === 'group'));
    } else if (event.key === ' ' && plain) toggle(line, event.shiftKey);
    else if (event.key === 'Enter' && plain) enter(line);
    else if (event.key === 'a' && event.ctrlKey && !event.altKey) onSelect(new Set(rows.map(keyOf)));
    else if (event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey)) openMenuAt(element);
    else if (!(
      plain && (line.kind === 'group' ? grouping?.onKey?.(line.group, event) : props.onRowKey?.(line.row, event))
    ))
      return;
    event.preventDefault();
    event.stopPropagation();
  };

  const menuFor = useRef<Line<Row, Group> | undefined>(undefined);
  const lineAt = (event: MouseEvent) => {
    const place = (event.target as HTMLElement).closest<HTMLElement>('[data-index]')?.dataset['index'];
    return place === undefined ? undefined : lines[Number(place)];
  };
  const entriesOf = (line: Line<Row, Group>) =>
    line.kind === 'group' ? (grouping?.menu(line.group) ?? []) : props.menu(line.row);

  // One of each for all rows and renders, so that a row is drawn again only when something of it has changed.
  const latest = useRef({ lines, toggle, enter, entriesOf, onKeyDown, fold, props });
  useLayoutEffect(() => {
    latest.current = { lines, toggle, enter, entriesOf, onKeyDown, fold, props };
  });
  const hands = useMemo<Hands<Row, Group>>(
    () => ({
      focus: setCurrent,
      point: setPointed,
      key: (event) => latest.current.onKeyDown(event),
      toggle: (line, range) => latest.current.toggle(line, range),
      entries: (line) => latest.current.entriesOf(line),
      click: (line, event) => {
        if (inControl(event)) return;
        setCurrent(line.key);
        if (event.shiftKey || event.ctrlKey || event.metaKey) latest.current.toggle(line, event.shiftKey);
        else latest.current.enter(line);
      },
      fold: (line, folded) => latest.current.fold(line, folded),
    }),
    [],
  );

  const template = `32px ${columns.map((column) => column.width).join(' ')} ${34 + (props.quickRoom ?? 0)}px`;
  const chosen = useMemo(
    () => rows.reduce((sum, row) => sum + (selected.has(keyOf(row)) ? 1 : 0), 0),
    [rows, selected, keyOf],
  );
  return (
    <div
      className="grid"
      role={grouping ? 'treegrid' : 'grid'}
      aria-label={props.label}
      aria-multiselectable
      aria-rowcount={lines.length + 1}
      aria-colcount={columns.length + 2}
    >
      <div role="rowgroup">
        <div
          className="grid-line grid-head"
          role="row"
          aria-rowindex={1}
          style={{ gridTemplateColumns: template, paddingRight: 6 + gutter }}
        >
          <span className="cell-check" role="columnheader">
            <input
              type="checkbox"
              className="check"
              aria-label={words.selectAll}
              checked={rows.length > 0 && chosen === rows.length}
              ref={(box) => void (box && (box.indeterminate = chosen > 0 && chosen < rows.length))}
              onChange={() => onSelect(chosen === rows.length ? new Set() : new Set(rows.map(keyOf)))}
            />
          </span>
          {columns.map((column) => (
            <HeaderCell key={column.id} column={column} sort={sort} onSort={props.onSort} />
          ))}
          <span className="cell-menu" role="columnheader">
            {props.chooser ? (
              <Menu label={props.chooser.label} entries={props.chooser.entries}>
                <button
                  type="button"
                  className="icon-btn small"
                  aria-label={props.chooser.label}
                  title={props.chooser.label}
                >
                  <Columns2 className="icon s14" aria-hidden />
                </button>
              </Menu>
            ) : (
              <span className="hidden-text">{words.actions}</span>
            )}
          </span>
        </div>
      </div>
      <RightClickMenu
        label={menuFor.current ? labelOf(props, menuFor.current) : props.label}
        entries={() => (menuFor.current ? entriesOf(menuFor.current) : [])}
      >
        <div
          className="grid-scroll"
          ref={scroll}
          role="rowgroup"
          tabIndex={-1}
          onContextMenu={(event) => {
            const line = lineAt(event);
            if (!line) return event.preventDefault();
            menuFor.current = line;
            setCurrent(line.key);
          }}
          onMouseLeave={() => setPointed(undefined)}
        >
          <div role="presentation" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
            {items.map((item) => {
              const line = lines[item.index];
              if (line === undefined) return null;
              const isCurrent = item.index === currentIndex;
              const common = {
                hands,
                index: item.index,
                start: item.start,
                template,
                isCurrent,
              };
              if (line.kind === 'group')
                return grouping ? (
                  <GroupLine
                    key={line.key}
                    {...common}
                    line={line}
                    grouping={grouping}
                    columns={columns}
                    height={groupHeight}
                    chosen={line.group.rows.filter((row) => selected.has(keyOf(row))).length}
                  />
                ) : null;
              return (
                <MemoRowLine<Row, Group>
                  key={line.key}
                  {...common}
                  line={line}
                  latest={latest}
                  columns={columns}
                  height={rowHeight}
                  selected={selected.has(line.key)}
                  open={props.openKey === line.key}
                  active={isCurrent || pointed === line.key}
                />
              );
            })}
          </div>
        </div>
      </RightClickMenu>
    </div>
  );
}

const labelOf = <Row, Group extends RowGroup<Row>>(props: DataGridProps<Row, Group>, line: Line<Row, Group>): string =>
  line.kind === 'group' ? (props.grouping?.words.menu(line.group) ?? '') : props.words.menu(line.row);

/** As the right button would, at the row's own place. */
function openMenuAt(row: HTMLElement): void {
  const { left, top, height } = row.getBoundingClientRect();
  row.dispatchEvent(
    new globalThis.MouseEvent('contextmenu', {
      bubbles: true,
      cancelable: true,
      clientX: left + 48,
      clientY: top + height - 6,
    }),
  );
}

/** What rows do to the grid. */
interface Hands<Row, Group> {
  focus(key: string): void;
  point(key: string): void;
  key(event: KeyboardEvent): void;
  toggle(line: Line<Row, Group>, range: boolean): void;
  entries(line: Line<Row, Group>): MenuEntry[];
  click(line: Line<Row, Group>, event: MouseEvent): void;
  fold(line: Line<Row, Group>, folded: boolean): void;
}

interface LineProps<Row, Group extends RowGroup<Row>> {
  hands: Hands<Row, Group>;
  index: number;
  start: number;
  height: number;
  template: string;
  isCurrent: boolean;
  columns: Column<Row, Group>[];
}

interface RowLineProps<Row, Group extends RowGroup<Row>> extends LineProps<Row, Group> {
  line: RowOf<Row>;
  latest: { readonly current: { readonly props: DataGridProps<Row, Group> } };
  selected: boolean;
  open: boolean;
  /** The pointer or the tab stop is here: what only such a row needs is made for it alone. */
  active: boolean;
}

function RowLine<Row, Group extends RowGroup<Row>>(props: RowLineProps<Row, Group>) {
  const { line, hands, latest, index, columns, selected, isCurrent, active } = props;
  const { row, key } = line;
  const { words, nameOf, quick, grouping, dataOf } = latest.current.props;
  const [asked, setAsked] = useState(false);
  return (
    <div
      className={clsx('grid-line grid-row', props.open && 'open')}
      style={{
        gridTemplateColumns: props.template,
        height: props.height,
        transform: `translateY(${props.start}px)`,
      }}
      role="row"
      aria-label={nameOf(row)}
      aria-rowindex={index + 2}
      aria-selected={selected}
      aria-level={grouping ? line.level : undefined}
      data-index={index}
      {...dataOf?.(row)}
      tabIndex={isCurrent ? 0 : -1}
      onFocus={() => hands.focus(key)}
      onClick={(event) => hands.click(line, event)}
      onKeyDown={hands.key}
      onMouseEnter={() => hands.point(key)}
    >
      <span className="cell-check" role="gridcell">
        <input
          type="checkbox"
          className="check"
          tabIndex={-1}
          aria-label={words.select(row)}
          checked={selected}
          onChange={(event) => hands.toggle(line, (event.nativeEvent as globalThis.MouseEvent).shiftKey === true)}
        />
      </span>
      {columns.map((column) => (
        <span key={column.id} role="gridcell" className={clsx(column.right && 'right')}>
          {column.cell(row)}
        </span>
      ))}
      <span className="cell-menu row-actions" role="gridcell">
        {quick && active && <span className="row-quick">{quick(row)}</span>}
        {active || asked ? (
          <Menu label={words.menu(row)} entries={() => hands.entries(line)} defaultOpen={asked && !active}>
            <EllipsisButton label={words.menu(row)} tabIndex={isCurrent ? 0 : -1} />
          </Menu>
        ) : (
          <EllipsisButton label={words.menu(row)} tabIndex={-1} aria-haspopup="menu" onClick={() => setAsked(true)} />
        )}
      </span>
    </div>
  );
}

const MemoRowLine = memo(RowLine) as typeof RowLine;

interface GroupLineProps<Row, Group extends RowGroup<Row>> extends LineProps<Row, Group> {
  line: GroupOf<Group>;
  grouping: Grouping<Row, Group>;
  chosen: number;
}

function GroupLine<Row, Group extends RowGroup<Row>>(props: GroupLineProps<Row, Group>) {
  const { line, grouping, hands, index, columns, chosen, isCurrent } = props;
  const { group, folded } = line;
  const Chevron = folded ? ChevronRight : ChevronDown;
  const firstTotal = columns.findIndex(({ total }) => total !== undefined);
  const span = firstTotal < 0 ? columns.length : firstTotal;
  const all = group.rows.length > 0 && chosen === group.rows.length;
  return (
    <div
      className="grid-line grid-row grid-group"
      style={{
        gridTemplateColumns: props.template,
        height: props.height,
        transform: `translateY(${props.start}px)`,
      }}
      role="row"
      aria-label={group.label}
      aria-rowindex={index + 2}
      aria-level={1}
      aria-expanded={!folded}
      aria-selected={all}
      data-index={index}
      tabIndex={isCurrent ? 0 : -1}
      onFocus={() => hands.focus(line.key)}
      onClick={(event) => hands.click(line, event)}
      onKeyDown={hands.key}
    >
      <span className="cell-check" role="gridcell">
        <button
          type="button"
          className="icon-btn small group-fold"
          tabIndex={-1}
          aria-label={grouping.words.fold(group)}
          aria-expanded={!folded}
          onClick={() => hands.fold(line, !folded)}
        >
          <Chevron className="icon s14" aria-hidden />
        </button>
        <input
          type="checkbox"
          className="check group-check"
          tabIndex={-1}
          aria-label={grouping.words.select(group)}
          checked={all}
          ref={(box) => void (box && (box.indeterminate = chosen > 0 && !all))}
          onChange={() => hands.toggle(line, false)}
        />
      </span>
      <span role="gridcell" className="group-title" aria-colspan={span} style={{ gridColumn: `2 / ${2 + span}` }}>
        {grouping.title(group)}
        <span className="grow" />
        {grouping.acts?.(group)}
      </span>
      {columns.slice(span).map((column) => (
        <span key={column.id} role="gridcell" className={clsx(column.right && 'right')}>
          {column.total?.(group)}
        </span>
      ))}
      <span className="cell-menu row-actions" role="gridcell">
        <Menu label={grouping.words.menu(group)} entries={() => hands.entries(line)}>
          <EllipsisButton label={grouping.words.menu(group)} tabIndex={isCurrent ? 0 : -1} />
        </Menu>
      </span>
    </div>
  );
}

/** Menu's trigger: its tooltip would fight with the menu, so the name is only read out. */
const EllipsisButton = ({
  label,
  ...rest
}: { label: string; tabIndex: number } & React.ButtonHTMLAttributes<HTMLButtonElement>) => (
  <button type="button" className="icon-btn small" aria-label={label} {...rest}>
    <Ellipsis className="icon s14" aria-hidden />
  </button>
);

function HeaderCell<Row, Group>({
  column,
  sort,
  onSort,
}: {
  column: Column<Row, Group>;
  sort: Sort;
  onSort(sort: Sort): void;
}) {
  const active = sort.column === column.id;
  if (!column.compare)
    return (
      <span role="columnheader" className={clsx(column.right && 'right')}>
        {column.header}
      </span>
    );
  const Arrow = sort.descending ? ArrowDown : ArrowUp;
  return (
    <span
      role="columnheader"
      className={clsx(column.right && 'right')}
      aria-sort={active ? (sort.descending ? 'descending' : 'ascending') : 'none'}
    >
      <button type="button" onClick={() => onSort({ column: column.id, descending: active && !sort.descending })}>
        <span className="cut">{column.header}</span>
        {active && <Arrow className="icon s12" aria-hidden />}
      </button>
    </span>
  );
}
