import type { ReactNode } from 'react';
import type { LucideIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useEngine } from '../../store/index.js';
import { Empty } from '../../ui/Empty.js';

/** Stands in for a list while the engine does not answer: why, or else the words given. */
export function EngineOff({ icon, children }: { icon: LucideIcon; children: ReactNode }) {
  const { t } = useTranslation();
  const { state, problem } = useEngine(({ connection }) => connection);
  return (
    <Empty icon={icon} title={state === 'gone' ? t('containers.offTitle') : t('engine.bannerStarting')}>
      {problem ?? children}
    </Empty>
  );
}
