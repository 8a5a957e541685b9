import { useTranslation } from 'react-i18next';
import type { VolumeOverview } from '../../../main/contract/volume-data.js';
import { CheckLine } from '../../ui/Field.js';

/** Who could write while it is copied. */
export const writersOf = ({ Users }: Pick<VolumeOverview, 'Users'>): string[] => [
  ...new Set(Users.filter(({ Running, ReadOnly }) => Running && !ReadOnly).map(({ Name }) => Name)),
];

/** Whether those who write are paused while it is copied, and what that comes to now. */
export function PauseLine({
  volume,
  checked,
  onChange,
}: {
  volume: VolumeOverview | undefined;
  checked: boolean;
  onChange(checked: boolean): void;
}) {
  const { t } = useTranslation();
  const writers = volume ? writersOf(volume) : [];
  const hint =
    writers.length === 0
      ? t('volumes.pause.nobody')
      : checked
        ? t('volumes.pause.who', { names: writers.join(', ') })
        : t('volumes.pause.not', { names: writers.join(', ') });
  return <CheckLine label={t('volumes.pause.label')} hint={hint} checked={checked} onChange={onChange} />;
}
