import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { Compared, LayerFind, LayerStep } from '../../../main/contract/layers.js';
import { messageOf, useEngineStore } from '../../store/index.js';
import { Problem } from '../../ui/Field.js';
import { bytes } from '../../ui/format.js';
import { useExplain } from '../explain.js';
import { stepOf } from './layout.js';
import { MarkBox } from './lines.js';
import { stepWords } from './words.js';

const AT_MOST = 200;
/** Milliseconds after the last letter. */
const SETTLED = 200;

/** A path looked for in all layers. */
export function SearchPane({
  what,
  steps,
  onGo,
  onClose,
}: {
  what: Compared;
  steps: readonly LayerStep[];
  onGo(found: LayerFind): void;
  onClose(): void;
}) {
  const { t } = useTranslation();
  const explain = useExplain();
  const { client } = useEngineStore();
  const [text, setText] = useState('');
  const [found, setFound] = useState<{ text: string; hits: LayerFind[]; more: boolean }>();
  const [problem, setProblem] = useState<string>();
  const field = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const { kind, name } = what;
  useEffect(() => field.current?.focus(), []);
  useEffect(() => {
    if (text === '') return;
    const control = new AbortController();
    const timer = setTimeout(() => {
      client.slipway.layers.search({ kind, name }, text, { limit: AT_MOST }, { signal: control.signal }).then(
        ({ Found, More }) => {
          setProblem(undefined);
          setFound({ text, hits: Found, more: More });
        },
        (error: unknown) => control.signal.aborted || setProblem(messageOf(error)),
      );
    }, SETTLED);
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [client, kind, name, text]);
  const hits = text === '' ? [] : (found?.hits ?? []);
  const move = (event: KeyboardEvent) => {
    const buttons = [...(list.current?.querySelectorAll('button') ?? [])];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    if (event.key === 'Escape') onClose();
    else if (event.key === 'ArrowDown') buttons[Math.min(buttons.length - 1, at + 1)]?.focus();
    else if (event.key === 'ArrowUp') (at > 0 ? buttons[at - 1] : field.current)?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- the keys bubble up from its field and buttons
    <div className="layer-search" role="search" onKeyDown={move}>
      <input
        ref={field}
        type="text"
        className="input"
        data-find
        aria-label={t('layers.searchIn')}
        placeholder={t('layers.searchHint')}
        value={text}
        spellCheck={false}
        onChange={(event) => setText(event.target.value)}
      />
      {problem && <Problem>{explain(problem)}</Problem>}
      <p className="s11 t3" role="status">
        {text !== '' && found?.text === text && t('layers.found', { count: hits.length })}
        {found?.more && text !== '' && ` ${t('layers.foundMore')}`}
      </p>
      <ul ref={list} aria-label={t('layers.searchResults')}>
        {hits.map((hit) => {
          const step = steps[stepOf(steps, hit.Layer)];
          return (
            <li key={`${hit.Layer} ${hit.Path}`}>
              <button type="button" onClick={() => onGo(hit)}>
                <MarkBox change={hit.Change} />
                <span className="mono cut grow">{hit.Path}</span>
                {hit.Kind === 'file' && <span className="num t3">{bytes(hit.Size)}</span>}
                <span className="s11 t3 cut from">
                  {t('layers.layerNumber', { number: hit.Layer })}
                  {step && ` · ${stepWords(t, step)}`}
                  {!hit.Shows && hit.Change !== 'deleted' && ` · ${t('layers.hiddenAbove')}`}
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
