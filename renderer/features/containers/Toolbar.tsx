import { ArchiveRestore, ChevronDown, FolderInput, Group as GroupIcon, Plus } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../../main/contract/containers.js';
import { useAddFolder } from '../../parts/drop/use-add-folder.js';
import { ShapeIcon } from '../../parts/Shape.js';
import { useEngine } from '../../store/index.js';
import { usePreferences } from '../../store/preferences.js';
import { useSurface } from '../../store/surface.js';
import { Button, IconButton } from '../../ui/Button.js';
import { FilterField } from '../../ui/FilterField.js';
import { Menu, type MenuEntry } from '../../ui/Menu.js';
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
/** Always there; the others only where there is something of the kind. */
const constant: readonly StateFilter[] = ['running', 'failed'];
const MOST_LABELS = 12;

export interface ToolbarProps {
  containers: ContainerSummary[];
  filter: string;
  onFilter(text: string): void;
  states: ReadonlySet<StateFilter>;
  onStates(states: ReadonlySet<StateFilter>): void;
  groupBy: GroupBy;
}

/** Filter, chips of states, grouping, and the way to a new container. */
export function Toolbar({ containers, filter, onFilter, states, onStates, groupBy }: ToolbarProps) {
  const { t } = useTranslation();
  const addFolder = useAddFolder();
  const ready = useEngine((state) => state.connection.state === 'ready');
  const ask = useSurface((surface) => surface.open);
  const binned = useEngine((state) => state.bin?.Containers.length ?? 0);
  const chips = stateFilters.filter(
    (state) => constant.includes(state) || states.has(state) || containers.some((container) => isIn(container, state)),
  );
  const toggle = (state: StateFilter) => {
    const next = new Set(states);
    if (!next.delete(state)) next.add(state);
    onStates(next);
  };
  return (
    <div className="tools">
      <h1>{t('containers.title')}</h1>
      <FilterField
        label={t('containers.filterLabel')}
        hint={t('containers.filterHint')}
        value={filter}
        onChange={onFilter}
      />
      <span className="chips" role="group" aria-label={t('containers.state')}>
        {chips.map((state) => (
          <button
            key={state}
            type="button"
            className="chip"
            aria-pressed={states.has(state)}
            onClick={() => toggle(state)}
          >
            <ShapeIcon shape={shapes[state]} />
            {t(`containers.chips.${state}`)}
          </button>
        ))}
      </span>
      <span className="grow" />
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
    </div>
  );
}

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
      { heading: t('containers.groupBy.title') },
      ...(['project', 'network', 'image', 'none'] as const).map(entry),
      ...(labels.length > 0 ? (['line', { heading: t('containers.groupBy.label') }] as const) : []),
      ...labels.map((label) => entry(`label:${label}`)),
    ];
  };
  return (
    <Menu label={t('containers.groupBy.title')} entries={entries}>
      <button type="button" className="btn ghost" aria-label={`${t('containers.groupBy.title')}: ${named(groupBy)}`}>
        <GroupIcon className="icon" aria-hidden />
        <span className="cut group-by">{named(groupBy)}</span>
        <ChevronDown className="icon s12" aria-hidden />
      </button>
    </Menu>
  );
}
