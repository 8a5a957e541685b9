import { useEffect, useId, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { BadgeCheck, Layers, LoaderCircle, Search, Star, Tag } from 'lucide-react';
import { clsx } from 'clsx';
import { useTranslation } from 'react-i18next';
import type { ImageSummary } from '../../main/contract/images.js';
import type { RegistryNames, SearchResult } from '../../main/contract/registries.js';
import { messageOf, useEngine, useEngineStore } from '../store/index.js';
import { can } from '../store/registries-slice.js';
import { Field } from '../ui/Field.js';
import { useExplain } from './explain.js';
import { namedImages } from './image-names.js';
import { isRegistryHost, parseReference } from './reference.js';

/** What was asked of a registry, and what it said. */
type Asked = { what: 'hub' | 'catalogue' | 'tags'; of: string } & (
  | { state: 'asking' }
  | { state: 'failed'; problem: string }
  | { state: 'found'; results: SearchResult[] }
  | { state: 'names'; answer: RegistryNames }
);

interface Option {
  id: string;
  /** What the field says when it is chosen; undefined: it asks a registry. */
  value?: string;
  ask?: Asked['what'];
  label: string;
  kind: 'here' | 'ask' | 'found' | 'tag';
  detail?: string;
  stars?: number;
  official?: boolean;
}

const MOST_HERE = 5;
const MOST_FOUND = 25;
const PAGE = 200;

/** A text taken apart where it is still being typed: `host/repo:ta`. */
function partsOfTyped(text: string): { host: string | undefined; repository: string; tag: string | undefined } {
  const [typed = ''] = text.trim().split('@');
  const slash = typed.indexOf('/');
  const first = slash < 0 ? '' : typed.slice(0, slash);
  const host = isRegistryHost(first) ? first : undefined;
  const rest = host === undefined ? typed : typed.slice(slash + 1);
  const colon = rest.lastIndexOf(':');
  return colon < 0
    ? { host, repository: rest, tag: undefined }
    : { host, repository: rest.slice(0, colon), tag: rest.slice(colon + 1) };
}

/** What is here already and has the words in its name. */
const optionsHere = (images: ImageSummary[], words: string): Option[] =>
  words === ''
    ? []
    : namedImages(images)
        .filter(
          (row) =>
            row.repository !== undefined && row.reference.toLowerCase().includes(words) && row.reference !== words,
        )
        .slice(0, MOST_HERE)
        .map((row) => ({ id: `here-${row.key}`, value: row.reference, label: row.reference, kind: 'here' }));

/** What a registry said, as far as it has what is typed. */
function optionsFound(asked: Asked | undefined, repository: string, tag = ''): Option[] {
  if (asked?.state === 'found')
    return asked.results.map(({ name, description, star_count, is_official }) => ({
      id: `found-${name}`,
      value: name,
      label: name,
      kind: 'found',
      detail: description,
      stars: star_count,
      official: is_official,
    }));
  if (asked?.state !== 'names') return [];
  const catalogue = asked.what === 'catalogue';
  const part = (catalogue ? repository : tag).toLowerCase();
  return asked.answer.names
    .filter((name) => name.toLowerCase().includes(part))
    .slice(0, MOST_FOUND)
    .map((name) => {
      const whole = catalogue ? `${asked.of}/${name}` : `${asked.of}:${name}`;
      return { id: `found-${name}`, value: whole, label: whole, kind: catalogue ? 'found' : 'tag' };
    });
}

/**
 * The field for an image's name with what is here below it, and what a registry has once it is asked: typing alone tells nobody. A combobox in the manner of the
 * ARIA practices.
 */
export function ImageSearch({
  value,
  onChange,
  readOnly,
  suggests,
  hint,
  problem,
}: {
  value: string;
  onChange(text: string): void;
  readOnly: boolean;
  /** What fits is shown below. */
  suggests: boolean;
  hint: string;
  problem: string | undefined;
}) {
  const { t, i18n } = useTranslation();
  const { client } = useEngineStore();
  const explain = useExplain();
  const images = useEngine((state) => state.images);
  const knows = useEngine(can('registries'));
  const searches = useEngine(
    (state) => state.features === undefined || (state.features.can ?? []).includes('registries'),
  );
  const list = useId();
  const input = useRef<HTMLInputElement>(null);
  const [lastAsked, setAsked] = useState<Asked>();
  const [active, setActive] = useState<string>();
  const stop = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => stop.current?.abort(), []);

  const { host, repository, tag } = partsOfTyped(value);
  const words = value.trim().toLowerCase();

  const ask = (what: Asked['what'], of: string, question: (signal: AbortSignal) => Promise<Partial<Asked>>) => {
    stop.current?.abort();
    const abort = (stop.current = new AbortController());
    setActive(undefined);
    setAsked({ what, of, state: 'asking' });
    question(abort.signal).then(
      (said) => !abort.signal.aborted && setAsked({ what, of, ...said } as Asked),
      (error: unknown) => !abort.signal.aborted && setAsked({ what, of, state: 'failed', problem: messageOf(error) }),
    );
    input.current?.focus();
  };
  const parsed = parseReference(tag === undefined ? value : value.slice(0, value.lastIndexOf(':')));
  const shown = host === undefined ? repository : `${host}/${repository}`;
  // What is typed may be about something else by now.
  const about = lastAsked && {
    hub: host === undefined,
    catalogue: lastAsked.of === host,
    tags: lastAsked.of === shown,
  };
  const asked = lastAsked && about?.[lastAsked.what] ? lastAsked : undefined;
  const here = useMemo(() => optionsHere(images ?? [], words), [images, words]);
  const found = optionsFound(asked, repository, tag);
  const was = (what: Asked['what'], of: string) => asked?.what === what && asked.of === of;
  const asks: Option[] = [];
  if (host === undefined && searches && repository.length > 1 && !was('hub', repository))
    asks.push({ id: 'ask-hub', ask: 'hub', label: t('search.hub', { term: repository }), kind: 'ask' });
  if (host !== undefined && knows && !was('catalogue', host))
    asks.push({ id: 'ask-catalogue', ask: 'catalogue', label: t('search.catalogue', { host }), kind: 'ask' });
  if (knows && parsed && repository !== '' && !was('tags', shown))
    asks.push({ id: 'ask-tags', ask: 'tags', label: t('search.tags', { repository: shown }), kind: 'ask' });
  const all = !suggests ? [] : [...here, ...found, ...asks];
  const at = all.findIndex(({ id }) => id === active);

  const askOf = (what: Asked['what']) => {
    if (what === 'hub')
      ask(what, repository, async (signal) => ({
        state: 'found',
        results: await client.images.search(repository, { limit: MOST_FOUND, signal }),
      }));
    else if (what === 'catalogue' && host !== undefined)
      ask(what, host, async (signal) => ({
        state: 'names',
        answer: await client.slipway.registries.repositories(host, { n: PAGE }, { signal }),
      }));
    else if (parsed)
      ask(what, shown, async (signal) => ({
        state: 'names',
        answer: await client.slipway.registries.tags(parsed.registry, parsed.repository, { n: PAGE }, { signal }),
      }));
  };
  const choose = (option: Option) => {
    if (option.ask) return askOf(option.ask);
    if (option.value !== undefined) onChange(option.value);
    setActive(undefined);
    if (option.kind !== 'tag') setAsked(undefined);
    input.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (all.length === 0) return;
      const step = event.key === 'ArrowDown' ? 1 : -1;
      // One place more than there are options: the field itself.
      const next = (at + 1 + step + all.length + 1) % (all.length + 1);
      setActive(next === 0 ? undefined : all[next - 1]?.id);
      event.preventDefault();
    } else if (event.key === 'Enter' && !event.ctrlKey && all[at]) {
      event.preventDefault();
      choose(all[at]);
    }
  };
  useEffect(() => {
    if (active !== undefined) document.getElementById(`${list}-${active}`)?.scrollIntoView({ block: 'nearest' });
  }, [active, list]);

  const icons = { here: Layers, ask: Search, found: Layers, tag: Tag };
  const draw = (option: Option) => {
    const Icon = icons[option.kind];
    return (
      // eslint-disable-next-line jsx-a11y/click-events-have-key-events -- the keys are the field's
      <div
        key={option.id}
        id={`${list}-${option.id}`}
        role="option"
        tabIndex={-1}
        aria-selected={option.id === active}
        className={clsx('found', option.kind)}
        onMouseDown={(event) => event.preventDefault()}
        onClick={() => choose(option)}
      >
        <Icon className="icon s14" aria-hidden />
        <span className={clsx('cut', option.kind === 'ask' ? 'ask-label' : 'mono')}>{option.label}</span>
        {option.official && (
          <span className="tag">
            <BadgeCheck className="icon s12" aria-hidden /> {t('search.official')}
          </span>
        )}
        {option.detail && <span className="s12 t3 cut grow">{option.detail}</span>}
        {option.stars !== undefined && option.stars > 0 && (
          <span className="s11 t3 num stars">
            <Star className="icon s12" aria-hidden />
            <span className="hidden-text">{t('search.stars')}</span> {option.stars.toLocaleString(i18n.language)}
          </span>
        )}
      </div>
    );
  };
  const group = (label: string, some: Option[]) =>
    some.length > 0 && (
      <div role="group" aria-label={label}>
        <div className="found-head" aria-hidden>
          {label}
        </div>
        {some.map(draw)}
      </div>
    );
  const foundTitle =
    asked === undefined
      ? ''
      : asked.what === 'hub'
        ? t('search.onHub')
        : asked.what === 'catalogue'
          ? t('search.inRegistry', { host: asked.of })
          : t('search.tagsOf', { repository: asked.of });
  const said =
    asked === undefined
      ? undefined
      : asked.state === 'asking'
        ? t('search.asking')
        : asked.state === 'failed'
          ? explain(asked.problem)
          : asked.state === 'names' && !asked.answer.offered
            ? asked.what === 'tags'
              ? t('search.noTags')
              : t('search.noCatalogue', { host: asked.of })
            : found.length === 0
              ? t('search.nothing')
              : undefined;
  const open = suggests && (all.length > 0 || said !== undefined);
  return (
    <>
      <Field label={t('pull.reference')} hint={hint} problem={problem}>
        <input
          ref={input}
          className="input mono"
          name="reference"
          role="combobox"
          aria-expanded={open}
          aria-controls={list}
          aria-autocomplete="list"
          aria-activedescendant={active === undefined ? undefined : `${list}-${active}`}
          value={value}
          readOnly={readOnly}
          spellCheck={false}
          autoComplete="off"
          onKeyDown={onKeyDown}
          onChange={(event) => {
            setActive(undefined);
            onChange(event.target.value);
          }}
        />
      </Field>
      {open && (
        <div className="found-list">
          <div id={list} role="listbox" aria-label={t('search.label')}>
            {group(t('search.here'), here)}
            {group(foundTitle, found)}
            {group(t('search.ask'), asks)}
          </div>
          {said !== undefined && (
            <p className={clsx('found-said s12', asked?.state === 'failed' ? 'c-fail' : 't2')} role="status">
              {asked?.state === 'asking' && <LoaderCircle className="icon s12 spin" aria-hidden />} {said}
            </p>
          )}
        </div>
      )}
    </>
  );
}
