import { useCallback, useEffect, useRef, useState, type SyntheticEvent } from 'react';
import { ChevronDown, ChevronRight, Download, ListFilter, RefreshCw, Search } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { RegistryNames } from '../../../main/contract/registries.js';
import { useExplain } from '../../parts/explain.js';
import { messageOf, useEngineStore } from '../../store/index.js';
import { useSurface } from '../../store/surface.js';
import { Button, IconButton } from '../../ui/Button.js';
import { Field, Problem } from '../../ui/Field.js';
import { Loading } from '../../ui/Loading.js';
import { Scroller } from '../../ui/Scroller.js';

/** Names in one go. */
const PAGE = 100;

interface Names {
  offered: boolean;
  names: string[];
  next?: string | undefined;
  busy: boolean;
  problem?: string | undefined;
}

/** Pages of names, as far as somebody has looked. */
function useNames(ask: (last: string | undefined, signal: AbortSignal) => Promise<RegistryNames>) {
  const [state, setState] = useState<Names>();
  const question = useRef(ask);
  const stop = useRef<AbortController | undefined>(undefined);
  useEffect(() => {
    question.current = ask;
  });
  const read = useCallback(async (last?: string) => {
    stop.current?.abort();
    const { signal } = (stop.current = new AbortController());
    setState((before) =>
      last === undefined
        ? { offered: true, names: [], busy: true }
        : { ...(before ?? { offered: true, names: [] }), busy: true, problem: undefined },
    );
    try {
      const { offered, names, next } = await question.current(last, signal);
      if (signal.aborted) return;
      setState((before) => ({
        offered,
        names: last === undefined ? names : [...(before?.names ?? []), ...names],
        next,
        busy: false,
      }));
    } catch (error) {
      if (signal.aborted) return;
      setState((before) => ({
        ...(before ?? { offered: true, names: [] }),
        busy: false,
        problem: messageOf(error),
      }));
    }
  }, []);
  useEffect(() => () => stop.current?.abort(), []);
  return { state, read };
}

/** What a registry has, where it tells; each repository with its tags. */
export function Catalogue({ host }: { host: string }) {
  const { t } = useTranslation();
  const { client } = useEngineStore();
  const explain = useExplain();
  const ask = useSurface((surface) => surface.open);
  const [filter, setFilter] = useState('');
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [asked, setAsked] = useState<string[]>([]);
  const { state, read } = useNames((last, signal) =>
    client.slipway.registries.repositories(host, { n: PAGE, ...(last !== undefined && { last }) }, { signal }),
  );
  // Docker Hub has too many to tell: it is searched.
  const hub = host === 'docker.io';
  useEffect(() => {
    if (!hub) void read();
  }, [hub, read]);
  const toggle = (repository: string) =>
    setOpen((before) => {
      const next = new Set(before);
      if (!next.delete(repository)) next.add(repository);
      return next;
    });
  const names = state?.names ?? [];
  const shown = names.filter((name) => name.includes(filter.trim().toLowerCase()));
  const closed = hub || state?.offered === false;
  return (
    <Scroller label={t('registries.tabs.catalogue')}>
      <div className="drawer-note">
        {closed && (
          <>
            <p className="t2">{hub ? t('catalogue.hub') : t('catalogue.notOffered', { host })}</p>
            {hub && (
              <div>
                <Button size="small" icon={Search} onClick={() => ask({ kind: 'pull' })}>
                  {t('catalogue.search')}
                </Button>
              </div>
            )}
            <AskTags
              onAsk={(repository) => {
                setAsked((before) => [...new Set([repository, ...before])]);
                setOpen((before) => new Set([...before, repository]));
              }}
            />
          </>
        )}
        {!closed && names.length > 0 && (
          <label className="filter">
            <ListFilter className="icon s14" aria-hidden />
            <input
              type="text"
              data-find
              aria-label={t('catalogue.filter')}
              placeholder={t('table.filter')}
              value={filter}
              onChange={(event) => setFilter(event.target.value)}
            />
          </label>
        )}
        {state?.problem !== undefined && (
          <>
            <Problem>{explain(state.problem)}</Problem>
            <div>
              <Button size="small" icon={RefreshCw} onClick={() => void read(names.at(-1))}>
                {t('common.retry')}
              </Button>
            </div>
          </>
        )}
        {state && !state.busy && state.offered && names.length === 0 && state.problem === undefined && (
          <p className="t2">{t('catalogue.empty')}</p>
        )}
        {state && names.length > 0 && shown.length === 0 && <p className="t2">{t('search.nothing')}</p>}
        <ul className="catalogue" aria-label={t('catalogue.label', { host })}>
          {(closed ? asked : shown).map((repository) => (
            <li key={repository}>
              <button
                type="button"
                className="catalogue-row"
                aria-expanded={open.has(repository)}
                onClick={() => toggle(repository)}
              >
                {open.has(repository) ? (
                  <ChevronDown className="icon s14 t3" aria-hidden />
                ) : (
                  <ChevronRight className="icon s14 t3" aria-hidden />
                )}
                <span className="mono cut">{repository}</span>
              </button>
              {open.has(repository) && <TagList host={host} repository={repository} />}
            </li>
          ))}
        </ul>
        {state?.busy && <Loading waitingFor={t('search.asking')} />}
        {state?.next !== undefined && !state.busy && (
          <div>
            <Button size="small" onClick={() => void read(state.next)}>
              {t('catalogue.more')}
            </Button>
          </div>
        )}
      </div>
    </Scroller>
  );
}

