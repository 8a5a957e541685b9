import { Archive, Trash2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { VolumeOverview } from '../../../main/contract/volume-data.js';
import { ShapeIcon } from '../../parts/Shape.js';
import type { VolumeActions } from '../../parts/volumes/actions.js';
import { isCopyable, usageOf } from '../../parts/volumes/names.js';
import { useEngine } from '../../store/index.js';
import { copiesVolumes, knowsVolumes } from '../../store/volumes-slice.js';
import { Button } from '../../ui/Button.js';
import { bytes } from '../../ui/format.js';
import { usageShapes } from './GroupTitle.js';

/** Takes the toolbar's place while something is selected. Each that is backed up is a task; of those that cannot be removed it is said why. */
export function BulkBar({
  chosen,
  actions,
  onClear,
}: {
  chosen: VolumeOverview[];
  actions: VolumeActions;
  onClear(): void;
}) {
  const { t } = useTranslation();
  const copies = useEngine(copiesVolumes);
  const known = useEngine(knowsVolumes);
  const counts = { running: 0, stopped: 0, binned: 0, unused: 0 };
  for (const row of chosen) counts[usageOf(row)] += 1;
  const copyable = chosen.filter(isCopyable).length;
  return (
    <div
      className="tools bulk"
      role="toolbar"
      aria-label={t('containers.selected', { count: chosen.length })}
      onKeyDown={(event) => event.key === 'Escape' && onClear()}
      data-bulk
    >
      <b className="b6" role="status" style={{ whiteSpace: 'nowrap' }}>
        {t('containers.selected', { count: chosen.length })}
      </b>
      <span className="row g12 s12 t2 bulk-states">
        {(['running', 'stopped'] as const).map((use) =>
          counts[use] === 0 ? null : (
            <span className="state" style={{ fontWeight: 400 }} key={use}>
              <ShapeIcon shape={usageShapes[use]} />
              {t(`images.byUse.${use}`, { count: counts[use] })}
            </span>
          ),
        )}
        {known && <span className="num">{bytes(chosen.reduce((sum, { Size }) => sum + (Size ?? 0), 0))}</span>}
      </span>
      {copies && (
        <Button icon={Archive} disabled={copyable === 0} onClick={() => actions.backUp(chosen)}>
          {t('volumes.bulkBackUp', { count: copyable })}
        </Button>
      )}
      <span className="grow" />
      <Button variant="danger" icon={Trash2} shortcut="Del" onClick={() => actions.remove(chosen)}>
        {t('containers.bulkRemove', { count: chosen.length })}
      </Button>
      <Button variant="ghost" shortcut="Esc" onClick={onClear} data-clear>
        {t('common.clear')}
      </Button>
    </div>
  );
}
