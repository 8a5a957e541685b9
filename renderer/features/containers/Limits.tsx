import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { TriangleAlert } from 'lucide-react';
import type { ContainerInspect, ContainerSummary } from '../../../main/contract/containers.js';
import { useContainerActions } from '../../parts/container-actions.js';
import { isRunning, nameOf } from '../../parts/container-state.js';
import { updateLine } from '../../parts/update-line.js';
import { useDiscard } from '../../parts/use-discard.js';
import { messageOf, useEngine, useEngineStore } from '../../store/index.js';
import { Button } from '../../ui/Button.js';
import { CopyIconButton } from '../../ui/Copy.js';
import { Field, Problem } from '../../ui/Field.js';
import { bytes } from '../../ui/format.js';
import { notifyDone, notifyFailed } from '../../ui/notify.js';
import { Scroller } from '../../ui/Scroller.js';
import { useShown } from '../../ui/use-shown.js';
import { cpusOf, deviceLimits, limitProblems, limitsForm, updateBody, type LimitsForm } from './limits.js';
import { rates } from './stats/usage.js';
import { useUsage } from './stats/use-usage.js';

/** What the container uses against what it may use; what it may use is changed while it runs. */
export function Limits({ container, inspect }: { container: ContainerSummary; inspect: ContainerInspect }) {
  const { t, i18n } = useTranslation();
  const store = useEngineStore();
  const processors = useEngine((state) => state.info?.NCPU);
  const memoryOfAll = useEngine((state) => state.info?.MemTotal) ?? 0;
  const { HostConfig } = inspect;
  const actions = useContainerActions();
  const editable = actions.canEdit(container);
  const running = container.State === 'running' || container.State === 'paused';
  const { samples } = useUsage(container.Id, running, HostConfig.Memory || memoryOfAll);
  const use = running ? samples.minutes.at(-1) : undefined;
  const before = limitsForm(HostConfig);
  const [draft, setDraft] = useState<Partial<LimitsForm>>({});
  const [state, setState] = useState<{ busy?: boolean; problem?: string; warnings?: string[] }>({});
  const form = { ...before, ...draft };
  const problems = limitProblems(form, before, processors);
  const wrong = Object.keys(problems).length > 0;
  const body = wrong ? {} : updateBody(form, before, HostConfig);
  const line = updateLine(nameOf(container), body);
  const touched = Object.keys(draft).some((key) => form[key as keyof LimitsForm] !== before[key as keyof LimitsForm]);
  const isShown = useShown();
  const { question } = useDiscard(
    touched && !state.busy,
    t('form.discard.edit', { name: nameOf(container) }),
    () => setDraft({}),
    'page',
  );
  const removing = container.State === 'removing' || container.State === 'dead';

  const apply = async () => {
    if (line === undefined || wrong) return;
    setState({ busy: true });
    try {
      const { Warnings } = await store.client.containers.update(container.Id, body);
      // What the engine says now is shown when its event has come; until then as it was typed.
      await store.getState().loadContainers();
      setDraft({});
      setState({ warnings: Warnings ?? [] });
      if (!Warnings?.length) notifyDone(t('limits.applied', { name: nameOf(container) }));
    } catch (error) {
      const words = t('limits.failed', { error: messageOf(error) });
      if (!isShown()) return notifyFailed(t('change.failedTitle', { name: nameOf(container) }), words);
      setState({ problem: words });
    }
  };
  const number = (value: number, digits = 1) => value.toLocaleString(i18n.language, { maximumFractionDigits: digits });
  const cpus = cpusOf(HostConfig);
  const unknown = t(isRunning(container) ? 'limits.measuring' : 'limits.notRunning');
  const io = (key: 'blockRead' | 'blockWrite') =>
    rates(samples.minutes, key).findLast((value) => value !== undefined) ?? 0;
  const field = (key: keyof LimitsForm, placeholder: string) => (
    <Field
      label={t(`limits.${key}`)}
      hint={t(`limits.hint.${key}`)}
      problem={
        problems[key] &&
        (problems[key] === 'stays' && editable
          ? t('limits.endsByEdit')
          : t(`limits.problem.${problems[key]}`, { count: processors ?? 1 }))
      }
    >
      <input
        className="input mono"
        value={form[key]}
        placeholder={placeholder}
        disabled={removing}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => {
          setDraft({ ...draft, [key]: event.target.value });
          setState({});
        }}
      />
    </Field>
  );
  return (
    <>
      {question}
      <form
        className="panel"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void apply();
        }}
      >
        <Scroller label={t('drawer.limits')}>
          <section className="limits">
            <h3>{t('limits.memoryTitle')}</h3>
            <Use
              name={t('limits.memoryTitle')}
              used={use?.memory}
              unknown={unknown}
              limit={HostConfig.Memory > 0 ? HostConfig.Memory : undefined}
              all={memoryOfAll}
              format={bytes}
            />
            <div className="limit-fields">
              {field('memory', t('summary.unlimited'))}
              {field('reservation', t('limits.none'))}
              {field('swap', t('limits.default'))}
            </div>
          </section>
          <section className="limits">
            <h3>{t('limits.cpuTitle')}</h3>
            <Use
              name={t('limits.cpuTitle')}
              used={use?.cpu === undefined ? undefined : use.cpu / 100}
              unknown={unknown}
              limit={cpus > 0 ? cpus : undefined}
              all={processors ?? 1}
              format={(value) => t('limits.cores', { count: value, cpus: number(value, 2) })}
            />
            <div className="limit-fields">
              {field('cpus', t('summary.unlimited'))}
              {field('cpuset', t('limits.anyProcessor'))}
              {field('shares', '1024')}
            </div>
          </section>
          <section className="limits">
            <h3>{t('limits.pidsTitle')}</h3>
            <Use
              name={t('limits.pidsTitle')}
              used={use?.pids}
              unknown={unknown}
              limit={HostConfig.PidsLimit && HostConfig.PidsLimit > 0 ? HostConfig.PidsLimit : undefined}
              all={undefined}
              format={(value) => number(value, 0)}
            />
            <div className="limit-fields">{field('pids', t('summary.unlimited'))}</div>
          </section>
          <section className="limits">
            <h3>{t('limits.ioTitle')}</h3>
            <p className="num s12 t2">
              {use
                ? `${t('stats.blockRead')} ${t('stats.speed', { amount: bytes(io('blockRead')) })} · ${t('stats.blockWrite')} ${t('stats.speed', { amount: bytes(io('blockWrite')) })}`
                : unknown}
            </p>
            {deviceLimits(HostConfig).map(({ key, path, value, bytes: isBytes }) => (
              <p key={`${key} ${path}`} className="s12 num">
                {t(`limits.device.${key as 'readBps'}`, { path, rate: isBytes ? bytes(value) : number(value, 0) })}
              </p>
            ))}
            <div className="limit-fields">{field('weight', '500')}</div>
            <p className="s11 t3">{t('limits.deviceHint')}</p>
            {editable && (
              <button type="button" className="link s12" onClick={() => actions.edit(container, 'memory')}>
                {t('limits.editAll')}
              </button>
            )}
          </section>
        </Scroller>
        <div className="limits-foot">
          {state.problem !== undefined && <Problem>{state.problem}</Problem>}
          {state.warnings?.map((warning) => (
            <p key={warning} className="row g8 s12" role="status">
              <TriangleAlert className="icon s14 c-bad" aria-hidden />
              <span className="select">{warning}</span>
            </p>
          ))}
          <div className="row g8">
            <div className="well grow">
              <code className="grow cut">{line ?? t('limits.unchanged')}</code>
              {line !== undefined && <CopyIconButton text={line} label={t('common.copyAsCommand')} />}
            </div>
            {touched && (
              <Button
                variant="ghost"
                onClick={() => {
                  setDraft({});
                  setState({});
                }}
              >
                {t('limits.reset')}
              </Button>
            )}
            <Button
              variant="primary"
              type="submit"
              disabled={line === undefined || wrong || state.busy === true || removing}
            >
              {t('limits.apply')}
            </Button>
          </div>
        </div>
      </form>
    </>
  );
}

