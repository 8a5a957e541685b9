import { useState } from 'react';
import { LogIn } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '../../main/client/index.js';
import { useEngineStore } from '../store/index.js';
import { Button } from '../ui/Button.js';
import { Dialog } from '../ui/Dialog.js';
import { Field, Problem } from '../ui/Field.js';
import { notifyDone } from '../ui/notify.js';
import { isRegistryHost } from './reference.js';
import { useFailure } from './use-failure.js';

/** Logs in to a registry: checked there, then kept by the engine. A password is never shown again. */
export function LoginDialog({
  host = '',
  user = '',
  onClose,
  onDone,
}: {
  /** Empty: it is asked for. */
  host?: string;
  user?: string;
  onClose(): void;
  onDone?(): void;
}) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const [where, setWhere] = useState(host);
  const [username, setUsername] = useState(user);
  const [password, setPassword] = useState('');
  const [touched, setTouched] = useState(false);
  const [busy, setBusy] = useState(false);
  const { failure, fail, forget, isShown } = useFailure(t('login.title', { host: where.trim() }));
  const known = host !== '';
  const missing = {
    host: !isRegistryHost(where.trim()) ? t('login.hostWrong') : undefined,
    username: username.trim() === '' ? t('login.usernameMissing') : undefined,
    password: password === '' ? t('login.passwordMissing') : undefined,
  };
  const submit = async () => {
    setTouched(true);
    if (busy || Object.values(missing).some((problem) => problem !== undefined)) return;
    setBusy(true);
    forget();
    try {
      await store.getState().login(where.trim(), { username: username.trim(), password });
      notifyDone(t('login.done', { host: where.trim(), user: username.trim() }));
      if (!isShown()) return;
      onClose();
      onDone?.();
    } catch (error) {
      const refused = error instanceof ApiError && error.kind === 'unauthorized';
      fail(refused ? t('login.refused', { host: where.trim() }) : error);
      setBusy(false);
    }
  };
  return (
    <Dialog
      width="narrow"
      title={known ? t('login.title', { host }) : t('login.titleAny')}
      description={t('login.text')}
      onClose={onClose}
      onSubmit={() => void submit()}
      focus={known ? (user === '' ? 'input[name=username]' : 'input[name=password]') : 'input[name=host]'}
      footer={
        <>
          <span className="grow" />
          <Button variant="ghost" shortcut="Esc" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button variant="primary" type="submit" icon={LogIn} shortcut="↵" aria-disabled={busy}>
            {busy ? t('login.busy') : t('login.submit')}
          </Button>
        </>
      }
    >
      {!known && (
        <Field label={t('login.host')} hint={t('login.hostHint')} problem={touched ? missing.host : undefined}>
          <input
            className="input mono"
            name="host"
            value={where}
            spellCheck={false}
            autoComplete="off"
            onChange={(event) => setWhere(event.target.value)}
          />
        </Field>
      )}
      <Field label={t('login.username')} problem={touched ? missing.username : undefined}>
        <input
          className="input"
          name="username"
          value={username}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => setUsername(event.target.value)}
        />
      </Field>
      <Field
        label={t('login.password')}
        hint={t('login.passwordHint')}
        problem={touched ? missing.password : undefined}
      >
        <input
          className="input"
          name="password"
          type="password"
          value={password}
          autoComplete="off"
          onChange={(event) => setPassword(event.target.value)}
        />
      </Field>
      {failure && <Problem>{failure}</Problem>}
    </Dialog>
  );
}
