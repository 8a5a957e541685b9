import { useEffect, useRef, type RefObject } from 'react';

/** The panes, in which the focus is back in the tree once the file that had it is closed. */
export function useBackToTree(path: string | undefined): RefObject<HTMLDivElement | null> {
  const panes = useRef<HTMLDivElement>(null);
  const before = useRef(path);
  useEffect(() => {
    if (before.current !== undefined && path === undefined && document.activeElement === document.body) {
      const tree = panes.current?.querySelector<HTMLElement>('.pane-tree');
      (tree?.querySelector<HTMLElement>('[role="treeitem"][tabindex="0"]') ?? tree)?.focus();
    }
    before.current = path;
  }, [path]);
  return panes;
}
