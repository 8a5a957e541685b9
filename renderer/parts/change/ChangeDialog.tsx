import { Fragment, useEffect, useRef, useState, type ReactNode } from 'react';
import { ArrowRight, Pencil, RotateCw, ScrollText, Undo2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ContainerChange } from '../../../main/contract/changes.js';
import { isUnderWay, type ChangeTask, type Wish } from '../../store/changes-slice.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { useSurface } from '../../store/surface.js';
import { Button } from '../../ui/Button.js';
import { useNow } from '../../ui/clock.js';
import { Dialog } from '../../ui/Dialog.js';
import { Problem } from '../../ui/Field.js';
import { ago } from '../../ui/format.js';
import { Loading } from '../../ui/Loading.js';
import { notifyNote } from '../../ui/notify.js';
import { leave, navigate, pathTo } from '../../ui/route.js';
import { isRunning, nameOf } from '../container-state.js';
import { useAnswer } from '../use-answer.js';
import { useDiscard } from '../use-discard.js';
import { useAside } from './Aside.js';
import { EditForm, useEdit } from './EditForm.js';
import { ChangeProgress } from './Progress.js';
import { explainChange, explainRollback } from './reasons.js';
import { Review } from './Review.js';
import { usePreview } from './use-preview.js';

type Step = { at: 'edit' } | { at: 'review'; wish: Wish } | { at: 'task'; task: number };

/** An entry of the history to go back to, and when that was. */
export interface Past {
  seq: number;
  at: string;
}

/** Typing rests this long before the engine is asked what it would come to. */
const REST_MS = 250;

interface Part {
  title: string;
  description?: string | undefined;
  body: ReactNode;
  footer: ReactNode;
  submit(): void;
}

/**
 * Changes a container that is there: what is to be different, what that comes to, then how it goes. Closing it leaves a change that is
 * under way alone.
 */
