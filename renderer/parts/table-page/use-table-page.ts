import { useCallback, useDeferredValue, useEffect, useMemo, useRef, useState, type RefObject } from 'react';
import { sorted, type Column, type Sort } from '../../ui/data-grid.js';
import { leave, navigate, pathTo, useRoute } from '../../ui/route.js';
import { useWidth } from '../../ui/use-width.js';
import { drawerWidth, useBeside, type TabbedFrame } from '../Drawer.js';

/** What of a table is looked at, and in which order. */
export interface TableLook<Chip extends string> {
  /** As it is typed. */
  filter: string;
  chips: ReadonlySet<Chip>;
  sort: Sort;
}

/** A look that is kept while the window lives: coming back to the page finds it as it was left. */
export interface KeptLook<Chip extends string> {
  left(): TableLook<Chip>;
  leave(look: TableLook<Chip>): void;
}

export function keptLook<Chip extends string>(column: string): KeptLook<Chip> {
  let kept: TableLook<Chip> = { filter: '', chips: new Set(), sort: { column, descending: false } };
  return { left: () => kept, leave: (look) => void (kept = look) };
}

export interface TablePageState<Chip extends string> extends TableLook<Chip> {
  /** The filter once there was time for it. */
  text: string;
  look(change: Partial<TableLook<Chip>>): void;
  /** Empties the filter and lets go of all chips. */
  clear(): void;
  /** What the address opens beside the list, and how it stands there. */
  opened: string | undefined;
  frame: TabbedFrame;
  split: RefObject<HTMLDivElement | null>;
  /** Pixels that the table has. */
  width: number;
}

/** How a page with a table is looked at: filter, chips and order; what is open beside it, and what room that leaves. */
export function useTablePage<Chip extends string>(path: string, kept: KeptLook<Chip>): TablePageState<Chip> {
  const [look, setLook] = useState(kept.left);
  const [full, setFull] = useState(false);
  const [, opened, tab] = useRoute();
  const text = useDeferredValue(look.filter);
  useEffect(() => kept.leave(look), [kept, look]);
  const change = useCallback((part: Partial<TableLook<Chip>>) => setLook((before) => ({ ...before, ...part })), []);
  const clear = useCallback(() => change({ filter: '', chips: new Set() }), [change]);
  const close = useCallback(() => {
    setFull(false);
    navigate(pathTo(path));
  }, [path]);
  const onClose = useCallback(() => leave(close), [close]);
  const split = useRef<HTMLDivElement>(null);
  const beside = useBeside();
  const width = useWidth(split) - (opened !== undefined && beside ? drawerWidth : 0);
  return { ...look, text, look: change, clear, opened, frame: { tab, full, onFull: setFull, onClose }, split, width };
}

/** The rows that fit, in order. Sorting is what costs: done once, whatever is typed. */
export function useRows<Row, Group>(
  all: Row[],
  columns: Column<Row, Group>[],
  sort: Sort,
  fits: (row: Row) => boolean,
): Row[] {
  const ordered = useMemo(() => sorted(all, columns, sort), [all, columns, sort]);
  return useMemo(() => ordered.filter(fits), [ordered, fits]);
}
