import { ArchiveRestore, FolderInput, Plus } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../../main/contract/containers.js';
import { useAddFolder } from '../../parts/drop/use-add-folder.js';
import { ShapeIcon } from '../../parts/Shape.js';
import { GroupByMenu, TableTools } from '../../parts/table-page/TableTools.js';
import type { TablePageState } from '../../parts/table-page/use-table-page.js';
import { useEngine } from '../../store/index.js';
import { usePreferences } from '../../store/preferences.js';
import { useSurface } from '../../store/surface.js';
import { Button, IconButton } from '../../ui/Button.js';
import type { MenuEntry } from '../../ui/Menu.js';
import { isIn, stateFilters, type StateFilter } from './filter.js';
import { labelsIn, type GroupBy } from './grouping.js';

const shapes = {
  running: 'run',
  failed: 'failed',
  unhealthy: 'unhealthy',
  paused: 'paused',
  stopped: 'exited',
  created: 'created',
} as const;
const MOST_LABELS = 12;

/** Filter, chips of states, grouping, and the way to a new container. */
export function Toolbar({
  page,
  containers,
  groupBy,
}: {
  page: TablePageState<StateFilter>;
  containers: ContainerSummary[];
  groupBy: GroupBy;
}) {
  const { t } = useTranslation();
  const addFolder = useAddFolder();
  const ready = useEngine((state) => state.connection.state === 'ready');
  const ask = useSurface((surface) => surface.open);
  const binned = useEngine((state) => state.bin?.Containers.length ?? 0);
  return (
    <TableTools<ContainerSummary, StateFilter>
      noun="containers"
      page={page}
      rows={containers}
      chips={{
        label: t('containers.state'),
        all: stateFilters,
        constant: ['running', 'failed'],
        isIn,
        name: (state) => (
          <>
            <ShapeIcon shape={shapes[state]} />
            {t(`containers.chips.${state}`)}
          </>
        ),
      }}
    >
      {binned > 0 && (
        <IconButton
          icon={ArchiveRestore}
          iconSize={16}
          label={t('bin.open', { count: binned })}
          disabled={!ready}
          onClick={() => ask({ kind: 'bin' })}
        />
      )}
      {addFolder && (
        <IconButton
          icon={FolderInput}
          iconSize={16}
          label={t('drop.addFolder')}
          disabled={!ready}
          onClick={() => void addFolder({ kind: 'nothing' })}
        />
      )}
      <GroupMenu containers={containers} groupBy={groupBy} />
      <Button variant="primary" icon={Plus} disabled={!ready} onClick={() => ask({ kind: 'run' })}>
        {t('action.run')}
      </Button>
    </TableTools>
  );
}

/** By what there is to group, labels among it. */
function GroupMenu({ containers, groupBy }: { containers: ContainerSummary[]; groupBy: GroupBy }) {
  const { t } = useTranslation();
  const set = usePreferences((preferences) => preferences.set);
  const named = (by: GroupBy) =>
    by.startsWith('label:') ? by.slice('label:'.length) : t(`containers.groupBy.${by as 'none'}`);
  const entry = (by: GroupBy): MenuEntry => ({
    label: named(by),
    checked: groupBy === by,
    onSelect: () => set({ groupBy: by }),
  });
  const entries = (): MenuEntry[] => {
    const labels = labelsIn(containers).slice(0, MOST_LABELS);
    return [
      ...(['project', 'network', 'image', 'none'] as const).map(entry),
      ...(labels.length > 0 ? (['line', { heading: t('containers.groupBy.label') }] as const) : []),
      ...labels.map((label) => entry(`label:${label}`)),
    ];
  };
  return <GroupByMenu now={named(groupBy)} entries={entries} />;
}
