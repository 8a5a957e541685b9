import type { FileEntry } from '../../../main/contract/files.js';

/** What every entry of a tree has: `Change` deleted is one that is not there any more. */
export type TreeEntry = Pick<FileEntry, 'Name' | 'Kind' | 'Change'>;

/** What is known of one directory. */
export interface Folder<Entry extends TreeEntry = FileEntry> {
  entries?: Entry[];
  /** Where the engine goes on, when there are more. */
  more?: string;
  /** Why nothing was told, or no more of them. */
  problem?: string;
}

/** One line of the tree that is shown. */
export interface TreeRow<Entry extends TreeEntry = FileEntry> {
  path: string;
  depth: number;
  /** `more`, `waiting`, `problem` and `empty` stand for what is in a directory. */
  kind: 'entry' | 'more' | 'waiting' | 'problem' | 'empty';
  entry?: Entry;
  problem?: string;
  expanded?: boolean;
  /** Among the entries of its directory, from 1; and how many of them are known. */
  position: number;
  size: number;
}

export const join = (directory: string, name: string): string =>
  directory === '/' ? `/${name}` : `${directory}/${name}`;
export const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';
/** Whether a path is this one, or lies below it. */
export const liesIn = (path: string, top: string): boolean => path === top || path.startsWith(join(top, ''));
export const nameOfPath = (path: string): string => path.slice(path.lastIndexOf('/') + 1) || '/';

/** A directory that can be looked into: one that is there. */
export const opens = (entry: TreeEntry): boolean => entry.Kind === 'directory' && entry.Change !== 'deleted';

/** What can be taken out: there, and no device, pipe or socket. */
export const draggable = (entry: FileEntry): boolean =>
  entry.Change !== 'deleted' && ['file', 'directory', 'link'].includes(entry.Kind);

/** The lines in their order: what is open, and what is known of it. */
export function rowsOf<Entry extends TreeEntry = FileEntry>(
  folders: ReadonlyMap<string, Folder<Entry>>,
  open: ReadonlySet<string>,
  canOpen: (entry: Entry) => boolean = opens,
): TreeRow<Entry>[] {
  const rows: TreeRow<Entry>[] = [];
  const add = (directory: string, depth: number) => {
    const { entries, more, problem } = folders.get(directory) ?? {};
    const note = (kind: TreeRow<Entry>['kind'], words?: string) =>
      rows.push({ path: `${directory}\0${kind}`, depth, kind, position: 1, size: 1, ...(words && { problem: words }) });
    if (!entries) return problem === undefined ? note('waiting') : note('problem', problem);
    if (entries.length === 0) return note('empty');
    entries.forEach((entry, index) => {
      const path = join(directory, entry.Name);
      const expanded = canOpen(entry) ? open.has(path) : undefined;
      rows.push({ path, depth, kind: 'entry', entry, expanded, position: index + 1, size: entries.length });
      if (expanded) add(path, depth + 1);
    });
    if (problem !== undefined) note('problem', problem);
    if (more !== undefined) note('more');
    return undefined;
  };
  add('/', 1);
  return rows;
}

/** The directory that a line which is no entry stands in. */
export const directoryOf = (row: Pick<TreeRow, 'path'>): string => row.path.split('\0')[0] as string;

/** The first entry after `from` whose name begins so, going round; -1 where none does. */
export function typeAhead(rows: readonly TreeRow<TreeEntry>[], from: number, typed: string): number {
  const wanted = typed.toLowerCase();
  // One letter goes on to the next; more letters may still be about the line where we are.
  const first = typed.length > 1 ? 0 : 1;
  for (let step = first; step < rows.length + first; step++) {
    const at = (from + step) % rows.length;
    if (rows[at]?.entry?.Name.toLowerCase().startsWith(wanted)) return at;
  }
  return -1;
}

/** As `ls -l` writes it, without the kind. */
export const modeText = (mode: number): string =>
  ['rwx', 'rwx', 'rwx']
    .map((letters, group) => {
      const bits = (mode >> (6 - 3 * group)) & 7;
      const special = (mode >> (11 - group)) & 1;
      const [r, w, x] = [...letters].map((letter, bit) => (bits & (4 >> bit) ? letter : '-')) as [
        string,
        string,
        string,
      ];
      const mark = group === 2 ? 't' : 's';
      return `${r}${w}${special ? (x === 'x' ? mark : mark.toUpperCase()) : x}`;
    })
    .join('');