/** A bar with its words: how much of the limit is used, or of the machine where there is none. */
function Use({
  name,
  used,
  unknown,
  limit,
  all,
  format,
}: {
  name: string;
  used: number | undefined;
  /** What is said without `used`. */
  unknown: string;
  limit: number | undefined;
  all: number | undefined;
  format(value: number): string;
}): ReactNode {
  const { t } = useTranslation();
  if (used === undefined) return <p className="s12 t3">{unknown}</p>;
  const whole = limit ?? all;
  const share = whole ? Math.min(1, used / whole) : 0;
  const near = limit !== undefined && share >= 0.9;
  return (
    <>
      <p className="num s12">
        <b className="b6">{format(used)}</b>{' '}
        <span className={near ? 'c-bad' : 't3'}>
          {limit !== undefined
            ? t('limits.ofLimit', { limit: format(limit), percent: Math.round(share * 100) })
            : all
              ? t('limits.ofMachine', { all: format(all) })
              : t('stats.noLimit')}
          {near && ` · ${t('limits.near')}`}
        </span>
      </p>
      {whole !== undefined && (
        <div
          className={near ? 'bar near' : 'bar'}
          role="meter"
          aria-label={name}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={Math.round(share * 100)}
        >
          <i style={{ width: `${share * 100}%` }} />
        </div>
      )}
    </>
  );
}
