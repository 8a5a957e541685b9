import { useState, type ReactNode } from 'react';
import { Trash2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Button } from '../../ui/Button.js';
import { Dialog } from '../../ui/Dialog.js';
import { Field, Problem } from '../../ui/Field.js';
import { useFailure } from '../use-failure.js';

interface Ask {
  onClose(): void;
  /** What is wrong with it stays in the dialog; where that has been closed, it is said beside. */
  act(name: string): Promise<void>;
}

/** A new folder, or another name for what is there. */
export function NameDialog({
  title,
  submit,
  before = '',
  onClose,
  act,
}: Ask & { title: string; submit: string; before?: string }) {
  const { t } = useTranslation();
  const [name, setName] = useState(before);
  const { failure, fail, forget } = useFailure(title);
  const [busy, setBusy] = useState(false);
  const wrong = name.includes('/') || name === '.' || name === '..' ? t('files.badName') : failure;
  const go = async () => {
    if (name === '' || name === before || name.includes('/') || busy) return;
    setBusy(true);
    try {
      await act(name);
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
      onClose={onClose}
      onSubmit={() => void go()}
      footer={
        <Foot onClose={onClose}>
          <Button variant="primary" type="submit" disabled={busy || name === '' || name === before}>
            {submit}
          </Button>
        </Foot>
      }
    >
      <Field label={t('files.name')} problem={wrong}>
        <input
          type="text"
          className="input"
          value={name}
          spellCheck={false}
          onFocus={(event) => event.target.select()}
          onChange={(event) => {
            setName(event.target.value);
            forget();
          }}
        />
      </Field>
    </Dialog>
  );
}

/** For what cannot be taken back: the focus is on Cancel. What goes may stand below. */
export function SureDialog({
  title,
  text,
  submit,
  onClose,
  act,
  children,
}: Omit<Ask, 'act'> & { title: string; text: string; submit: string; act(): Promise<void>; children?: ReactNode }) {
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

function Foot({ onClose, children }: { onClose(): void; children: ReactNode }) {
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
