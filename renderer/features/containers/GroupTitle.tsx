import type { TFunction } from 'i18next';
import { Play, RotateCw, Square } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { fits } from '../../parts/container-actions.js';
import { GroupName } from '../../parts/table-page/cells.js';
import type { Verb } from '../../store/containers-slice.js';
import { IconButton } from '../../ui/Button.js';
import type { GroupBy, ContainerGroup } from './grouping.js';

export function nameOfGroup(t: TFunction, group: Pick<ContainerGroup, 'name'>, by: GroupBy): string {
  if (group.name !== undefined) return group.name;
  return by === 'project' ? t('containers.noProject') : t('containers.noGroup');
}

/** "5 of 6 running", "2 stopped". */
export function tallyOf(t: TFunction, { rows, running }: Pick<ContainerGroup, 'rows' | 'running'>): string {
  const count = rows.length;
  if (running === count) return t('containers.groupAll', { count });
  if (running > 0) return t('containers.groupSome', { running, count });
  return t('containers.groupNone', { count });
}

export function GroupTitle({ group, by }: { group: ContainerGroup; by: GroupBy }) {
  const { t } = useTranslation();
  return (
    <GroupName
      name={nameOfGroup(t, group, by)}
      shape={group.worst}
      word={t(`state.${group.worst === 'moving' ? 'removing' : group.worst}`)}
      tally={tallyOf(t, group)}
    />
  );
}

export function GroupActs({
  group,
  name,
  onAct,
}: {
  group: ContainerGroup;
  name: string;
  onAct(verb: Extract<Verb, 'start' | 'stop' | 'restart'>): void;
}) {
  const { t } = useTranslation();
  const acts = [
    { verb: 'start', icon: Play, label: t('containers.groupStart', { name }) },
    { verb: 'restart', icon: RotateCw, label: t('containers.groupRestart', { name }) },
    { verb: 'stop', icon: Square, label: t('containers.groupStop', { name }) },
  ] as const;
  return (
    <span className="group-acts">
      {acts.map(({ verb, icon, label }) => (
        <IconButton
          key={verb}
          small
          tabIndex={-1}
          icon={icon}
          label={label}
          disabled={!group.rows.some((member) => fits(verb, member))}
          onClick={() => onAct(verb)}
        />
      ))}
    </span>
  );
}
