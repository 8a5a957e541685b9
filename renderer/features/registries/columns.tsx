import { useMemo } from 'react';
import { TriangleAlert } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Registry } from '../../../main/contract/registries.js';
import { ShapeIcon } from '../../parts/Shape.js';
import type { Column } from '../../ui/data-grid.js';
import { sourceWords, trustWords } from './registry-words.js';

/** Those that have room. */
export function useColumns(width: number): Column<Registry>[] {
  const { t, i18n } = useTranslation();
  const room = width >= 860 ? 'trust' : width >= 640 ? 'mirrors' : 'access';
  return useMemo(() => {
    const compare = new Intl.Collator(i18n.language, { numeric: true }).compare;
    const columns: (Column<Registry> | false)[] = [
      {
        id: 'host',
        header: t('registries.host'),
        width: 'minmax(0, 1.2fr)',
        compare: (a, b) => compare(a.host, b.host),
        cell: ({ host }) => <span className="name cut block">{host === 'docker.io' ? t('registries.hub') : host}</span>,
      },
      {
        id: 'access',
        header: t('registries.access'),
        width: 'minmax(0, 1.4fr)',
        compare: (a, b) => compare(a.user ?? '~', b.user ?? '~'),
        cell: (row) => (
          <span className="use s12">
            <ShapeIcon shape={row.credentials === null ? 'exited' : 'healthy'} />
            <span className="cut">
              {row.user === undefined ? sourceWords(t, row) : t('registries.as', { user: row.user })}
              {row.user !== undefined && <span className="t3"> · {sourceWords(t, row)}</span>}
            </span>
          </span>
        ),
      },
      room === 'trust' && {
        id: 'trust',
        header: t('registries.tabs.trust'),
        width: 'minmax(0, 1fr)',
        compare: (a, b) => compare(trustWords(t, a), trustWords(t, b)),
        cell: (row) => (
          <span className="use s12">
            {row.insecure && <TriangleAlert className="icon s12 c-bad" aria-hidden />}
            <span className={row.insecure ? 'cut' : 'cut t2'}>{trustWords(t, row)}</span>
          </span>
        ),
      },
      room !== 'access' && {
        id: 'mirrors',
        header: t('registries.mirrors'),
        width: '96px',
        right: true,
        compare: (a, b) => b.mirrors.length - a.mirrors.length,
        cell: ({ mirrors }) => (
          <span className={mirrors.length > 0 ? 'num' : 't3'} title={mirrors.join(' ')}>
            {mirrors.length > 0 ? mirrors.length : '–'}
          </span>
        ),
      },
    ];
    return columns.filter((column) => column !== false);
  }, [t, i18n.language, room]);
}
