import { useEffect, useRef } from 'react';
import {
  Archive,
  ArchiveRestore,
  ArrowDownToLine,
  ArrowUpFromLine,
  Check,
  CopyPlus,
  Download,
  FolderOpen,
  Hammer,
  History,
  ListChecks,
  PackageOpen,
  PackagePlus,
  Pencil,
  Play,
  ScrollText,
  Undo2,
  X,
  type LucideIcon,
} from 'lucide-react';
import { clsx } from 'clsx';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { ChangeProgress } from '../parts/change/Progress.js';
import { explainChange, explainRollback } from '../parts/change/reasons.js';
import { isRunning } from '../parts/container-state.js';
import { useExplain } from '../parts/explain.js';
import { maybeRootFilesystem } from '../parts/image-actions.js';
import { ShapeIcon } from '../parts/Shape.js';
import { BuildProgress } from '../parts/BuildProgress.js';
import { TaskProgress } from '../parts/TaskProgress.js';
import { TroubleWays } from '../parts/TroubleWays.js';
import { isUnderWay, type ChangeTask } from '../store/changes-slice.js';
import { hasEnded } from '../store/disk-slice.js';
import { useEngine, useEngineStore } from '../store/index.js';
import { useSurface } from '../store/surface.js';
import { shareOfTask, type Task, type TaskKind, type TaskResult } from '../store/tasks-slice.js';
import { shareOf, type Transfer } from '../store/transfers-slice.js';
import { Button, IconButton } from '../ui/Button.js';
import { Empty } from '../ui/Empty.js';
import { notifyDesktop } from '../ui/desktop.js';
import { bytes, bytesOf, shortId } from '../ui/format.js';
import { notifyDone, notifyFailed, notifyUndo } from '../ui/notify.js';
import { navigate, pathTo } from '../ui/route.js';

/** What goes on whatever page is shown. */
export function Tasks() {
  const { t } = useTranslation();
  const store = useEngineStore();
  const tasks = useEngine((state) => state.tasks);
  const transfers = useEngine((state) => state.transfers);
  const show = useSurface((surface) => surface.show);
  const changes = useEngine((state) => state.changes);
  const live = tasks.filter((task) => task.state !== 'done');
  const finished = tasks.filter((task) => task.state === 'done');
  const liveChanges = changes.filter((task) => task.state !== 'done');
  const finishedChanges = changes.filter((task) => task.state === 'done');
  const moving = transfers.filter(({ state }) => state !== 'done');
  const moved = transfers.filter(({ state }) => state === 'done');
  const count = live.length + liveChanges.length + moving.length;
  return (
    <aside className="tasks" data-region tabIndex={-1} aria-label={t('tasks.title')}>
      <div className="tasks-head">
        <h2>{t('tasks.title')}</h2>
        {count > 0 && <span className="tag num">{count}</span>}
        <span className="grow" />
        <IconButton
          icon={X}
          iconSize={16}
          label={t('common.close')}
          shortcut="Esc"
          onClick={() => show({ tasks: false })}
        />
      </div>
      {tasks.length + changes.length + transfers.length === 0 ? (
        <Empty icon={ListChecks} title={t('tasks.emptyTitle')}>
          {t('tasks.emptyText')}
        </Empty>
      ) : (
        <div className="tasks-list">
          {liveChanges.map((task) => (
            <ChangeCard key={task.id} task={task} />
          ))}
          {moving.map((transfer) => (
            <TransferCard key={`t${transfer.id}`} transfer={transfer} />
          ))}
          {live.map((task) => (
            <TaskCard key={task.id} task={task} />
          ))}
          {finished.length + finishedChanges.length + moved.length > 0 && (
            <div className="task-section row">
              <h3 className="grow">{t('tasks.finished')}</h3>
              {finished.length > 1 && (
                <button
                  type="button"
                  className="link"
                  onClick={() => finished.forEach(({ id }) => store.getState().dismissTask(id))}
                >
                  {t('tasks.dismissAll')}
                </button>
              )}
            </div>
          )}
          {finishedChanges.map((task) => (
            <FinishedChange key={task.id} task={task} />
          ))}
          {moved.map((transfer) => (
            <MovedFile key={`t${transfer.id}`} transfer={transfer} />
          ))}
          {finished.map((task) => (
            <FinishedTask key={task.id} task={task} />
          ))}
        </div>
      )}
    </aside>
  );
}

