import { useState } from 'react';
import { Check, Download, Play, RotateCw } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useEngine, useEngineStore } from '../store/index.js';
import { useSurface } from '../store/surface.js';
import { Button } from '../ui/Button.js';
import { CopyButton } from '../ui/Copy.js';
import { Dialog } from '../ui/Dialog.js';
import { Problem } from '../ui/Field.js';
import { quoted } from './command-line.js';
import { useExplain } from './explain.js';
import { ImageSearch } from './ImageSearch.js';
import { familiar, parseReference, referenceProblem } from './reference.js';
import { TaskProgress } from './TaskProgress.js';
import { TroubleWays } from './TroubleWays.js';

/** Asks for a reference, then shows the pull. Closing hides it: the task goes on. */
export function PullDialog({ reference = '', onClose }: { reference?: string; onClose(): void }) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const explain = useExplain();
  const ask = useSurface((surface) => surface.open);
  const [text, setText] = useState(reference);
  const [touched, setTouched] = useState(false);
  const [taskId, setTaskId] = useState<number>();
  const task = useEngine((state) => state.tasks.find((one) => one.id === taskId));
  const problem = referenceProblem(text);
  const parsed = parseReference(text);
  // What is still being typed is no mistake.
  const typing = !touched && (problem === 'missing' || /[:/@.-]$/.test(text));
  const shown = problem && !typing ? t(`form.problem.image-${problem}`) : undefined;

  const start = () => {
    setTouched(true);
    if (!problem) setTaskId(store.getState().pull(familiar(text)));
  };
  const submit = () => {
    if (!task || task.state === 'failed' || task.state === 'cancelled') start();
    else if (task.state === 'done') ask({ kind: 'run', image: task.reference });
    else onClose();
  };
  const running = task?.state === 'running';
  return (
    <Dialog
      title={t('pull.title')}
      onClose={onClose}
      onSubmit={submit}
      footer={
        <>
          {!task && !problem && (
            <CopyButton text={`docker pull ${quoted(familiar(text))}`} label={t('common.copyAsCommand')} />
          )}
          {running && <span className="s12 t3">{t('pull.hideHint')}</span>}
          <span className="grow" />
          {running ? (
            <>
              <Button variant="ghost" onClick={() => store.getState().cancelTask(task.id)}>
                {t('common.cancel')}
              </Button>
              <Button type="submit" shortcut="Esc">
                {t('pull.hide')}
              </Button>
            </>
          ) : (
            <>
              <Button variant="ghost" shortcut="Esc" onClick={onClose}>
                {task?.state === 'done' ? t('common.close') : t('common.cancel')}
              </Button>
              {task?.state === 'done' ? (
                <Button variant="primary" type="submit" icon={Play} shortcut="↵">
                  {t('pull.runIt')}
                </Button>
              ) : (
                <Button variant="primary" type="submit" icon={task ? RotateCw : Download} shortcut="↵">
                  {task ? t('common.retry') : t('pull.submit')}
                </Button>
              )}
            </>
          )}
        </>
      }
    >
      <ImageSearch
        value={text}
        readOnly={running || task?.state === 'done'}
        suggests={task === undefined}
        hint={parsed && !problem ? t('pull.from', { registry: parsed.registry }) : t('pull.hint')}
        problem={shown}
        onChange={(changed) => {
          setText(changed);
          setTaskId(undefined);
        }}
      />
      {(running || (task?.state === 'done' && task.progress.layers.length > 0)) && <TaskProgress task={task} />}
      {task?.state === 'done' && (
        <div className="row g8" role="status">
          <Check className="icon s14 c-run" aria-hidden />
          <span>{t(task.progress.summary?.startsWith('Image is up to date') ? 'pull.upToDate' : 'pull.done')}</span>
        </div>
      )}
      {task?.state === 'failed' && (
        <>
          <Problem>{explain(task.problem ?? '')}</Problem>
          <TroubleWays task={task} onRetry={start} inDialog />
        </>
      )}
      {task?.state === 'cancelled' && (
        <p className="t2" role="status">
          {t('pull.cancelled')}
        </p>
      )}
    </Dialog>
  );
}
