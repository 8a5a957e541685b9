import { useEffect, useId, useRef, type ClipboardEvent, type ReactNode } from 'react';
import { CircleAlert, Info, Plus, TriangleAlert, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ImageConfig } from '../../../main/contract/images.js';
import { Button, IconButton } from '../../ui/Button.js';
import { Field } from '../../ui/Field.js';
import type { FormFacts, FormProblem } from './problems.js';
import type { ContainerForm } from './value.js';

/** What every part of the form is given. */
export interface FormPart {
  value: ContainerForm;
  set(part: Partial<ContainerForm>): void;
  /** What to say about a field (`name`, `env.0.key`) now. */
  problemOf(field: string): FormProblem | undefined;
  facts: FormFacts;
  /** Of the image that is named, where it is here: shown where nothing is said. */
  image?: ImageConfig;
  mode?: 'create' | 'edit';
  /** Stands beside a field's label: when a change of it applies. */
  mark?(field: keyof ContainerForm): ReactNode;
}

type Control = { id?: string; 'aria-describedby'?: string; 'aria-invalid'?: boolean };

export function useProblemText(): (problem: FormProblem) => string {
  const { t } = useTranslation();
  return ({ word, params }) => t(`form.problem.${word}`, params ?? {});
}

const ICONS = { error: CircleAlert, warning: TriangleAlert, note: Info };

/** A problem in words, with its sign. */
export function ProblemNote({ problem, id, children }: { problem: FormProblem; id?: string; children?: ReactNode }) {
  const text = useProblemText();
  const Icon = ICONS[problem.level];
  return (
    <span className={`form-note ${problem.level}`} id={id}>
      <Icon className="icon s12" aria-hidden />
      <span>{text(problem)}</span>
      {children}
    </span>
  );
}

/** A field of the form by its name: its label, and what is to be said about it. */
export function FormField({
  part,
  field,
  label,
  hint,
  children,
}: {
  part: FormPart;
  field: string;
  label: string;
  hint?: ReactNode;
  children: React.ReactElement<Control>;
}) {
  const text = useProblemText();
  const problem = part.problemOf(field);
  // Of a group of fields its head has the mark.
  const mark = field.includes('.') ? undefined : part.mark?.(field as keyof ContainerForm);
  return (
    <Field
      label={label}
      mark={mark}
      problem={problem?.level === 'error' ? text(problem) : undefined}
      hint={problem && problem.level !== 'error' ? <ProblemNote problem={problem} /> : hint}
    >
      {children}
    </Field>
  );
}

type TextKey = { [Key in keyof ContainerForm]: ContainerForm[Key] extends string ? Key : never }[keyof ContainerForm];

/** A field that is one line of text. */
export function TextField({
  part,
  field,
  label,
  hint,
  placeholder,
  className = 'mono',
  list,
  onPaste,
}: {
  part: FormPart;
  field: TextKey;
  label: string;
  hint?: ReactNode;
  placeholder?: string;
  className?: string;
  list?: string;
  onPaste?(event: ClipboardEvent): void;
}) {
  return (
    <FormField part={part} field={field} label={label} hint={hint}>
      <input
        className={`input ${className}`}
        name={field}
        data-field={field}
        list={list}
        placeholder={placeholder}
        value={part.value[field]}
        spellCheck={false}
        autoComplete="off"
        onPaste={onPaste}
        onChange={(event) => part.set({ [field]: event.target.value })}
      />
    </FormField>
  );
}

export interface Column<Row> {
  key: keyof Row & string;
  label: string;
  /** A track of the grid. */
  width: string;
  placeholder?: string;
  kind?: 'text' | 'check';
  options?: string[];
  list?: string;
  /** While the cursor is elsewhere it is not to be read. */
  covered?(row: Row): boolean;
}

