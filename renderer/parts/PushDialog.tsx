import { useState } from 'react';
import { ArrowUpFromLine, LogIn } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useEngine, useEngineStore } from '../store/index.js';
import { can } from '../store/registries-slice.js';
import { useSurface } from '../store/surface.js';
import { Button } from '../ui/Button.js';
import { quoted } from './command-line.js';
import { LoginDialog } from './LoginDialog.js';
import { NewNameDialog, useNewName } from './NewName.js';
import { parseReference } from './reference.js';

/** Asks where an image goes to; under another name it gets that name first. The push is a task. */
export function PushDialog({ id, reference, onClose }: { id: string; reference: string; onClose(): void }) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const show = useSurface((surface) => surface.show);
  const registries = useEngine((state) => state.registries);
  const knows = useEngine(can('registries'));
  const [logging, setLogging] = useState(false);
  const name = useNewName(reference, t('push.title'));
  const { text, problem, wanted, taken } = name;
  const registry = problem ? undefined : parseReference(text)?.registry;
  const user = registries?.find(({ host }) => host === registry)?.user;
  const submit = async () => {
    if (taken?.id !== id) {
      await store.getState().tagImage(id, wanted);
      await store.getState().loadImages();
      if (!name.isShown()) return;
    }
    store.getState().push(wanted);
    show({ tasks: true });
    onClose();
  };
  const note =
    registry === undefined
      ? t('push.hint')
      : taken?.id === id
        ? t('push.to', { registry })
        : t('push.tagsFirst', { registry });
  const known = (registries ?? []).filter(({ host }) => host !== 'docker.io');
  return (
    <NewNameDialog
      name={name}
      label={t('push.name')}
      hint={note}
      places={known.map(({ host }) => `${host}/${text.split('/').at(-1) ?? ''}`)}
      command={problem ? undefined : `docker push ${quoted(wanted)}`}
      submit={{ label: t('push.submit'), icon: ArrowUpFromLine }}
      onSubmit={submit}
      onClose={onClose}
    >
      {knows && registry !== undefined && (
        <p className="row g8 s12 t2">
          <span className="grow">
            {user === undefined ? t('push.notLoggedIn', { registry }) : t('push.loggedIn', { registry, user })}
          </span>
          {user === undefined && (
            <Button size="small" icon={LogIn} onClick={() => setLogging(true)}>
              {t('login.dots')}
            </Button>
          )}
        </p>
      )}
      {logging && registry !== undefined && <LoginDialog host={registry} onClose={() => setLogging(false)} />}
    </NewNameDialog>
  );
}
