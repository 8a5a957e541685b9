import { useEffect, useRef, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../ui/Button.js';
import { Dialog } from '../ui/Dialog.js';
import { holdLeaving } from '../ui/route.js';

/**
 * Closes at once what nothing was typed into, and asks before what was typed goes: with the dialog, with the whole window, or where it is part of one
 * with the page. What was agreed to goes when the question is away: the next one gives the focus back to what had it before the first.
 */
export function useDiscard(
  typed: boolean,
  text: string,
  onClose: () => void,
  of: 'window' | 'page' = 'window',
): { close(): void; question: ReactNode } {
  const { t } = useTranslation();
  const [asked, setAsked] = useState<{ agree(discard: () => void): void }>();
  const stay = () => setAsked(undefined);
  const agreed = useRef<() => void>(undefined);
  useEffect(() => (typed ? holdLeaving((agree) => setAsked({ agree }), of) : undefined), [typed, of]);
  const question = asked && (
    <Dialog
      width="narrow"
      title={t('form.discard.title')}
      description={text}
      onClose={stay}
      onSubmit={() => {
        agreed.current = () => asked.agree(onClose);
        stay();
      }}
      onClosed={() => {
        const go = agreed.current;
        agreed.current = undefined;
        go?.();
      }}
      focus="[data-stay]"
      footer={
        <>
          <span className="grow" />
          <Button variant="ghost" shortcut="Esc" onClick={stay} data-stay>
            {t('form.discard.stay')}
          </Button>
          <Button variant="danger-fill" type="submit">
            {t('form.discard.submit')}
          </Button>
        </>
      }
    />
  );
  return { close: () => (typed ? setAsked({ agree: (discard) => discard() }) : onClose()), question };
}
