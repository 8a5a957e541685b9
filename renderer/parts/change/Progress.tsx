import { Check } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ChangeTask } from '../../store/changes-slice.js';
import { useNow } from '../../ui/clock.js';
import { ShapeIcon } from '../Shape.js';

const forth = ['stopping', 'starting', 'watching'] as const;

/** How far a change has come, stage by stage, with the seconds of the one under way. */
export function ChangeProgress({ task }: { task: ChangeTask }) {
  const { t } = useTranslation();
  const now = useNow(1000);
  const { stage, state, stageAt = now } = task;
  if (state === 'lost') return <p role="status">{t('change.lost')}</p>;
  if (state === 'undoing' || !stage)
    return (
      <p className="row g8" role="status">
        <ShapeIcon shape="moving" />
        {t(state === 'undoing' ? 'change.undoing' : 'change.waiting')}
      </p>
    );
  const back = task.back || stage === 'rolling-back';
  const shown = back ? 'rolling-back' : stage;
  const at = back ? forth.length : forth.findIndex((one) => one === stage);
  const seconds = Math.max(0, Math.floor((now - stageAt) / 1000));
  return (
    <>
      <ol className="stages" aria-hidden>
        {[...forth, ...(back ? (['rolling-back'] as const) : [])].map((each, index) => (
          <li key={each} className={index > at ? 't3' : undefined}>
            {index < at ? (
              back && each === 'watching' ? (
                <ShapeIcon shape="failed" />
              ) : (
                <Check className="icon s12 c-run" />
              )
            ) : (
              <ShapeIcon shape={index === at ? 'moving' : 'created'} />
            )}
            <span className="grow">{t(`change.stage.${each}`)}</span>
            {index === at && seconds > 0 && <span className="num t3">{t('time.seconds', { count: seconds })}</span>}
          </li>
        ))}
      </ol>
      <p className="hidden-text" role="status">
        {t(`change.stage.${shown}`)}
      </p>
    </>
  );
}
