import { useMemo } from 'react';
import { Users as SharedIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { VolumeOverview } from '../../../main/contract/volume-data.js';
import { useExplain } from '../../parts/explain.js';
import { ShapeIcon } from '../../parts/Shape.js';
import { SinceCell, UsedCell } from '../../parts/table-page/cells.js';
import { useChosenColumns, type OptionalColumns } from '../../parts/table-page/use-columns.js';
import { deviceOfVolume, holdersOf, nameOfVolume, usageOf, volumeUses } from '../../parts/volumes/names.js';
import { useEngine } from '../../store/index.js';
import { useNow } from '../../ui/clock.js';
import type { Column } from '../../ui/data-grid.js';
import { ago, bytes, span } from '../../ui/format.js';
import { usageShapes } from './GroupTitle.js';
import type { VolumeGroup } from './grouping.js';

type VolumeColumn = Column<VolumeOverview, VolumeGroup>;

const optionalIds = ['users', 'kind', 'by', 'size', 'written', 'backups', 'created'] as const;
type OptionalId = (typeof optionalIds)[number];

const optionalColumns: OptionalColumns<OptionalId> = {
  ids: optionalIds,
  hiddenAtFirst: ['created'],
  roomFor: { size: 0, users: 440, written: 620, backups: 740, kind: 840, by: 960, created: 1080 },
  kept: 'toggledVolumeColumns',
};

/** What another engine than ours does not tell. */
const oursAlone: readonly OptionalId[] = ['size', 'written', 'backups', 'by'];

export function useColumns({
  dense,
  width,
  known,
}: {
  dense: boolean;
  width: number;
  /** The engine tells more than Docker's API does. */
  known: boolean;
}) {
  const { t, i18n } = useTranslation();
  const all = useMemo(() => {
    const compareNames = new Intl.Collator(i18n.language, { numeric: true }).compare;
    const rankOfUse = (row: VolumeOverview) => volumeUses.indexOf(usageOf(row)) * 1e6 - holdersOf(row).length;
    const moment = (at: string | null) => (at === null ? 0 : Date.parse(at));
    const optional: Record<OptionalId, VolumeColumn> = {
      users: {
        id: 'users',
        header: t('volumes.usedBy'),
        width: 'minmax(0, 1fr)',
        compare: (a, b) => rankOfUse(a) - rankOfUse(b),
        cell: (row) => <UseMark row={row} />,
      },
      size: {
        id: 'size',
        header: t('volumes.size'),
        width: '92px',
        right: true,
        compare: (a, b) => (b.Size ?? -1) - (a.Size ?? -1),
        cell: ({ Size, Kind }) =>
          Size !== null ? (
            <span className="num">{bytes(Size)}</span>
          ) : (
            <span className="t3 s12">{Kind === 'local' ? t('volumes.counting') : '–'}</span>
          ),
        total: ({ size }) => <span className="num">{bytes(size)}</span>,
      },
      written: {
        id: 'written',
        header: t('volumes.written'),
        width: '112px',
        right: true,
        compare: (a, b) => moment(b.LastWrite) - moment(a.LastWrite),
        cell: ({ LastWrite }) => <SinceCell at={LastWrite === null ? undefined : Date.parse(LastWrite)} />,
        total: () => null,
      },
      backups: {
        id: 'backups',
        header: t('volumes.backups'),
        width: '108px',
        right: true,
        compare: (a, b) => b.Backups - a.Backups,
        cell: (row) => <BackupsMark row={row} />,
        total: () => null,
      },
      kind: {
        id: 'kind',
        header: t('volumes.kind'),
        width: '76px',
        compare: (a, b) => compareNames(t(`volumes.kinds.${a.Kind}`), t(`volumes.kinds.${b.Kind}`)),
        cell: ({ Kind }) => <span className="s12 t2">{t(`volumes.kinds.${Kind}`)}</span>,
      },
      by: {
        id: 'by',
        header: t('volumes.createdBy'),
        width: 'minmax(0, 0.7fr)',
        compare: (a, b) => compareNames(a.CreatedBy?.Name ?? '\uffff', b.CreatedBy?.Name ?? '\uffff'),
        cell: ({ CreatedBy }) =>
          CreatedBy ? (
            <span className="s12 cut block" title={CreatedBy.Name}>
              {CreatedBy.Name}
            </span>
          ) : (
            <span className="s12 t3">{t('volumes.byHand')}</span>
          ),
      },
      created: {
        id: 'created',
        header: t('volumes.created'),
        width: '108px',
        right: true,
        compare: (a, b) => moment(b.Created) - moment(a.Created),
        cell: ({ Created }) => <SinceCell at={Date.parse(Created)} />,
        total: () => null,
      },
    };
    const first: VolumeColumn[] = [
      {
        id: 'name',
        header: t('volumes.nameColumn'),
        width: 'minmax(0, 1.3fr)',
        compare: (a, b) => compareNames(a.Name, b.Name),
        cell: (row) => <Name row={row} dense={dense} />,
      },
    ];
    return { first, optional };
  }, [t, i18n.language, dense]);
  return useChosenColumns(optionalColumns, all, { width, offered: (id) => known || !oursAlone.includes(id) });
}

function Name({ row, dense }: { row: VolumeOverview; dense: boolean }) {
  const { t } = useTranslation();
  const now = useNow(60_000);
  const busy = useEngine((state) =>
    state.tasks.find(
      ({ kind, state: runs, reference }) =>
        runs === 'running' && reference === row.Name && /^(?:backup|restore|fill|clone|export)$/.test(kind),
    ),
  );
  const device = deviceOfVolume(row);
  return (
    <span className="block">
      <span className="row g8">
        <span className={row.Anonymous ? 'name cut mono t2' : 'name cut'} title={row.Name}>
          {nameOfVolume(row)}
        </span>
        {row.Anonymous && <span className="tag">{t('volumes.anonymous')}</span>}
        {busy && <span className="s11 t3 cut">{t(`volumes.busy.${busy.kind as 'backup'}`)}</span>}
      </span>
      {!dense && (
        <span className={device === undefined ? 'sub words cut block' : 'sub cut block'} title={device}>
          {device ?? t('volumes.createdAgo', { ago: ago(t, now - Date.parse(row.Created)) })}
        </span>
      )}
    </span>
  );
}

/** Whether containers use it and run, and which; and whether they share it. */
function UseMark({ row }: { row: VolumeOverview }) {
  const { t } = useTranslation();
  const use = usageOf(row);
  if (use === 'unused') return <span className="s12 t3">{t('volumes.use.unused')}</span>;
  const names = holdersOf(row).map(({ Name }) => Name);
  const [name] = names;
  return (
    <UsedCell
      shape={usageShapes[use]}
      word={t(`volumes.use.${use}`)}
      names={names}
      sum={names.length > 1 ? t('volumes.usersMany', { name, count: names.length - 1 }) : name}
    >
      {names.length > 1 && (
        <SharedIcon className="icon s12 t3" role="img" aria-label={t('volumes.sharedBy', { count: names.length })} />
      )}
    </UsedCell>
  );
}

function BackupsMark({ row: { Backups, Schedule } }: { row: VolumeOverview }) {
  const { t } = useTranslation();
  const explain = useExplain();
  if (Schedule?.Problem)
    return (
      <span className="use s12 c-fail" title={explain(Schedule.Problem)}>
        <ShapeIcon shape="failed" />
        {t('volumes.scheduleFailed')}
      </span>
    );
  if (Backups === 0 && !Schedule) return <span className="t3">–</span>;
  return (
    <span className="num s12">
      {Backups}
      {Schedule && (
        <span className="t3"> · {t('volumes.everyShort', { span: span(t, Schedule.Every * 3600_000) })}</span>
      )}
    </span>
  );
}
