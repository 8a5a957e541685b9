import { useState, type ReactNode } from 'react';
import type { LucideIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useEngine } from '../store/index.js';
import { Button } from '../ui/Button.js';
import { CopyButton } from '../ui/Copy.js';
import { Dialog, type DialogProps } from '../ui/Dialog.js';
import { Field, Problem } from '../ui/Field.js';
import { namedImages } from './image-names.js';
import { familiar, parseReference, referenceProblem } from './reference.js';
import { useFailure } from './use-failure.js';

/** Why a text cannot be an image's new name. */
export function newNameProblem(text: string): 'missing' | 'uppercase' | 'invalid' | 'digest' | undefined {
  const problem = referenceProblem(text);
  if (problem) return problem;
  const parsed = parseReference(text);
  return parsed === undefined || parsed.digest !== undefined ? 'digest' : undefined;
}

/** A name that an image is being given by a dialog: what is typed, and what has that name already. */
export function useNewName(reference: string, title: string) {
  const images = useEngine((state) => state.images);
  const [text, setText] = useState(reference.startsWith('sha256:') ? '' : reference);
  const [touched, setTouched] = useState(false);
  const { failure, fail, forget, isShown } = useFailure(title);
  const problem = newNameProblem(text);
  const wanted = familiar(text);
  return {
    ...{ title, text, problem, wanted, failure, isShown },
    /** Nothing is said of a name that nobody has begun to type. */
    shown: problem && (touched || problem !== 'missing') ? problem : undefined,
    taken: namedImages(images ?? []).find((row) => row.reference === wanted),
    type(next: string) {
      setText(next);
      forget();
    },
    /** Where the name is one; what goes wrong stands below it. */
    async submit(act: () => Promise<void>) {
      setTouched(true);
      if (problem) return;
      try {
        await act();
      } catch (error) {
        fail(error);
      }
    },
  };
}

export function NewNameField({
  name,
  label,
  hint,
  places = [],
}: {
  name: Pick<ReturnType<typeof useNewName>, 'text' | 'type' | 'shown' | 'failure'>;
  label: string;
  hint: string;
  /** Names that are offered. */
  places?: string[] | undefined;
}) {
  const { t } = useTranslation();
  return (
    <>
      <Field label={label} hint={hint} problem={name.shown && t(`tag.problem.${name.shown}`)}>
        <input
          className="input mono"
          name="reference"
          list={places.length > 0 ? 'name-places' : undefined}
          value={name.text}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => name.type(event.target.value)}
        />
      </Field>
      {places.length > 0 && (
        <datalist id="name-places">
          {places.map((place) => (
            <option key={place} value={place} />
          ))}
        </datalist>
      )}
      {name.failure && <Problem>{name.failure}</Problem>}
    </>
  );
}

/** Asks for the name. */
export function NewNameDialog({
  name,
  width,
  label,
  hint,
  places,
  command,
  submit,
  onSubmit,
  onClose,
  children,
}: {
  name: ReturnType<typeof useNewName>;
  width?: DialogProps['width'];
  label: string;
  hint: string;
  /** Names that are offered. */
  places?: string[];
  /** The same for a shell. */
  command: string | undefined;
  submit: { label: string; icon: LucideIcon; disabled?: boolean };
  onSubmit(): Promise<void>;
  onClose(): void;
  /** Below the name. */
  children?: ReactNode;
}) {
  const { t } = useTranslation();
  return (
    <Dialog
      width={width}
      title={name.title}
      onClose={onClose}
      onSubmit={() => void name.submit(onSubmit)}
      footer={
        <>
          {command !== undefined && <CopyButton text={command} label={t('common.copyAsCommand')} />}
          <span className="grow" />
          <Button variant="ghost" shortcut="Esc" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button variant="primary" type="submit" icon={submit.icon} shortcut="↵" aria-disabled={submit.disabled}>
            {submit.label}
          </Button>
        </>
      }
    >
      <NewNameField name={name} label={label} hint={hint} places={places} />
      {children}
    </Dialog>
  );
}
