import { useCallback, useEffect, useMemo, useState } from 'react';
import { messageOf, useEngineStore } from '../../../store/index.js';
import { parentOf, rowsOf, type Folder } from './tree.js';

const PAGE = 1000;

/** A container's tree as far as it was opened. A directory is asked for when it opens, and again after it was changed. */
export function useTree(container: string) {
  const { client } = useEngineStore();
  const [folders, setFolders] = useState<ReadonlyMap<string, Folder>>(new Map());
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());

  const put = useCallback(
    (path: string, change: (before: Folder | undefined) => Folder) =>
      setFolders((before) => new Map(before).set(path, change(before.get(path)))),
    [],
  );
  const load = useCallback(
    async (path: string, after?: string) => {
      try {
        const request = { path, limit: PAGE, ...(after !== undefined && { after }) };
        const { Entries, More } = await client.slipway.files.list(container, request);
        put(path, (before) => ({
          entries: after === undefined ? Entries : [...(before?.entries ?? []), ...Entries],
          more: More,
        }));
      } catch (error) {
        put(path, () => ({ problem: messageOf(error) }));
      }
    },
    [client, container, put],
  );
  useEffect(() => void load('/'), [load]);

  const toggle = (path: string, expand: boolean) => {
    if (expand && !folders.has(path)) void load(path);
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
    await load(directory);
    setOpen((before) => {
      const next = new Set(before);
      for (let at = directory; at !== '/'; at = parentOf(at)) next.add(at);
      return next;
    });
  };
  /** Everything that is open, anew. What was looked into and is closed is asked for when it opens. */
  const refresh = async () => {
    const wanted = ['/', ...open].filter((path) => folders.has(path));
    setFolders((before) => new Map([...before].filter(([path]) => wanted.includes(path))));
    await Promise.all(wanted.map((path) => load(path)));
  };
  return { rows: useMemo(() => rowsOf(folders, open), [folders, open]), folders, load, toggle, reveal, refresh };
}
