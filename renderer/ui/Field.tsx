import { cloneElement, useId, type ReactElement, type ReactNode } from 'react';
import { CircleAlert } from 'lucide-react';

interface Control {
  id?: string;
  'aria-describedby'?: string;
  'aria-invalid'?: boolean;
}

/** A label over its control, with a hint or what is wrong with it below. */
export function Field({
  label,
  mark,
  hint,
  problem,
  children,
}: {
  label: string;
  /** Stands beside the label and is no part of the name. */
  mark?: ReactNode;
  hint?: ReactNode;
  problem?: string;
  children: ReactElement<Control>;
}) {
  const id = useId();
  const note = problem ?? hint;
  return (
    <div className="field">
      {mark ? (
        <span className="field-label">
          <label htmlFor={id}>{label}</label>
          {mark}
        </span>
      ) : (
        <label htmlFor={id}>{label}</label>
      )}
      {cloneElement(children, {
        id,
        'aria-invalid': problem !== undefined,
        'aria-describedby': note === undefined ? undefined : `${id}-note`,
      })}
      {problem !== undefined ? (
        <span className="problem" id={`${id}-note`}>
          {problem}
        </span>
      ) : (
        hint && (
          <span className="hint" id={`${id}-note`}>
            {hint}
          </span>
        )
      )}
    </div>
  );
}

/** What failed, where the person acted. */
export function Problem({ children }: { children: ReactNode }) {
  return (
    <div className="problem" role="alert">
      <CircleAlert className="icon s14" aria-hidden />
      <span>{children}</span>
    </div>
  );
}

export function CheckLine({
  label,
  hint,
  checked,
  disabled,
  onChange,
}: {
  label: string;
  hint?: ReactNode;
  checked: boolean;
  disabled?: boolean;
  onChange(checked: boolean): void;
}) {
  const id = useId();
  return (
    <div className="check-line">
      <input
        id={id}
        type="checkbox"
        className="check"
        checked={checked}
        disabled={disabled}
        onChange={(event) => onChange(event.target.checked)}
        aria-describedby={hint ? `${id}-hint` : undefined}
      />
      <label htmlFor={id}>{label}</label>
      {hint && (
        <span className="hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
    </div>
  );
}
