import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../../ui/Button.js';
import { Dialog } from '../../ui/Dialog.js';
import { Field } from '../../ui/Field.js';
import { Foot } from '../SureDialog.js';
import { useFailure } from '../use-failure.js';

/** A new folder, or another name for what is there. */
export function NameDialog({
  title,
  submit,
  before = '',
  onClose,
  act,
}: {
  title: string;
  submit: string;
  before?: string;
  onClose(): void;
  /** What is wrong with it stays in the dialog; where that has been closed, it is said beside. */
  act(name: string): Promise<void>;
}) {
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