const taskIcons: Record<TaskKind, LucideIcon> = {
  pull: Download,
  push: ArrowUpFromLine,
  save: ArrowDownToLine,
  load: PackageOpen,
  import: PackagePlus,
  build: Hammer,
  export: ArrowDownToLine,
  fill: ArrowUpFromLine,
  clone: CopyPlus,
  backup: Archive,
  restore: ArchiveRestore,
  'fetch-backup': ArrowDownToLine,
};

/** A task that runs, failed or was cancelled. */
function TaskCard({ task }: { task: Task }) {
  const { t } = useTranslation();
  const { cancelTask, dismissTask, retryTask } = useEngineStore().getState();
  const explain = useExplain();
  const running = task.state === 'running';
  const share = shareOfTask(task);
  const Icon = taskIcons[task.kind];
  return (
    <div className="task" role="group" aria-label={`${t(`tasks.kinds.${task.kind}`)} ${task.reference}`}>
      <div className="task-title">
        <Icon className="icon" aria-hidden />
        <b className="grow cut" title={task.reference}>
          {t(`tasks.kinds.${task.kind}`)} <span className="mono">{task.reference}</span>
        </b>
        {running ? (
          share !== undefined && (
            <span className="num t2 s12">
              {task.output?.step
                ? t('tasks.step', { at: task.output.step.at, of: task.output.step.of })
                : t('tasks.percent', { percent: Math.floor(share * 100) })}
            </span>
          )
        ) : (
          <span className={`state s12 ${task.state === 'failed' ? 'c-fail' : 'c-off'}`}>
            <ShapeIcon shape={task.state === 'failed' ? 'failed' : 'exited'} />
            {task.state === 'failed' ? t('tasks.failed') : t('tasks.cancelled')}
          </span>
        )}
        {task.kind === 'build' && <BuildLogButton task={task} />}
        <IconButton
          small
          icon={X}
          label={running ? t(`tasks.cancelKinds.${task.kind}`, { reference: task.reference }) : t('common.dismiss')}
          onClick={() => (running ? cancelTask(task.id) : dismissTask(task.id))}
        />
      </div>
      {task.kind === 'build' ? <BuildProgress task={task} /> : running && <TaskProgress task={task} />}
      {task.state === 'failed' && (
        <p className="s12 t2 select" style={{ margin: '5px 0 0 25px', overflowWrap: 'anywhere' }}>
          {maybeRootFilesystem(task) ? t('load.noImage') : explain(task.problem ?? '')}
        </p>
      )}
      {!running && (
        <div style={{ margin: '9px 0 0 25px' }}>
          <TroubleWays task={task} onRetry={() => retryTask(task.id)} />
        </div>
      )}
    </div>
  );
}

function BuildLogButton({ task: { id, reference } }: { task: Task }) {
  const { t } = useTranslation();
  const ask = useSurface((surface) => surface.open);
  return (
    <IconButton
      small
      icon={ScrollText}
      label={t('tasks.showLog', { reference })}
      onClick={() => ask({ kind: 'build-log', task: id })}
    />
  );
}

const openAt = (task: ChangeTask, tab: string) => navigate(pathTo('containers', task.container, tab));

