import { Tag } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useEngineStore } from '../store/index.js';
import { Button } from '../ui/Button.js';
import { CopyButton } from '../ui/Copy.js';
import { Dialog } from '../ui/Dialog.js';
import { notifyDone } from '../ui/notify.js';
import { joinCommand } from './command-line.js';
import { NewNameField, useNewName } from './NewName.js';

/** Gives an image a further name. */
export function TagDialog({ id, reference, onClose }: { id: string; reference: string; onClose(): void }) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const name = useNewName(reference, t('tag.title'));
  const { problem, wanted, taken } = name;
  const same = taken?.id === id;
  const submit = async () => {
    if (same) return;
    await store.getState().tagImage(id, wanted);
    await store.getState().loadImages();
    notifyDone(t('tag.done', { reference: wanted }));
    onClose();
  };
  const hint = same ? t('tag.same') : taken ? t('tag.moves', { reference: wanted }) : t('tag.hint');
  return (
    <Dialog
      width="narrow"
      title={t('tag.title')}
      onClose={onClose}
      onSubmit={() => void name.submit(submit)}
      footer={
        <>
          {!problem && !same && (
            <CopyButton text={`docker tag ${joinCommand([reference, wanted])}`} label={t('common.copyAsCommand')} />
          )}
          <span className="grow" />
          <Button variant="ghost" shortcut="Esc" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button variant="primary" type="submit" icon={Tag} shortcut="↵" aria-disabled={same}>
            {t('tag.submit')}
          </Button>
        </>
      }
    >
      <NewNameField name={name} label={t('tag.name')} hint={hint} />
    </Dialog>
  );
}
