import { useEffect, useRef, type DragEvent, type KeyboardEvent, type ReactElement, type ReactNode } from 'react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { clsx } from 'clsx';
import { useTranslation } from 'react-i18next';
import type { FileEntry } from '../../../main/contract/files.js';
import { useExplain } from '../explain.js';
import { parentOf, typeAhead, type TreeEntry, type TreeRow } from './tree.js';

const ROW = 28;
/** Letters typed within so many milliseconds belong together. */
const TYPING = 700;

export interface TreeRowsProps<Entry extends TreeEntry> {
  label: string;
  rows: TreeRow<Entry>[];
  current: string | undefined;
  /** The file that is looked at beside the tree. */
  shown: string | undefined;
  /** The directory that takes what is held over it. */
  target?: string | undefined;
  line(entry: Entry, row: TreeRow<Entry>): ReactNode;
  /** What is read out in place of the line's own words. */
  nameOf?(entry: Entry, row: TreeRow<Entry>): string;
  onCurrent(path: string): void;
  onToggle(path: string, expand: boolean): void;
  onOpen(row: TreeRow<Entry>): void;
  onMore(row: TreeRow<Entry>): void;
  /** Further keys; true: it was one. */
  onKey?(row: TreeRow<Entry>, key: string): boolean;
  canDrag?(entry: Entry): boolean;
  onDragStart?(row: TreeRow<Entry>, event: DragEvent): void;
  /** Around each line: a menu of its own. */
  around?(row: TreeRow<Entry>, line: ReactElement): ReactElement;
}

/** The tree as lines, only those in sight drawn: one tab stop, and every key that a tree has. */
export function TreeRows<Entry extends TreeEntry = FileEntry>(props: TreeRowsProps<Entry>) {
  const { rows, onCurrent } = props;
  const { t } = useTranslation();
  const explain = useExplain();
  const scroll = useRef<HTMLDivElement>(null);
  const typed = useRef({ text: '', at: 0 });
  const wantsFocus = useRef(false);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW,
    overscan: 10,
    getItemKey: (index) => rows[index]?.path ?? index,
  });
  const found = rows.findIndex(({ path }) => path === props.current);
  const at = Math.max(0, found);
  useEffect(() => {
    if (!wantsFocus.current) return;
    const line = scroll.current?.querySelector<HTMLElement>(`[data-index="${at}"]`);
    if (!line) return;
    wantsFocus.current = false;
    line.focus({ preventScroll: true });
  });
  const moveTo = (index: number) => {
    const bounded = Math.min(rows.length - 1, Math.max(0, index));
    const row = rows[bounded];
    if (!row) return;
    virtual.scrollToIndex(bounded);
    wantsFocus.current = true;
    onCurrent(row.path);
  };
  const activate = (row: TreeRow<Entry>) => {
    if (row.kind === 'more') props.onMore(row);
    else if (row.expanded !== undefined) props.onToggle(row.path, !row.expanded);
    else if (row.entry) props.onOpen(row);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const row = rows[at];
    if (!row || event.ctrlKey || event.altKey || event.metaKey) return;
    const page = Math.max(1, Math.floor((scroll.current?.clientHeight ?? 0) / ROW) - 1);
    if (event.key.length > 1) typed.current.text = ''; // another key ends a name
    switch (event.key) {
      case 'ArrowDown':
        moveTo(at + 1);
        break;
      case 'ArrowUp':
        moveTo(at - 1);
        break;
      case 'Home':
        moveTo(0);
        break;
      case 'End':
        moveTo(rows.length - 1);
        break;
      case 'PageDown':
        moveTo(at + page);
        break;
      case 'PageUp':
        moveTo(at - page);
        break;
      case 'ArrowRight':
        if (row.expanded === false) props.onToggle(row.path, true);
        else if (row.expanded) moveTo(at + 1);
        break;
      case 'ArrowLeft':
        if (row.expanded) props.onToggle(row.path, false);
        else moveTo(rows.findIndex(({ path }) => path === parentOf(row.path.split('\0')[0] as string)));
        break;
      case 'Enter':
        activate(row);
        break;
      default: {
        if (props.onKey?.(row, event.key)) break;
        if (event.key.length !== 1 || event.key === ' ') return;
        const now = event.timeStamp;
        const text = now - typed.current.at < TYPING ? typed.current.text + event.key : event.key;
        typed.current = { text, at: now };
        const next = typeAhead(rows, at, text);
        if (next >= 0) moveTo(next);
      }
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div className="files-scroll" ref={scroll} tabIndex={-1}>
      <div role="tree" aria-label={props.label} style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index];
          if (!row) return null;
          const line = (
            <div
              key={row.path}
              role="treeitem"
              className={clsx(
                'files-row',
                row.path === props.shown && 'open',
                row.entry?.Change === 'deleted' && 'deleted',
                row.path === props.target && 'target',
              )}
              style={{ transform: `translateY(${item.start}px)`, paddingLeft: 4 + (row.depth - 1) * 16 }}
              aria-level={row.depth}
              aria-posinset={row.position}
              aria-setsize={row.size}
              aria-expanded={row.expanded}
              aria-selected={row.path === props.shown}
              aria-label={row.entry && props.nameOf?.(row.entry, row)}
              data-index={item.index}
              tabIndex={item.index === at ? 0 : -1}
              draggable={row.entry !== undefined && props.canDrag?.(row.entry)}
              onDragStart={(event) => props.onDragStart?.(row, event)}
              onFocus={() => onCurrent(row.path)}
              onKeyDown={onKeyDown}
              onClick={() => {
                onCurrent(row.path);
                activate(row);
              }}
            >
              {row.entry ? (
                <>
                  <span
                    className={clsx('files-twisty', row.expanded && 'down')}
                    aria-hidden
                    data-shown={row.expanded !== undefined}
                  />
                  {props.line(row.entry, row)}
                </>
              ) : (
                <span className={clsx('grow cut', row.kind === 'problem' ? 'c-fail' : 'dim')}>
                  {row.kind === 'problem' || row.kind === 'entry' ? explain(row.problem ?? '') : t(`files.${row.kind}`)}
                </span>
              )}
            </div>
          );
          return row.entry && props.around ? props.around(row, line) : line;
        })}
      </div>
    </div>
  );
}
