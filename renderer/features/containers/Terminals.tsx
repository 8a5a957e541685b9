import { useCallback, useEffect, type ReactNode } from 'react';
import {
  AArrowDown,
  AArrowUp,
  ChevronDown,
  Columns2,
  Copy,
  Ellipsis,
  Keyboard,
  Play,
  Plus,
  RotateCw,
  Rows2,
  Search,
  Terminal as TerminalIcon,
  Wrench,
  X,
} from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { clsx } from 'clsx';
import type { ContainerInspect, ContainerSummary } from '../../../main/contract/containers.js';
import { messageOf, useEngine, useEngineStore } from '../../store/index.js';
import { usePreferences } from '../../store/preferences.js';
import type { TerminalEntry } from '../../store/terminals-slice.js';
import { TerminalView, useSession } from '../../terminal/TerminalView.js';
import { Button, IconButton } from '../../ui/Button.js';
import { copyText } from '../../ui/desktop.js';
import { Empty } from '../../ui/Empty.js';
import { Menu } from '../../ui/Menu.js';
import { useAnswer } from '../../parts/use-answer.js';
import { notifyFailed } from '../../ui/notify.js';
import { nameOf } from '../../parts/container-state.js';

/** The container's own process and shells beside it, in tabs; two at once when split. */
export function Terminals({
  container,
  inspect,
  waiting,
}: {
  container: ContainerSummary;
  /** Undefined until the engine has told; terminals that are open need not wait for it. */
  inspect: ContainerInspect | undefined;
  waiting: ReactNode;
}) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const id = container.Id;
  const all = useEngine((state) => state.terminals);
  const chosen = useEngine((state) => state.chosen[id]);
  const mine = all.filter((entry) => entry.container === id);
  const first = mine.find((entry) => entry.id === chosen?.first) ?? mine[0];
  const second = mine.find((entry) => entry.id === chosen?.second && entry !== first);
  const splits = useEngine((state) => state.splits[id] ?? 'stacked');
  const { attachTerminal, shellTerminal, closeTerminal, chooseTerminal, setSplit } = store.getState();
  const interactive = inspect !== undefined && (inspect.Config.OpenStdin || inspect.Config.Tty);
  const runs = container.State === 'running';
  const title = inspect?.Path.split('/').at(-1) ?? '';
  const attach = () => attachTerminal(id, title);

  const none = mine.length === 0;
  const known = inspect !== undefined;
  useEffect(() => {
    // The first look at this tab joins the process when there is something to talk to, else brings a shell.
    if (!none || !known || container.State !== 'running') return;
    if (interactive) attachTerminal(id, title);
    else shellTerminal(id);
    // Once per container shown: closing the last terminal must not open another.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [id, known]);

  const startAndJoin = async () => {
    const { client } = store;
    try {
      const stream = interactive
        ? await client.containers.attach(id, { stdin: inspect?.Config.OpenStdin, stdout: true, stderr: true })
        : undefined;
      await store.getState().actOn(id, 'start');
      if (stream) attachTerminal(id, title, stream);
      else shellTerminal(id);
    } catch (error) {
      notifyFailed(t('action.failedTo.start', { name: nameOf(container) }), messageOf(error));
    }
  };

  if (!first && !known) return waiting;
  if (!first)
    return runs ? (
      <Empty
        icon={TerminalIcon}
        title={t('terminal.chooseTitle')}
        actions={
          <>
            {interactive && (
              <Button variant="primary" onClick={attach}>
                {t('terminal.attach')}
              </Button>
            )}
            <Button variant={interactive ? 'plain' : 'primary'} icon={Plus} onClick={() => shellTerminal(id)}>
              {t('terminal.newShell')}
            </Button>
          </>
        }
      >
        {interactive ? t('terminal.chooseText') : t('terminal.chooseShellText')}
      </Empty>
    ) : (
      <Empty
        icon={TerminalIcon}
        title={t('terminal.offTitle')}
        actions={
          <Button variant="primary" icon={Play} onClick={() => void startAndJoin()}>
            {t('action.start')}
          </Button>
        }
      >
        {t('terminal.offText')}
      </Empty>
    );

  const split = (how: 'stacked' | 'beside') => {
    setSplit(id, how);
    if (second && splits === how) chooseTerminal(id, 'second', undefined);
    else if (!second) {
      const other = mine.find((entry) => entry !== first) ?? (runs ? shellTerminal(id) : undefined);
      chooseTerminal(id, 'first', first.id);
      chooseTerminal(id, 'second', other?.id);
    }
  };
  const cycle = (step: number) => {
    const next = mine[(mine.indexOf(first) + step + mine.length) % mine.length];
    if (next) chooseTerminal(id, 'first', next.id);
  };
  return (
    <div
      className="panel"
      onKeyDownCapture={(event) => {
        if (event.key !== 'Tab' || !event.ctrlKey) return;
        event.preventDefault();
        event.stopPropagation();
        cycle(event.shiftKey ? -1 : 1);
      }}
    >
      <div className="term-tools">
        <div className="row g4" role="group" aria-label={t('terminal.tabs')} style={{ minWidth: 0 }}>
          {mine.map((entry) => (
            <span className={clsx('term-tab', (entry === first || entry === second) && 'on')} key={entry.id}>
              <button
                type="button"
                aria-current={entry === first || undefined}
                onClick={() => chooseTerminal(id, 'first', entry.id)}
              >
                <TerminalIcon className="icon s14" aria-hidden />
                <span className="cut">{entry.title}</span>
              </button>
              <button
                type="button"
                className="close"
                aria-label={t('terminal.closeTab', { title: entry.title })}
                onClick={() => closeTerminal(entry.id)}
              >
                <X className="icon s12" aria-hidden />
              </button>
            </span>
          ))}
        </div>
        {interactive && !mine.some((entry) => entry.kind === 'attach') && runs && (
          <Button size="small" variant="ghost" onClick={attach}>
            {t('terminal.attach')}
          </Button>
        )}
        <IconButton
          small
          icon={Plus}
          label={t('terminal.newShell')}
          disabled={!runs}
          onClick={() => shellTerminal(id)}
        />
        <ShellMenu container={id} disabled={!runs} />
        <span className="grow" />
        {inspect?.Config.User && <span className="tag mono s11">{inspect.Config.User}</span>}
        <IconButton
          small
          icon={Rows2}
          label={t('terminal.splitStacked')}
          aria-pressed={second !== undefined && splits === 'stacked'}
          onClick={() => split('stacked')}
        />
        <IconButton
          small
          icon={Columns2}
          label={t('terminal.splitBeside')}
          aria-pressed={second !== undefined && splits === 'beside'}
          onClick={() => split('beside')}
        />
        <IconButton
          small
          icon={Search}
          label={t('terminal.find')}
          shortcut="Ctrl Shift F"
          onClick={() => first.session.setFinding(true)}
        />
        <TerminalMenu entry={first} />
      </div>
      <div className={clsx('term-panes', second && splits)}>
        <Pane key={first.id} entry={first} running={runs} focus titled={second !== undefined} />
        {second && <Pane key={second.id} entry={second} running={runs} focus={false} titled />}
      </div>
      <Foot entry={first} />
    </div>
  );
}

/** How large letters may be; as settings have it. */
const sizes = [10, 11, 12, 13, 14, 15, 16, 18, 20, 24];
const usual = 12;

/** One step larger or smaller, or as it was: for every terminal, open ones too. */
function zoomTerminals(step: 1 | -1 | 0): void {
  const { terminalFontSize, set } = usePreferences.getState();
  const next =
    step === 0
      ? usual
      : step > 0
        ? sizes.find((size) => size > terminalFontSize)
        : sizes.findLast((size) => size < terminalFontSize);
  if (next !== undefined) set({ terminalFontSize: next });
}

/** Which shell: those the image has, found by looking, and the debug shell for images without one. */
function ShellMenu({ container, disabled }: { container: string; disabled: boolean }) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const ready = useEngine((state) => state.connection.state === 'ready');
  const { value: found } = useAnswer(
    async () => (ready && !disabled ? store.getState().findShells(container) : undefined),
    `${container} ${ready} ${disabled}`,
  );
  const entries = useCallback(
    () => [
      ...(found?.Shells ?? []).map((shell) => ({
        label: shell,
        icon: TerminalIcon,
        onSelect: () => void store.getState().shellTerminal(container, { shell }),
      })),
      ...(found?.Toolbox
        ? [
            ...(found.Shells.length > 0 ? ['line' as const] : []),
            {
              label: t('terminal.debugShell'),
              icon: Wrench,
              onSelect: () => void store.getState().shellTerminal(container, 'debug'),
            },
          ]
        : []),
    ],
    [found, container, store, t],
  );
  if (!found || (found.Shells.length < 2 && !found.Toolbox)) return null;
  return (
    <Menu label={t('terminal.whichShell')} entries={entries}>
      <button type="button" className="icon-btn small narrow" aria-label={t('terminal.whichShell')} disabled={disabled}>
        <ChevronDown className="icon s12" aria-hidden />
      </button>
    </Menu>
  );
}

