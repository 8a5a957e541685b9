import { useState, type ReactNode } from 'react';
import { ArrowRight, Eye } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ChangePreview, FieldChange } from '../../../main/contract/changes.js';
import { Button } from '../../ui/Button.js';
import { fieldWords, keyWords, linesOf, type DiffLine } from './lines.js';

/** What would be different, as a table: before, after, and when it applies. */
export function DifferenceTable({ changes, running }: { changes: ChangePreview['Changes']; running: boolean }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const lines = changes.flatMap((change) => linesOf(t, change).map((line) => ({ line, applies: change.Applies })));
  return (
    <div className="difference">
      <table className="diff-table">
        <thead>
          <tr>
            <th scope="col">{t('change.setting')}</th>
            <th scope="col">{t('change.before')}</th>
            <th scope="col">{t('change.after')}</th>
            {running && <th scope="col">{t('change.applies')}</th>}
          </tr>
        </thead>
        <tbody>
          {lines.map(({ line, applies }) => (
            <tr key={`${line.field} ${line.key}`}>
              <th scope="row">
                <LineName line={line} />
              </th>
              <td>
                <Value value={line.from} line={line} open={open} />
              </td>
              <td className="to">
                <Value value={line.to} line={line} open={open} />
              </td>
              {running && (
                <td>
                  <AppliesTag applies={applies} />
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {!open && lines.some(({ line }) => line.secret) && <Uncover onUncover={() => setOpen(true)} />}
    </div>
  );
}

/** What was different, a line each. */
export function DifferenceList({ changes }: { changes: FieldChange[] }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const lines = changes.flatMap((change) => linesOf(t, change));
  if (lines.length === 0) return null;
  return (
    <div className="difference">
      <ul className="diff-list">
        {lines.map((line) => (
          <li key={`${line.field} ${line.key}`}>
            <span className="t3">
              <LineName line={line} />
            </span>{' '}
            <Value value={line.from} line={line} open={open} /> <ArrowRight className="icon s12 t3" aria-hidden />
            <span className="hidden-text">{t('change.becomes')}</span> <Value value={line.to} line={line} open={open} />
          </li>
        ))}
      </ul>
      {!open && lines.some(({ secret }) => secret) && <Uncover onUncover={() => setOpen(true)} />}
    </div>
  );
}

function LineName({ line }: { line: DiffLine }): ReactNode {
  const { t } = useTranslation();
  const key = keyWords(t, line);
  return (
    <>
      {fieldWords(t, line.field)}
      {key !== undefined && (
        <>
          {' '}
          <code>{key}</code>
        </>
      )}
    </>
  );
}

function Value({ value, line, open }: { value: string | undefined; line: DiffLine; open: boolean }): ReactNode {
  const { t } = useTranslation();
  if (value === undefined) return <em className="t3">{t('change.nothing')}</em>;
  if (line.secret && !open) return <span className="t3">{t('summary.secret')}</span>;
  if (line.words || value === t('summary.unlimited')) return <span className="select">{value}</span>;
  return <code className="select">{value === '' ? '""' : value}</code>;
}

const Uncover = ({ onUncover }: { onUncover(): void }) => {
  const { t } = useTranslation();
  return (
    <div>
      <Button size="small" variant="ghost" icon={Eye} onClick={onUncover}>
        {t('inspect.secrets')}
      </Button>
    </div>
  );
};

/** Whether a running container has it at once; of one that does not run, that it waits for its start. */
export function AppliesTag({ applies }: { applies: 'now' | 'restart' | 'nextStartTag' }) {
  const { t } = useTranslation();
  return <span className={applies === 'restart' ? 'tag restart' : 'tag'}>{t(`change.${applies}`)}</span>;
}
