import { useEffect, useRef, useState } from 'react';
import { Trash2, type LucideIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Button } from './Button.js';

const SECONDS = 10;
/** The circumference of the ring of radius 8. */
const AROUND = 2 * Math.PI * 8;

interface UndoToastProps {
  title: string;
  detail: string;
  /** What was done; removing when not given. */
  icon?: LucideIcon | undefined;
  onUndo(): void;
  /** Its time is over, or it was used. */
  onEnd(): void;
}

/** The toasts that stand, oldest first: Ctrl+Z takes back the last. */
const standing: symbol[] = [];

/** Whether Ctrl+Z means something else here: text that is typed, a terminal, a dialog. */
const takesUndo = (target: EventTarget | null): boolean =>
  target instanceof Element &&
  target.closest('input:not([type=checkbox]), textarea, select, [contenteditable], [data-terminal], [role=dialog]') !==
    null;

/** Counts from ten to nothing; it waits while somebody points at it or has the focus in it. */
export function UndoToast({ title, detail, icon: Icon = Trash2, onUndo, onEnd }: UndoToastProps) {
  const { t } = useTranslation();
  const [left, setLeft] = useState(SECONDS);
  const held = useRef({ pointer: false, focus: false });
  const used = useRef(false);
  const undo = () => {
    if (used.current) return; // it takes a moment to leave
    used.current = true;
    onEnd();
    onUndo();
  };
  const acts = useRef({ undo, onEnd });
  useEffect(() => {
    acts.current = { undo, onEnd };
  });

  useEffect(() => {
    const timer = setInterval(() => {
      if (!held.current.pointer && !held.current.focus && !document.hidden) setLeft((seconds) => seconds - 1);
    }, 1000);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    if (left <= 0) acts.current.onEnd();
  }, [left]);

  useEffect(() => {
    const me = Symbol('toast');
    standing.push(me);
    const onKeyDown = (event: KeyboardEvent) => {
      const isUndo =
        event.ctrlKey && !event.shiftKey && !event.altKey && !event.metaKey && event.key.toLowerCase() === 'z';
      if (!isUndo || event.defaultPrevented || standing.at(-1) !== me || takesUndo(event.target)) return;
      event.preventDefault();
      standing.splice(standing.indexOf(me), 1);
      acts.current.undo();
    };
    addEventListener('keydown', onKeyDown);
    return () => {
      removeEventListener('keydown', onKeyDown);
      const at = standing.indexOf(me);
      if (at >= 0) standing.splice(at, 1);
    };
  }, []);

  return (
    // A region of its own: F6 comes here.
    <div
      className="toast"
      data-region
      tabIndex={-1}
      role="status"
      onPointerEnter={() => (held.current.pointer = true)}
      onPointerLeave={() => (held.current.pointer = false)}
      onFocus={() => (held.current.focus = true)}
      onBlur={() => (held.current.focus = false)}
    >
      <Icon className="icon s14 t2" aria-hidden />
      <div className="grow">
        <b className="b6">{title}</b>
        <p>{detail}</p>
      </div>
      <Button size="small" shortcut="Ctrl Z" onClick={undo}>
        {t('common.undo')}
      </Button>
      <span className="countdown num" aria-hidden>
        <svg viewBox="0 0 20 20">
          <circle className="track" cx="10" cy="10" r="8" />
          <circle cx="10" cy="10" r="8" strokeDasharray={`${(AROUND * left) / SECONDS} ${AROUND}`} />
        </svg>
        {left}
      </span>
    </div>
  );
}
