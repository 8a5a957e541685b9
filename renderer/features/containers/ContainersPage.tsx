import { useMemo, useState } from 'react';
import { Box, Play, RotateCw, ScrollText, Skull, Square, Terminal as TerminalIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../../main/contract/containers.js';
import { useBulk } from '../../parts/bulk.js';
import { fits, useContainerActions, type ContainerActions } from '../../parts/container-actions.js';
import { nameOf } from '../../parts/container-state.js';
import { TablePage, type TableGroups } from '../../parts/table-page/TablePage.js';
import { useFolds } from '../../parts/table-page/use-folds.js';
import { keptLook, useRows, useTablePage } from '../../parts/table-page/use-table-page.js';
import { dropOn } from '../../store/drop.js';
import { useEngine } from '../../store/index.js';
import { usePreferences } from '../../store/preferences.js';
import { useSurface } from '../../store/surface.js';
import { Button, IconButton } from '../../ui/Button.js';
import type { MenuEntry } from '../../ui/Menu.js';
import { ContainersBulk } from './BulkBar.js';
import { useColumns } from './columns.js';
import { ContainerDrawer } from './ContainerDrawer.js';
import { filterOf, type StateFilter } from './filter.js';
import { groupsOf, isGroupBy, type ContainerGroup, type GroupBy } from './grouping.js';
import { GroupActs, GroupTitle, nameOfGroup, tallyOf } from './GroupTitle.js';
import { Toolbar } from './Toolbar.js';
import { createSight, FollowStats } from './Usage.js';

const keyOf = ({ Id }: ContainerSummary) => Id;
const noContainers: ContainerSummary[] = [];
const kept = keptLook<StateFilter>('name');

export function ContainersPage() {
  const { t } = useTranslation();
  const containers = useEngine((state) => state.containers);
  const all = containers ?? noContainers;
  const dense = usePreferences((preferences) => preferences.dense);
  const wanted = usePreferences((preferences) => preferences.groupBy);
  const groupBy: GroupBy = isGroupBy(wanted) ? wanted : 'project';
  const ask = useSurface((surface) => surface.open);
  const actions = useContainerActions();
  const [sight] = useState(createSight);
  const page = useTablePage('containers', kept);
  const { text, chips, sort, opened, width } = page;
  const byUse = sort.column === 'cpu' || sort.column === 'memory';
  const { columns, chooser } = useColumns({ dense, width, byUse });
  const inFilter = useMemo(() => filterOf(text, chips), [text, chips]);
  const rows = useRows(all, columns, sort, inFilter);
  const groups = useGroups(rows, groupBy);
  const open = opened === undefined ? undefined : all.find(({ Id }) => Id === opened || Id.startsWith(opened));
  return (
    <>
      <TablePage<ContainerSummary, ContainerGroup, StateFilter>
        noun="containers"
        icon={Box}
        page={page}
        all={containers}
        rows={rows}
        columns={columns}
        chooser={chooser}
        groups={groups}
        onInSight={sight.set}
        keyOf={keyOf}
        nameOf={nameOf}
        openKey={open?.Id}
        onOpen={actions.open}
        onRemove={actions.remove}
        asks={actions.asksToRemove}
        menu={actions.menu}
        dataOf={({ Id }) => dropOn({ kind: 'container', id: Id })}
        quick={(row) => <Quick container={row} actions={actions} />}
        letters={(row) => ({
          s: () => void actions.act(row, fits('stop', row) ? 'stop' : 'start'),
          r: () => void actions.act(row, 'restart'),
          l: () => actions.open(row, 'logs'),
          t: () => actions.open(row, 'terminal'),
          e: () => actions.edit(row),
          a: () => actions.addFolder(row),
        })}
        letter={{ key: 'T', does: t('containers.keysTerminal') }}
        tools={<Toolbar page={page} containers={all} groupBy={groupBy} />}
        bulk={(chosen, onClear) => <ContainersBulk chosen={chosen} actions={actions} onClear={onClear} />}
        first={
          <>
            <Button variant="primary" icon={Play} onClick={() => ask({ kind: 'run' })}>
              {t('action.runDots')}
            </Button>
            <button type="button" className="link" onClick={() => ask({ kind: 'run', image: 'hello-world' })}>
              {t('containers.emptyExample')}
            </button>
          </>
        }
        drawer={
          opened !== undefined &&
          containers && <ContainerDrawer key={open?.Id ?? opened} container={open} {...page.frame} />
        }
      />
      {/* An order by use needs to know all of them. */}
      <FollowStats sight={sight} all={byUse ? rows : undefined} />
    </>
  );
}

/** The groups of these rows, with what can be done to each. */
function useGroups(
  rows: ContainerSummary[],
  groupBy: GroupBy,
): TableGroups<ContainerSummary, ContainerGroup> | undefined {
  const { t, i18n } = useTranslation();
  const bulk = useBulk();
  const folds = useFolds('folded', `${groupBy} `);
  const groups = useMemo(() => {
    const { compare } = new Intl.Collator(i18n.language, { numeric: true });
    return groupsOf(rows, groupBy, compare, (group) => `${nameOfGroup(t, group, groupBy)}, ${tallyOf(t, group)}`);
  }, [rows, groupBy, i18n.language, t]);
  if (!groups) return undefined;
  const menu = ({ rows: members }: ContainerGroup): MenuEntry[] => {
    const item = (verb: 'start' | 'stop' | 'restart' | 'kill', icon: typeof Play, key?: string) => {
      const count = members.filter((member) => fits(verb, member)).length;
      return {
        label: t(`containers.groupVerbs.${verb}`, { count }),
        icon,
        shortcut: key,
        disabled: count === 0,
        onSelect: () => void bulk(verb, members),
      };
    };
    return [item('start', Play), item('stop', Square), item('restart', RotateCw, 'R'), item('kill', Skull)];
  };
  return {
    ...folds,
    groups,
    nameOf: (group) => nameOfGroup(t, group, groupBy),
    title: (group) => <GroupTitle group={group} by={groupBy} />,
    acts: (group) => (
      <GroupActs group={group} name={nameOfGroup(t, group, groupBy)} onAct={(verb) => void bulk(verb, group.rows)} />
    ),
    menu,
    letters: ({ rows: members }) => ({
      s: () => void bulk(members.some((member) => fits('stop', member)) ? 'stop' : 'start', members),
      r: () => void bulk('restart', members),
    }),
  };
}

/** What one does most, on the row itself: on hover and on focus. */
function Quick({ container, actions }: { container: ContainerSummary; actions: ContainerActions }) {
  const { t } = useTranslation();
  const pending = useEngine((state) => state.pending[container.Id]);
  const stops = fits('stop', container);
  if (pending?.verb === 'stop' && fits('kill', container)) return <KillNow container={container} actions={actions} />;
  return (
    <>
      <IconButton
        small
        tabIndex={-1}
        icon={stops ? Square : Play}
        label={stops ? t('action.stop') : t('action.start')}
        shortcut="S"
        disabled={pending !== undefined}
        onClick={() => void actions.act(container, stops ? 'stop' : 'start')}
      />
      <IconButton
        small
        tabIndex={-1}
        icon={ScrollText}
        label={t('action.logs')}
        shortcut="L"
        onClick={() => actions.open(container, 'logs')}
      />
      <IconButton
        small
        tabIndex={-1}
        icon={TerminalIcon}
        label={t('action.terminal')}
        shortcut="T"
        onClick={() => actions.open(container, 'terminal')}
      />
    </>
  );
}

/** The way out of a stop that takes its time. */
function KillNow({ container, actions }: { container: ContainerSummary; actions: ContainerActions }) {
  const { t } = useTranslation();
  return (
    <Button size="small" tabIndex={-1} icon={Skull} onClick={() => void actions.act(container, 'kill')}>
      {t('action.killNow')}
    </Button>
  );
}
