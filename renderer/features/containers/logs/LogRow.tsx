import type { TFunction } from 'i18next';
import { memo, type ReactNode } from 'react';
import { ChevronDown, ChevronRight } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { clsx } from 'clsx';
import { ansiSpans } from '../../../ui/ansi.js';
import { looksLikeJson, type Level } from './level.js';

export interface LogRowProps {
  number: number;
  text: string;
  time: string;
  stream: 'stdout' | 'stderr';
  rule: 'started' | 'skipped' | undefined;
  level: Level | undefined;
  /** The document of a JSON row that is opened. */
  pretty: string | undefined;
  search: RegExp | undefined;
  stamps: boolean;
  /** The line the keyboard is at. */
  at: boolean;
  found: boolean;
  onToggle(number: number): void;
}

/** One line of a log: its time, where it came from and how grave it is, what it says. */
export const LogRow = memo(function LogRow(row: LogRowProps) {
  const { t } = useTranslation();
  const { number, text, time, stream, rule, level, pretty, search, stamps, at, found, onToggle } = row;
  if (rule)
    return (
      <div className="log-rule" role="separator" data-line={number}>
        <span>{rule === 'started' ? t('logs.restartedAt', { time: shortTime(time) }) : t('logs.skipped')}</span>
      </div>
    );
  const json = looksLikeJson(text);
  return (
    <div className={clsx('log-line', stream, at && 'at', found && 'found')} data-line={number}>
      {stamps && <span className="when">{clockTime(time)}</span>}
      <span className="gutter">
        {json ? (
          <button
            type="button"
            tabIndex={-1}
            aria-label={pretty === undefined ? t('logs.expand') : t('logs.collapse')}
            aria-expanded={pretty !== undefined}
            onClick={() => onToggle(number)}
          >
            {pretty === undefined ? (
              <ChevronRight className="icon s12" aria-hidden />
            ) : (
              <ChevronDown className="icon s12" aria-hidden />
            )}
          </button>
        ) : (
          <span className={clsx('mark', level)} title={markTitle(t, stream, level)} aria-hidden>
            {level === 'error' ? 'E' : level === 'warn' ? 'W' : stream === 'stderr' ? '2' : ''}
          </span>
        )}
      </span>
      <span className="said">
        {ansiSpans(text).map((span, index) => (
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
        ))}
        {pretty !== undefined && <span className="pretty">{marked(pretty, search)}</span>}
      </span>
    </div>
  );
});

const markTitle = (t: TFunction, stream: 'stdout' | 'stderr', level: Level | undefined): string =>
  level ? `${t(`logs.level.${level}`)} · ${stream}` : stream;

/** `2026-11-23T22:57:13.123Z` → `22:57:13.123` of this place. */
function clockTime(stamp: string): string {
  const when = new Date(stamp);
  if (Number.isNaN(when.getTime())) return '';
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(when.getHours())}:${two(when.getMinutes())}:${two(when.getSeconds())}.${String(when.getMilliseconds()).padStart(3, '0')}`;
}

const shortTime = (stamp: string): string => clockTime(stamp).slice(0, 5);

function marked(text: string, search: RegExp | undefined): ReactNode {
  if (!search) return text;
  const parts: ReactNode[] = [];
  let from = 0;
  for (const match of text.matchAll(new RegExp(search.source, `${search.flags}g`))) {
    if (match[0] === '') continue;
    parts.push(text.slice(from, match.index), <mark key={match.index}>{match[0]}</mark>);
    from = match.index + match[0].length;
  }
  if (from === 0) return text;
  parts.push(text.slice(from));
  return parts;
}
