import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { isSecretVariable } from '../secrets.js';
import { Rows, type FormPart } from './rows.js';
import { pastedPairs, type Pair } from './value.js';

const emptyPair: Pair = { key: '', value: '' };

/** Pasted lines of `KEY=value` become rows; what is there already with that key gets the new value. */
function merged(rows: Pair[], pasted: Pair[]): Pair[] {
  const kept = rows.filter(({ key, value }) => (key !== '' || value !== '') && !pasted.some((one) => one.key === key));
  return [...kept, ...pasted];
}

/** Rows of two words each. */
export function PairRows({
  part,
  field,
  children,
  ...words
}: {
  part: FormPart;
  /** Below the rows. */
  children?: ReactNode;
  field: 'env' | 'labels' | 'tmpfs' | 'extraHosts' | 'sysctls' | 'ulimits' | 'logOptions';
  label: string;
  keyLabel: string;
  valueLabel: string;
  addLabel: string;
  /** How the button that takes a row away is called. */
  remove?(key: string): string;
  keyPlaceholder?: string;
  valuePlaceholder?: string;
  list?: string;
  pasted?: boolean;
  hint?: string;
}) {
  const { t } = useTranslation();
  const rows = part.value[field];
  return (
    <Rows
      part={part}
      field={field}
      label={words.label}
      rows={rows}
      columns={[
        {
          key: 'key',
          label: words.keyLabel,
          width: 'minmax(0, 2fr)',
          placeholder: words.keyPlaceholder,
          list: words.list,
        },
        {
          key: 'value',
          label: words.valueLabel,
          width: 'minmax(0, 3fr)',
          placeholder: words.valuePlaceholder,
          covered: ({ key, value }) => field === 'env' && part.mode === 'edit' && isSecretVariable(key, value),
        },
      ]}
      fresh={emptyPair}
      addLabel={words.addLabel}
      removeLabel={({ key }) => words.remove?.(key) ?? t('form.removeRow', { name: key })}
      onChange={(changed) => part.set({ [field]: changed })}
      onPaste={(text, column) => {
        const pairs = words.pasted ? pastedPairs(text, column) : undefined;
        if (pairs) part.set({ [field]: merged(rows, pairs) });
        return pairs !== undefined;
      }}
    >
      {words.hint && rows.length > 0 && <span className="hint">{words.hint}</span>}
      {children}
    </Rows>
  );
}

/** Labels, of whatever there is. */
export function LabelRows({ part }: { part: FormPart }) {
  const { t } = useTranslation();
  return (
    <PairRows
      part={part}
      field="labels"
      label={t('form.labels')}
      keyLabel={t('form.labelKey')}
      valueLabel={t('form.envValue')}
      addLabel={t('form.addLabel')}
      pasted
    />
  );
}
