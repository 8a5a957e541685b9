import type { ReactNode } from 'react';
import { clsx } from 'clsx';
import { dropOn, type DropTarget } from '../../store/drop.js';
import { useBeside } from '../Drawer.js';
import type { TablePageState } from './use-table-page.js';

/** The tools, a list below them, and beside it or over it the drawer of what is open: a list that is not seen stays as it was. */
export function SplitPage({
  page: { frame, split },
  label,
  tools,
  drawer,
  drop,
  children,
}: {
  page: Pick<TablePageState<never>, 'frame' | 'split'>;
  label: string;
  tools: ReactNode;
  drawer: ReactNode;
  /** What is dropped beside the rows is meant for. */
  drop?: DropTarget | undefined;
  children: ReactNode;
}) {
  const beside = useBeside();
  return (
    <>
      {tools}
      <div className="split" ref={split} {...(drop && dropOn(drop))}>
        <section className={clsx('list', drawer && (frame.full || !beside) && 'behind')} aria-label={label}>
          {children}
        </section>
        {drawer}
      </div>
    </>
  );
}
