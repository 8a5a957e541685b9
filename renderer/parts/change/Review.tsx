import { TriangleAlert } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { CopyIconButton } from '../../ui/Copy.js';
import { Problem } from '../../ui/Field.js';
import { Loading } from '../../ui/Loading.js';
import { DifferenceTable } from './Difference.js';
import { dockerLines } from './lines.js';
import { explainChange } from './reasons.js';
import type { Preview } from './use-preview.js';

/** What a change would come to: the difference, what a restart keeps, what the engine warns of, and docker's words for it. */
export function Review({ preview, name, running }: { preview: Preview; name: string; running: boolean }) {
  const { t } = useTranslation();
  const { answer, problem } = preview;
  if (problem !== undefined) return <Problem>{t('change.failed', { error: explainChange(t, problem) })}</Problem>;
  if (!answer) return <Loading waitingFor={t('change.waiting')} />;
  const { Changes, NeedsRestart, Warnings } = answer;
  if (Changes.length === 0) return <p className="t2">{t('change.same')}</p>;
  const { lines, whole } = dockerLines(name, Changes);
  return (
    <>
      <DifferenceTable changes={Changes} running={running} />
      <p className="t2">{t(NeedsRestart ? 'change.restarts' : running ? 'change.allNow' : 'change.nextStart')}</p>
      {Warnings.map((warning) => (
        <p key={warning} className="row g8 top s12">
          <TriangleAlert className="icon s14 c-bad" aria-hidden />
          <span className="hidden-text">{t('change.warnings')}</span>
          <span className="select">{warning}</span>
        </p>
      ))}
      {lines.length > 0 && (
        <div className="field">
          <span className="field-label">{t(whole ? 'change.commands' : 'change.someCommands')}</span>
          {lines.map((line) => (
            <div className="well" key={line}>
              <code className="grow">{line}</code>
              <CopyIconButton text={line} label={t('common.copyAsCommand')} />
            </div>
          ))}
        </div>
      )}
    </>
  );
}
