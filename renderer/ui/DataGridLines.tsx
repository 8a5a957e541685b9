import { memo, useMemo, useState, type KeyboardEvent, type MouseEvent } from 'react';
import { ArrowDown, ArrowUp, ChevronDown, ChevronRight, Columns2, Ellipsis } from 'lucide-react';
import { clsx } from 'clsx';
import type { Column, DataGridProps, GroupOf, Grouping, Line, RowGroup, RowOf, Sort } from './data-grid.js';
import { Menu, type MenuEntry } from './Menu.js';

/** What rows do to the grid. */
export interface Hands<Row, Group> {
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
  /** Undefined: rows cannot be selected. */
  selected: boolean | undefined;
  open: boolean;
  /** The pointer or the tab stop is here: what only such a row needs is made for it alone. */
  active: boolean;
}

function RowLine<Row, Group extends RowGroup<Row>>(props: RowLineProps<Row, Group>) {
  const { line, hands, latest, index, columns, selected, isCurrent, active } = props;
  const { row, key } = line;
  const { words, nameOf, quick, grouping, dataOf, selection } = latest.current.props;
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
      {selection && (
        <span className="cell-check" role="gridcell">
          <input
            type="checkbox"
            className="check"
            tabIndex={-1}
            aria-label={selection.words.one(row)}
            checked={selected}
            onChange={(event) => hands.toggle(line, (event.nativeEvent as globalThis.MouseEvent).shiftKey === true)}
          />
        </span>
      )}
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

export const MemoRowLine = memo(RowLine) as typeof RowLine;

interface GroupLineProps<Row, Group extends RowGroup<Row>> extends LineProps<Row, Group> {
  line: GroupOf<Group>;
  grouping: Grouping<Row, Group>;
  chosen: number;
}

export function GroupLine<Row, Group extends RowGroup<Row>>(props: GroupLineProps<Row, Group>) {
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

/** The box that selects all, what each column is called and sorts by, and which columns there are. */
export function GridHead<Row, Group extends RowGroup<Row>>({
  columns,
  rows,
  keyOf,
  selection,
  sort,
  onSort,
  words,
  chooser,
  template,
  gutter,
}: DataGridProps<Row, Group> & {
  template: string;
  /** Pixels that the scroll bar takes from the lines below. */
  gutter: number;
}) {
  const chosen = useMemo(
    () => rows.reduce((sum, row) => sum + (selection?.selected.has(keyOf(row)) ? 1 : 0), 0),
    [rows, selection?.selected, keyOf],
  );
  return (
    <div role="rowgroup">
      <div
        className="grid-line grid-head"
        role="row"
        aria-rowindex={1}
        style={{ gridTemplateColumns: template, paddingRight: 6 + gutter }}
      >
        {selection && (
          <span className="cell-check" role="columnheader">
            <input
              type="checkbox"
              className="check"
              aria-label={selection.words.all}
              checked={rows.length > 0 && chosen === rows.length}
              ref={(box) => void (box && (box.indeterminate = chosen > 0 && chosen < rows.length))}
              onChange={() => selection.onSelect(chosen === rows.length ? new Set() : new Set(rows.map(keyOf)))}
            />
          </span>
        )}
        {columns.map((column) => (
          <HeaderCell key={column.id} column={column} sort={sort} onSort={onSort} />
        ))}
        <span className="cell-menu" role="columnheader">
          {chooser ? (
            <Menu label={chooser.label} entries={chooser.entries}>
              <button type="button" className="icon-btn small" aria-label={chooser.label} title={chooser.label}>
                <Columns2 className="icon s14" aria-hidden />
              </button>
            </Menu>
          ) : (
            <span className="hidden-text">{words.actions}</span>
          )}
        </span>
      </div>
    </div>
  );
}

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
