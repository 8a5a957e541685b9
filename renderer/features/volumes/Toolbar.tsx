import {
  Archive,
  ArchiveRestore,
  ArrowUpFromLine,
  ChevronDown,
  Eraser,
  FolderInput,
  Group as GroupIcon,
  Plus,
} from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { VolumeOverview } from '../../../main/contract/volume-data.js';
import type { VolumeActions } from '../../parts/volumes/actions.js';
import { useEngine } from '../../store/index.js';
import { usePreferences } from '../../store/preferences.js';
import { can } from '../../store/registries-slice.js';
import { useSurface } from '../../store/surface.js';
import { copiesVolumes } from '../../store/volumes-slice.js';
import { Button, IconButton } from '../../ui/Button.js';
import { FilterField } from '../../ui/FilterField.js';
import { Menu } from '../../ui/Menu.js';
import { isVolumeIn, volumeFilters, type VolumeFilter } from './filter.js';
import type { GroupVolumesBy } from './grouping.js';

/** Always there; the others only where there is something of the kind. */
const constant: readonly VolumeFilter[] = ['used', 'unused'];

/** Filter, chips, grouping, and the ways to more volumes and to fewer. */
export function Toolbar({
  rows,
  filter,
  onFilter,
  chips,
  onChips,
  groupBy,
  actions,
}: {
  rows: VolumeOverview[];
  filter: string;
  onFilter(text: string): void;
  chips: ReadonlySet<VolumeFilter>;
  onChips(chips: ReadonlySet<VolumeFilter>): void;
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
  const shown = volumeFilters.filter(
    (chip) => constant.includes(chip) || chips.has(chip) || rows.some((row) => isVolumeIn(row, chip)),
  );
  const toggle = (chip: VolumeFilter) => {
    const next = new Set(chips);
    if (!next.delete(chip)) next.add(chip);
    onChips(next);
  };
  const grouping = t(`volumes.groupBy.${groupBy}`);
  return (
    <div className="tools">
      <h1>{t('volumes.title')}</h1>
      <FilterField label={t('volumes.filterLabel')} hint={t('volumes.filterHint')} value={filter} onChange={onFilter} />
      <span className="chips" role="group" aria-label={t('volumes.usedBy')}>
        {shown.map((chip) => (
          <button key={chip} type="button" className="chip" aria-pressed={chips.has(chip)} onClick={() => toggle(chip)}>
            {t(`volumes.chips.${chip}`)}
          </button>
        ))}
      </span>
      <span className="grow" />
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
      <Menu
        label={t('containers.groupBy.title')}
        entries={() => [
          { heading: t('containers.groupBy.title') },
          ...(['project', 'use', 'none'] as const).map((by) => ({
            label: t(`volumes.groupBy.${by}`),
            checked: groupBy === by,
            onSelect: () => set({ groupVolumes: by }),
          })),
        ]}
      >
        <button type="button" className="btn ghost" aria-label={`${t('containers.groupBy.title')}: ${grouping}`}>
          <GroupIcon className="icon" aria-hidden />
          <span className="cut group-by">{grouping}</span>
          <ChevronDown className="icon s12" aria-hidden />
        </button>
      </Menu>
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
    </div>
  );
}
