import { Archive } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { VolumeOverview } from '../../../main/contract/volume-data.js';
import { BulkBar, UseTally } from '../../parts/table-page/BulkBar.js';
import type { VolumeActions } from '../../parts/volumes/actions.js';
import { isCopyable, usageOf } from '../../parts/volumes/names.js';
import { useEngine } from '../../store/index.js';
import { copiesVolumes, knowsVolumes } from '../../store/volumes-slice.js';
import { Button } from '../../ui/Button.js';
import { bytes } from '../../ui/format.js';

/** What can be done with the selected volumes. Each that is backed up is a task; of those that cannot be removed it is said why. */
export function VolumesBulk({
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
    <BulkBar
      count={chosen.length}
      tally={
        <>
          <UseTally {...counts} />
          {known && <span className="num">{bytes(chosen.reduce((sum, { Size }) => sum + (Size ?? 0), 0))}</span>}
        </>
      }
      onRemove={() => actions.remove(chosen)}
      onClear={onClear}
    >
      {copies && (
        <Button icon={Archive} disabled={copyable === 0} onClick={() => actions.backUp(chosen)}>
          {t('volumes.bulkBackUp', { count: copyable })}
        </Button>
      )}
    </BulkBar>
  );
}