/** Where a registry does not tell what it has, one may know it. */
function AskTags({ onAsk }: { onAsk(repository: string): void }) {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (text.trim() !== '') onAsk(text.trim().toLowerCase());
  };
  return (
    <form className="row g8 add-line" onSubmit={submit} noValidate>
      <div className="grow">
        <Field label={t('catalogue.repository')} hint={t('catalogue.repositoryHint')}>
          <input
            className="input mono"
            name="repository"
            value={text}
            spellCheck={false}
            autoComplete="off"
            onChange={(event) => setText(event.target.value)}
          />
        </Field>
      </div>
      <Button type="submit" disabled={text.trim() === ''}>
        {t('catalogue.showTags')}
      </Button>
    </form>
  );
}

function TagList({ host, repository }: { host: string; repository: string }) {
  const { t } = useTranslation();
  const { client } = useEngineStore();
  const explain = useExplain();
  const ask = useSurface((surface) => surface.open);
  const { state, read } = useNames((last, signal) =>
    client.slipway.registries.tags(host, repository, { n: PAGE, ...(last !== undefined && { last }) }, { signal }),
  );
  useEffect(() => void read(), [read]);
  const reference = (tag: string) => `${host === 'docker.io' ? '' : `${host}/`}${repository}:${tag}`;
  if (!state) return null;
  return (
    <div className="catalogue-tags">
      {state.problem !== undefined && <Problem>{explain(state.problem)}</Problem>}
      {!state.offered && <p className="t2">{t('search.noTags')}</p>}
      {!state.busy && state.offered && state.problem === undefined && state.names.length === 0 && (
        <p className="t2">{t('catalogue.noTags')}</p>
      )}
      <ul aria-label={t('search.tagsOf', { repository })}>
        {state.names.map((tag) => (
          <li key={tag}>
            <span className="mono grow cut select">{tag}</span>
            <IconButton
              small
              icon={Download}
              label={t('catalogue.pull', { reference: reference(tag) })}
              onClick={() => ask({ kind: 'pull', reference: reference(tag) })}
            />
          </li>
        ))}
      </ul>
      {state.busy && <Loading waitingFor={t('search.asking')} />}
      {state.next !== undefined && !state.busy && (
        <Button size="small" onClick={() => void read(state.next)}>
          {t('catalogue.more')}
        </Button>
      )}
    </div>
  );
}
