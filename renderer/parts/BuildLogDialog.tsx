import { useLayoutEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { useEngine } from '../store/index.js';
import { Button } from '../ui/Button.js';
import { CopyButton } from '../ui/Copy.js';
import { Dialog } from '../ui/Dialog.js';
import { Scroller } from '../ui/Scroller.js';
import { linesOf } from './BuildProgress.js';
import { useExplain } from './explain.js';

/** All that a build says, its end in sight while somebody looks at the end. */
export function BuildLogDialog({ task: id, onClose }: { task: number; onClose(): void }) {
  const { t } = useTranslation();
  const explain = useExplain();
  const task = useEngine((state) => state.tasks.find((each) => each.id === id));
  const text = linesOf(task?.output?.text ?? '').join('\n');
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  useLayoutEffect(() => {
    if (box.current && atEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [text]);
  return (
    <Dialog
      width="large"
      title={t('buildLog.title', { reference: task?.reference ?? '' })}
      focus=".build-log"
      onClose={onClose}
      onSubmit={onClose}
      footer={
        <>
          {text !== '' && <CopyButton text={text} label={t('buildLog.copy')} />}
          <span className="grow" />
          <Button variant="primary" type="submit" shortcut="Esc">
            {t('common.close')}
          </Button>
        </>
      }
    >
      <Scroller
        ref={box}
        label={t('buildLog.label')}
        className="build-log scroll mono select"
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) =>
          (atEnd.current = scrollHeight - scrollTop - clientHeight < 24)
        }
      >
        {text === '' ? t('buildLog.empty') : text}
      </Scroller>
      {task?.state === 'failed' && (
        <p className="c-fail select" role="alert">
          {explain(task.problem ?? '')}
        </p>
      )}
    </Dialog>
  );
}
