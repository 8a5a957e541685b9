import { useEffect, useRef, type ReactNode, type SyntheticEvent } from 'react';
import { Dialog as Radix } from 'radix-ui';
import { clsx } from 'clsx';
import { useReturnFocus } from './return-focus.js';

export interface DialogProps {
  /** The sentence of the act. */
  title: string;
  description?: ReactNode;
  width?: 'narrow' | 'normal' | 'wide' | 'large';
  children?: ReactNode;
  /** Stays in sight between what scrolls and the buttons. */
  below?: ReactNode;
  footer: ReactNode;
  onClose(): void;
  /** It is away, and the focus is back where it was. */
  onClosed?(): void;
  /** What Enter does; Control with it, from wherever the focus is. */
  onSubmit?(): void;
  /** Selector of what gets the focus; else the first field. */
  focus?: string;
}

const FIELDS = 'input, textarea, select';

/** A modal dialog: focus stays inside, Escape cancels, focus returns to what opened it. */
export function Dialog({
  title,
  description,
  width = 'normal',
  children,
  below,
  footer,
  onClose,
  onClosed,
  onSubmit,
  focus,
}: DialogProps) {
  const returnFocus = useReturnFocus();
  const body = useRef<HTMLFormElement>(null);
  const before = useRef(focus);
  useEffect(() => {
    // It has become another dialog, and what had the focus is gone with that.
    const lost = !body.current?.contains(document.activeElement);
    if (lost && before.current !== focus) body.current?.querySelector<HTMLElement>(focus ?? FIELDS)?.focus();
    before.current = focus;
  }, [focus]);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    event.stopPropagation();
    onSubmit?.();
  };
  return (
    <Radix.Root open onOpenChange={(open) => !open && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="veil">
          <Radix.Content
            className={clsx('dialog', width !== 'normal' && width)}
            onCloseAutoFocus={(event) => {
              returnFocus(event);
              onClosed?.();
            }}
            onOpenAutoFocus={(event) => {
              const target = body.current?.querySelector<HTMLElement>(focus ?? FIELDS);
              if (!target) return;
              event.preventDefault();
              target.focus();
            }}
            {...(description ? {} : { 'aria-describedby': undefined })}
          >
            {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- the keys bubble up from its fields */}
            <form
              ref={body}
              onSubmit={submit}
              onKeyDown={(event) => {
                if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit(event);
              }}
              style={{ display: 'contents' }}
              noValidate
            >
              <div className="dialog-head">
                <Radix.Title>{title}</Radix.Title>
                {description && <Radix.Description>{description}</Radix.Description>}
              </div>
              {children && <div className="dialog-body">{children}</div>}
              {below && <div className="dialog-below">{below}</div>}
              <div className="dialog-foot">{footer}</div>
            </form>
          </Radix.Content>
        </Radix.Overlay>
      </Radix.Portal>
    </Radix.Root>
  );
}
