import { useState } from 'react';
import { Tag } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { messageOf, useEngine, useEngineStore } from '../store/index.js';
import { Button } from '../ui/Button.js';
import { CopyButton } from '../ui/Copy.js';
import { Dialog } from '../ui/Dialog.js';
import { Field, Problem } from '../ui/Field.js';
import { notifyDone } from '../ui/notify.js';
import { joinCommand } from './command-line.js';
import { namedImages } from './image-names.js';
import { familiar, parseReference, referenceProblem } from './reference.js';

/** Why a text cannot be an image's new name. */
export function newNameProblem(text: string): 'missing' | 'uppercase' | 'invalid' | 'digest' | undefined {
  const problem = referenceProblem(text);
  if (problem) return problem;
  const parsed = parseReference(text);
  return parsed === undefined || parsed.digest !== undefined ? 'digest' : undefined;
}

/** Gives an image a further name. */
export function TagDialog({ id, reference, onClose }: { id: string; reference: string; onClose(): void }) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const images = useEngine((state) => state.images);
  const [text, setText] = useState(reference.startsWith('sha256:') ? '' : reference);
  const [touched, setTouched] = useState(false);
  const [failure, setFailure] = useState<string>();
  const problem = newNameProblem(text);
  const wanted = familiar(text);
  const taken = namedImages(images ?? []).find((row) => row.reference === wanted);
  const same = taken?.id === id;
  const submit = async () => {
    setTouched(true);
    if (problem || same) return;
    try {
      await store.getState().tagImage(id, wanted);
      await store.getState().loadImages();
      notifyDone(t('tag.done', { reference: wanted }));
      onClose();
    } catch (error) {
      setFailure(messageOf(error));
    }
  };
  const hint = same ? t('tag.same') : taken ? t('tag.moves', { reference: wanted }) : t('tag.hint');
  return (
    <Dialog
      width="narrow"
      title={t('tag.title')}
      onClose={onClose}
      onSubmit={() => void submit()}
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
      <Field
        label={t('tag.name')}
        hint={hint}
        problem={problem && (touched || problem !== 'missing') ? t(`tag.problem.${problem}`) : undefined}
      >
        <input
          className="input mono"
          name="reference"
          value={text}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => {
            setText(event.target.value);
            setFailure(undefined);
          }}
        />
      </Field>
      {failure && <Problem>{failure}</Problem>}
    </Dialog>
  );
}
