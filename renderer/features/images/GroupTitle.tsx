import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { ShapeIcon } from '../../parts/Shape.js';
import type { ImageGroup } from './grouping.js';

export const nameOfGroup = (t: TFunction, name: string | undefined): string => name ?? t('images.noName');

export function GroupTitle({ group }: { group: ImageGroup }) {
  const { t } = useTranslation();
  return (
    <>
      <b className="cut">{nameOfGroup(t, group.name)}</b>
      {group.use !== 'unused' && (
        <>
          <ShapeIcon shape={group.use === 'running' ? 'run' : 'exited'} />
          <span className="hidden-text">{t(`images.use.${group.use}`)}</span>
        </>
      )}
      <span className="cut">
        {group.name === undefined
          ? t('images.count', { count: group.rows.length })
          : t('images.tags', { count: group.rows.length })}
      </span>
    </>
  );
}
