import { useEffect, useId, useRef, useState, type ClipboardEvent } from 'react';
import { ClipboardPaste, Info, Play, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import i18n from '../i18n/index.js';
import { ApiError } from '../../main/client/index.js';
import type { ByteDuplex } from '../../main/contract/bridge.js';
import { useEngine, useEngineStore, type EngineStore } from '../store/index.js';
import { Button, IconButton } from '../ui/Button.js';
import { CopyIconButton } from '../ui/Copy.js';
import { Dialog } from '../ui/Dialog.js';
import { Problem } from '../ui/Field.js';
import { notifyDone, notifyFailed, notifyNote } from '../ui/notify.js';
import { navigate, pathTo } from '../ui/route.js';
import { Scroller } from '../ui/Scroller.js';
import { useShown } from '../ui/use-shown.js';
import { nameOf } from './container-state.js';
import { explainRun } from './explain.js';
import { createBody } from './form/body.js';
import { dockerLine, looksLikeRun, platformOf, readDockerLine, type LineNotice, type ReadLine } from './form/line.js';
import { formProblems, sectionOf, type FormProblem, type Section } from './form/problems.js';
import type { FormPart } from './form/rows.js';
import { Folds } from './form/folds.js';
import { Basics, Environment, Manner, Mounts, Ports } from './form/sections.js';
import { useFormFacts } from './form/use-facts.js';
import { emptyForm, plainForm, type ContainerForm } from './form/value.js';
import { familiar } from './reference.js';
import { TaskProgress } from './TaskProgress.js';
import { TroubleWays } from './TroubleWays.js';
import { useDiscard } from './use-discard.js';

type Step = 'pulling' | 'creating' | 'starting';

/** Waits for a pull to end; rejects with its reason. */
async function pulled(store: EngineStore, form: ContainerForm, onTask: (id: number) => void): Promise<void> {
  const id = store.getState().pull(familiar(form.image), platformOf(form));
  onTask(id);
  const ended = await new Promise<ReturnType<typeof find>>((resolve) => {
    const look = () => {
      const task = find();
      if (task?.state === 'running') return;
      unsubscribe();
      resolve(task);
    };
    const unsubscribe = store.subscribe(look);
    look();
  });
  function find() {
    return store.getState().tasks.find((task) => task.id === id);
  }
  if (ended?.state !== 'done') throw new Error(ended?.problem ?? i18n.t('run.failed.cancelled'));
}

/** Create, attach, start: in this order no first byte is missed, and a start that fails leaves nothing behind. */
export async function runContainer(
  store: EngineStore,
  form: ContainerForm,
  { start = true, onStep = () => undefined }: { start?: boolean; onStep?: (step: Step) => void } = {},
): Promise<{ id: string; warnings: string[] }> {
  const { client } = store;
  onStep('creating');
  const platform = platformOf(form);
  const created = await client.containers.create(createBody(form), {
    name: form.name.trim() || undefined,
    ...(platform !== undefined && { platform }),
  });
  let stream: ByteDuplex | undefined;
  if (start)
    try {
      if (form.interactive && !form.detach)
        stream = await client.containers.attach(created.Id, { stdin: true, stdout: true, stderr: true });
      onStep('starting');
      await client.containers.start(created.Id);
    } catch (error) {
      stream?.close();
      await client.containers.remove(created.Id, { force: true, v: true }).catch(() => undefined);
      throw error;
    }
  await store.getState().loadContainers();
  const title = form.command.trim().split(/\s+/)[0]?.split('/').at(-1) || form.image.split('/').at(-1) || form.image;
  if (stream) store.getState().attachTerminal(created.Id, title, stream);
  return { id: created.Id, warnings: created.Warnings ?? [] };
}

const isMissingImage = (error: unknown): boolean =>
  error instanceof ApiError && error.kind === 'not-found' && /no such image/i.test(error.message);

/** Makes a container and starts it; the form says what is wrong before the engine has to. */
export function RunDialog({
  image = '',
  mounts = [],
  onClose,
}: {
  image?: string | undefined;
  /** To begin with. */
  mounts?: { source: string; target?: string; readOnly?: boolean; strict?: boolean }[] | undefined;
  onClose(): void;
}) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const [blank] = useState<ContainerForm>({
    ...emptyForm,
    image,
    mounts: mounts.map((mount) => ({ target: '', readOnly: false, options: '', strict: false, ...mount })),
  });
  const [form, setForm] = useState(blank);
  const [touched, setTouched] = useState(false);
  const [open, setOpen] = useState<readonly Section[]>([]);
  const [pasting, setPasting] = useState(false);
  const [notices, setNotices] = useState<LineNotice[]>();
  const [step, setStep] = useState<Step>();
  const isShown = useShown();
  const [failure, setFailure] = useState<string>();
  const [taskId, setTaskId] = useState<number>();
  const task = useEngine((state) => state.tasks.find((one) => one.id === taskId));
  const { facts, image: imageConfig } = useFormFacts(form);
  const body = useRef<HTMLDivElement>(null);
  const [focusOn, setFocusOn] = useState<{ field: string }>();
  useEffect(() => {
    const { field } = focusOn ?? {};
    body.current?.querySelector<HTMLElement>(`[data-field="${field}"], [data-field^="${field}."]`)?.focus();
  }, [focusOn]);

  const problems = formProblems(form, facts);
  const errors = problems.filter(({ level }) => level === 'error');
  const part: FormPart = {
    value: form,
    set: (changed) => setForm((before) => ({ ...before, ...changed })),
    problemOf(field) {
      // An empty image is no mistake before somebody tried.
      const said = problems.filter((one) => one.field === field && (touched || one.word !== 'image-missing'));
      return said.find(({ level }) => level === 'error') ?? said[0];
    },
    facts,
    ...(imageConfig && { image: imageConfig }),
    mode: 'create',
  };
  const busy = step !== undefined;
  const typed = !busy && JSON.stringify(form) !== JSON.stringify(blank);
  const { close, question } = useDiscard(typed, t('form.discard.run'), onClose);

  /** Unfolds what has something wrong, and goes to the first of it. */
  const show = (wrong: FormProblem[]) => {
    const sections = wrong.flatMap(({ field }) => sectionOf(field) ?? []);
    setOpen((before) => [...new Set([...before, ...sections])]);
    if (wrong[0]) setFocusOn({ field: wrong[0].field });
  };

  const pasteButton = useRef<HTMLButtonElement>(null);
  const leavePasting = () => {
    setPasting(false);
    pasteButton.current?.focus();
  };

  const fill = (read: ReadLine) => {
    if (!read.form) return;
    setForm(read.form);
    setNotices(read.notices);
    setPasting(false);
    const wrong = formProblems(read.form).filter(({ level, word }) => level === 'error' && word !== 'image-missing');
    if (wrong.length > 0) show(wrong);
    else setFocusOn({ field: 'image' });
  };

  const onPasteImage = (event: ClipboardEvent) => {
    const text = event.clipboardData.getData('text');
    if (!looksLikeRun(text)) return;
    const read = readDockerLine(text);
    if (!read.form) return;
    event.preventDefault();
    fill(read);
  };

  const submit = async (start: boolean) => {
    setTouched(true);
    if (busy) return;
    if (errors.length > 0) {
      show(errors);
      return;
    }
    setFailure(undefined);
    const pull = async () => {
      setStep('pulling');
      await pulled(store, form, setTaskId);
    };
    try {
      if (form.pull === 'always') await pull();
      const options = { start, onStep: setStep };
      const done = await runContainer(store, form, options).catch(async (error: unknown) => {
        if (form.pull !== 'missing' || !isMissingImage(error)) throw error;
        await pull();
        return runContainer(store, form, options);
      });
      if (done.warnings.length > 0) notifyNote(t('run.warning'), done.warnings.join(' '));
      if (!isShown()) {
        const made = store.getState().containers?.find(({ Id }) => Id === done.id);
        const name = made ? nameOf(made) : done.id.slice(0, 12);
        return notifyDone(t(start ? 'run.started' : 'run.created', { name }));
      }
      onClose();
      navigate(
        pathTo('containers', done.id, !start ? 'summary' : form.interactive && !form.detach ? 'terminal' : 'logs'),
      );
    } catch (error) {
      const words = explainRun(t, error, store.getState().info?.DockerRootDir);
      if (!isShown()) return notifyFailed(t('run.title'), words);
      setFailure(words);
      setStep(undefined);
    }
  };

  const imageHint =
    form.image.trim() === '' || facts.imageHere === undefined || part.problemOf('image')
      ? t('run.imageNeverPulled')
      : facts.imageHere
        ? t('run.imageHere')
        : t('run.imagePulled');
  const line = dockerLine(form);
  return (
    <>
      {question}
      <Dialog
        title={t('run.title')}
        width="large"
        // Escape leaves what was opened last.
        onClose={pasting ? leavePasting : close}
        onSubmit={() => void submit(true)}
        focus={image ? 'input[name=name]' : 'input[name=image]'}
        below={
          <>
            {failure && (
              <div className="form-outcome">
                <Problem>{failure}</Problem>
                {task?.state === 'failed' && (
                  <TroubleWays task={task} onRetry={() => void submit(true)} inDialog instead={false} />
                )}
              </div>
            )}
            {step === 'pulling' && task && (
              <Scroller className="form-outcome" label={t('run.pulling')}>
                <TaskProgress task={task} />
              </Scroller>
            )}
            <div className="well form-line">
              <Scroller className="grow form-line-text" label={t('run.line')}>
                <code>{line}</code>
              </Scroller>
              <CopyIconButton text={line} label={t('common.copyAsCommand')} />
            </div>
          </>
        }
        footer={
          <>
            <Button
              variant="ghost"
              icon={ClipboardPaste}
              ref={pasteButton}
              aria-expanded={pasting}
              onClick={() => setPasting((before) => !before)}
            >
              {t('run.paste')}
            </Button>
            <span className="grow" />
            <Button variant="ghost" shortcut="Esc" onClick={close}>
              {t('common.cancel')}
            </Button>
            <Button aria-disabled={busy} onClick={() => void submit(false)}>
              {t('run.createOnly')}
            </Button>
            <Button variant="primary" type="submit" icon={Play} shortcut="↵" aria-disabled={busy}>
              {step ? t(`run.${step}`) : t('run.submit')}
            </Button>
          </>
        }
      >
        <div className="form-body" ref={body}>
          {pasting && <PasteLine onRead={fill} onCancel={leavePasting} />}
          {notices && <Notices notices={notices} onClose={() => setNotices(undefined)} />}
          <Basics {...part} imageHint={imageHint} onPaste={onPasteImage} />
          <Ports {...part} />
          <Mounts {...part} />
          <Environment {...part} />
          <Manner {...part} />
          <Folds
            part={part}
            before={plainForm}
            problems={problems}
            open={open}
            onToggle={(section) =>
              setOpen(open.includes(section) ? open.filter((one) => one !== section) : [...open, section])
            }
          />
        </div>
      </Dialog>
    </>
  );
}

