import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { FileEntry } from '../../../main/contract/files.js';
import { messageOf, useEngineStore } from '../../store/index.js';
import { opens, parentOf, rowsOf, type Folder, type TreeEntry } from './tree.js';

/** One page of a directory, from where the page before ended. */
export type ListPage<Entry> = (path: string, after: string | undefined) => Promise<{ Entries: Entry[]; More?: string }>;

/**
 * A tree as far as it was opened. A directory is asked for when it opens, again after it was changed, and where that failed, once the engine is back. Another `list` (keep it while it asks the same) is another
 * tree, of which the same directories are open.
 */
export function useTree<Entry extends TreeEntry = FileEntry>(
  list: ListPage<Entry>,
  canOpen: (entry: Entry) => boolean = opens,
) {
  const [folders, setFolders] = useState<ReadonlyMap<string, Folder<Entry>>>(new Map());
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [asked, setAsked] = useState(() => list);
  const latest = useRef(list);
  const store = useEngineStore();
  /** How often the engine has come back. */
  const returns = useRef(0);

  const put = useCallback(
    (path: string, change: (before: Folder<Entry> | undefined) => Folder<Entry>) =>
      setFolders((before) => new Map(before).set(path, change(before.get(path)))),
    [],
  );
  const load = useCallback(
    async (path: string, after?: string) => {
      for (;;) {
        const since = returns.current;
        try {
          const { Entries, More } = await list(path, after);
          if (latest.current !== list) return; // of a tree that is not shown any more
          return put(path, (before) => ({
            entries: after === undefined ? Entries : [...(before?.entries ?? []), ...Entries],
            ...(More !== undefined && { more: More }),
          }));
        } catch (error) {
          if (latest.current !== list) return;
          // It came back before the question was given up.
          if (returns.current > since) continue;
          return put(path, (before) => ({ ...(after !== undefined && before), problem: messageOf(error) }));
        }
      }
    },
    [list, put],
  );
  if (asked !== list) {
    setAsked(() => list);
    setFolders(new Map());
  }
  useEffect(() => {
    latest.current = list;
    void Promise.all(['/', ...open].map((path) => load(path)));
    // What is open is read again with another list; else a directory is read when it opens.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [load]);

  useEffect(
    () =>
      store.subscribe(({ connection }, before) => {
        if (connection.state !== 'ready' || before.connection.state === 'ready') return;
        returns.current += 1;
        for (const [path, { problem, more }] of folders) if (problem !== undefined) void load(path, more);
      }),
    [store, folders, load],
  );

  const toggle = (path: string, expand: boolean) => {
    if (expand && folders.get(path)?.entries === undefined) void load(path);
    setOpen((before) => {
      const next = new Set(before);
      if (expand) next.add(path);
      else next.delete(path);
      return next;
    });
  };
  /** Opens what leads to a path, and reads again where it is. */
  const reveal = async (path: string) => {
    const directory = parentOf(path);
    const on: string[] = [];
    for (let at = directory; at !== '/'; at = parentOf(at)) on.push(at);
    await Promise.all(
      [directory, ...on.filter((each) => each !== directory && !folders.has(each))].map((each) => load(each)),
    );
    setOpen((before) => new Set([...before, ...on]));
  };
  /** Everything that is open, anew. What was looked into and is closed is asked for when it opens. */
  const refresh = async () => {
    const wanted = ['/', ...open].filter((path) => folders.has(path));
    setFolders((before) => new Map([...before].filter(([path]) => wanted.includes(path))));
    await Promise.all(wanted.map((path) => load(path)));
  };
  const rows = useMemo(() => rowsOf(folders, open, canOpen), [folders, open, canOpen]);
  return { rows, folders, load, toggle, reveal, refresh };
}
