import { memo, useEffect, useMemo, useRef, useState } from 'react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { ArrowDown, ArrowUp, Clock, Copy, MoveDown, Search } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Output } from '../../../main/client/index.js';
import type { ContainerSummary } from '../../../main/contract/containers.js';
import { nameOf } from '../../parts/container-state.js';
import { messageOf, useEngine, useEngineStore } from '../../store/index.js';
import { ansiSpans, plain } from '../../ui/ansi.js';
import { Button, IconButton } from '../../ui/Button.js';
import { copyText } from '../../ui/desktop.js';
import { Problem } from '../../ui/Field.js';
import { notifyDone } from '../../ui/notify.js';
import { Scroller } from '../../ui/Scroller.js';
import { LogLines, type LogLine } from './log-lines.js';

/** How much of the past is read when the logs open. */
const tail = 5000;

/** Follows a container's log; drawn at most once a frame. */
function useLog(container: ContainerSummary) {
  const store = useEngineStore();
  const [state, setState] = useState<{ log: LogLines; version: number; ended: boolean; problem?: string }>(() => ({
    log: new LogLines(),
    version: 0,
    ended: false,
  }));
  const running = container.State === 'running' || container.State === 'paused' || container.State === 'restarting';
  const ready = useEngine((engine) => engine.connection.state === 'ready');
  const [round, setRound] = useState(0);
  const [alive, setAlive] = useState(running && ready);
  if (alive !== (running && ready)) {
    setAlive(running && ready);
    // A log that has ended is read again when the container runs again, or when the engine is back.
    if (!alive && state.ended) setRound((before) => before + 1);
  }
  useEffect(() => {
    const abort = new AbortController();
    const log = new LogLines();
    let queue: Output[] = [];
    let frame = 0;
    let version = 0;
    const draw = (end?: { problem?: string }) => {
      frame = 0;
      if (abort.signal.aborted) return;
      log.add(queue);
      queue = [];
      version += 1;
      setState({ log, version, ended: end !== undefined, problem: end?.problem });
    };
    const follow = async () => {
      let size = 0;
      const outputs = store.client.containers.logs(
        container.Id,
        { follow: true, tail, timestamps: true },
        { signal: abort.signal },
      );
      for await (const output of outputs) {
        queue.push(output);
        size += output.bytes.length;
        frame ||= requestAnimationFrame(() => draw());
        // A flood waits for the screen: the source is held back meanwhile.
        if (size > 1_000_000) {
          size = 0;
          await new Promise(requestAnimationFrame);
        }
      }
    };
    follow().then(
      () => draw({}),
      (error: unknown) => draw({ problem: messageOf(error) }),
    );
    return () => {
      abort.abort();
      cancelAnimationFrame(frame);
    };
  }, [store, container.Id, round]);
  return state;
}

