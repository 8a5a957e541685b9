import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useEngine } from '../store/index.js';
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

/** A name that an image is being given: what is typed, and what has that name already. `title`: of the dialog. */
export function useNewName(reference: string, title: string) {
  const images = useEngine((state) => state.images);
  const [text, setText] = useState(reference.startsWith('sha256:') ? '' : reference);
  const [touched, setTouched] = useState(false);
  const { failure, fail, forget, isShown } = useFailure(title);
  const problem = newNameProblem(text);
  const wanted = familiar(text);
  return {
    ...{ text, problem, wanted, failure, isShown },
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
  places?: string[];
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