/** Rows of fields that can be added and removed, with what is to be said below each. */
export function Rows<Row extends object>({
  part,
  field,
  label,
  rows,
  columns,
  fresh,
  addLabel,
  removeLabel,
  onChange,
  onPaste,
  noteAction,
  rowEnd,
  children,
}: {
  part: FormPart;
  field: keyof ContainerForm & string;
  label: string;
  rows: Row[];
  columns: Column<Row>[];
  /** A row that is added. */
  fresh: Row;
  addLabel: string;
  removeLabel(row: Row): string;
  onChange(rows: Row[]): void;
  /** True: it is taken care of. */
  onPaste?(text: string, column: keyof Row & string): boolean;
  /** What can be done about a row's problem. */
  noteAction?(problem: FormProblem, index: number): ReactNode;
  rowEnd?(row: Row): ReactNode;
  children?: ReactNode;
}) {
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const wanted = useRef<string | undefined>(undefined);
  useEffect(() => {
    if (wanted.current === undefined) return;
    box.current?.querySelector<HTMLElement>(wanted.current)?.focus();
    wanted.current = undefined;
  }, [rows.length]);
  const change = (index: number, key: string, value: unknown) =>
    onChange(rows.map((row, at) => (at === index ? { ...row, [key]: value } : row)));
  const first = columns[0]?.key ?? '';
  const add = () => {
    wanted.current = `[data-field="${field}.${rows.length}.${first}"]`;
    onChange([...rows, fresh]);
  };
  const remove = (index: number) => {
    wanted.current = rows.length > 1 ? `[data-remove="${Math.max(index - 1, 0)}"]` : '[data-add]';
    onChange(rows.filter((_, at) => at !== index));
  };
  const whole = part.problemOf(field);
  const gridTemplateColumns = `${columns.map(({ width }) => width).join(' ')} max-content 28px`;
  return (
    <div className="field" role="group" aria-label={label} data-rows={field} ref={box}>
      <div className="form-rows-head">
        <span className="field-label">
          {label}
          {part.mark?.(field)}
        </span>
        <Button size="small" variant="ghost" icon={Plus} data-add aria-label={addLabel} onClick={add}>
          {addLabel}
        </Button>
      </div>
      {rows.length > 0 && (
        <div className="form-row form-columns" style={{ gridTemplateColumns }} aria-hidden>
          {columns.map(({ key, label: name, kind }) => (
            <span key={key}>{kind === 'check' ? '' : name}</span>
          ))}
        </div>
      )}
      {rows.map((row, index) => {
        const problems = columns.flatMap(({ key }) => part.problemOf(`${field}.${index}.${key}`) ?? []);
        const noteId = `${id}-${index}`;
        return (
          <div key={index} className="form-row-box">
            <div className="form-row" style={{ gridTemplateColumns }}>
              {columns.map(({ key, label: name, placeholder, kind, options, list, covered }) => {
                const path = `${field}.${index}.${key}`;
                const common = {
                  'data-field': path,
                  'aria-label': name,
                  'aria-invalid': part.problemOf(path)?.level === 'error',
                  'aria-describedby': problems.length > 0 ? noteId : undefined,
                };
                if (kind === 'check')
                  return (
                    <label key={key} className="form-check">
                      <input
                        {...common}
                        type="checkbox"
                        className="check"
                        checked={row[key] === true}
                        onChange={(event) => change(index, key, event.target.checked)}
                      />
                      <span aria-hidden>{name}</span>
                    </label>
                  );
                const value = String(row[key] ?? '');
                return options ? (
                  <select
                    key={key}
                    {...common}
                    className="input"
                    value={value}
                    onChange={(event) => change(index, key, event.target.value)}
                  >
                    {options.map((option) => (
                      <option key={option}>{option}</option>
                    ))}
                  </select>
                ) : (
                  <input
                    key={key}
                    {...common}
                    className={covered?.(row) ? 'input mono covered' : 'input mono'}
                    placeholder={placeholder}
                    list={list}
                    value={value}
                    spellCheck={false}
                    autoComplete="off"
                    onChange={(event) => change(index, key, event.target.value)}
                    onPaste={(event) => {
                      if (onPaste?.(event.clipboardData.getData('text'), key)) event.preventDefault();
                    }}
                  />
                );
              })}
              <span>{rowEnd?.(row)}</span>
              <IconButton icon={X} label={removeLabel(row)} data-remove={index} onClick={() => remove(index)} />
            </div>
            {problems.length > 0 && (
              <div id={noteId}>
                {problems.map((problem) => (
                  <ProblemNote key={problem.field + problem.word} problem={problem}>
                    {noteAction?.(problem, index)}
                  </ProblemNote>
                ))}
              </div>
            )}
          </div>
        );
      })}
      {whole && <ProblemNote problem={whole}>{noteAction?.(whole, -1)}</ProblemNote>}
      {children}
    </div>
  );
}

/** One of several. */
export function Select({
  part,
  field,
  label,
  hint,
  options,
}: {
  part: FormPart;
  field: 'restart' | 'pull' | 'network' | 'logDriver';
  label: string;
  hint?: ReactNode;
  options: { value: string; label: string }[];
}) {
  return (
    <FormField part={part} field={field} label={label} hint={hint}>
      <select
        className="input"
        data-field={field}
        value={part.value[field]}
        onChange={(event) => part.set({ [field]: event.target.value } as Partial<ContainerForm>)}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </FormField>
  );
}
