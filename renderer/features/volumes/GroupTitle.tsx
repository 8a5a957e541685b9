import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { GroupName } from '../../parts/table-page/cells.js';
import type { VolumeUse } from '../../parts/volumes/names.js';
import type { GroupVolumesBy, VolumeGroup } from './grouping.js';

export function nameOfGroup(t: TFunction, by: GroupVolumesBy, name: string | undefined): string {
  if (name === undefined) return t('containers.noProject');
  return by === 'use' ? t(`volumes.use.${name as VolumeUse}`) : name;
}

export const usageShapes = { running: 'run', stopped: 'exited', binned: 'exited', unused: 'created' } as const;

export function GroupTitle({ group: { name, use, rows }, by }: { group: VolumeGroup; by: GroupVolumesBy }) {
  const { t } = useTranslation();
  const told = by === 'project';
  return (
    <GroupName
      name={nameOfGroup(t, by, name)}
      shape={told ? usageShapes[use] : undefined}
      word={told ? t(`volumes.use.${use}`) : undefined}
      tally={t('volumes.count', { count: rows.length })}
    />
  );
}