function TerminalMenu({ entry }: { entry: TerminalEntry }) {
  const { t } = useTranslation();
  return (
    <Menu
      label={t('terminal.more')}
      entries={() => [
        { label: t('terminal.copyAll'), icon: Copy, onSelect: () => void copyText(entry.session.text()) },
        'line',
        { label: t('terminal.larger'), icon: AArrowUp, shortcut: 'Ctrl +', onSelect: () => zoomTerminals(1) },
        { label: t('terminal.smaller'), icon: AArrowDown, shortcut: 'Ctrl −', onSelect: () => zoomTerminals(-1) },
        { label: t('terminal.usual'), shortcut: 'Ctrl 0', onSelect: () => zoomTerminals(0) },
      ]}
    >
      <button type="button" className="icon-btn small" aria-label={t('terminal.more')}>
        <Ellipsis className="icon s14" aria-hidden />
      </button>
    </Menu>
  );
}

function Pane({
  entry,
  running,
  focus,
  titled,
}: {
  entry: TerminalEntry;
  running: boolean;
  focus: boolean;
  titled: boolean;
}) {
  const { title } = useSession(entry.session);
  const fontSize = usePreferences((preferences) => preferences.terminalFontSize);
  const scrollback = usePreferences((preferences) => preferences.terminalScrollback);
  const screenReader = usePreferences((preferences) => preferences.terminalScreenReader);
  return (
    <TerminalView
      session={entry.session}
      settings={{ fontSize, scrollback, screenReader }}
      focus={focus}
      title={titled ? [entry.title, title].filter(Boolean).join(' · ') : undefined}
      onZoom={zoomTerminals}
    >
      <Ending entry={entry} running={running} />
    </TerminalView>
  );
}

