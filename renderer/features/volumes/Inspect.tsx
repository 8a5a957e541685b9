import { useTranslation } from 'react-i18next';
import { JsonTree } from '../../parts/JsonTree.js';
import { useAnswer } from '../../parts/use-answer.js';
import { useEngineStore } from '../../store/index.js';
import { Problem } from '../../ui/Field.js';
import { Loading } from '../../ui/Loading.js';
import type { VolumeTabProps } from './tabs.js';

/** The whole of what Docker's API tells of it. */
export function Inspect({ volume }: VolumeTabProps) {
  const { t } = useTranslation();
  const { client } = useEngineStore();
  const { value, problem } = useAnswer(() => client.volumes.inspect(volume.Name), `${volume.Name} ${volume.Created}`);
  if (value) return <JsonTree document={value} />;
  if (problem === undefined) return <Loading waitingFor={t('common.loading')} />;
  return (
    <div style={{ padding: 16 }}>
      <Problem>{t('inspect.failed', { error: problem })}</Problem>
    </div>
  );
}
