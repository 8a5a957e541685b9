import type { KeyboardEvent, ReactNode } from 'react';
import type { MenuEntry } from './Menu.js';

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

/** Which rows are selected, by their keys. */
export interface Selection<Row> {
  selected: ReadonlySet<string>;
  onSelect(keys: Set<string>): void;
  /** What the boxes are called. */
  words: { all: string; one(row: Row): string };
}

export interface DataGridProps<Row, Group extends RowGroup<Row> = never> {
  label: string;
  words: { actions: string; menu(row: Row): string };
  columns: Column<Row, Group>[];
  /** All rows, also those in groups. */
  rows: Row[];
  grouping?: Grouping<Row, Group> | undefined;
  keyOf(row: Row): string;
  nameOf(row: Row): string;
  rowHeight: number;
  sort: Sort;
  onSort(sort: Sort): void;
  /** Undefined where there is nothing to select rows for; grouped rows have it. */
  selection?: Selection<Row>;
  openKey?: string;
  /** Something is open beside the rows or in their place. Where it is closed, and the focus goes with it, the row that was open has it. */
  beside?: boolean;
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

/** A line of the grid: a row, below a group or not, or a group's own. */
export interface RowOf<Row> {
  kind: 'row';
  key: string;
  level: 1 | 2;
  row: Row;
}

export interface GroupOf<Group> {
  kind: 'group';
  key: string;
  group: Group;
  folded: boolean;
}

export type Line<Row, Group> = RowOf<Row> | GroupOf<Group>;

export function linesOf<Row, Group extends RowGroup<Row>>({
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
