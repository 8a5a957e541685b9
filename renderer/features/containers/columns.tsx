import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../../main/contract/containers.js';
import { healthOf, nameOf, networksOf, portsOf, shapeOf, stateOrder } from '../../parts/container-state.js';
import { StateBadge } from '../../parts/StateBadge.js';
import { useNow } from '../../ui/clock.js';
import type { Column, RowGroup } from '../../ui/data-grid.js';
import { ago } from '../../ui/format.js';
import type { StatsSlice } from '../../store/stats-slice.js';
import type { ContainerGroup } from './grouping.js';
import { CpuCell, MemoryCell, TotalCpu, TotalMemory } from './Usage.js';

export type TableGroup = ContainerGroup & RowGroup<ContainerSummary>;
type TableColumn = Column<ContainerSummary, TableGroup>;

/** Those that can be left out, in the order of the table. */
export const optionalColumns = ['image', 'health', 'command', 'networks', 'ports', 'cpu', 'memory', 'created'] as const;
export type OptionalColumn = (typeof optionalColumns)[number];

/** Left out until somebody wants them: the state says the health too, and names stand over images. */
export const hiddenAtFirst: readonly OptionalColumn[] = ['image', 'health', 'networks'];

/** How wide the table has to be for a column; the rest is left out, the command first. */
const roomFor: Record<OptionalColumn, number> = {
  cpu: 0,
  memory: 540,
  ports: 600,
  created: 700,
  health: 760,
  image: 820,
  networks: 900,
  command: 960,
};

export function useColumns({
  dense,
  width,
  hidden,
  live,
  used,
}: {
  dense: boolean;
  width: number;
  hidden: ReadonlySet<OptionalColumn>;
  /** The engine tells what containers use. */
  live: boolean;
  /** What is sorted by, where the order is one of use. */
  used: StatsSlice['used'];
}): TableColumn[] {
  const { t, i18n } = useTranslation();
  // Dense rows have no second line for the image.
  const imageAside = dense && width >= 560;
  const room = optionalColumns.filter((column) => width >= roomFor[column]).join(' ');
  return useMemo(() => {
    const compareNames = new Intl.Collator(i18n.language, { numeric: true }).compare;
    const rank = (container: ContainerSummary) => stateOrder.indexOf(shapeOf(container));
    const share = ({ Id, State }: ContainerSummary) => (State === 'running' ? (used[Id]?.cpu.at(-1) ?? 0) : -1);
    const memory = ({ Id, State }: ContainerSummary) => (State === 'running' ? (used[Id]?.usage.memory ?? 0) : -1);
    const optional: Record<OptionalColumn, TableColumn> = {
      image: {
        id: 'image',
        header: t('summary.image'),
        width: 'minmax(0, 1fr)',
        compare: (a, b) => compareNames(a.Image, b.Image),
        cell: (row) => (
          <span className="mono t2 cut block" title={row.Image}>
            {row.Image}
          </span>
        ),
      },
      health: {
        id: 'health',
        header: t('containers.health'),
        width: '92px',
        compare: (a, b) => compareNames(healthOf(a) ?? '~', healthOf(b) ?? '~'),
        cell: (row) => {
          const health = healthOf(row);
          return <span className={health ? 's12' : 's12 t3'}>{health ? t(`state.${health}`) : '–'}</span>;
        },
      },
      command: {
        id: 'command',
        header: t('containers.command'),
        width: 'minmax(0, 1.2fr)',
        cell: (row) => (
          <span className="mono t2 cut block" title={row.Command}>
            {row.Command}
          </span>
        ),
      },
      networks: {
        id: 'networks',
        header: t('containers.networks'),
        width: '104px',
        compare: (a, b) => compareNames(networksOf(a).join(), networksOf(b).join()),
        cell: (row) => (
          <span className="s12 t2 cut block" title={networksOf(row).join(' ')}>
            {networksOf(row).join(' ')}
          </span>
        ),
      },
      ports: {
        id: 'ports',
        header: t('containers.ports'),
        width: '76px',
        cell: (row) => {
          const ports = portsOf(row);
          return (
            <span className={`mono cut block ${ports.length > 0 ? 'c-acc' : 't3'}`} title={ports.join(' ')}>
              {ports.join(' ') || '–'}
            </span>
          );
        },
      },
      cpu: {
        id: 'cpu',
        header: t('containers.cpu'),
        width: '116px',
        right: true,
        compare: (a, b) => share(b) - share(a),
        cell: (row) => <CpuCell container={row} />,
        total: ({ members }) => <TotalCpu members={members} />,
      },
      memory: {
        id: 'memory',
        header: t('containers.memory'),
        width: '84px',
        right: true,
        compare: (a, b) => memory(b) - memory(a),
        cell: (row) => <MemoryCell container={row} />,
        total: ({ members }) => <TotalMemory members={members} />,
      },
      created: {
        id: 'created',
        header: t('containers.created'),
        width: '100px',
        right: true,
        compare: (a, b) => b.Created - a.Created,
        cell: (row) => <Created at={row.Created} />,
      },
    };
    const wanted = optionalColumns.filter(
      (column) =>
        room.split(' ').includes(column) && !hidden.has(column) && (live || (column !== 'cpu' && column !== 'memory')),
    );
    const withImage: OptionalColumn[] = imageAside && !wanted.includes('image') ? ['image', ...wanted] : wanted;
    return [
      {
        id: 'name',
        header: t('containers.name'),
        width: 'minmax(0, 1.3fr)',
        compare: (a, b) => compareNames(nameOf(a), nameOf(b)),
        cell: (row) => (
          <span className="block">
            <span className="name cut block">{nameOf(row)}</span>
            {!dense && <span className="sub cut block">{row.Image}</span>}
          </span>
        ),
      },
      {
        id: 'state',
        header: t('containers.state'),
        width: '160px',
        compare: (a, b) => rank(a) - rank(b),
        cell: (row) => (
          <span className="s12" style={{ display: 'flex' }}>
            <StateBadge container={row} />
          </span>
        ),
      },
      ...withImage.map((column) => optional[column]),
    ];
  }, [t, i18n.language, dense, room, imageAside, hidden, live, used]);
}

function Created({ at }: { at: number }) {
  const { t } = useTranslation();
  const now = useNow(60_000);
  return <span className="s12 t3 num">{ago(t, now - at * 1000)}</span>;
}