/** How it stands with the process when it is not simply running, and the way on. */
function Ending({ entry, running }: { entry: TerminalEntry; running: boolean }) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const { phase, readsInput } = useSession(entry.session);
  const line = (words: string, action?: ReactNode) => (
    <div className="term-end" role="status">
      <span className="grow select">{words}</span>
      {action}
    </div>
  );
  const again = (
    <Button size="small" icon={RotateCw} onClick={() => void entry.session.reconnect()}>
      {entry.kind === 'exec' ? t('terminal.rerun') : t('terminal.reattach')}
    </Button>
  );
  switch (phase.name) {
    case 'connecting':
      return line(t('terminal.connecting'));
    case 'failed':
      return line(
        phase.lost ? t('terminal.lost', { problem: phase.problem }) : t('terminal.failed', { problem: phase.problem }),
        running ? again : <StartAgain entry={entry} start={() => store.getState().startTerminal(entry)} />,
      );
    case 'ended':
      if (phase.exitCode === undefined) return line(t('terminal.detached'), again);
      return line(
        t('terminal.ended', { code: phase.exitCode }),
        entry.kind === 'attach' && !running ? (
          <StartAgain entry={entry} start={() => store.getState().startTerminal(entry)} />
        ) : running ? (
          again
        ) : undefined,
      );
    default:
      return readsInput ? null : line(t('terminal.readOnly'));
  }
}

function StartAgain({ entry, start }: { entry: TerminalEntry; start(): Promise<void> }) {
  const { t } = useTranslation();
  // A removed container cannot start again.
  const there = useEngine((state) => state.containers?.some(({ Id }) => Id === entry.container) ?? false);
  if (!there || entry.kind !== 'attach') return null;
  return (
    <Button size="small" icon={Play} onClick={() => void start()}>
      {t('terminal.again')}
    </Button>
  );
}

function Foot({ entry }: { entry: TerminalEntry }) {
  const { t } = useTranslation();
  const { size } = useSession(entry.session);
  return (
    <div className="panel-foot">
      <Keyboard className="icon s14" aria-hidden />
      <span>
        <kbd>F6</kbd> {t('terminal.leaves')}
      </span>
      <span className="grow" />
      <span>{t('terminal.kept')}</span>
      {size && <span className="num">{t('terminal.size', { cols: size.cols, rows: size.rows })}</span>}
    </div>
  );
}
