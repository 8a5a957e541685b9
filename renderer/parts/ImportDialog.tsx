import { useState } from 'react';
import { PackagePlus } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useEngineStore } from '../store/index.js';
import { useSurface } from '../store/surface.js';
import { Button } from '../ui/Button.js';
import { Dialog } from '../ui/Dialog.js';
import { Field } from '../ui/Field.js';
import { newNameProblem } from './NewName.js';
import { familiar } from './reference.js';

/** A name to begin with, of a file's: `rootfs.tar.gz` is `rootfs`. */
const nameOfFile = (name: string): string =>
  name
    .toLowerCase()
    .replace(/\.(?:tar(?:\.\w+)?|tgz|tzst)$/, '')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');

/** Makes an image of a root file system's tar; `task`: the load that found no image in it. */
export function ImportDialog({ task, onClose }: { task: number; onClose(): void }) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const show = useSurface((surface) => surface.show);
  const [archive] = useState(() => store.getState().archiveOf(task));
  const [text, setText] = useState(nameOfFile(archive?.name ?? ''));
  const problem = text.trim() === '' ? undefined : newNameProblem(text);
  const submit = () => {
    if (problem || !archive) return;
    store.getState().dismissTask(task);
    store.getState().importArchive(archive, text.trim() === '' ? undefined : familiar(text));
    show({ tasks: true });
    onClose();
  };
  return (
    <Dialog
      width="narrow"
      title={t('import.title', { name: archive?.name ?? '' })}
      description={t('import.text')}
      onClose={onClose}
      onSubmit={submit}
      footer={
        <>
          <span className="grow" />
          <Button variant="ghost" shortcut="Esc" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button variant="primary" type="submit" icon={PackagePlus} shortcut="↵">
            {t('import.submit')}
          </Button>
        </>
      }
    >
      <Field label={t('tag.name')} hint={t('import.hint')} problem={problem ? t(`tag.problem.${problem}`) : undefined}>
        <input
          className="input mono"
          name="reference"
          value={text}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => setText(event.target.value)}
        />
      </Field>
    </Dialog>
  );
}