/** A change that is under way, or did not stay. */
function ChangeCard({ task }: { task: ChangeTask }) {
  const { t } = useTranslation();
  const { cancelChange, dismissChange } = useEngineStore().getState();
  const underWay = isUnderWay(task);
  const offersUndo = task.state === 'running' && task.stage !== undefined && !task.back;
  return (
    <div className="task">
      <div className="task-title">
        <Pencil className="icon" aria-hidden />
        <b className="grow cut">
          {underWay
            ? t('change.busyTitle', { name: task.name })
            : task.state === 'failed'
              ? t('change.failedTitle', { name: task.name })
              : t('change.rolledBack', { name: task.name })}
        </b>
        {!underWay && <IconButton small icon={X} label={t('common.dismiss')} onClick={() => dismissChange(task.id)} />}
      </div>
      <div className="task-more">
        {underWay ? (
          <ChangeProgress task={task} />
        ) : (
          <p className="s12 t2 select">
            {task.state === 'failed'
              ? explainChange(t, task.problem ?? '')
              : task.state === 'cancelled'
                ? t('change.cancelledText')
                : t('change.rolledBackText', { reason: explainRollback(t, task.problem ?? '') })}
          </p>
        )}
        <div className="row g8">
          {offersUndo && (
            <Button size="small" icon={Undo2} onClick={() => cancelChange(task.id)}>
              {t('change.undoIt')}
            </Button>
          )}
          {task.state === 'rolled-back' && (
            <Button size="small" icon={ScrollText} onClick={() => openAt(task, 'logs')}>
              {t('change.showLogs')}
            </Button>
          )}
        </div>
      </div>
    </div>
  );
}

function FinishedChange({ task }: { task: ChangeTask }) {
  const { t, i18n } = useTranslation();
  return (
    <div className="task-done">
      <Check className="icon s14 c-run" aria-hidden />
      <span className="grow cut">{t('change.done', { name: task.name })}</span>
      <span className="s11 t3 num">
        {task.endedAt &&
          new Date(task.endedAt).toLocaleTimeString(i18n.language, { hour: '2-digit', minute: '2-digit' })}
      </span>
      <IconButton small icon={History} label={t('change.showHistory')} onClick={() => openAt(task, 'history')} />
    </div>
  );
}

function FinishedTask({ task }: { task: Task }) {
  const { t, i18n } = useTranslation();
  const { dismissTask } = useEngineStore().getState();
  const ask = useSurface((surface) => surface.open);
  const { brought = [], layers } = task.progress;
  const [first] = brought;
  const runnable = /^(?:pull|build)$/.test(task.kind)
    ? task.reference
    : /^(?:load|import)$/.test(task.kind)
      ? first
      : undefined;
  // A pull that had everything already moved nothing.
  const nothing = layers.length > 0 && layers.every(({ phase }) => phase === 'had');
  const detail =
    task.kind === 'load' && brought.length > 0
      ? brought.length === 1
        ? shortened(brought[0] ?? '')
        : t('tasks.broughtMany', { count: brought.length })
      : /^(?:save|export|fetch-backup)$/.test(task.kind) && task.moved
        ? bytes(task.moved.bytes)
        : nothing
          ? t(task.kind === 'push' ? 'tasks.allThere' : 'tasks.allHere')
          : task.result && volumeResult(t, task.result);
  const openable = /^(?:fill|clone|backup|restore)$/.test(task.kind) ? task.reference : undefined;
  return (
    <div className="task-done">
      <Check className="icon s14 c-run" aria-hidden />
      <span className="grow cut" title={[task.reference, ...brought].join('\n')}>
        {t(`tasks.doneKinds.${task.kind}`)} <span className="mono">{task.reference}</span>
        {detail !== undefined && <span className="s11 t3 cut block">{detail}</span>}
      </span>
      <span className="s11 t3 num">
        {task.endedAt &&
          new Date(task.endedAt).toLocaleTimeString(i18n.language, { hour: '2-digit', minute: '2-digit' })}
      </span>
      {task.kind === 'build' && <BuildLogButton task={task} />}
      {runnable !== undefined && (
        <IconButton
          small
          icon={Play}
          label={t('tasks.run', { reference: shortened(runnable) })}
          onClick={() => ask({ kind: 'run', image: runnable })}
        />
      )}
      {openable !== undefined && (
        <IconButton
          small
          icon={FolderOpen}
          label={t('tasks.openVolume', { name: shortVolume(openable) })}
          onClick={() => navigate(pathTo('volumes', openable, task.kind === 'backup' ? 'backups' : 'files'))}
        />
      )}
      <IconButton
        small
        icon={X}
        label={t('tasks.dismiss', { reference: task.reference })}
        onClick={() => dismissTask(task.id)}
      />
    </div>
  );
}

