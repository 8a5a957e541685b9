import { useEffect, useRef, type DragEvent, type KeyboardEvent } from 'react';
import { useVirtualizer } from '@tanstack/react-virtual';
import {
  File,
  FileSymlink,
  Folder,
  FolderOpen,
  HardDrive,
  Minus,
  Pencil,
  Plug,
  Plus,
  type LucideIcon,
} from 'lucide-react';
import { clsx } from 'clsx';
import { useTranslation } from 'react-i18next';
import type { FileEntry, FileMark } from '../../../../main/contract/files.js';
import { bytes } from '../../../ui/format.js';
import { RightClickMenu, type MenuEntry } from '../../../ui/Menu.js';
import { ownerOf, type Owners } from './owners.js';
import { draggable, modeText, parentOf, typeAhead, type TreeRow } from './tree.js';

const ROW = 28;
/** Letters typed within so many milliseconds belong together. */
const TYPING = 700;

export interface FileRowsProps {
  label: string;
  rows: TreeRow[];
  current: string | undefined;
  /** The file that the preview shows. */
  shown: string | undefined;
  /** The directory that takes what is held over it. */
  target: string | undefined;
  owners: Owners;
  onDragStart(row: TreeRow, event: DragEvent): void;
  onCurrent(path: string): void;
  onToggle(path: string, expand: boolean): void;
  onOpen(row: TreeRow): void;
  onMore(row: TreeRow): void;
  onRename(row: TreeRow): void;
  onDelete(row: TreeRow): void;
  menu(row: TreeRow): MenuEntry[];
}

/** The tree as lines, only those in sight drawn: one tab stop, and every key that a tree has. */
export function FileRows(props: FileRowsProps) {
  const { rows, onCurrent } = props;
  const { t } = useTranslation();
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
  const activate = (row: TreeRow) => {
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
      case 'F2':
        props.onRename(row);
        break;
      case 'Delete':
        props.onDelete(row);
        break;
      default: {
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
              data-index={item.index}
              tabIndex={item.index === at ? 0 : -1}
              draggable={row.entry !== undefined && draggable(row.entry)}
              onDragStart={(event) => props.onDragStart(row, event)}
              onFocus={() => onCurrent(row.path)}
              onKeyDown={onKeyDown}
              onClick={() => {
                onCurrent(row.path);
                activate(row);
              }}
            >
              {row.entry ? (
                <Line entry={row.entry} expanded={row.expanded} owners={props.owners} />
              ) : (
                <span className={clsx('grow cut', row.kind === 'problem' ? 'c-fail' : 'dim')}>
                  {row.kind === 'problem' || row.kind === 'entry' ? row.problem : t(`files.${row.kind}`)}
                </span>
              )}
            </div>
          );
          return row.entry ? (
            <RightClickMenu
              key={row.path}
              label={t('files.menu', { name: row.entry.Name })}
              entries={() => props.menu(row)}
            >
              {line}
            </RightClickMenu>
          ) : (
            line
          );
        })}
      </div>
    </div>
  );
}

const icons = { mount: HardDrive, open: FolderOpen, directory: Folder, link: FileSymlink, file: File, other: Plug };

function looksLike({ Kind, Mount }: FileEntry, expanded: boolean | undefined): keyof typeof icons {
  if (Mount) return 'mount';
  if (Kind === 'directory') return expanded ? 'open' : 'directory';
  return Kind === 'link' || Kind === 'file' ? Kind : 'other';
}

const marks: Record<FileMark, LucideIcon> = { added: Plus, changed: Pencil, deleted: Minus };

function Line({ entry, expanded, owners }: { entry: FileEntry; expanded: boolean | undefined; owners: Owners }) {
  const { t, i18n } = useTranslation();
  const Icon = icons[looksLike(entry, expanded)];
  const Mark = entry.Change && marks[entry.Change];
  const when = new Date(entry.Mtime);
  const owner = ownerOf(owners, entry);
  return (
    <>
      <span className={clsx('files-twisty', expanded && 'down')} aria-hidden data-shown={expanded !== undefined} />
      <Icon className="icon s14 dim" aria-hidden />
      <span className="files-name grow cut">
        {entry.Name}
        {entry.LinkTarget !== undefined && <span className="dim"> → {entry.LinkTarget}</span>}
      </span>
      {entry.Mount && <span className="tag">{t('files.mount')}</span>}
      <span className="files-mark">
        {Mark && entry.Change && (
          <span className={`mark-${entry.Change}`}>
            <Mark className="icon s12" aria-hidden /> {t(`files.marks.${entry.Change}`)}
          </span>
        )}
      </span>
      <span className="files-size">{entry.Kind === 'file' ? bytes(entry.Size) : ''}</span>
      <span className="files-owner mono" title={owner.title}>
        {owner.text}
      </span>
      <span className="files-mode mono">{modeText(entry.Mode)}</span>
      <span className="files-time" title={when.toLocaleString(i18n.language)}>
        {when.toLocaleDateString(i18n.language, { year: 'numeric', month: 'short', day: 'numeric' })}
      </span>
    </>
  );
}
