import { useState, type ReactNode } from 'react';
import { Trash2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Button } from '../ui/Button.js';
import { Dialog } from '../ui/Dialog.js';
import { Problem } from '../ui/Field.js';
import { useFailure } from './use-failure.js';

/** For what cannot be taken back: the focus is on Cancel. What goes may stand below. */
export function SureDialog({
  title,
  text,
  submit,
  onClose,
  act,
  children,
}: {
  title: string;
  text: string;
  submit: string;
  onClose(): void;
  /** What is wrong with it stays in the dialog; where that has been closed, it is said beside. */
  act(): Promise<void>;
  children?: ReactNode;
}) {
  const { failure, fail } = useFailure(title);
  const [busy, setBusy] = useState(false);
  const go = async () => {
    setBusy(true);
    try {
      await act();
      onClose();
    } catch (error) {
      fail(error);
      setBusy(false);
    }
  };
  return (
    <Dialog
      width="narrow"
      title={title}
      description={text}
      onClose={onClose}
      onSubmit={() => void go()}
      focus="[data-cancel]"
      footer={
        <Foot onClose={onClose}>
          <Button variant="danger-fill" type="submit" icon={Trash2} disabled={busy}>
            {submit}
          </Button>
        </Foot>
      }
    >
      {children}
      {failure && <Problem>{failure}</Problem>}
    </Dialog>
  );
}

/** The way out before the act. */
export function Foot({ onClose, children }: { onClose(): void; children: ReactNode }) {
  const { t } = useTranslation();
  return (
    <>
      <span className="grow" />
      <Button variant="ghost" shortcut="Esc" onClick={onClose} data-cancel>
        {t('common.cancel')}
      </Button>
      {children}
    </>
  );
}
