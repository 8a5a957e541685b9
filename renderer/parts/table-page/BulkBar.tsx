import type { ReactNode } from 'react';
import { Trash2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Button } from '../../ui/Button.js';
import { ShapeIcon } from '../Shape.js';
import type { Shape } from '../container-state.js';

/** Takes the toolbar's place while something is selected: how much and of which kind, what can be done with it, removing and letting go. */
export function BulkBar({
  count,
  tally,
  onRemove,
  onClear,
  children,
}: {
  count: number;
  /** What there is among it. */
  tally: ReactNode;
  onRemove(): void;
  onClear(): void;
  children: ReactNode;
}) {
  const { t } = useTranslation();
  return (
    <div
      className="tools bulk"
      role="toolbar"
      aria-label={t('table.selected', { count })}
      onKeyDown={(event) => event.key === 'Escape' && onClear()}
      data-bulk
    >
      <b className="b6" role="status" style={{ whiteSpace: 'nowrap' }}>
        {t('table.selected', { count })}
      </b>
      <span className="row g12 s12 t2 bulk-states">{tally}</span>
      {children}
      <span className="grow" />
      <Button variant="danger" icon={Trash2} shortcut="Del" onClick={onRemove}>
        {t('table.remove', { count })}
      </Button>
      <Button variant="ghost" shortcut="Esc" onClick={onClear} data-clear>
        {t('common.clear')}
      </Button>
    </div>
  );
}

/** So many of the selected are of a kind. */
export const BulkTally = ({ shape, children }: { shape: Shape; children: ReactNode }) => (
  <span className="state" style={{ fontWeight: 400 }}>
    <ShapeIcon shape={shape} />
    {children}
  </span>
);

/** How many of the selected run something, and how many only could. */
export function UseTally({ running, stopped }: { running: number; stopped: number }) {
  const { t } = useTranslation();
  return (
    <>
      {running > 0 && <BulkTally shape="run">{t('images.byUse.running', { count: running })}</BulkTally>}
      {stopped > 0 && <BulkTally shape="exited">{t('images.byUse.stopped', { count: stopped })}</BulkTally>}
    </>
  );
}