export function ChangeDialog({
  id,
  past,
  asked,
  start,
  onClose,
}: {
  id: string;
  /** Undefined: it is edited. */
  past?: Past | undefined;
  /** A change that was asked for elsewhere: there is nothing to type. */
  asked?: ContainerChange | undefined;
  /** The field to begin at. */
  start?: string | undefined;
  onClose(): void;
}) {
  const { t, i18n } = useTranslation();
  const store = useEngineStore();
  const container = useEngine((state) => state.containers?.find(({ Id }) => Id === id));
  const [name] = useState(() => (container ? nameOf(container) : id.slice(0, 12)));
  const given: Wish | undefined = past ? { revertTo: past.seq } : asked && { change: asked };
  const [step, setStep] = useState<Step>(() => {
    const underWay = store.getState().changes.find((task) => task.container === id && isUnderWay(task));
    if (underWay) return { at: 'task', task: underWay.id };
    return given ? { at: 'review', wish: given } : { at: 'edit' };
  });
  const { value: subject, problem: unknown } = useAnswer(async () => {
    const inspect = await store.client.containers.inspect(id);
    const image = await store.client.images.inspect(inspect.Image).catch(() => undefined);
    return { inspect, image: image?.Config };
  }, id);
  const [kept] = useState(() => (step.at === 'edit' ? useAside.getState().drafts[id]?.draft : undefined));
  useEffect(() => {
    if (kept) useAside.getState().drop(id);
  }, [kept, id]);
  const edit = useEdit(subject, start, kept);
  const wish = step.at === 'edit' ? edit.wish : step.at === 'review' ? step.wish : undefined;
  // What the form has found out about the image is nothing to a way back: asked twice, it could not be agreed to for a moment.
  const preview = usePreview(id, wish, step.at === 'edit' ? REST_MS : 0, given ? undefined : edit.facts.imageHere);
  const task = useEngine((state) => state.changes.find((one) => step.at === 'task' && one.id === step.task));
  const now = useNow(30_000);
  const running = container !== undefined && isRunning(container);
  const place = `${step.at} ${task?.state}`;
  const body = useFocusOfStep(place);
  const done = task?.state === 'done';
  useEffect(() => {
    if (done) onClose();
  }, [done, onClose]);
  const showLogs = () =>
    leave(() => {
      if (edit.typed) {
        useAside.getState().put(id, name, edit.draft);
        const open = () => useSurface.getState().open({ kind: 'change-container', id });
        notifyNote(t('change.kept'), t('change.keptText', { name }), { label: t('change.editAgain'), act: open });
      }
      onClose();
      navigate(pathTo('containers', id, 'logs'));
    });
  const going = task !== undefined && (isUnderWay(task) || done);
  const { close, question } = useDiscard(edit.typed && !going, t('form.discard.edit', { name }), onClose);
  const cancel = (
    <Button variant="ghost" shortcut="Esc" onClick={close} data-cancel>
      {t('common.cancel')}
    </Button>
  );

  const editing = (): Part => {
    const ready = edit.wish !== undefined && preview.problem === undefined;
    return {
      title: t('change.title', { name }),
      body: subject ? (
        <EditForm subject={subject} edit={edit} preview={preview} running={running} />
      ) : unknown !== undefined ? (
        <Problem>{t('inspect.failed', { error: unknown })}</Problem>
      ) : (
        <Loading waitingFor={t('common.loading')} />
      ),
      submit: () => {
        const wrong = edit.problems.find(({ level }) => level === 'error');
        if (wrong) edit.show(wrong.field);
        else if (ready && edit.wish) setStep({ at: 'review', wish: edit.wish });
      },
      footer: (
        <>
          <span className="grow s12 t3" role="status">
            {!edit.changed
              ? t('change.unchanged')
              : edit.wish && preview.answer?.NeedsRestart && t('change.needsRestart')}
          </span>
          {cancel}
          <Button variant="primary" type="submit" icon={ArrowRight} shortcut="↵" aria-disabled={!ready}>
            {t('change.reviewIt')}
          </Button>
        </>
      ),
    };
  };

  const reviewing = (wanted: Wish): Part => {
    const { answer, waiting, problem } = preview;
    const ready = answer !== undefined && !waiting && problem === undefined && answer.Changes.length > 0;
    return {
      title: past ? t('change.revertTitle', { name }) : t('change.review', { name }),
      description:
        past &&
        t('change.revertText', {
          ago: ago(t, Math.max(0, now - Date.parse(past.at))),
          time: new Date(past.at).toLocaleString(i18n.language, { dateStyle: 'medium', timeStyle: 'short' }),
        }),
      body: <Review preview={preview} name={name} running={running} />,
      submit: () => {
        if (ready) setStep({ at: 'task', task: store.getState().change({ id, name }, wanted) });
      },
      footer: (
        <>
          <span className="grow" />
          {given ? (
            cancel
          ) : (
            <Button variant="ghost" shortcut="Esc" onClick={() => setStep({ at: 'edit' })}>
              {t('change.backToEdit')}
            </Button>
          )}
          <Button
            variant="primary"
            type="submit"
            icon={answer?.NeedsRestart ? RotateCw : undefined}
            shortcut="↵"
            aria-disabled={!ready}
            data-first
          >
            {answer?.NeedsRestart ? t('change.applyRestart') : t('change.apply')}
          </Button>
        </>
      ),
    };
  };

  const underWay = (one: ChangeTask): Part => ({
    title: t('change.busyTitle', { name: one.name }),
    body: <ChangeProgress task={one} />,
    submit: onClose,
    footer: (
      <>
        <span className="grow s12 t3">{t('change.hideHint')}</span>
        {one.state === 'running' && one.stage !== undefined && !one.back && (
          <Button icon={Undo2} onClick={() => store.getState().cancelChange(one.id)}>
            {t('change.undoIt')}
          </Button>
        )}
        <Button type="submit" shortcut="Esc" data-first>
          {t('change.hide')}
        </Button>
      </>
    ),
  });

  const ended = (one: ChangeTask): Part => {
    const again = () => {
      store.getState().dismissChange(one.id);
      setStep(given ? { at: 'review', wish: given } : { at: 'edit' });
    };
    return {
      title:
        one.state === 'rolled-back'
          ? t('change.rolledBack', { name: one.name })
          : one.state === 'cancelled'
            ? t('change.cancelled', { name: one.name })
            : t('change.failedTitle', { name: one.name }),
      body: <Ending task={one} />,
      submit: close,
      footer: (
        <>
          {one.state === 'rolled-back' && (
            <Button icon={ScrollText} onClick={showLogs}>
              {t('change.showLogs')}
            </Button>
          )}
          <span className="grow" />
          <Button icon={given ? RotateCw : Pencil} onClick={again}>
            {given ? t('common.retry') : t('change.editAgain')}
          </Button>
          <Button type="submit" shortcut="Esc" data-first>
            {t('common.close')}
          </Button>
        </>
      ),
    };
  };

  const shown = task ? (going ? underWay(task) : ended(task)) : step.at === 'review' ? reviewing(step.wish) : editing();
  return (
    <>
      {question}
      <Dialog
        width={task || step.at === 'review' ? 'wide' : 'large'}
        title={shown.title}
        description={shown.description}
        focus="[data-first]"
        // Escape takes back the last step first.
        onClose={() => (step.at === 'review' && !given ? setStep({ at: 'edit' }) : close())}
        onSubmit={shown.submit}
        // A button that is pressed must not become the next step's while it is: that would be pressed too.
        footer={<Fragment key={place}>{shown.footer}</Fragment>}
      >
        <div ref={body} className="change">
          {shown.body}
        </div>
      </Dialog>
    </>
  );
}

/** Why it is not so, and why what was there before does not run either. */
function Ending({ task: { state, problem = '', error } }: { task: ChangeTask }) {
  const { t } = useTranslation();
  if (state === 'cancelled') return <p className="t2">{t('change.reason.cancelled')}</p>;
  if (state === 'failed') return <Problem>{t('change.failed', { error: explainChange(t, problem) })}</Problem>;
  return (
    <>
      <Problem>{t('change.rolledBackText', { reason: explainRollback(t, problem) })}</Problem>
      {error !== undefined && <Problem>{t('change.rolledBackError', { error })}</Problem>}
    </>
  );
}

/** What was pressed goes with its step: the focus goes to what one would press next. */
function useFocusOfStep(key: string) {
  const body = useRef<HTMLDivElement>(null);
  const before = useRef(key);
  useEffect(() => {
    if (before.current === key) return;
    before.current = key;
    const dialog = body.current?.closest('[role="dialog"]');
    dialog?.querySelector<HTMLElement>('[data-first]')?.focus();
  }, [key]);
  return body;
}