/** What came of a copy: how much it was, and what belongs to it. */
const volumeResult = (t: TFunction, { size, compressed, how, before }: TaskResult): string =>
  [
    compressed === undefined
      ? bytes(size)
      : t('volumes.backup.sizes', { size: bytes(size), packed: bytes(compressed) }),
    ...(how ? [t(`volumes.clone.${how}`)] : []),
    ...(before ? [t('volumes.restore.kept')] : []),
  ].join(' · ');

const shortVolume = (name: string): string => (/^[0-9a-f]{64}$/.test(name) ? shortId(name) : name);

const shortened = (name: string): string => (name.startsWith('sha256:') ? shortId(name) : name);

const arrows = { upload: ArrowUpFromLine, download: ArrowDownToLine };

/** Files on their way in or out. */
function TransferCard({ transfer }: { transfer: Transfer }) {
  const { t } = useTranslation();
  const { cancelTransfer, dismissTransfer } = useEngineStore().getState();
  const explain = useExplain();
  const { id, kind, name, container, state, total, speed } = transfer;
  const Icon = arrows[kind];
  const running = state === 'running';
  const share = shareOf(transfer);
  const percent = share === undefined ? undefined : Math.floor(share * 100);
  const amount = total ? bytesOf(Math.min(transfer.bytes, total), total) : bytes(transfer.bytes);
  return (
    <div className="task">
      <div className="task-title">
        <Icon className="icon" aria-hidden />
        <b className="grow cut" title={name}>
          {t(`tasks.${kind}`)} <span className="mono">{name}</span>
        </b>
        {running ? (
          percent !== undefined && <span className="num t2 s12">{t('tasks.percent', { percent })}</span>
        ) : (
          <span className={`state s12 ${state === 'failed' ? 'c-fail' : 'c-off'}`}>
            <ShapeIcon shape={state === 'failed' ? 'failed' : 'exited'} />
            {state === 'failed' ? t('tasks.failed') : t('tasks.cancelled')}
          </span>
        )}
        <IconButton
          small
          icon={X}
          label={running ? t('tasks.stop', { name }) : t('common.dismiss')}
          onClick={() => (running ? cancelTransfer(id) : dismissTransfer(id))}
        />
      </div>
      {running && (
        <>
          <div
            className={clsx('bar', percent === undefined && 'unsized')}
            style={{ height: 5, margin: '7px 0 8px' }}
            role="progressbar"
            aria-label={name}
            aria-valuenow={percent}
            aria-valuemin={0}
            aria-valuemax={100}
          >
            <i style={{ width: percent === undefined ? undefined : `${percent}%` }} />
          </div>
          <p className="row g8 s11 t3 num">
            <span className="grow">{speed > 0 ? t('tasks.speed', { amount, speed: bytes(speed) }) : amount}</span>
            <span className="cut">{container}</span>
          </p>
        </>
      )}
      {state === 'failed' && (
        <p className="s12 t2 select" style={{ margin: '5px 0 0 25px', overflowWrap: 'anywhere' }}>
          {explain(transfer.problem ?? '')}
        </p>
      )}
    </div>
  );
}

function MovedFile({ transfer: { id, kind, name, container, bytes: size, endedAt } }: { transfer: Transfer }) {
  const { t, i18n } = useTranslation();
  const { dismissTransfer } = useEngineStore().getState();
  return (
    <div className="task-done">
      <Check className="icon s14 c-run" aria-hidden />
      <span className="grow cut" title={`${container}: ${name}`}>
        {t(kind === 'upload' ? 'tasks.uploaded' : 'tasks.downloaded')} <span className="mono">{name}</span>
      </span>
      <span className="s11 t3 num">{bytes(size)}</span>
      <span className="s11 t3 num">
        {endedAt && new Date(endedAt).toLocaleTimeString(i18n.language, { hour: '2-digit', minute: '2-digit' })}
      </span>
      <IconButton small icon={X} label={t('common.dismiss')} onClick={() => dismissTransfer(id)} />
    </div>
  );
}

