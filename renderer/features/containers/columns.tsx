import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../../main/contract/containers.js';
import { healthOf, nameOf, networksOf, portsOf, shapeOf, stateOrder } from '../../parts/container-state.js';
import { StateBadge } from '../../parts/StateBadge.js';
import { SinceCell } from '../../parts/table-page/cells.js';
import { useChosenColumns, type OptionalColumns } from '../../parts/table-page/use-columns.js';
import { useEngine } from '../../store/index.js';
import type { Column } from '../../ui/data-grid.js';
import { imageName } from '../../ui/format.js';
import type { ContainerGroup } from './grouping.js';
import { CpuCell, MemoryCell, TotalCpu, TotalMemory, useOrderOfUse } from './Usage.js';

type TableColumn = Column<ContainerSummary, ContainerGroup>;

const optionalIds = ['image', 'health', 'command', 'networks', 'ports', 'cpu', 'memory', 'created'] as const;
type OptionalId = (typeof optionalIds)[number];

const optionalColumns: OptionalColumns<OptionalId> = {
  ids: optionalIds,
  // The state says the health too, and names stand over images.
  hiddenAtFirst: ['image', 'health', 'networks'],
  // The command goes first.
  roomFor: {
    cpu: 0,
    memory: 540,
    ports: 600,
    created: 700,
    health: 760,
    image: 820,
    networks: 900,
    command: 960,
  },
  kept: 'toggledColumns',
};

export function useColumns({
  dense,
  width,
  byUse,
}: {
  dense: boolean;
  width: number;
  /** The order is one of use. */
  byUse: boolean;
}) {
  const { t, i18n } = useTranslation();
  const live = useEngine((state) => state.features?.can?.includes('stats') ?? false);
  const used = useOrderOfUse(byUse);
  const all = useMemo(() => {
    const compareNames = new Intl.Collator(i18n.language, { numeric: true }).compare;
    const rank = (container: ContainerSummary) => stateOrder.indexOf(shapeOf(container));
    const share = ({ Id, State }: ContainerSummary) => (State === 'running' ? (used[Id]?.cpu.at(-1) ?? 0) : -1);
    const memory = ({ Id, State }: ContainerSummary) => (State === 'running' ? (used[Id]?.usage.memory ?? 0) : -1);
    const optional: Record<OptionalId, TableColumn> = {
      image: {
        id: 'image',
        header: t('summary.image'),
        width: 'minmax(0, 1fr)',
        compare: (a, b) => compareNames(a.Image, b.Image),
        cell: (row) => (
          <span className="mono t2 cut block" title={row.Image}>
            {imageName(row.Image)}
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
        total: ({ rows }) => <TotalCpu members={rows} />,
      },
      memory: {
        id: 'memory',
        header: t('containers.memory'),
        width: '84px',
        right: true,
        compare: (a, b) => memory(b) - memory(a),
        cell: (row) => <MemoryCell container={row} />,
        total: ({ rows }) => <TotalMemory members={rows} />,
      },
      created: {
        id: 'created',
        header: t('containers.created'),
        width: '100px',
        right: true,
        compare: (a, b) => b.Created - a.Created,
        cell: (row) => <SinceCell at={row.Created * 1000} />,
      },
    };
    const first: TableColumn[] = [
      {
        id: 'name',
        header: t('containers.name'),
        width: 'minmax(0, 1.3fr)',
        compare: (a, b) => compareNames(nameOf(a), nameOf(b)),
        cell: (row) => (
          <span className="block">
            <span className="name cut block">{nameOf(row)}</span>
            {!dense && <span className="sub cut block">{imageName(row.Image)}</span>}
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
    ];
    return { first, optional };
  }, [t, i18n.language, dense, used]);
  return useChosenColumns(optionalColumns, all, {
    width,
    offered: (id) => live || (id !== 'cpu' && id !== 'memory'),
    // Dense rows have no second line for it.
    forced: dense && width >= 560 ? 'image' : undefined,
  });
}
