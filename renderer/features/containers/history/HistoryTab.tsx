import { useRef, useState, type KeyboardEvent } from 'react';
import {
  ArchiveRestore,
  CirclePlus,
  History,
  MemoryStick,
  Pencil,
  Play,
  Trash2,
  Undo2,
  type LucideIcon,
} from 'lucide-react';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { clsx } from 'clsx';
import type { HistoryEntry } from '../../../../main/contract/changes.js';
import { DifferenceList } from '../../../parts/change/Difference.js';
import { fieldWords } from '../../../parts/change/lines.js';
import { isConfiguration, revertible } from '../../../parts/change/past.js';
import { explainRollback } from '../../../parts/change/reasons.js';
import type { Shape } from '../../../parts/container-state.js';
import { nameOf } from '../../../parts/container-state.js';
import { ShapeIcon } from '../../../parts/Shape.js';
import { explainRun } from '../../../parts/explain.js';
import { useAnswer } from '../../../parts/use-answer.js';
import { canChange, hasHistory } from '../../../store/changes-slice.js';
import { useEngine, useEngineStore } from '../../../store/index.js';
import { useSurface } from '../../../store/surface.js';
import { Button } from '../../../ui/Button.js';
import { useNow } from '../../../ui/clock.js';
import { Empty } from '../../../ui/Empty.js';
import { Problem } from '../../../ui/Field.js';
import { ago } from '../../../ui/format.js';
import { Loading } from '../../../ui/Loading.js';
import { Segments } from '../../../ui/Segments.js';
import type { TabProps } from '../tabs.js';

type Shown = 'changes' | 'all';

/** Kept while the window lives. */
let remembered: Shown = 'changes';

/** What became of a container, newest first: its changes with the way back, and how it did between them. */
export function HistoryTab({ container }: TabProps) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const known = useEngine(hasHistory);
  const changeable = useEngine(canChange);
  const told = useEngine((state) => state.features !== undefined || state.version !== undefined);
  // Every event of a container has the list read again, and that this.
  const readAt = useEngine((state) => state.containersAt);
  const ask = useSurface((surface) => surface.open);
  const [shown, setShown] = useState<Shown>(remembered);
  const { value: history, problem } = useAnswer(
    async () => (known ? store.client.slipway.history(container.Id) : undefined),
    `${container.Id} ${readAt} ${known}`,
  );
  if (!known && told)
    return (
      <Empty icon={History} title={t('history.cannot')}>
        {t('history.cannotText')}
      </Empty>
    );
  if (problem !== undefined && !history)
    return (
      <div style={{ padding: 16 }}>
        <Problem>{t('history.failed', { error: problem })}</Problem>
      </div>
    );
  if (!history) return <Loading waitingFor={t('common.loading')} />;
  const entries = shown === 'all' ? history : history.filter(isConfiguration);
  const nothing = shown === 'changes' && entries.length === 1;
  return (
    <>
      <div className="history-tools">
        <Segments
          label={t('history.show')}
          options={(['changes', 'all'] as const).map((value) => ({ value, label: t(`history.${value}`) }))}
          value={shown}
          onChange={(next) => {
            remembered = next;
            setShown(next);
          }}
        />
      </div>
      {nothing && (
        <Empty icon={History} title={t('history.noneTitle')}>
          {t('history.noneText')}
        </Empty>
      )}
      {!nothing && (
        <Timeline
          label={t('history.list', { name: nameOf(container) })}
          history={history}
          entries={entries}
          onRevert={
            changeable
              ? ({ Seq, At }) => ask({ kind: 'change-container', id: container.Id, past: { seq: Seq, at: At } })
              : undefined
          }
        />
      )}
    </>
  );
}

function Timeline({
  label,
  history,
  entries,
  onRevert,
}: {
  label: string;
  history: HistoryEntry[];
  entries: HistoryEntry[];
  onRevert: ((entry: HistoryEntry) => void) | undefined;
}) {
  const list = useRef<HTMLDivElement>(null);
  const [chosen, setChosen] = useState<number>();
  const others = onRevert ? revertible(history) : new Set<number>();
  const now = history.find(({ Kind }) => Kind === 'created' || Kind === 'changed' || Kind === 'reverted')?.Seq;
  const stop = entries.some(({ Seq }) => Seq === chosen) ? chosen : entries[0]?.Seq;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const at = entries.findIndex(({ Seq }) => Seq === stop);
    const to: Record<string, number> = {
      ...{ ArrowDown: at + 1, j: at + 1, ArrowUp: at - 1, k: at - 1 },
      ...{ Home: 0, End: entries.length - 1 },
    };
    const next = entries[to[event.key] ?? -1];
    const entry = entries[at];
    if (next) {
      setChosen(next.Seq);
      list.current?.querySelector<HTMLElement>(`[data-entry="${next.Seq}"]`)?.focus();
    } else if (event.key === 'Enter' && entry && others.has(entry.Seq) && event.target === event.currentTarget)
      onRevert?.(entry);
    else if (to[event.key] === undefined) return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div className="scroll history" ref={list} role="grid" aria-label={label} aria-rowcount={entries.length}>
      {entries.map((entry, index) => (
        <Entry
          key={entry.Seq}
          entry={entry}
          position={index + 1}
          tabStop={entry.Seq === stop}
          current={entry.Seq === now}
          onRevert={others.has(entry.Seq) ? onRevert : undefined}
          onFocus={() => setChosen(entry.Seq)}
          onKeyDown={onKeyDown}
        />
      ))}
    </div>
  );
}

