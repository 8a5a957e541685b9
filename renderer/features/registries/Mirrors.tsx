import { useEffect, useRef, useState, type SyntheticEvent } from 'react';
import { ArrowDown, ArrowUp, Plus, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Registry } from '../../../main/contract/registries.js';
import { isRegistryHost } from '../../parts/reference.js';
import { useFailure } from '../../parts/use-failure.js';
import { useEngineStore } from '../../store/index.js';
import { Button, IconButton } from '../../ui/Button.js';
import { Field, Problem } from '../../ui/Field.js';
import { Scroller } from '../../ui/Scroller.js';

/** `https://mirror.example/path`. */
const isMirror = (text: string): boolean => {
  const [, rest = ''] = /^https?:\/\/(.*)$/.exec(text) ?? [];
  return isRegistryHost(rest.replace(/\/.*$/, ''));
};

/** Addresses that are asked before the registry itself, in their order. Each change holds at once. */
export function Mirrors({ registry: { host, mirrors: all, fixed } }: { registry: Registry }) {
  const { t } = useTranslation();
  const store = useEngineStore();
  // What the engine's own settings say comes after these and cannot be changed here.
  const firm = fixed?.mirrors ?? [];
  const mirrors = all.filter((mirror) => !firm.includes(mirror));
  const [text, setText] = useState('');
  const [touched, setTouched] = useState(false);
  const { failure, fail, forget } = useFailure(host);
  const [said, setSaid] = useState('');
  const typed = text.trim().replace(/\/$/, '');
  const wanted = typed === '' || /^https?:/.test(typed) ? typed : `https://${typed}`;
  const wrong = !isMirror(wanted) ? t('mirrors.wrong') : all.includes(wanted) ? t('mirrors.twice') : undefined;
  const list = useRef<HTMLOListElement>(null);
  const field = useRef<HTMLInputElement>(null);
  /** A line that goes, and its place: what has the focus goes with it. The list may be read again before that. */
  const going = useRef<{ mirror: string; index: number }>(undefined);
  useEffect(() => {
    if (going.current === undefined || all.includes(going.current.mirror)) return;
    const left = [...(list.current?.querySelectorAll<HTMLElement>('[data-remove]') ?? [])];
    (left[going.current.index] ?? left.at(-1) ?? field.current)?.focus();
    going.current = undefined;
  }, [all]);
  const put = async (next: string[], words: string) => {
    forget();
    try {
      await store.getState().changeRegistry(host, { mirrors: next });
      setSaid(words);
      return true;
    } catch (error) {
      going.current = undefined;
      fail(error);
      return false;
    }
  };
  const add = async (event: SyntheticEvent) => {
    event.preventDefault();
    setTouched(true);
    if (wrong !== undefined) return;
    if (!(await put([...mirrors, wanted], t('mirrors.added', { mirror: wanted })))) return;
    setText((now) => (now === text ? '' : now)); // the next one may be typed by now
    setTouched(false);
  };
  const move = (from: number, to: number) => {
    const next = [...mirrors];
    const [mirror] = next.splice(from, 1);
    if (mirror === undefined) return;
    next.splice(to, 0, mirror);
    void put(next, t('mirrors.moved', { mirror, place: to + 1 }));
  };
  return (
    <Scroller label={t('registries.tabs.mirrors')}>
      <div className="drawer-note">
        <p className="t2">{t('mirrors.text', { host })}</p>
        {all.length > 0 && (
          <ol ref={list} className="victims mirrors" aria-label={t('registries.tabs.mirrors')}>
            {mirrors.map((mirror, index) => (
              <li key={mirror}>
                <span className="num t3">{index + 1}</span>
                <span className="mono grow cut select">{mirror}</span>
                <IconButton
                  small
                  icon={ArrowUp}
                  label={t('mirrors.up', { mirror })}
                  aria-disabled={index === 0}
                  onClick={() => index > 0 && move(index, index - 1)}
                />
                <IconButton
                  small
                  icon={ArrowDown}
                  label={t('mirrors.down', { mirror })}
                  aria-disabled={index === mirrors.length - 1}
                  onClick={() => index < mirrors.length - 1 && move(index, index + 1)}
                />
                <IconButton
                  small
                  icon={X}
                  label={t('mirrors.remove', { mirror })}
                  onClick={() => {
                    going.current = { mirror, index };
                    void put(
                      mirrors.filter((each) => each !== mirror),
                      t('mirrors.removed', { mirror }),
                    );
                  }}
                  data-remove
                />
              </li>
            ))}
            {firm.map((mirror) => (
              <li key={mirror}>
                <span className="mono grow cut select">{mirror}</span>
                <span className="s12 t3">{t('mirrors.fixed')}</span>
              </li>
            ))}
          </ol>
        )}
        <form className="row g8 add-line" onSubmit={(event) => void add(event)} noValidate>
          <div className="grow">
            <Field
              label={t('mirrors.add')}
              hint={t('mirrors.hint')}
              problem={touched && wanted !== '' ? wrong : undefined}
            >
              <input
                ref={field}
                className="input mono"
                name="mirror"
                value={text}
                spellCheck={false}
                autoComplete="off"
                onChange={(event) => setText(event.target.value)}
              />
            </Field>
          </div>
          <Button type="submit" icon={Plus} aria-disabled={wanted === ''}>
            {t('registries.add')}
          </Button>
        </form>
        {failure && <Problem>{failure}</Problem>}
        <p className="hidden-text" role="status">
          {said}
        </p>
      </div>
    </Scroller>
  );
}
