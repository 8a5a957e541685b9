import { useEffect, useRef, type ReactNode } from 'react';
import { CircleAlert, CircleCheck, Trash2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Button } from '../ui/Button.js';
import { CopyButton } from '../ui/Copy.js';
import { Dialog } from '../ui/Dialog.js';
import { Segments } from '../ui/Segments.js';
import { useEngineName } from './RemoveDialog.js';

/** The exact list of what goes, before anything goes; then what came of each. The words are those of what is pruned. */
export function PruneDialog<Scope extends string>({
  title,
  description,
  stage,
  scope,
  list,
  before,
  none,
  status,
  submit,
  command,
  extra,
  onSubmit,
  onClose,
  children,
}: {
  title: string;
  description: string;
  /** It is asked; what was chosen goes; it is over. */
  stage: 'asked' | 'going' | 'over';
  /** What there is to choose from. */
  scope: { label: string; options: { value: Scope; label: string }[]; value: Scope; onChange(scope: Scope): void };
  list: { label: string; busy?: boolean };
  /** Above the list. */
  before?: ReactNode;
  /** Stands in for the list. */
  none: ReactNode;
  status: ReactNode;
  submit: { label: string; disabled: boolean };
  /** The same for a shell, where there is one. */
  command: string | undefined;
  /** Above the sum. */
  extra?: ReactNode;
  onSubmit(): void;
  onClose(): void;
  /** Lines. */
  children: ReactNode;
}) {
  const { t } = useTranslation();
  const engine = useEngineName();
  const body = useRef<HTMLDivElement>(null);
  const asked = stage === 'asked';
  const over = stage === 'over';
  // The button that was pressed is gone with the question.
  useEffect(() => {
    if (over) body.current?.closest('[role="dialog"]')?.querySelector<HTMLElement>('[data-cancel]')?.focus();
  }, [over]);
  return (
    <Dialog
      width="wide"
      title={title}
      description={description}
      onClose={onClose}
      onSubmit={onSubmit}
      focus="[data-cancel]"
      footer={
        asked ? (
          <>
            {command !== undefined && <CopyButton text={command} label={t('common.copyAsCommand')} />}
            <span className="grow" />
            <Button variant="ghost" shortcut="Esc" onClick={onClose} data-cancel>
              {t('common.cancel')}
            </Button>
            <Button variant="danger-fill" type="submit" icon={Trash2} disabled={submit.disabled}>
              {submit.label}
            </Button>
          </>
        ) : (
          <>
            <span className="grow" />
            <Button variant="primary" shortcut="Esc" disabled={!over} onClick={onClose} data-cancel>
              {t('common.close')}
            </Button>
          </>
        )
      }
    >
      <div className="prune" ref={body}>
        {asked && <Segments<Scope> {...scope} />}
        {before}
        {none ?? (
          <ul className="victims prune-list" aria-label={list.label} aria-busy={list.busy}>
            {children}
          </ul>
        )}
        {extra}
        <p className="s12 t2" role="status">
          {status}
        </p>
        <p className="s12 t3">{t('remove.engine', { name: engine })}</p>
      </div>
    </Dialog>
  );
}

/** What came of one; `asked`: it is not known yet whether it goes. */
export type PruneState = 'asked' | 'waiting' | 'gone' | 'failed';

/** One that goes or is spared. */
export function PruneLine({
  name,
  named,
  tag,
  more,
  problem,
  size,
  aside,
  state,
  goes,
  choose,
  onToggle,
}: {
  name: string;
  /** Somebody gave it that name. */
  named: boolean;
  tag: string | undefined;
  more: string | undefined;
  /** Why it stays. */
  problem: string | undefined;
  size: string;
  /** Below the size. */
  aside: string;
  state: PruneState;
  goes: boolean;
  /** What a screen reader calls its box. */
  choose: string;
  onToggle(goes: boolean): void;
}) {
  const words = (
    <>
      <span className="grow">
        <span className={named ? 'b6' : 'mono'}>{name}</span>
        {tag !== undefined && <span className="t3 s12"> {tag}</span>}
        {more !== undefined && <span className="t3 s12 cut prune-names">{more}</span>}
        {problem !== undefined && <span className="s12 t2 select prune-names">{problem}</span>}
      </span>
      <span className="right num s12 prune-size">
        <span>{size}</span>
        <span className="t3">{aside}</span>
      </span>
    </>
  );
  if (state === 'asked')
    return (
      <li>
        <label className="prune-line">
          <input
            type="checkbox"
            className="check"
            checked={goes}
            onChange={(event) => onToggle(event.target.checked)}
            aria-label={choose}
          />
          {words}
        </label>
      </li>
    );
  return (
    <li>
      <Outcome state={state} />
      {words}
    </li>
  );
}

function Outcome({ state }: { state: Exclude<PruneState, 'asked'> }) {
  const { t } = useTranslation();
  if (state === 'waiting') return <span className="s14 prune-wait" aria-hidden />;
  return state === 'gone' ? (
    <CircleCheck className="icon s14 c-run" aria-label={t('prune.gone')} role="img" />
  ) : (
    <CircleAlert className="icon s14 c-fail" aria-label={t('prune.stays')} role="img" />
  );
}
