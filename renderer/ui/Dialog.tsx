import { useRef, type FormEvent, type ReactNode } from 'react';
import { Dialog as Radix } from 'radix-ui';
import { clsx } from 'clsx';
import { useReturnFocus } from './return-focus.js';

export interface DialogProps {
  /** The sentence of the act. */
  title: string;
  description?: ReactNode;
  width?: 'narrow' | 'normal' | 'wide';
  children?: ReactNode;
  footer: ReactNode;
  onClose(): void;
  /** What Enter does. */
  onSubmit?(): void;
  /** Selector of what gets the focus; else the first field. */
  focus?: string;
}

/** A modal dialog: focus stays inside, Escape cancels, focus returns to what opened it. */
export function Dialog({
  title,
  description,
  width = 'normal',
  children,
  footer,
  onClose,
  onSubmit,
  focus,
}: DialogProps) {
  const returnFocus = useReturnFocus();
  const body = useRef<HTMLFormElement>(null);
  const submit = (event: FormEvent) => {
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
            onCloseAutoFocus={returnFocus}
            onOpenAutoFocus={(event) => {
              const target = body.current?.querySelector<HTMLElement>(focus ?? 'input, textarea, select');
              if (!target) return;
              event.preventDefault();
              target.focus();
            }}
            {...(description ? {} : { 'aria-describedby': undefined })}
          >
            <form ref={body} onSubmit={submit} style={{ display: 'contents' }} noValidate>
              <div className="dialog-head">
                <Radix.Title>{title}</Radix.Title>
                {description && <Radix.Description>{description}</Radix.Description>}
              </div>
              {children && <div className="dialog-body">{children}</div>}
              <div className="dialog-foot">{footer}</div>
            </form>
          </Radix.Content>
        </Radix.Overlay>
      </Radix.Portal>
    </Radix.Root>
  );
}
