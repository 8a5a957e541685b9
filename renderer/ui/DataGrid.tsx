import {
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
import { ArrowDown, ArrowUp, Ellipsis } from 'lucide-react';
import { clsx } from 'clsx';
import { Menu, RightClickMenu, type MenuEntry } from './Menu.js';

export interface Column<Row> {
  id: string;
  header: string;
  /** A grid track: `minmax(0, 1fr)`, `120px`. */
  width: string;
  right?: boolean;
  compare?(a: Row, b: Row): number;
  cell(row: Row): ReactNode;
}

export interface Sort {
  column: string;
  descending: boolean;
}

export interface DataGridProps<Row> {
  label: string;
  words: { selectAll: string; actions: string; select(row: Row): string; menu(row: Row): string };
  columns: Column<Row>[];
  rows: Row[];
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
  quick?(row: Row): ReactNode;
  /** Letters and Delete on the focused row. Returns whether the key was taken. */
  onRowKey?(row: Row, event: KeyboardEvent): boolean;
}

/** Sorted by a column; equal rows keep the order they came in. */
export function sorted<Row>(rows: Row[], columns: Column<Row>[], sort: Sort): Row[] {
  const compare = columns.find((column) => column.id === sort.column)?.compare;
  if (!compare) return rows;
  const direction = sort.descending ? -1 : 1;
  return rows.toSorted((a, b) => direction * compare(a, b));
}

/**
 * A table of many rows that only draws those in sight: an ARIA grid with one tab stop, arrow keys inside, a menu and quick actions per
 * row. It knows nothing of what it lists.
 */
export function DataGrid<Row>(props: DataGridProps<Row>) {
  const { rows, keyOf, columns, selected, onSelect, sort, words, rowHeight } = props;
  const scroll = useRef<HTMLDivElement>(null);
  const anchor = useRef<string | undefined>(undefined);
  const [current, setCurrent] = useState<string>();
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => rowHeight,
    overscan: 8,
    getItemKey: (index) => {
      const row = rows[index];
      return row === undefined ? index : keyOf(row);
    },
  });
  const keys = useMemo(() => rows.map(keyOf), [rows, keyOf]);
  const currentIndex = Math.max(0, current === undefined ? 0 : keys.indexOf(current));
  const [gutter, setGutter] = useState(0);
  useLayoutEffect(() => {
    const box = scroll.current;
    if (box) setGutter(box.offsetWidth - box.clientWidth);
  }, [rows.length, rowHeight]);
  const wantsFocus = useRef(false);
  useEffect(() => {
    if (!wantsFocus.current) return;
    const element = scroll.current?.querySelector<HTMLElement>(`[data-index="${currentIndex}"]`);
    if (!element) return;
    wantsFocus.current = false;
    element.focus({ preventScroll: true });
  });

  const moveTo = (index: number) => {
    const bounded = Math.min(rows.length - 1, Math.max(0, index));
    const key = keys[bounded];
    if (key === undefined) return;
    virtual.scrollToIndex(bounded);
    wantsFocus.current = true;
    setCurrent(key);
  };
  const toggle = (key: string, range: boolean) => {
    const next = new Set(selected);
    const from = anchor.current === undefined ? -1 : keys.indexOf(anchor.current);
    const to = keys.indexOf(key);
    if (range && from >= 0) {
      for (const between of keys.slice(Math.min(from, to), Math.max(from, to) + 1)) next.add(between);
    } else if (!next.delete(key)) next.add(key);
    anchor.current = key;
    onSelect(next);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const row = rows[currentIndex];
    const onRow = event.target instanceof HTMLElement && event.target.dataset['index'] !== undefined;
    if (row === undefined || !onRow) return;
    const page = Math.max(1, Math.floor((scroll.current?.clientHeight ?? 0) / rowHeight) - 1);
    const moves: Record<string, number> = {
      ArrowDown: currentIndex + 1,
      j: currentIndex + 1,
      ArrowUp: currentIndex - 1,
      k: currentIndex - 1,
      Home: 0,
      End: rows.length - 1,
      PageDown: currentIndex + page,
      PageUp: currentIndex - page,
    };
    const plain = !event.ctrlKey && !event.altKey && !event.metaKey;
    const target = moves[event.key];
    if (target !== undefined && plain) {
      moveTo(target);
      const key = keys[Math.min(rows.length - 1, Math.max(0, target))];
      if (event.shiftKey && key !== undefined) {
        anchor.current ??= keyOf(row);
        toggle(key, true);
      }
    } else if (event.key === ' ' && plain) toggle(keyOf(row), event.shiftKey);
    else if (event.key === 'Enter' && plain) props.onOpen(row);
    else if (event.key === 'a' && event.ctrlKey && !event.altKey) onSelect(new Set(keys));
    else if (!(plain && props.onRowKey?.(row, event))) return;
    event.preventDefault();
    event.stopPropagation();
  };

  const template = `32px ${columns.map((column) => column.width).join(' ')} 34px`;
  const chosen = keys.filter((key) => selected.has(key)).length;
  return (
    <div
      className="grid"
      role="grid"
      aria-label={props.label}
      aria-multiselectable
      aria-rowcount={rows.length + 1}
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
              onChange={() => onSelect(chosen === rows.length ? new Set() : new Set(keys))}
            />
          </span>
          {columns.map((column) => (
            <HeaderCell key={column.id} column={column} sort={sort} onSort={props.onSort} />
          ))}
          <span className="cell-menu" role="columnheader">
            <span className="hidden-text">{words.actions}</span>
          </span>
        </div>
      </div>
      <div className="grid-scroll" ref={scroll} role="rowgroup" tabIndex={-1}>
        <div role="presentation" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {virtual.getVirtualItems().map((item) => {
            const row = rows[item.index];
            if (row === undefined) return null;
            const key = keyOf(row);
            const isCurrent = item.index === currentIndex;
            const onClick = (event: MouseEvent) => {
              if (event.defaultPrevented || (event.target as HTMLElement).closest('button, input, a, [role="menu"]'))
                return;
              setCurrent(key);
              if (event.shiftKey || event.ctrlKey || event.metaKey) toggle(key, event.shiftKey);
              else props.onOpen(row);
            };
            return (
              <RightClickMenu key={key} label={words.menu(row)} entries={() => props.menu(row)}>
                <div
                  className={clsx('grid-line grid-row', props.openKey === key && 'open')}
                  style={{
                    gridTemplateColumns: template,
                    height: rowHeight,
                    transform: `translateY(${item.start}px)`,
                  }}
                  role="row"
                  aria-label={props.nameOf(row)}
                  aria-rowindex={item.index + 2}
                  aria-selected={selected.has(key)}
                  data-index={item.index}
                  tabIndex={isCurrent ? 0 : -1}
                  onFocus={() => setCurrent(key)}
                  onClick={onClick}
                  onKeyDown={onKeyDown}
                >
                  <span className="cell-check" role="gridcell">
                    <input
                      type="checkbox"
                      className="check"
                      tabIndex={-1}
                      aria-label={words.select(row)}
                      checked={selected.has(key)}
                      onChange={(event) =>
                        toggle(key, (event.nativeEvent as unknown as { shiftKey?: boolean }).shiftKey === true)
                      }
                    />
                  </span>
                  {columns.map((column) => (
                    <span key={column.id} role="gridcell" className={clsx(column.right && 'right')}>
                      {column.cell(row)}
                    </span>
                  ))}
                  <span className="cell-menu row-actions" role="gridcell">
                    {props.quick && <span className="row-quick">{props.quick(row)}</span>}
                    <Menu label={words.menu(row)} entries={() => props.menu(row)}>
                      <IconButtonInRow label={words.menu(row)} tabIndex={isCurrent ? 0 : -1} />
                    </Menu>
                  </span>
                </div>
              </RightClickMenu>
            );
          })}
        </div>
      </div>
    </div>
  );
}

/** Menu's trigger: its tooltip would fight with the menu, so the name is only read out. */
const IconButtonInRow = ({ label, ...rest }: { label: string; tabIndex: number }) => (
  <button type="button" className="icon-btn small" aria-label={label} {...rest}>
    <Ellipsis className="icon s14" aria-hidden />
  </button>
);

function HeaderCell<Row>({ column, sort, onSort }: { column: Column<Row>; sort: Sort; onSort(sort: Sort): void }) {
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