interface EntryProps {
  entry: HistoryEntry;
  position: number;
  tabStop: boolean;
  current: boolean;
  onRevert: ((entry: HistoryEntry) => void) | undefined;
  onFocus(): void;
  onKeyDown(event: KeyboardEvent): void;
}

function Entry({ entry, position, tabStop, current, onRevert, onFocus, onKeyDown }: EntryProps) {
  const { t, i18n } = useTranslation();
  const now = useNow(10_000);
  const title = titleOf(t, i18n.language, entry);
  const when = new Date(entry.At);
  return (
    <div
      role="row"
      className={clsx('entry', isConfiguration(entry) && 'config')}
      data-entry={entry.Seq}
      aria-rowindex={position}
      aria-labelledby={`entry-${entry.Seq}`}
      tabIndex={tabStop ? 0 : -1}
      onFocus={onFocus}
      onKeyDown={onKeyDown}
    >
      <span className="entry-mark" aria-hidden>
        <Mark entry={entry} />
      </span>
      <div className="grow" role="gridcell">
        <div className="entry-line">
          <b className={clsx('grow select', isConfiguration(entry) ? 'b6' : 'plain')} id={`entry-${entry.Seq}`}>
            {title}
          </b>
          {current && <span className="tag">{t('history.current')}</span>}
          <time
            className="s12 t3 num"
            dateTime={entry.At}
            title={when.toLocaleString(i18n.language, { dateStyle: 'full', timeStyle: 'medium' })}
          >
            {ago(t, now - when.getTime())}
          </time>
        </div>
        {entry.Reason !== undefined && (
          <p className="s12 t2 select">{t('history.reason', { reason: explainRollback(t, entry.Reason) })}</p>
        )}
        {entry.Error !== undefined && entry.Error !== '' && (
          <p className="s12 t2 select">{explainRun(t, new Error(entry.Error))}</p>
        )}
        {entry.Changes && <DifferenceList changes={entry.Changes} />}
        {onRevert && (
          <Button
            size="small"
            icon={Undo2}
            aria-label={t('history.revertOf', { what: title })}
            onClick={() => onRevert(entry)}
          >
            {t('history.revert')}
          </Button>
        )}
      </div>
    </div>
  );
}

function titleOf(t: TFunction, language: string, { Kind, Changes = [], ExitCode, Health }: HistoryEntry): string {
  switch (Kind) {
    case 'changed':
    case 'reverted':
    case 'rolled-back': {
      // What another image brings with it is listed; what was changed is the image.
      const fields = Changes.filter(({ Field }) => Field !== 'ImageID' || Changes.length === 1);
      const words = [...new Set(fields.map(({ Field }) => fieldWords(t, Field)))];
      return t(`history.kind.${Kind}`, { fields: new Intl.ListFormat(language, { type: 'unit' }).format(words) });
    }
    case 'health':
      return t(`history.health.${Health ?? 'starting'}`);
    case 'exited':
      return t('history.kind.exited', { code: ExitCode ?? 0 });
    default:
      return t(`history.kind.${Kind}`);
  }
}

const icons: Partial<Record<HistoryEntry['Kind'], LucideIcon>> = {
  created: CirclePlus,
  changed: Pencil,
  reverted: Undo2,
  started: Play,
  oom: MemoryStick,
  discarded: Trash2,
  restored: ArchiveRestore,
};

function Mark({ entry: { Kind, ExitCode, Health } }: { entry: HistoryEntry }) {
  const Icon = icons[Kind];
  if (Icon) return <Icon className={clsx('icon s14', Kind === 'oom' ? 'c-fail' : 't2')} aria-hidden />;
  const shape: Shape =
    Kind === 'health'
      ? (Health ?? 'starting')
      : Kind === 'exited'
        ? ExitCode === 0
          ? 'exited'
          : 'failed'
        : Kind === 'rolled-back'
          ? 'unhealthy'
          : 'failed';
  return <ShapeIcon shape={shape} />;
}
