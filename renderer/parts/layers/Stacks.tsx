import { useRef, useState, type KeyboardEvent, type MouseEvent } from 'react';
import { clsx } from 'clsx';
import { useTranslation } from 'react-i18next';
import type { LayerStep, StepPair } from '../../../main/contract/layers.js';
import { bytes } from '../../ui/format.js';
import { useWidth } from '../../ui/use-width.js';
import { cardsOf, ribbon, type Card, type StepMark } from './layout.js';
import { stepWords, useLayerWords } from './words.js';

export interface StackOf {
  name: string;
  steps: LayerStep[];
  /** What became of each, where two are compared. */
  marks?: StepMark[];
  /** The step that is looked at. */
  selected: number;
}

const INSET = 16;
const RIBBON = 62;

/** One stack of layers, or two with ribbons between them; the newest on top. */
export function Stacks({
  stacks,
  pairs = [],
  onSelect,
}: {
  stacks: StackOf[];
  pairs?: StepPair[];
  /** `alone`: the other side stays as it is. */
  onSelect(side: 0 | 1, index: number, alone: boolean): void;
}) {
  const { t } = useTranslation();
  const host = useRef<HTMLDivElement>(null);
  const width = useWidth(host);
  const [focused, setFocused] = useState<[number, number]>();
  const { cards, height } = cardsOf(stacks.map(({ steps }) => steps));
  const room = width - 2 * INSET - (stacks.length - 1) * RIBBON;
  const wide = Math.max(60, Math.floor(room / stacks.length));
  const left = (side: number) => INSET + side * (wide + RIBBON);

  /** Where the tab stop of a stack is. */
  const stop = (side: number): number => {
    const { steps, selected } = stacks[side] as StackOf;
    const at = focused?.[0] === side ? focused[1] : selected;
    return Math.min(steps.length - 1, Math.max(0, at));
  };
  const focus = (side: number, index: number) => {
    setFocused([side, index]);
    host.current?.querySelector<HTMLElement>(`[data-side="${side}"][data-step="${index}"]`)?.focus();
  };
  const across = (side: number, index: number): number => {
    const [from, to] = side === 0 ? (['Before', 'After'] as const) : (['After', 'Before'] as const);
    const pair = pairs.find((each) => each[from] >= index) ?? pairs.at(-1);
    return pair?.[to] ?? 0;
  };
  const onKeyDown = (side: 0 | 1, index: number, event: KeyboardEvent) => {
    if (event.altKey || event.metaKey || (event.ctrlKey && event.key !== 'Enter')) return;
    const last = (stacks[side] as StackOf).steps.length - 1;
    if (event.key === 'ArrowDown') focus(side, Math.min(last, index + 1));
    else if (event.key === 'ArrowUp') focus(side, Math.max(0, index - 1));
    else if (event.key === 'Home') focus(side, 0);
    else if (event.key === 'End') focus(side, last);
    else if (event.key === 'ArrowRight' && side === 0 && stacks.length > 1) focus(1, across(0, index));
    else if (event.key === 'ArrowLeft' && side === 1) focus(0, across(1, index));
    else if (event.key === 'Enter' || event.key === ' ') onSelect(side, index, event.shiftKey);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div className="layer-scroll" tabIndex={-1}>
      <div className="layer-stacks" ref={host} style={{ height: height + 24 }}>
        {stacks.length === 2 && (
          <svg className="ribbons" aria-hidden width={width} height={height + 24}>
            {pairs.map(({ Before, After, Same }) => {
              const [from, to] = [cards[0]?.[Before], cards[1]?.[After]];
              if (!from || !to) return null;
              const chosen = stacks[0]?.selected === Before && stacks[1]?.selected === After;
              return (
                <path
                  key={`${Before} ${After}`}
                  className={clsx(Same ? 'same' : 'changed', chosen && 'chosen')}
                  d={ribbon(lower(from), lower(to), left(0) + wide, RIBBON)}
                >
                  <title>{t(Same ? 'layers.mark.same' : 'layers.mark.changed')}</title>
                </path>
              );
            })}
          </svg>
        )}
        {stacks.map(({ name, steps, marks, selected }, side) => (
          <div
            key={side}
            role="listbox"
            aria-label={t('layers.stackOf', { name })}
            style={{ position: 'absolute', left: left(side), width: wide, top: 12, height }}
          >
            {steps.map((step, index) => {
              const card = cards[side]?.[index] as Card;
              return (
                <StepCard
                  key={index}
                  step={step}
                  mark={marks?.[index]}
                  selected={index === selected}
                  tall={card.height > 40}
                  side={side}
                  index={index}
                  tabIndex={index === stop(side) ? 0 : -1}
                  style={{ top: card.top, height: card.height }}
                  onFocus={() => setFocused([side, index])}
                  onKeyDown={(event) => onKeyDown(side as 0 | 1, index, event)}
                  onClick={(event) => onSelect(side as 0 | 1, index, event.shiftKey)}
                />
              );
            })}
          </div>
        ))}
      </div>
    </div>
  );
}

const lower = ({ top, height }: Card): Card => ({ top: top + 12, height });

function StepCard({
  step,
  mark,
  selected,
  tall,
  side,
  index,
  ...rest
}: {
  step: LayerStep;
  mark: StepMark | undefined;
  selected: boolean;
  tall: boolean;
  side: number;
  index: number;
  tabIndex: number;
  style: React.CSSProperties;
  onFocus(): void;
  onKeyDown(event: KeyboardEvent): void;
  onClick(event: MouseEvent): void;
}) {
  const { t } = useTranslation();
  const words = useLayerWords();
  const { Layer } = step;
  const flat = !Layer || mark === 'same';
  const freesNothing = Layer !== null && !Layer.Writable && Layer.Removes > 0 && Layer.Size < Layer.Removes / 10;
  const share = Layer && Layer.Size > 0 ? Math.min(100, (Layer.Wasted / Layer.Size) * 100) : 0;
  return (
    <div
      role="option"
      aria-selected={selected}
      aria-label={words.card(step, mark)}
      title={stepWords(t, step)}
      data-side={side}
      data-step={index}
      className={clsx('layer-card', flat && 'flat', selected && 'selected', mark && `is-${mark}`)}
      {...rest}
    >
      {mark && mark !== 'same' && <span className="edge" aria-hidden />}
      <span className="cmd">{stepWords(t, step)}</span>
      {Layer && tall && (
        <span className={clsx('meta', freesNothing && 'c-bad')}>
          {Layer.Writable && <b>{t('layers.writable')} · </b>}
          {bytes(Layer.Size)}
          {mark && mark !== 'same' && ` · ${t(`layers.mark.${mark}`)}`}
          {freesNothing
            ? ` · ${t('layers.freesNothing')}`
            : Layer.Wasted > 0 && ` · ${t('layers.wastedOf', { size: bytes(Layer.Wasted) })}`}
        </span>
      )}
      {Layer && tall && (selected || Layer.Wasted > 0) && Layer.Size > 0 && (
        <span className="waste" aria-hidden>
          <i style={{ width: `${100 - share}%` }} />
          {share > 0 && <i className="lost" style={{ width: `${Math.max(3, share)}%` }} />}
        </span>
      )}
    </div>
  );
}
