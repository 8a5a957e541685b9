import { Archive, ArchiveRestore, ArrowUpFromLine, Eraser, FolderInput, Plus } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { VolumeOverview } from '../../../main/contract/volume-data.js';
import { GroupByMenu, TableTools } from '../../parts/table-page/TableTools.js';
import type { TablePageState } from '../../parts/table-page/use-table-page.js';
import type { VolumeActions } from '../../parts/volumes/actions.js';
import { useEngine } from '../../store/index.js';
import { usePreferences } from '../../store/preferences.js';
import { can } from '../../store/registries-slice.js';
import { useSurface } from '../../store/surface.js';
import { copiesVolumes } from '../../store/volumes-slice.js';
import { Button, IconButton } from '../../ui/Button.js';
import { isVolumeIn, volumeFilters, type VolumeFilter } from './filter.js';
import type { GroupVolumesBy } from './grouping.js';

/** Filter, chips, grouping, and the ways to more volumes and to fewer. */
export function Toolbar({
  page,
  rows,
  groupBy,
  actions,
}: {
  page: TablePageState<VolumeFilter>;
  rows: VolumeOverview[];
  groupBy: GroupVolumesBy;
  actions: VolumeActions;
}) {
  const { t } = useTranslation();
  const ready = useEngine((state) => state.connection.state === 'ready');
  const copies = useEngine(copiesVolumes);
  const adds = useEngine(can('folders'));
  const binned = useEngine((state) => state.bin?.Volumes?.length ?? 0);
  const ask = useSurface((surface) => surface.open);
  const set = usePreferences((preferences) => preferences.set);
  return (
    <TableTools<VolumeOverview, VolumeFilter>
      noun="volumes"
      page={page}
      rows={rows}
      chips={{
        label: t('volumes.usedBy'),
        all: volumeFilters,
        constant: ['used', 'unused'],
        isIn: isVolumeIn,
        name: (chip) => t(`volumes.chips.${chip}`),
      }}
    >
      {binned > 0 && (
        <IconButton
          icon={ArchiveRestore}
          iconSize={16}
          label={t('volumes.openBin', { count: binned })}
          disabled={!ready}
          onClick={() => ask({ kind: 'bin' })}
        />
      )}
      {adds && (
        <IconButton
          icon={FolderInput}
          iconSize={16}
          label={t('drop.addFolder')}
          disabled={!ready}
          onClick={() => actions.addFolder()}
        />
      )}
      {copies && (
        <IconButton
          icon={Archive}
          iconSize={16}
          label={t('volumes.backup.allDots')}
          disabled={!ready}
          onClick={() => ask({ kind: 'backups' })}
        />
      )}
      <IconButton
        icon={Eraser}
        iconSize={16}
        label={t('volumes.prune.open')}
        disabled={!ready}
        onClick={() => ask({ kind: 'prune-volumes' })}
      />
      <GroupByMenu
        now={t(`volumes.groupBy.${groupBy}`)}
        entries={() =>
          (['project', 'use', 'none'] as const).map((by) => ({
            label: t(`volumes.groupBy.${by}`),
            checked: groupBy === by,
            onSelect: () => set({ groupVolumes: by }),
          }))
        }
      />
      {copies && (
        <Button
          icon={ArrowUpFromLine}
          className="short"
          aria-label={t('volumes.importDots')}
          title={t('volumes.importDots')}
          disabled={!ready}
          onClick={() => actions.importArchive()}
        >
          <span>{t('volumes.importDots')}</span>
        </Button>
      )}
      <Button variant="primary" icon={Plus} disabled={!ready} onClick={() => ask({ kind: 'create-volume' })}>
        {t('volumes.create.open')}
      </Button>
    </TableTools>
  );
}
