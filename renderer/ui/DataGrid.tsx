import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
  type MouseEvent,
} from 'react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { linesOf, type DataGridProps, type Line, type RowGroup } from './data-grid.js';
import { GridHead, GroupLine, MemoRowLine, type Hands } from './DataGridLines.js';
import { RightClickMenu } from './Menu.js';

const inControl = (event: MouseEvent): boolean =>
  event.defaultPrevented || (event.target as HTMLElement).closest('button, input, a, [role="menu"]') !== null;

/**
 * A table of many rows that only draws those in sight: an ARIA grid (a tree grid where rows are grouped) with one tab stop, arrow keys
 * inside, a menu and quick actions per row. It knows nothing of what it lists.
 */
export function DataGrid<Row, Group extends RowGroup<Row> = never>(props: DataGridProps<Row, Group>) {
  const { rows, grouping, keyOf, columns, selection, rowHeight, openKey, beside, onInSight } = props;
  const scroll = useRef<HTMLDivElement>(null);
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
  const wantsFocus = useRef<string>(undefined);
  const moveTo = (index: number) => {
    const key = lines[index]?.key;
    if (key === undefined) return;
    virtual.scrollToIndex(index);
    wantsFocus.current = key;
    setCurrent(key);
  };
  const lastOpen = useRef(openKey);
  useEffect(() => {
    if (openKey !== undefined) lastOpen.current = openKey;
  }, [openKey]);
  const wasBeside = useRef(beside);
  useEffect(() => {
    if (wasBeside.current && !beside && document.activeElement?.matches('body, main'))
      moveTo((lastOpen.current === undefined ? undefined : places.get(lastOpen.current)) ?? currentIndex);
    wasBeside.current = beside;
  });
  useEffect(() => {
    if (wantsFocus.current === undefined || wantsFocus.current !== lines[currentIndex]?.key) return;
    const element = scroll.current?.querySelector<HTMLElement>(`[data-index="${currentIndex}"]`);
    if (!element) return;
    wantsFocus.current = undefined;
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

  const { toggle, toggleFrom } = useToggle(props, lines, places);
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
    const plain = !event.ctrlKey && !event.altKey && !event.metaKey;
    const target = targetOf(event.key, currentIndex, page, lines.length - 1);
    if (target !== undefined && plain) {
      moveTo(target);
      const reached = lines[target];
      if (event.shiftKey && reached !== undefined) toggleFrom(line, reached);
    } else if (event.key === 'ArrowRight' && plain && line.kind === 'group') fold(line, false);
    else if (event.key === 'ArrowLeft' && plain && grouping) {
      if (line.kind === 'group') fold(line, true);
      else moveTo(lines.findLastIndex(({ kind }, index) => index < currentIndex && kind === 'group'));
    } else if (event.key === ' ' && plain && selection) toggle(line, event.shiftKey);
    else if (event.key === 'Enter' && plain) enter(line);
    else if (event.key === 'a' && event.ctrlKey && !event.altKey && selection)
      selection.onSelect(new Set(rows.map(keyOf)));
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
        if (latest.current.props.selection && (event.shiftKey || event.ctrlKey || event.metaKey))
          latest.current.toggle(line, event.shiftKey);
        else latest.current.enter(line);
      },
      fold: (line, folded) => latest.current.fold(line, folded),
    }),
    [],
  );

  const template = `${selection ? '32px ' : ''}${columns.map((column) => column.width).join(' ')} ${34 + (props.quickRoom ?? 0)}px`;
  return (
    <div
      className="grid"
      role={grouping ? 'treegrid' : 'grid'}
      aria-label={props.label}
      aria-multiselectable={selection !== undefined}
      aria-rowcount={lines.length + 1}
      aria-colcount={columns.length + (selection ? 2 : 1)}
    >
      <GridHead {...props} template={template} gutter={gutter} />
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
                    chosen={line.group.rows.filter((row) => selection?.selected.has(keyOf(row))).length}
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
                  selected={selection?.selected.has(line.key)}
                  open={openKey === line.key}
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

/** Where a key leads from a line; undefined: it leads nowhere. */
function targetOf(key: string, current: number, page: number, last: number): number | undefined {
  const moves: Record<string, number> = {
    ArrowDown: current + 1,
    j: current + 1,
    ArrowUp: current - 1,
    k: current - 1,
    Home: 0,
    End: last,
    PageDown: current + page,
    PageUp: current - page,
  };
  const target = moves[key];
  return target === undefined ? undefined : Math.min(last, Math.max(0, target));
}

/** Selects a line, or with those between: all that is in a group is selected with it. */
function useToggle<Row, Group extends RowGroup<Row>>(
  { selection, keyOf }: DataGridProps<Row, Group>,
  lines: Line<Row, Group>[],
  places: ReadonlyMap<string, number>,
) {
  const anchor = useRef<string | undefined>(undefined);
  const keysIn = (line: Line<Row, Group>): string[] =>
    line.kind === 'group' ? line.group.rows.map(keyOf) : [line.key];
  const toggle = (line: Line<Row, Group>, range: boolean) => {
    if (!selection) return;
    const next = new Set(selection.selected);
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
    selection.onSelect(next);
  };
  /** A range that begins here, where none has begun. */
  const toggleFrom = (line: Line<Row, Group>, reached: Line<Row, Group>) => {
    anchor.current ??= line.key;
    toggle(reached, true);
  };
  return { toggle, toggleFrom };
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
