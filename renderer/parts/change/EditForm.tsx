import { useEffect, useRef, useState } from 'react';
import { Download } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ContainerInspect } from '../../../main/contract/containers.js';
import type { ImageConfig } from '../../../main/contract/images.js';
import type { Wish } from '../../store/changes-slice.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { Button } from '../../ui/Button.js';
import { Problem } from '../../ui/Field.js';
import { useExplain } from '../explain.js';
import { formOf } from '../form/inspect.js';
import { formProblems, sectionOf, type FormFacts, type FormProblem, type Section } from '../form/problems.js';
import type { FormPart } from '../form/rows.js';
import { Folds } from '../form/folds.js';
import { Basics, Environment, Manner } from '../form/sections.js';
import { useFormFacts } from '../form/use-facts.js';
import { plainForm, type ContainerForm } from '../form/value.js';
import { TaskProgress } from '../TaskProgress.js';
import { familiar } from '../reference.js';
import { AppliesTag } from './Difference.js';
import { changeOf, fieldsOf, ofChanged } from './edit.js';
import { FixedFields } from './FixedFields.js';
import { explainChange } from './reasons.js';
import type { Preview } from './use-preview.js';

/** A container and the configuration of its image, where that is here still. */
export interface Subject {
  inspect: ContainerInspect;
  image: ImageConfig | undefined;
}

/** What is typed about a container that is there. */
export interface Edit {
  before: ContainerForm;
  form: ContainerForm;
  set(part: Partial<ContainerForm>): void;
  facts: FormFacts;
  image: ImageConfig | undefined;
  /** What is to be said about what was changed. */
  problems: FormProblem[];
  /** Undefined: nothing is different, or it cannot be so. */
  wish: Wish | undefined;
  /** It is different from what is there. */
  changed: boolean;
  /** Something stands in a field that did not before, whether or not it can be so. */
  typed: boolean;
  draft: Draft;
  open: readonly Section[];
  toggle(section: Section): void;
  /** Brings a field into sight and puts the focus on it. */
  show(field: string): void;
  focusOn: { field: string };
}

/** What is typed that is not so, and which sections are open for it. */
export interface Draft {
  form: Partial<ContainerForm>;
  open: readonly Section[];
}

export function useEdit(subject: Subject | undefined, start = 'name', kept?: Draft): Edit {
  const before = subject ? formOf(subject.inspect, subject.image) : plainForm;
  const [draft, setDraft] = useState<Partial<ContainerForm>>(kept?.form ?? {});
  const [open, setOpen] = useState<readonly Section[]>(() =>
    [...(kept?.open ?? []), sectionOf(start)].filter((one) => one !== undefined),
  );
  const [focusOn, setFocusOn] = useState({ field: start });
  const form = { ...before, ...draft };
  const { facts, image } = useFormFacts(form, subject?.inspect.Id);
  const problems = ofChanged(formProblems(form, facts), before, form);
  const change = changeOf(before, form);
  const wrong = problems.some(({ level }) => level === 'error');
  return {
    ...{ before, form, facts, problems },
    image: image ?? subject?.image,
    draft: { form: draft, open },
    set: (part) => setDraft((last) => ({ ...last, ...part })),
    wish: change && !wrong ? { change } : undefined,
    changed: change !== undefined,
    typed: JSON.stringify(before) !== JSON.stringify(form),
    ...{ open, focusOn },
    toggle: (section) => setOpen(open.includes(section) ? open.filter((one) => one !== section) : [...open, section]),
    show: (field) => {
      const section = sectionOf(field);
      if (section && !open.includes(section)) setOpen([...open, section]);
      setFocusOn({ field });
    },
  };
}

/** The form about a container that is there: each field that is changed says when that applies. */
export function EditForm({
  subject,
  edit,
  preview,
  running,
}: {
  subject: Subject;
  edit: Edit;
  preview: Preview;
  running: boolean;
}) {
  const { before, form, problems, facts, image } = edit;
  const body = useRef<HTMLDivElement>(null);
  const { focusOn } = edit;
  useEffect(() => {
    const { field } = focusOn;
    const find = (selector: string) => body.current?.querySelector<HTMLElement>(selector);
    // Rows that are not there yet are added.
    const rows =
      find(`[data-field="${field}"], [data-field^="${field}."]`) ?? find(`[data-rows="${field}"] [data-add]`);
    rows?.focus();
  }, [focusOn]);
  const applies = new Map(preview.answer?.Changes.map(({ Field, Applies }) => [Field, Applies]));
  const part: FormPart = {
    value: form,
    set: edit.set,
    problemOf: (field) => problems.find((problem) => problem.field === field),
    facts,
    ...(image && { image }),
    mode: 'edit',
    mark: (field) => {
      const said = fieldsOf(field).map((each) => applies.get(each));
      const found = said.includes('restart') ? 'restart' : said.find((each) => each !== undefined);
      const changed = JSON.stringify(form[field]) !== JSON.stringify(before[field]);
      return changed && found ? <AppliesTag applies={running ? found : 'nextStartTag'} /> : undefined;
    },
  };
  return (
    <div className="form-body" ref={body}>
      <Basics {...part} />
      <Environment {...part} />
      <Manner {...part} />
      <Folds part={part} before={before} problems={problems} open={edit.open} onToggle={edit.toggle} />
      <FixedFields inspect={subject.inspect} form={before} />
      {preview.problem !== undefined && <Refusal problem={preview.problem} image={form.image} />}
    </div>
  );
}

/** Why the engine would not do it. */
function Refusal({ problem, image }: { problem: string; image: string }) {
  const { t } = useTranslation();
  if (/no such image/i.test(problem)) return <MissingImage image={image} />;
  return <Problem>{t('change.failed', { error: explainChange(t, problem) })}</Problem>;
}

/** Another image has to be here first. */
function MissingImage({ image }: { image: string }) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const explain = useExplain();
  const reference = familiar(image);
  const task = useEngine((state) => state.tasks.find((one) => one.reference === reference));
  return (
    <>
      <Problem>
        {task?.state === 'failed' ? explain(task.problem ?? '') : t('change.noImage', { image: reference })}
      </Problem>
      {task?.state === 'running' ? (
        <TaskProgress task={task} />
      ) : (
        <div>
          <Button size="small" icon={Download} onClick={() => store.getState().pull(reference)}>
            {t('change.pullIt', { image: reference })}
          </Button>
        </div>
      )}
    </>
  );
}
