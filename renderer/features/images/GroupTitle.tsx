import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { GroupName } from '../../parts/table-page/cells.js';
import type { ImageGroup } from './grouping.js';

export const nameOfGroup = (t: TFunction, name: string | undefined): string => name ?? t('images.noName');

/** "3 tags", "2 images". */
export const tallyOf = (t: TFunction, name: string | undefined, count: number): string =>
  t(name === undefined ? 'images.count' : 'images.tags', { count });

export function GroupTitle({ group: { name, use, rows } }: { group: ImageGroup }) {
  const { t } = useTranslation();
  const unused = use === 'unused';
  return (
    <GroupName
      name={nameOfGroup(t, name)}
      shape={unused ? undefined : use === 'running' ? 'run' : 'exited'}
      word={unused ? undefined : t(`images.use.${use}`)}
      tally={tallyOf(t, name, rows.length)}
    />
  );
}
