import { useMemo, useState } from 'react';
import { ExternalLink } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useNow } from '../../ui/clock.js';
import { sorted, type Column, type Sort } from '../../ui/data-grid.js';
import { DataGrid } from '../../ui/DataGrid.js';
import { ago, bytes } from '../../ui/format.js';
import type { DiskPart } from '../../parts/disk-parts.js';
import { nameOfPart, percent } from './words.js';

const sum = (parts: DiskPart[]): number => parts.reduce((total, { size }) => total + size, 0);
const keyOf = ({ key }: DiskPart) => key;

/** The map's twin in words. */
export function DiskTable({ parts, onOpen }: { parts: DiskPart[]; onOpen(part: DiskPart): void }) {
  const { t, i18n } = useTranslation();
  const now = useNow(30_000);
  const [sort, setSort] = useState<Sort>({ column: 'size', descending: true });
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const whole = sum(parts);
  const columns = useMemo(() => {
    const compare = new Intl.Collator(i18n.language, { numeric: true }).compare;
    const all: Column<DiskPart>[] = [
      {
        id: 'name',
        header: t('images.name'),
        width: 'minmax(0, 1.6fr)',
        compare: (a, b) => compare(nameOfPart(t, a), nameOfPart(t, b)),
        cell: (part) => <span className="name cut disk-name">{nameOfPart(t, part)}</span>,
      },
      {
        id: 'kind',
        header: t('disk.what'),
        width: 'minmax(0, 1fr)',
        compare: (a, b) => compare(t(`disk.kind.${a.kind}`), t(`disk.kind.${b.kind}`)),
        cell: ({ kind }) => <span className="t2 cut disk-name">{t(`disk.kind.${kind}`)}</span>,
      },
      {
        id: 'size',
        header: t('images.size'),
        width: '96px',
        right: true,
        compare: (a, b) => a.size - b.size,
        cell: ({ size }) => <span className="num">{bytes(size)}</span>,
      },
      {
        id: 'share',
        header: t('disk.share'),
        width: '80px',
        right: true,
        compare: (a, b) => a.size - b.size,
        cell: ({ size }) => <span className="num t3">{percent(size, whole)}</span>,
      },
      {
        id: 'at',
        header: t('disk.counted'),
        width: '120px',
        cell: ({ at }) => (
          <span className="t3 num">{at === undefined ? t('disk.recorded') : ago(t, now - Date.parse(at))}</span>
        ),
      },
    ];
    return all;
  }, [t, i18n.language, whole, now]);
  const rows = useMemo(() => sorted(parts, columns, sort), [parts, columns, sort]);
  const chosen = parts.filter(({ key }) => selected.has(key));
  return (
    <>
      <DataGrid<DiskPart>
        label={t('disk.table')}
        words={{
          actions: t('common.actions'),
          menu: (part) => t('action.more', { name: nameOfPart(t, part) }),
        }}
        columns={columns}
        rows={rows}
        keyOf={keyOf}
        nameOf={(part) => nameOfPart(t, part)}
        rowHeight={32}
        sort={sort}
        onSort={setSort}
        selection={{
          selected,
          onSelect: setSelected,
          words: { all: t('disk.selectAll'), one: (part) => t('table.select', { name: nameOfPart(t, part) }) },
        }}
        onOpen={onOpen}
        menu={(part) => [
          { label: t('disk.open'), icon: ExternalLink, disabled: !part.place, onSelect: () => onOpen(part) },
        ]}
      />
      <div className="list-foot">
        <span className="num" role="status">
          {chosen.length > 0
            ? t('disk.selected', { count: chosen.length, size: bytes(sum(chosen)) })
            : t('disk.all', { count: parts.length, size: bytes(whole) })}
        </span>
      </div>
    </>
  );
}
