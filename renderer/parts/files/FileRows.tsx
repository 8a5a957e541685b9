import type { DragEvent } from 'react';
import { Minus, Pencil, Plus, type LucideIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { FileEntry, FileMark } from '../../../main/contract/files.js';
import { FileIcon } from './FileIcon.js';
import { draggable, modeText, type TreeRow } from './tree.js';
import { TreeRows } from './TreeRows.js';
import { bytes } from '../../ui/format.js';
import { RightClickMenu, type MenuEntry } from '../../ui/Menu.js';
import { ownerOf, type Owners } from './owners.js';

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

/** A tree of files, each line with its menu. */
export function FileRows({ owners, onRename, onDelete, menu, ...rest }: FileRowsProps) {
  const { t } = useTranslation();
  return (
    <TreeRows
      {...rest}
      line={(entry, { expanded }) => <Line entry={entry} expanded={expanded} owners={owners} />}
      canDrag={draggable}
      onKey={(row, key) => {
        if (key === 'F2') onRename(row);
        else if (key === 'Delete') onDelete(row);
        else return false;
        return true;
      }}
      around={(row, line) => (
        <RightClickMenu key={row.path} label={t('files.menu', { name: row.entry?.Name })} entries={() => menu(row)}>
          {line}
        </RightClickMenu>
      )}
    />
  );
}

const marks: Record<FileMark, LucideIcon> = { added: Plus, changed: Pencil, deleted: Minus };

function Line({ entry, expanded, owners }: { entry: FileEntry; expanded: boolean | undefined; owners: Owners }) {
  const { t, i18n } = useTranslation();
  const Mark = entry.Change && marks[entry.Change];
  const when = new Date(entry.Mtime);
  const owner = ownerOf(owners, entry);
  return (
    <>
      <FileIcon kind={entry.Kind} mount={entry.Mount} open={expanded} />
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
