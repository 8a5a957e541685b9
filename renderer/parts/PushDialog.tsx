import { useState } from 'react';
import { ArrowUpFromLine, LogIn } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { messageOf, useEngine, useEngineStore } from '../store/index.js';
import { can } from '../store/registries-slice.js';
import { useSurface } from '../store/surface.js';
import { Button } from '../ui/Button.js';
import { CopyButton } from '../ui/Copy.js';
import { Dialog } from '../ui/Dialog.js';
import { Field, Problem } from '../ui/Field.js';
import { quoted } from './command-line.js';
import { namedImages } from './image-names.js';
import { LoginDialog } from './LoginDialog.js';
import { familiar, parseReference } from './reference.js';
import { newNameProblem } from './TagDialog.js';

/** Asks where an image goes to; under another name it gets that name first. The push is a task. */
export function PushDialog({ id, reference, onClose }: { id: string; reference: string; onClose(): void }) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const show = useSurface((surface) => surface.show);
  const images = useEngine((state) => state.images);
  const registries = useEngine((state) => state.registries);
  const knows = useEngine(can('registries'));
  const [text, setText] = useState(reference.startsWith('sha256:') ? '' : reference);
  const [touched, setTouched] = useState(false);
  const [logging, setLogging] = useState(false);
  const [failure, setFailure] = useState<string>();
  const problem = newNameProblem(text);
  const wanted = familiar(text);
  const registry = problem ? undefined : parseReference(text)?.registry;
  const user = registries?.find(({ host }) => host === registry)?.user;
  const taken = namedImages(images ?? []).find((row) => row.reference === wanted);
  const submit = async () => {
    setTouched(true);
    if (problem) return;
    try {
      if (taken?.id !== id) {
        await store.getState().tagImage(id, wanted);
        await store.getState().loadImages();
      }
      store.getState().push(wanted);
      show({ tasks: true });
      onClose();
    } catch (error) {
      setFailure(messageOf(error));
    }
  };
  const note =
    registry === undefined
      ? t('push.hint')
      : taken?.id === id
        ? t('push.to', { registry })
        : t('push.tagsFirst', { registry });
  const known = (registries ?? []).filter(({ host }) => host !== 'docker.io');
  return (
    <Dialog
      title={t('push.title')}
      onClose={onClose}
      onSubmit={() => void submit()}
      footer={
        <>
          {!problem && <CopyButton text={`docker push ${quoted(wanted)}`} label={t('common.copyAsCommand')} />}
          <span className="grow" />
          <Button variant="ghost" shortcut="Esc" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button variant="primary" type="submit" icon={ArrowUpFromLine} shortcut="↵">
            {t('push.submit')}
          </Button>
        </>
      }
    >
      <Field
        label={t('push.name')}
        hint={note}
        problem={problem && (touched || problem !== 'missing') ? t(`tag.problem.${problem}`) : undefined}
      >
        <input
          className="input mono"
          name="reference"
          list="push-places"
          value={text}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => {
            setText(event.target.value);
            setFailure(undefined);
          }}
        />
      </Field>
      <datalist id="push-places">
        {known.map(({ host }) => (
          <option key={host} value={`${host}/${text.split('/').at(-1) ?? ''}`} />
        ))}
      </datalist>
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
      {failure && <Problem>{failure}</Problem>}
      {logging && registry !== undefined && <LoginDialog host={registry} onClose={() => setLogging(false)} />}
    </Dialog>
  );
}
