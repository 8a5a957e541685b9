import { useMemo } from 'react';
import { CircleFadingArrowUp } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { nameOf } from '../../parts/container-state.js';
import { nameOfImage, type NamedImage } from '../../parts/image-names.js';
import { SinceCell, UsedCell } from '../../parts/table-page/cells.js';
import { useChosenColumns, type OptionalColumns } from '../../parts/table-page/use-columns.js';
import { useEngine } from '../../store/index.js';
import type { Column } from '../../ui/data-grid.js';
import { bytes, shortId } from '../../ui/format.js';
import { isNewer, usageOf, type ImageFacts, type Use } from './filter.js';
import type { ImageGroup } from './grouping.js';

type ImageColumn = Column<NamedImage, ImageGroup>;

const optionalIds = ['users', 'size', 'shared', 'unique', 'created', 'id', 'digest'] as const;
type OptionalId = (typeof optionalIds)[number];

const optionalColumns: OptionalColumns<OptionalId> = {
  ids: optionalIds,
  hiddenAtFirst: ['id', 'digest'],
  roomFor: { size: 0, users: 440, created: 620, unique: 720, shared: 800, id: 900, digest: 1040 },
  kept: 'toggledImageColumns',
};

const useOrder: readonly Use[] = ['running', 'stopped', 'unused'];
const shapes = { running: 'run', stopped: 'exited' } as const;

export function useColumns({
  dense,
  grouped,
  width,
  facts,
  shared,
  onPull,
}: {
  dense: boolean;
  /** The repository stands in the group's row. */
  grouped: boolean;
  width: number;
  facts: ImageFacts;
  /** Bytes that others have too, by id, as far as that is known. */
  shared: Readonly<Record<string, number>>;
  onPull(row: NamedImage): void;
}) {
  const { t, i18n } = useTranslation();
  const { users } = facts;
  const all = useMemo(() => {
    const compareNames = new Intl.Collator(i18n.language, { numeric: true }).compare;
    const sharedOf = ({ id }: NamedImage) => shared[id] ?? -1;
    const uniqueOf = ({ id, image }: NamedImage) => (shared[id] === undefined ? -1 : image.Size - shared[id]);
    const size = (count: number | undefined) =>
      count === undefined || count < 0 ? <span className="t3">–</span> : <span className="num">{bytes(count)}</span>;
    const rankOfUse = ({ id }: NamedImage) => useOrder.indexOf(usageOf(id, users)) * 1e6 - (users.get(id)?.length ?? 0);
    const optional: Record<OptionalId, ImageColumn> = {
      users: {
        id: 'users',
        header: t('images.usedBy'),
        width: 'minmax(0, 0.9fr)',
        compare: (a, b) => rankOfUse(a) - rankOfUse(b),
        cell: (row) => <UseMark id={row.id} users={users} />,
      },
      size: {
        id: 'size',
        header: t('images.size'),
        width: '88px',
        right: true,
        compare: (a, b) => b.image.Size - a.image.Size,
        cell: (row) => size(row.image.Size),
        total: (group) => size(group.size),
      },
      shared: {
        id: 'shared',
        header: t('images.shared'),
        width: '88px',
        right: true,
        compare: (a, b) => sharedOf(b) - sharedOf(a),
        cell: (row) => <span className="t3">{size(sharedOf(row))}</span>,
        total: () => null,
      },
      unique: {
        id: 'unique',
        header: t('images.unique'),
        width: '88px',
        right: true,
        compare: (a, b) => uniqueOf(b) - uniqueOf(a),
        cell: (row) => size(uniqueOf(row)),
        total: (group) => size(group.unique),
      },
      created: {
        id: 'created',
        header: t('images.created'),
        width: '108px',
        right: true,
        compare: (a, b) => b.image.Created - a.image.Created,
        cell: (row) => <SinceCell at={row.image.Created > 0 ? row.image.Created * 1000 : undefined} />,
      },
      id: {
        id: 'id',
        header: t('summary.id'),
        width: '104px',
        cell: (row) => <span className="mono t3">{shortId(row.id)}</span>,
      },
      digest: {
        id: 'digest',
        header: t('images.digest'),
        width: '124px',
        cell: (row) => {
          const digest = digestOf(row);
          return (
            <span className="mono t3 cut block" title={digest}>
              {digest === undefined ? '–' : shortId(digest)}
            </span>
          );
        },
      },
    };
    const first: ImageColumn[] = [
      {
        id: 'name',
        header: grouped ? t('images.tag') : t('images.name'),
        width: 'minmax(0, 1.4fr)',
        compare: (a, b) => compareNames(nameOfImage(a), nameOfImage(b)),
        cell: (row) => <Name row={row} dense={dense} grouped={grouped} onPull={onPull} />,
      },
    ];
    return { first, optional };
  }, [t, i18n.language, dense, grouped, users, shared, onPull]);
  return useChosenColumns(optionalColumns, all, { width, offered: () => true });
}

/** The digest under which its repository has it. */
export const digestOf = ({ repository, image }: NamedImage): string | undefined =>
  image.RepoDigests?.find((each) => repository === undefined || each.startsWith(`${repository}@`))?.split('@')[1];

function Name({
  row,
  dense,
  grouped,
  onPull,
}: {
  row: NamedImage;
  dense: boolean;
  grouped: boolean;
  onPull(row: NamedImage): void;
}) {
  const { t } = useTranslation();
  const mark = useEngine((state) =>
    state.tasks.some((task) => task.kind === 'pull' && task.state === 'running' && task.reference === row.reference)
      ? 'pulling'
      : isNewer(row, state)
        ? 'newer'
        : undefined,
  );
  return (
    <span className="block">
      <span className="row g8">
        {row.repository === undefined ? (
          <span className="name cut mono t2">{grouped ? shortId(row.id) : nameOfImage(row)}</span>
        ) : grouped ? (
          <span className="name cut">{row.tag}</span>
        ) : (
          <span className="name cut">
            {row.repository}
            <span className="tag-part">:{row.tag}</span>
          </span>
        )}
        {row.repository === undefined && <span className="tag">{t('images.untagged')}</span>}
        {mark === 'pulling' && <span className="s11 t3">{t('images.pulling')}</span>}
        {mark === 'newer' && (
          <button
            type="button"
            className="newer"
            tabIndex={-1}
            title={t('images.pullNewerHint')}
            onClick={() => onPull(row)}
          >
            <CircleFadingArrowUp className="icon s12" aria-hidden />
            {t('images.newer')}
          </button>
        )}
      </span>
      {!dense && row.repository !== undefined && <span className="sub cut block">{shortId(row.id)}</span>}
    </span>
  );
}

/** Whether containers use it and run, and which. */
function UseMark({ id, users }: { id: string; users: ImageFacts['users'] }) {
  const { t } = useTranslation();
  const use = usageOf(id, users);
  if (use === 'unused') return <span className="s12 t3">{t('images.unusedWord')}</span>;
  const held = users.get(id) ?? [];
  const names = held.map(nameOf);
  const [name] = names;
  return (
    <UsedCell
      shape={shapes[use]}
      word={t(`images.use.${use}`)}
      names={names}
      sum={names.length > 1 ? t('images.usersMany', { name, count: names.length - 1 }) : name}
    />
  );
}
