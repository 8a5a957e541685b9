import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useNow } from '../../ui/clock.js';
import { ago } from '../../ui/format.js';
import type { Shape } from '../container-state.js';
import { ShapeIcon } from '../Shape.js';

/** How long ago something was, followed; `at` in milliseconds, undefined where it never was or nobody knows. */
export function SinceCell({ at }: { at: number | undefined }) {
  const { t } = useTranslation();
  const now = useNow(30_000);
  return <span className="s12 t3 num">{at === undefined ? '–' : ago(t, now - at)}</span>;
}

/** How something is used, a shape and a word, and by whom. */
export function UsedCell({
  shape,
  word,
  names,
  sum,
  children,
}: {
  shape: Shape;
  word: string;
  names: string[];
  /** In one line. */
  sum: string | undefined;
  children?: ReactNode;
}) {
  return (
    <span className="use s12" title={names.join(' ')}>
      <ShapeIcon shape={shape} />
      <span className="cut">
        {word}
        <span className="t3"> · {sum}</span>
      </span>
      {children}
    </span>
  );
}

/** A group's name, what is the case for it as a shape and its word, and how many it has. */
export function GroupName({
  name,
  shape,
  word,
  tally,
}: {
  name: string;
  shape: Shape | undefined;
  word: string | undefined;
  tally: string;
}) {
  return (
    <>
      <b className="cut">{name}</b>
      {shape && <ShapeIcon shape={shape} />}
      {word !== undefined && <span className="hidden-text">{word}</span>}
      <span className="cut">{tally}</span>
    </>
  );
}
