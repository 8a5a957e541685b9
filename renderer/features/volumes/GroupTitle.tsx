import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { ShapeIcon } from '../../parts/Shape.js';
import type { VolumeUse } from '../../parts/volumes/names.js';
import type { GroupVolumesBy, VolumeGroup } from './grouping.js';

export function nameOfGroup(t: TFunction, by: GroupVolumesBy, name: string | undefined): string {
  if (name === undefined) return t('containers.noProject');
  return by === 'use' ? t(`volumes.use.${name as VolumeUse}`) : name;
}

export const usageShapes = { running: 'run', stopped: 'exited', binned: 'exited', unused: 'created' } as const;

export function GroupTitle({ group, by }: { group: VolumeGroup; by: GroupVolumesBy }) {
  const { t } = useTranslation();
  return (
    <>
      <b className="cut">{nameOfGroup(t, by, group.name)}</b>
      {by === 'project' && (
        <>
          <ShapeIcon shape={usageShapes[group.use]} />
          <span className="hidden-text">{t(`volumes.use.${group.use}`)}</span>
        </>
      )}
      <span className="cut">{t('volumes.count', { count: group.rows.length })}</span>
    </>
  );
}