/** Says the end of a task that nobody is looking at; on the desktop where nobody looks at the window. */
export function useTaskNotices(): void {
  const { t } = useTranslation();
  const tasks = useEngine((state) => state.tasks);
  const explain = useExplain();
  const before = useRef(tasks);
  useEffect(() => {
    const { dialog, tasks: watching } = useSurface.getState();
    const watched = watching || dialog?.kind === 'pull' || dialog?.kind === 'run';
    for (const task of tasks) {
      const was = before.current.find(({ id }) => id === task.id);
      if (was?.state !== 'running') continue;
      const { kind, reference } = task;
      const show = { label: t('status.openTasks'), act: () => useSurface.getState().show({ tasks: true }) };
      if (task.state === 'done') {
        const title = t(`tasks.doneToasts.${kind}`, { reference });
        void notifyDesktop(title, '');
        if (!watched) notifyDone(title);
      } else if (task.state === 'failed') {
        const title = t(`tasks.failedToasts.${kind}`, { reference });
        const cause = maybeRootFilesystem(task) ? t('load.noImage') : explain(task.problem ?? '');
        void notifyDesktop(title, cause.slice(0, 300));
        if (!watched) notifyFailed(title, cause, show);
      }
    }
    before.current = tasks;
  }, [tasks, explain, t]);
}

/** Says how a change ended: with the way back where it stays, and where it does not and nobody is looking, why. */
export function useChangeNotices(): void {
  const { t } = useTranslation();
  const store = useEngineStore();
  const changes = useEngine((state) => state.changes);
  const before = useRef(changes);
  const offered = useRef(new Map<string, () => void>());
  useEffect(() => {
    const { dialog, tasks: watching } = useSurface.getState();
    for (const task of changes) {
      // What is undone later than the next change would undo that as well.
      if (!before.current.includes(task) && isUnderWay(task)) offered.current.get(task.container)?.();
      const was = before.current.find(({ id }) => id === task.id);
      if (!was || !isUnderWay(was) || isUnderWay(task)) continue;
      const { container: id, name, undoTo, problem = '' } = task;
      const watched = watching || (dialog?.kind === 'change-container' && dialog.id === id);
      if (task.state === 'done') {
        const now = store.getState().containers?.find(({ Id }) => Id === id);
        const how = task.restarted ? 'doneRestarted' : now && isRunning(now) ? 'doneLive' : 'doneNext';
        const title = t('change.done', { name });
        const undo = () => void store.getState().change({ id, name }, { revertTo: undoTo ?? 0 });
        if (undoTo === undefined) notifyDone(title, t(`change.${how}`));
        else offered.current.set(id, notifyUndo(title, t(`change.${how}`), undo, Pencil));
      } else if (watched) continue;
      else if (task.state === 'cancelled') notifyDone(t('change.cancelled', { name }));
      else if (task.state === 'failed') notifyFailed(t('change.failedTitle', { name }), explainChange(t, problem));
      else
        notifyFailed(
          t('change.rolledBack', { name }),
          t('change.rolledBackText', { reason: explainRollback(t, problem) }),
          { label: t('change.showLogs'), act: () => openAt(task, 'logs') },
        );
    }
    before.current = changes;
  }, [changes, store, t]);
  // What is gone cannot be changed back.
  const containers = useEngine((state) => state.containers);
  useEffect(() => {
    for (const [id, takeAway] of offered.current)
      if (containers && !containers.some(({ Id }) => Id === id)) {
        takeAway();
        offered.current.delete(id);
      }
  }, [containers]);
}

/** Says how a self-check has ended that nobody looked at by then. */
export function useSelfCheckNotice(): void {
  const { t } = useTranslation();
  const explain = useExplain();
  const store = useEngineStore();
  const check = useEngine((state) => state.selfCheck);
  const before = useRef(check);
  useEffect(() => {
    const was = before.current;
    before.current = check;
    const { dialog, open } = useSurface.getState();
    if (!was || hasEnded(was) || !check || !hasEnded(check) || dialog?.kind === 'self-check') return;
    const { problem, findings } = check;
    const show = { label: t('disk.show'), act: () => open({ kind: 'self-check' }) };
    if (problem !== undefined) notifyFailed(t('check.title'), explain(problem), show);
    else if (findings.length > 0) notifyFailed(t('check.title'), t('check.found', { count: findings.length }), show);
    else {
      notifyDone(t('check.title'), t('check.fine'));
      store.getState().forgetSelfCheck();
    }
  }, [check, store, explain, t]);
}