export function Logs({ container }: { container: ContainerSummary }) {
  const { t } = useTranslation();
  const { log, version, ended, problem } = useLog(container);
  const [search, setSearch] = useState('');
  const [stamps, setStamps] = useState(false);
  const [follow, setFollow] = useState(true);
  const [match, setMatch] = useState(0);
  const scroll = useRef<HTMLDivElement>(null);
  const lines = log.lines;
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => 18,
    overscan: 30,
    paddingStart: 6,
    paddingEnd: 6,
    getItemKey: (index) => lines[index]?.number ?? index,
  });

  const found = useMemo(() => {
    const wanted = search.toLowerCase();
    if (wanted === '') return [];
    return lines.flatMap((line, index) => (plain(line.text).toLowerCase().includes(wanted) ? [index] : []));
  }, [lines, search]);
  const at = found.length === 0 ? 0 : Math.min(match, found.length - 1);
  const goTo = (next: number) => {
    if (found.length === 0) return;
    const wrapped = (next + found.length) % found.length;
    setFollow(false);
    setMatch(wrapped);
    virtual.scrollToIndex(found[wrapped] ?? 0, { align: 'center' });
  };
  useEffect(() => {
    if (follow && lines.length > 0) virtual.scrollToIndex(lines.length - 1, { align: 'end' });
    // Whenever something was added, and nothing else.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [version, follow, stamps]);
  const onScroll = () => {
    const box = scroll.current;
    if (!box) return;
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 24;
    if (atEnd && !follow) setFollow(true);
  };
  const copyAll = () =>
    void copyText(lines.map(({ time, text }) => (stamps ? `${time} ${plain(text)}` : plain(text))).join('\n')).then(
      () => notifyDone(t('logs.copied', { count: lines.length })),
    );

  const running = container.State === 'running';
  return (
    <>
      <div className="log-tools">
        <label className="filter">
          <Search className="icon s14" aria-hidden />
          <input
            type="text"
            data-find
            aria-label={t('logs.search')}
            placeholder={t('logs.search')}
            value={search}
            onChange={(event) => {
              setSearch(event.target.value);
              setMatch(0);
            }}
            onKeyDown={(event) => {
              if (event.key === 'Enter') goTo(event.shiftKey ? at - 1 : at + 1);
              else if (event.key === 'Escape' && search !== '') setSearch('');
              else return;
              event.preventDefault();
              event.stopPropagation();
            }}
          />
          {search !== '' && (
            <span className="s11 num" role="status">
              {found.length === 0 ? t('logs.noMatches') : t('logs.matches', { current: at + 1, count: found.length })}
            </span>
          )}
        </label>
        {search !== '' && (
          <>
            <IconButton small icon={ArrowUp} label={t('logs.previous')} onClick={() => goTo(at - 1)} />
            <IconButton small icon={ArrowDown} label={t('logs.next')} onClick={() => goTo(at + 1)} />
          </>
        )}
        <IconButton
          small
          icon={Clock}
          label={t('logs.timestamps')}
          aria-pressed={stamps}
          onClick={() => setStamps(!stamps)}
        />
        <IconButton
          small
          icon={MoveDown}
          label={t('logs.follow')}
          aria-pressed={follow}
          onClick={() => setFollow(!follow)}
        />
        <IconButton small icon={Copy} label={t('logs.copyAll')} disabled={lines.length === 0} onClick={copyAll} />
      </div>
      <div style={{ position: 'relative', flex: 1, minHeight: 0, display: 'flex' }}>
        <Scroller
          className="log-scroll"
          ref={scroll}
          onScroll={onScroll}
          onWheel={(event) => event.deltaY < 0 && setFollow(false)}
          onKeyDown={(event) => {
            if (event.key === 'PageUp' || event.key === 'ArrowUp' || event.key === 'Home') setFollow(false);
          }}
          role="log"
          aria-live="off"
          label={t('logs.label', { name: nameOf(container) })}
        >
          <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
            {virtual.getVirtualItems().map((item) => {
              const line = lines[item.index];
              return line ? (
                <div
                  key={item.key}
                  ref={virtual.measureElement}
                  data-index={item.index}
                  className={`log-line ${line.stream}`}
                  style={{ transform: `translateY(${item.start}px)` }}
                >
                  {stamps && <span className="when">{clockTime(line.time)}</span>}
                  <Line line={line} search={search} />
                </div>
              ) : null;
            })}
          </div>
          {lines.length === 0 && !problem && (
            <div className="log-line t3">{running ? t('logs.empty') : ended ? t('logs.emptyStopped') : ''}</div>
          )}
        </Scroller>
        {!follow && running && (
          <Button size="small" className="log-jump" icon={ArrowDown} onClick={() => setFollow(true)}>
            {t('logs.jump')}
          </Button>
        )}
      </div>
      {problem && (
        <div style={{ padding: '8px 12px' }}>
          <Problem>{t('logs.failed', { error: problem })}</Problem>
        </div>
      )}
      <div className="panel-foot num">
        <span>{t('logs.lines', { count: lines.length })}</span>
        {log.dropped > 0 && <span>{t('logs.dropped', { count: log.dropped })}</span>}
        <span className="grow" />
        <span>{ended ? (running ? '' : t('logs.ended')) : follow ? t('logs.following') : ''}</span>
      </div>
    </>
  );
}

/** `2026-11-23T22:57:13.123Z` → `22:57:13.123` of this place. */
function clockTime(stamp: string): string {
  const when = new Date(stamp);
  if (Number.isNaN(when.getTime())) return '';
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(when.getHours())}:${two(when.getMinutes())}:${two(when.getSeconds())}.${String(when.getMilliseconds()).padStart(3, '0')}`;
}

const Line = memo(function Line({ line, search }: { line: LogLine; search: string }) {
  return ansiSpans(line.text).map((span, index) => (
    <span
      key={index}
      style={{
        color: span.color,
        background: span.background,
        fontWeight: span.bold ? 700 : undefined,
        opacity: span.dim ? 0.7 : undefined,
        fontStyle: span.italic ? 'italic' : undefined,
        textDecoration: span.underline ? 'underline' : undefined,
      }}
    >
      {marked(span.text, search)}
    </span>
  ));
});

function marked(text: string, search: string): React.ReactNode {
  if (search === '') return text;
  const parts: React.ReactNode[] = [];
  const heap = text.toLowerCase();
  const wanted = search.toLowerCase();
  let from = 0;
  for (let at = heap.indexOf(wanted); at >= 0; at = heap.indexOf(wanted, from)) {
    parts.push(text.slice(from, at), <mark key={at}>{text.slice(at, at + wanted.length)}</mark>);
    from = at + wanted.length;
  }
  parts.push(text.slice(from));
  return parts;
}
