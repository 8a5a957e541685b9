import { useState } from 'react';
import { Plus } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { isRegistryHost } from '../../parts/reference.js';
import { Button } from '../../ui/Button.js';
import { Dialog } from '../../ui/Dialog.js';
import { Field } from '../../ui/Field.js';
import { navigate, pathTo } from '../../ui/route.js';

/** Asks which registry, and opens it: there it can be looked into, logged in to, trusted and mirrored. */
export function AddRegistryDialog({ onClose }: { onClose(): void }) {
  const { t } = useTranslation();
  const [host, setHost] = useState('');
  const [touched, setTouched] = useState(false);
  const fits = isRegistryHost(host.trim());
  const submit = () => {
    setTouched(true);
    if (!fits) return;
    onClose();
    navigate(pathTo('registries', host.trim(), 'access'));
  };
  return (
    <Dialog
      width="narrow"
      title={t('registries.addTitle')}
      onClose={onClose}
      onSubmit={submit}
      footer={
        <>
          <span className="grow" />
          <Button variant="ghost" shortcut="Esc" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button variant="primary" type="submit" icon={Plus} shortcut="↵">
            {t('registries.add')}
          </Button>
        </>
      }
    >
      <Field
        label={t('login.host')}
        hint={t('login.hostHint')}
        problem={touched && !fits ? t('login.hostWrong') : undefined}
      >
        <input
          className="input mono"
          name="host"
          value={host}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => setHost(event.target.value)}
        />
      </Field>
    </Dialog>
  );
}
