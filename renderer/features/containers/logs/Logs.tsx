import { useCallback, useDeferredValue, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import {
  ArrowDown,
  ArrowUp,
  Braces,
  Clock,
  Copy,
  Download,
  ListFilter,
  MoveDown,
  Search,
  WrapText,
} from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { clsx } from 'clsx';
import { nameOf } from '../../../parts/container-state.js';
import { useEngine, useEngineStore } from '../../../store/index.js';
import { usePreferences } from '../../../store/preferences.js';
import { Button, IconButton } from '../../../ui/Button.js';
import { copyText, saveText } from '../../../ui/desktop.js';
import { Problem } from '../../../ui/Field.js';
import { Menu } from '../../../ui/Menu.js';
import { notifyDone, notifyFailed } from '../../../ui/notify.js';
import { Segments } from '../../../ui/Segments.js';
import type { TabProps } from '../tabs.js';
import { levels, type Level } from './level.js';
import { LogFeed } from './log-feed.js';
import type { LogLine } from './log-lines.js';
import { LogScreen, type LogScreenHandle } from './LogScreen.js';
import { jsonLinesOf, patternOf, textOf, type LogQuery } from './log-view.js';

/** Reads the log while the tab is open: goes on with it when the container runs again, or when the engine is back. */
function useFeed({ container, inspect }: TabProps): LogFeed {
  const { client } = useEngineStore();
  const [feed] = useState(() => new LogFeed(client, container.Id));
  const { phase } = useSyncExternalStore(feed.subscribe, feed.snapshot);
  const ready = useEngine((engine) => engine.connection.state === 'ready');
  const startedAt = inspect?.State.StartedAt;
  const finishedAt = inspect?.State.FinishedAt ?? '';
  const running = inspect?.State.Running === true;
  const opened = useRef<string | undefined>(undefined);
  /** The engine was gone: what ended then ended with it. */
  const lost = useRef(false);
  useEffect(() => {
    if (!ready) lost.current = true;
    if (!ready || startedAt === undefined) return;
    if (opened.current === undefined) feed.open({ startedAt, finishedAt });
    else if (phase === 'failed' || (phase === 'ended' && running && (lost.current || opened.current !== startedAt)))
      feed.resume(opened.current === startedAt ? undefined : startedAt);
    else return;
    lost.current = false;
    opened.current = startedAt;
    // A failure is not tried again on its own, but when the engine is back or the container starts.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [feed, ready, startedAt, running, phase === 'ended']);
  useEffect(
    () => () => {
      opened.current = undefined;
      feed.close();
    },
    [feed],
  );
  return feed;
}

/** A log to read in: found, filtered, followed, copied and saved. */
export function Logs(props: TabProps) {
  const { container, inspect, waiting } = props;
  const { t } = useTranslation();
  const feed = useFeed(props);
  const { version, phase, problem, held, earlier } = useSyncExternalStore(feed.subscribe, feed.snapshot);
  const { logStamps: stamps, logWrap: wrap, set } = usePreferences();
  const [search, setSearch] = useState('');
  const [include, setInclude] = useState('');
  const [exclude, setExclude] = useState('');
  const [only, setOnly] = useState<ReadonlySet<Level>>(new Set());
  const [stream, setStream] = useState<LogQuery['stream']>('both');
  const [filtering, setFiltering] = useState(false);
  const [documents, setDocuments] = useState(false);
  const [following, setFollowing] = useState(true);
  const [found, setFound] = useState<number>();
  const screen = useRef<LogScreenHandle>(null);
  const { view, log } = feed;

  const wanted = useDeferredValue(search);
  const find = useMemo(() => patternOf(wanted), [wanted]);
  const shows = useMemo(() => patternOf(include), [include]);
  const hides = useMemo(() => patternOf(exclude), [exclude]);
  useEffect(
    () => feed.ask({ search: find.pattern, include: shows.pattern, exclude: hides.pattern, levels: only, stream }),
    [feed, find, shows, hides, only, stream],
  );
  const filtered = Boolean(shows.pattern ?? hides.pattern) || only.size > 0 || stream !== 'both';

  const follow = useCallback(
    (next: boolean) => {
      setFollowing(next);
      feed.setFollowing(next);
    },
    [feed],
  );
  const onTop = useCallback(() => void feed.loadEarlier(), [feed]);

  const place = found === undefined ? -1 : view.foundFrom(found);
  const current = found !== undefined && view.found[place] === found ? place + 1 : 0;
  const goTo = (step: 1 | -1) => {
    const count = view.found.length;
    if (count === 0) return;
    const before =
      found === undefined ? view.foundFrom(screen.current?.visible()[0]?.number ?? 0) - (step > 0 ? 1 : 0) : place;
    const exact = found !== undefined && view.found[place] === found;
    const next = ((found !== undefined && !exact && step > 0 ? before : before + step) + count) % count;
    const number = view.found[next];
    if (number === undefined) return;
    follow(false);
    setFound(number);
    screen.current?.reveal(number);
  };

  const copy = (lines: LogLine[]) =>
    void copyText(textOf(lines, stamps)).then(() =>
      notifyDone(t('logs.copied', { count: lines.filter(({ rule }) => !rule).length })),
    );
  const save = async (kind: 'log' | 'jsonl') => {
    const lines = view.shown;
    try {
      const path = await saveText(
        `${nameOf(container)}.${kind}`,
        kind === 'log' ? textOf(lines, stamps) : jsonLinesOf(lines),
      );
      if (path !== undefined) notifyDone(t('logs.saved', { count: lines.length }), path);
    } catch (error) {
      notifyFailed(t('logs.notSaved'), error instanceof Error ? error.message : String(error));
    }
  };

  const running = container.State === 'running';
  const nothing = log.lines.length === 0;
  const { rules } = log;
  const count = log.lines.length - rules;
  return (
    <>
      <div className="log-tools" role="toolbar" aria-label={t('logs.tools')}>
        <label className={clsx('filter', find.problem !== undefined && 'wrong')}>
          <Search className="icon s14" aria-hidden />
          <input
            type="text"
            data-find
            aria-label={t('logs.search')}
            aria-invalid={find.problem !== undefined}
            title={find.problem}
            placeholder={t('logs.search')}
            value={search}
            onChange={(event) => {
              setSearch(event.target.value);
              setFound(undefined);
            }}
            onKeyDown={(event) => {
              if (event.key === 'Enter') goTo(event.shiftKey ? -1 : 1);
              else if (event.key === 'Escape' && search !== '') setSearch('');
              else return;
              event.preventDefault();
              event.stopPropagation();
            }}
          />
          {search !== '' && (
            <span className="s11 num" role="status" style={{ whiteSpace: 'nowrap' }}>
              {find.problem !== undefined
                ? t('logs.badPattern')
                : view.found.length === 0
                  ? t('logs.noMatches')
                  : t('logs.matches', { current, count: view.found.length })}
            </span>
          )}
        </label>
        {search !== '' && (
          <>
            <IconButton small icon={ArrowUp} label={t('logs.previous')} shortcut="Shift ↵" onClick={() => goTo(-1)} />
            <IconButton small icon={ArrowDown} label={t('logs.next')} shortcut="↵" onClick={() => goTo(1)} />
          </>
        )}
        <IconButton
          small
          icon={ListFilter}
          label={t('logs.filter')}
          className={filtered ? 'on' : undefined}
          aria-expanded={filtering}
          aria-pressed={filtering}
          onClick={() => setFiltering(!filtering)}
        />
        <span className="tools-line" aria-hidden />
        <IconButton
          small
          icon={Clock}
          label={t('logs.timestamps')}
          aria-pressed={stamps}
          onClick={() => set({ logStamps: !stamps })}
        />
        <IconButton
          small
          icon={WrapText}
          label={t('logs.wrap')}
          aria-pressed={wrap}
          onClick={() => set({ logWrap: !wrap })}
        />
        <IconButton
          small
          icon={Braces}
          label={t('logs.documents')}
          aria-pressed={documents}
          onClick={() => {
            setDocuments(!documents);
            feed.expandAll(!documents);
          }}
        />
        <Menu
          label={t('logs.copy')}
          entries={() => {
            const selected = screen.current?.selectedText() ?? '';
            return [
              {
                label: t('logs.copySelection'),
                shortcut: 'Ctrl C',
                disabled: selected === '',
                onSelect: () => void copyText(selected),
              },
              { label: t('logs.copyVisible'), onSelect: () => copy(screen.current?.visible() ?? []) },
              {
                label: filtered ? t('logs.copyShown') : t('logs.copyAll'),
                shortcut: 'Ctrl A',
                onSelect: () => copy(view.shown),
              },
            ];
          }}
        >
          <button type="button" className="icon-btn small" aria-label={t('logs.copy')} disabled={nothing}>
            <Copy className="icon s14" aria-hidden />
          </button>
        </Menu>
        <Menu
          label={t('logs.save')}
          entries={() => [
            { label: t('logs.saveText'), onSelect: () => void save('log') },
            { label: t('logs.saveJson'), onSelect: () => void save('jsonl') },
          ]}
        >
          <button type="button" className="icon-btn small" aria-label={t('logs.save')} disabled={nothing}>
            <Download className="icon s14" aria-hidden />
          </button>
        </Menu>
        <IconButton
          small
          icon={MoveDown}
          label={t('logs.follow')}
          aria-pressed={following}
          onClick={() => follow(!following)}
        />
      </div>
      {filtering && (
        <div className="log-filter" role="group" aria-label={t('logs.filter')}>
          <PatternField label={t('logs.include')} value={include} wrong={shows.problem} onChange={setInclude} focus />
          <PatternField label={t('logs.exclude')} value={exclude} wrong={hides.problem} onChange={setExclude} />
          <div className="row g4">
            {levels.map((level) => (
              <button
                key={level}
                type="button"
                className={clsx('chip', 'level', level)}
                aria-pressed={only.has(level)}
                onClick={() => {
                  const next = new Set(only);
                  if (!next.delete(level)) next.add(level);
                  setOnly(next);
                }}
              >
                {t(`logs.level.${level}`)}
              </button>
            ))}
          </div>
          {inspect?.Config.Tty === false && (
            <Segments<LogQuery['stream']>
              label={t('logs.stream')}
              value={stream}
              onChange={setStream}
              options={[
                { value: 'both', label: t('logs.both') },
                { value: 'stdout', label: 'stdout' },
                { value: 'stderr', label: 'stderr' },
              ]}
            />
          )}
          {(filtered || include !== '' || exclude !== '') && (
            <Button
              size="small"
              variant="ghost"
              onClick={() => {
                setInclude('');
                setExclude('');
                setOnly(new Set());
                setStream('both');
              }}
            >
              {t('common.clear')}
            </Button>
          )}
        </div>
      )}
      <div style={{ position: 'relative', flex: 1, minHeight: 0, display: 'flex' }}>
        <LogScreen
          handle={screen}
          feed={feed}
          version={version}
          label={t('logs.label', { name: nameOf(container) })}
          search={find.pattern}
          found={found}
          stamps={stamps}
          wrap={wrap}
          following={following}
          onFollow={follow}
          onTop={onTop}
          onCopyAll={() => copy(view.shown)}
        >
          {inspect === undefined && nothing && waiting}
          {view.shown.length === 0 && problem === undefined && inspect !== undefined && (
            <p className="log-nothing t3">
              {!nothing
                ? t('logs.noneShown')
                : running
                  ? t('logs.empty')
                  : phase === 'ended'
                    ? t('logs.emptyStopped')
                    : ''}
            </p>
          )}
        </LogScreen>
        {!following && (
          <Button size="small" className="log-jump" icon={ArrowDown} onClick={() => follow(true)}>
            {t('logs.jump')}
          </Button>
        )}
      </div>
      {problem !== undefined && (
        <div style={{ padding: '8px 12px' }}>
          <Problem>{t('logs.failed', { error: problem })}</Problem>
        </div>
      )}
      <div className="panel-foot num">
        <span>
          {filtered ? t('logs.linesOf', { shown: view.shown.length - rules, count }) : t('logs.lines', { count })}
        </span>
        {log.dropped > 0 && <span className="cut">{t('logs.dropped', { count: log.dropped })}</span>}
        {earlier === 'loading' && <span>{t('logs.loadingEarlier')}</span>}
        <span className="grow" />
        <span className="cut" role="status">
          {held
            ? t('logs.held')
            : phase === 'ended'
              ? running
                ? ''
                : t('logs.ended')
              : following && phase === 'reading'
                ? t('logs.following')
                : ''}
        </span>
      </div>
    </>
  );
}

function PatternField({
  label,
  value,
  wrong,
  onChange,
  focus = false,
}: {
  label: string;
  value: string;
  wrong: string | undefined;
  onChange(value: string): void;
  focus?: boolean;
}) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (focus) input.current?.focus();
  }, [focus]);
  return (
    <label className={clsx('filter', wrong !== undefined && 'wrong')}>
      <input
        ref={input}
        type="text"
        className="mono"
        aria-label={label}
        aria-invalid={wrong !== undefined}
        title={wrong}
        placeholder={label}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape' || value === '') return;
          event.stopPropagation();
          onChange('');
        }}
      />
    </label>
  );
}
