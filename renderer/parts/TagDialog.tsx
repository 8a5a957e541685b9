import { Tag } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useEngineStore } from '../store/index.js';
import { notifyDone } from '../ui/notify.js';
import { joinCommand } from './command-line.js';
import { NewNameDialog, useNewName } from './NewName.js';

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
    <NewNameDialog
      name={name}
      width="narrow"
      label={t('tag.name')}
      hint={hint}
      command={problem || same ? undefined : `docker tag ${joinCommand([reference, wanted])}`}
      submit={{ label: t('tag.submit'), icon: Tag, disabled: same }}
      onSubmit={submit}
      onClose={onClose}
    />
  );
}
