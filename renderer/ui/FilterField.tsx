import { useRef } from 'react';
import { ListFilter } from 'lucide-react';
import { useTranslation } from 'react-i18next';

/** The filter in a page's toolbar: `/` leads to it, Escape empties it and then leaves it. */
export function FilterField({
  label,
  hint,
  value,
  onChange,
}: {
  /** What a screen reader calls it. */
  label: string;
  hint?: string | undefined;
  value: string;
  onChange(value: string): void;
}) {
  const { t } = useTranslation();
  const box = useRef<HTMLInputElement>(null);
  return (
    <label className="filter">
      <ListFilter className="icon s14" aria-hidden />
      <input
        ref={box}
        type="text"
        data-filter
        aria-label={label}
        placeholder={t('table.filter')}
        title={hint}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          event.stopPropagation();
          if (value === '') box.current?.blur();
          else onChange('');
        }}
      />
      {value === '' && <kbd aria-hidden>/</kbd>}
    </label>
  );
}