/** Where a line is pasted into. */
function PasteLine({ onRead, onCancel }: { onRead(read: ReadLine): void; onCancel(): void }) {
  const { t } = useTranslation();
  const id = useId();
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string>();
  const read = () => {
    const line = readDockerLine(text);
    if (line.form) onRead(line);
    else setProblem(t(`run.pasteProblem.${line.problem}`));
  };
  return (
    <div className="form-paste field">
      <label htmlFor={id}>{t('run.pasteLabel')}</label>
      <textarea
        id={id}
        className="input mono"
        rows={4}
        autoFocus
        value={text}
        spellCheck={false}
        placeholder={'docker run -d --name db \\\n  -v data:/var/lib/postgresql/data postgres:16'}
        aria-invalid={problem !== undefined}
        aria-describedby={`${id}-note`}
        onChange={(event) => {
          setText(event.target.value);
          setProblem(undefined);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
            event.preventDefault();
            event.stopPropagation();
            read();
          }
        }}
      />
      <span id={`${id}-note`} className={problem === undefined ? 'hint' : 'problem'}>
        {problem ?? t('run.pasteHint')}
      </span>
      <div className="row g8">
        <Button size="small" shortcut="Ctrl ↵" onClick={read}>
          {t('run.pasteFill')}
        </Button>
        <Button size="small" variant="ghost" onClick={onCancel}>
          {t('common.cancel')}
        </Button>
      </div>
    </div>
  );
}

/** What of a pasted line is not in the form. */
function Notices({ notices, onClose }: { notices: LineNotice[]; onClose(): void }) {
  const { t } = useTranslation();
  return (
    <div className="form-notices" role="status">
      <Info className="icon s14" aria-hidden />
      <div className="grow select">
        {notices.length === 0 ? (
          t('run.pasted')
        ) : (
          <>
            {t('run.notice.title')}
            <ul>
              {notices.map(({ kind, text }, index) => (
                <li key={index}>{t(`run.notice.${kind}`, { text })}</li>
              ))}
            </ul>
          </>
        )}
      </div>
      <IconButton small iconSize={12} icon={X} label={t('common.dismiss')} onClick={onClose} />
    </div>
  );
}
