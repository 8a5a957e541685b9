import { useMemo } from 'react';
import { Archive, Database, Play, Plus } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { VolumeOverview } from '../../../main/contract/volume-data.js';
import { TablePage, type TableGroups } from '../../parts/table-page/TablePage.js';
import { useFolds } from '../../parts/table-page/use-folds.js';
import { keptLook, useRows, useTablePage } from '../../parts/table-page/use-table-page.js';
import { useVolumes, useWatchVolumes } from '../../parts/volumes/use-volumes.js';
import { useVolumeActions } from '../../parts/volumes/actions.js';
import { isCopyable, nameOfVolume } from '../../parts/volumes/names.js';
import { dropOn } from '../../store/drop.js';
import { useEngine } from '../../store/index.js';
import { usePreferences } from '../../store/preferences.js';
import { useSurface } from '../../store/surface.js';
import { copiesVolumes, knowsVolumes } from '../../store/volumes-slice.js';
import { Button, IconButton } from '../../ui/Button.js';
import { bytes } from '../../ui/format.js';
import { VolumesBulk } from './BulkBar.js';
import { useColumns } from './columns.js';
import { volumeFilterOf, type VolumeFilter } from './filter.js';
import { groupsOf, type VolumeGroup } from './grouping.js';
import { GroupTitle, nameOfGroup } from './GroupTitle.js';
import { Toolbar } from './Toolbar.js';
import { VolumeDrawer } from './VolumeDrawer.js';

const keyOf = ({ Name }: VolumeOverview) => Name;
const noVolumes: VolumeOverview[] = [];
const kept = keptLook<VolumeFilter>('name');

export function VolumesPage() {
  const { t, i18n } = useTranslation();
  useWatchVolumes();
  const volumes = useVolumes();
  const all = volumes ?? noVolumes;
  const known = useEngine(knowsVolumes);
  const copies = useEngine(copiesVolumes);
  const dense = usePreferences((preferences) => preferences.dense);
  const groupBy = usePreferences((preferences) => preferences.groupVolumes);
  const ask = useSurface((surface) => surface.open);
  const actions = useVolumeActions();
  const page = useTablePage('volumes', kept);
  const { text, chips, sort, opened, width } = page;
  const { columns, chooser } = useColumns({ dense, width, known });
  const fits = useMemo(() => volumeFilterOf(text, chips), [text, chips]);
  const rows = useRows(all, columns, sort, fits);
  const list = useMemo(() => {
    const { compare } = new Intl.Collator(i18n.language, { numeric: true });
    return groupsOf(rows, groupBy, compare, (name, members) =>
      [nameOfGroup(t, groupBy, name), t('volumes.count', { count: members.length })].join(', '),
    );
  }, [groupBy, rows, i18n.language, t]);
  const folds = useFolds('foldedVolumes');
  const groups: TableGroups<VolumeOverview, VolumeGroup> | undefined = list && {
    ...folds,
    groups: list,
    nameOf: ({ name }) => nameOfGroup(t, groupBy, name),
    title: (group) => <GroupTitle group={group} by={groupBy} />,
    menu: ({ rows: members }) =>
      copies
        ? [
            {
              label: t('volumes.bulkBackUp', { count: members.length }),
              icon: Archive,
              shortcut: 'B',
              onSelect: () => actions.backUp(members),
            },
          ]
        : [],
    letters: (_, those) => ({ b: copies ? () => actions.backUp(those) : undefined }),
  };
  const open = opened === undefined ? undefined : all.find(({ Name }) => Name === opened);
  const size = useMemo(() => rows.reduce((sum, { Size }) => sum + (Size ?? 0), 0), [rows]);
  const counting = rows.some(({ Size, Kind }) => Size === null && Kind === 'local');
  return (
    <TablePage<VolumeOverview, VolumeGroup, VolumeFilter>
      noun="volumes"
      icon={Database}
      page={page}
      all={volumes}
      rows={rows}
      columns={columns}
      chooser={chooser}
      groups={groups}
      keyOf={keyOf}
      nameOf={nameOfVolume}
      openKey={open?.Name}
      onOpen={actions.open}
      onRemove={actions.remove}
      menu={actions.menu}
      dataOf={({ Name }) => dropOn({ kind: 'volume', name: Name })}
      quickRoom={28}
      quick={(row) =>
        copies && isCopyable(row) ? (
          <IconButton
            small
            tabIndex={-1}
            icon={Archive}
            label={t('volumes.backUpDots')}
            shortcut="B"
            onClick={() => actions.backUp([row])}
          />
        ) : (
          <IconButton
            small
            tabIndex={-1}
            icon={Play}
            label={t('volumes.runDots')}
            shortcut="R"
            onClick={() => actions.run(row)}
          />
        )
      }
      letters={(row, those) => ({
        r: () => actions.run(row),
        a: () => actions.addFolder(row),
        b: copies ? () => actions.backUp(those) : undefined,
      })}
      letter={copies ? { key: 'B', does: t('volumes.keysBackUp') } : undefined}
      tools={<Toolbar page={page} rows={all} groupBy={groupBy} actions={actions} />}
      bulk={(chosen, onClear) => <VolumesBulk chosen={chosen} actions={actions} onClear={onClear} />}
      first={
        <>
          <Button variant="primary" icon={Plus} onClick={() => ask({ kind: 'create-volume' })}>
            {t('volumes.create.dots')}
          </Button>
          {copies && (
            <button type="button" className="link" onClick={() => actions.importArchive()}>
              {t('volumes.emptyExample')}
            </button>
          )}
        </>
      }
      total={
        known && (
          <span className="num">
            {bytes(size)}
            {counting && ` · ${t('volumes.counting')}`}
          </span>
        )
      }
      drawer={opened !== undefined && volumes && <VolumeDrawer key={opened} volume={open} {...page.frame} />}
      drop={{ kind: 'volumes' }}
    />
  );
}
