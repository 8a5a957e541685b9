import { useState } from 'react';
import { ChevronDown, ChevronRight, Play, Plus, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import i18n from '../i18n/index.js';
import { ApiError } from '../../main/client/index.js';
import type { ByteDuplex } from '../../main/contract/bridge.js';
import { useEngine, useEngineStore, type EngineStore } from '../store/index.js';
import { Button, IconButton } from '../ui/Button.js';
import { CopyButton } from '../ui/Copy.js';
import { Dialog } from '../ui/Dialog.js';
import { CheckLine, Field, Problem } from '../ui/Field.js';
import { notifyNote } from '../ui/notify.js';
import { navigate, pathTo } from '../ui/route.js';
import { explainRun } from './explain.js';
import { namedImages } from './image-names.js';
import { PullProgress } from './PullProgress.js';
import { familiar } from './reference.js';
import { createBody, dockerLine, emptyRunForm, runProblems, type Restart, type RunForm } from './run-form.js';

type Step = 'pulling' | 'creating' | 'starting';

/** Waits for a pull to end; rejects with its reason. */
async function pulled(store: EngineStore, reference: string, onTask: (id: number) => void): Promise<void> {
  const id = store.getState().pull(reference);
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
  form: RunForm,
  onStep: (step: Step) => void = () => undefined,
): Promise<{ id: string; warnings: string[] }> {
  const { client } = store;
  onStep('creating');
  const created = await client.containers.create(createBody(form), { name: form.name.trim() || undefined });
  let stream: ByteDuplex | undefined;
  try {
    if (form.interactive)
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

export function RunDialog({ image = '', onClose }: { image?: string; onClose(): void }) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const images = useEngine((state) => state.images);
  const cores = useEngine((state) => state.info?.NCPU);
  const [form, setForm] = useState<RunForm>({ ...emptyRunForm, image });
  const [touched, setTouched] = useState(false);
  const [more, setMore] = useState(false);
  const [step, setStep] = useState<Step>();
  const [failure, setFailure] = useState<string>();
  const [taskId, setTaskId] = useState<number>();
  const task = useEngine((state) => state.tasks.find((one) => one.id === taskId));
  const set = (part: Partial<RunForm>) => setForm((before) => ({ ...before, ...part }));
  const problems = runProblems(form, cores);
  const problemOf = (field: keyof typeof problems) => {
    const problem = problems[field];
    // An empty image is no mistake before somebody tried.
    return problem && (touched || problem !== 'image-missing') ? t(`run.problem.${problem}`) : undefined;
  };
  const busy = step !== undefined;

  const submit = async () => {
    setTouched(true);
    if (busy) return;
    if (Object.keys(problems).length > 0) {
      if (problems.memory ?? problems.cpus ?? problems.pids ?? problems.restart) setMore(true);
      return;
    }
    setFailure(undefined);
    try {
      let done: { id: string; warnings: string[] };
      try {
        done = await runContainer(store, form, setStep);
      } catch (error) {
        if (!(error instanceof ApiError && error.kind === 'not-found' && /no such image/i.test(error.message)))
          throw error;
        setStep('pulling');
        await pulled(store, familiar(form.image), setTaskId);
        done = await runContainer(store, form, setStep);
      }
      if (done.warnings.length > 0) notifyNote(t('run.warning'), done.warnings.join(' '));
      onClose();
      navigate(pathTo('containers', done.id, form.interactive ? 'terminal' : 'logs'));
    } catch (error) {
      setFailure(explainRun(t, error, store.getState().info?.DockerRootDir));
      setStep(undefined);
    }
  };

  const known = [...new Set(namedImages(images ?? []).flatMap((row) => (row.repository ? [row.reference] : [])))];
  const More = more ? ChevronDown : ChevronRight;
  return (
    <Dialog
      title={t('run.title')}
      width="wide"
      onClose={onClose}
      onSubmit={() => void submit()}
      focus={image ? 'input[name=name]' : undefined}
      footer={
        <>
          <CopyButton text={dockerLine(form)} label={t('common.copyAsCommand')} />
          <span className="grow" />
          <Button variant="ghost" shortcut="Esc" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button variant="primary" type="submit" icon={Play} shortcut="↵" aria-disabled={busy}>
            {step === 'creating' ? t('run.creating') : step === 'starting' ? t('run.starting') : t('run.submit')}
          </Button>
        </>
      }
    >
      <div className="columns">
        <Field label={t('run.image')} hint={t('run.imageHint')} problem={problemOf('image')}>
          <input
            className="input mono"
            name="image"
            list="known-images"
            value={form.image}
            spellCheck={false}
            autoComplete="off"
            onChange={(event) => set({ image: event.target.value })}
          />
        </Field>
        <Field label={t('run.name')} hint={t('run.nameHint')} problem={problemOf('name')}>
          <input
            className="input"
            name="name"
            value={form.name}
            spellCheck={false}
            autoComplete="off"
            onChange={(event) => set({ name: event.target.value })}
          />
        </Field>
      </div>
      <datalist id="known-images">
        {known.map((reference) => (
          <option key={reference} value={reference} />
        ))}
      </datalist>
      <Field label={t('run.command')} hint={t('run.commandHint')} problem={problemOf('command')}>
        <input
          className="input mono"
          name="command"
          value={form.command}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => set({ command: event.target.value })}
        />
      </Field>
      <Environment form={form} set={set} problem={problemOf('env')} />
      <div>
        <CheckLine
          label={t('run.interactive')}
          checked={form.interactive}
          onChange={(interactive) => set({ interactive })}
        />
        <CheckLine label={t('run.tty')} checked={form.tty} onChange={(tty) => set({ tty })} />
        <CheckLine
          label={t('run.autoRemove')}
          checked={form.autoRemove}
          onChange={(autoRemove) => set({ autoRemove })}
        />
      </div>
      <div>
        <button type="button" className="row g4 t2" aria-expanded={more} onClick={() => setMore(!more)}>
          <More className="icon s14" aria-hidden />
          {t('run.more')}
        </button>
      </div>
      {more && (
        <>
          <Field label={t('run.restart')} problem={problemOf('restart')}>
            <select
              className="input"
              value={form.restart}
              onChange={(event) => set({ restart: event.target.value as Restart })}
            >
              {(['no', 'on-failure', 'unless-stopped', 'always'] as const).map((policy) => (
                <option key={policy} value={policy}>
                  {t(`summary.policy.${policy}`)}
                </option>
              ))}
            </select>
          </Field>
          <div className="columns three">
            {(['memory', 'cpus', 'pids'] as const).map((limit) => (
              <Field key={limit} label={t(`run.${limit}`)} hint={t(`run.${limit}Hint`)} problem={problemOf(limit)}>
                <input
                  className="input num"
                  value={form[limit]}
                  autoComplete="off"
                  onChange={(event) => set({ [limit]: event.target.value })}
                />
              </Field>
            ))}
          </div>
        </>
      )}
      <div className="field">
        <span className="field-label">{t('run.line')}</span>
        <div className="well">
          <code className="grow">{dockerLine(form)}</code>
        </div>
      </div>
      {step === 'pulling' && task && <PullProgress task={task} />}
      {failure && <Problem>{failure}</Problem>}
    </Dialog>
  );
}

function Environment({
  form,
  set,
  problem,
}: {
  form: RunForm;
  set(part: Partial<RunForm>): void;
  problem: string | undefined;
}) {
  const { t } = useTranslation();
  const change = (index: number, part: Partial<RunForm['env'][number]>) =>
    set({ env: form.env.map((row, at) => (at === index ? { ...row, ...part } : row)) });
  return (
    <div className="field" role="group" aria-label={t('run.env')}>
      <span className="field-label">{t('run.env')}</span>
      {form.env.map((row, index) => (
        <div className="env-row" key={index}>
          <input
            className="input mono"
            aria-label={t('run.envKey')}
            placeholder={t('run.envKey')}
            value={row.key}
            spellCheck={false}
            autoFocus={row.key === '' && row.value === ''}
            onChange={(event) => change(index, { key: event.target.value })}
          />
          <input
            className="input mono"
            aria-label={t('run.envValue')}
            placeholder={t('run.envValue')}
            value={row.value}
            spellCheck={false}
            onChange={(event) => change(index, { value: event.target.value })}
          />
          <IconButton
            icon={X}
            label={t('run.removeEnv', { key: row.key })}
            onClick={() => set({ env: form.env.filter((_, at) => at !== index) })}
          />
        </div>
      ))}
      {problem && <span className="problem">{problem}</span>}
      <div>
        <Button size="small" icon={Plus} onClick={() => set({ env: [...form.env, { key: '', value: '' }] })}>
          {t('run.addEnv')}
        </Button>
      </div>
    </div>
  );
}
