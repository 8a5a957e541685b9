import { useState } from 'react';
import { CircleAlert, CircleCheck, RotateCw } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useEngineStore } from '../store/index.js';
import { Button } from '../ui/Button.js';
import { CopyButton } from '../ui/Copy.js';
import { Dialog } from '../ui/Dialog.js';
import { useShown } from '../ui/use-shown.js';
import { actOnMany, useSayResults, type BulkResult, type BulkVerb } from './bulk.js';

/** Of many that were acted on, which succeeded and which did not, each with its reason; what failed can be tried again. */
export function BulkResultsDialog({
  verb,
  results,
  onClose,
}: {
  verb: BulkVerb;
  results: BulkResult[];
  onClose(): void;
}) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const say = useSayResults();
  const isShown = useShown();
  const [shown, setShown] = useState(() =>
    results.toSorted((a, b) => Number(a.problem === undefined) - Number(b.problem === undefined)),
  );
  const [busy, setBusy] = useState<ReadonlySet<string>>(new Set());
  const failed = shown.filter(({ problem }) => problem !== undefined);
  const retry = async (some: BulkResult[]) => {
    setBusy(new Set(some.map(({ id }) => id)));
    const again = await actOnMany(
      some,
      (id) => store.getState().actOn(id, verb),
      (result) => {
        setShown((all) => all.map((each) => (each.id === result.id ? result : each)));
        setBusy((ids) => new Set([...ids].filter((id) => id !== result.id)));
      },
    );
    if (!isShown()) say(verb, again);
  };
  const told = shown.map(({ name, problem }) => `${name}: ${problem ?? t('bulk.ok')}`).join('\n');
  return (
    <Dialog
      title={
        failed.length === 0
          ? t(`bulk.done.${verb}`, { count: shown.length })
          : t(`bulk.failed.${verb}`, { failed: failed.length, count: shown.length })
      }
      onClose={onClose}
      onSubmit={() => (failed.length > 0 ? void retry(failed) : onClose())}
      focus="[data-close]"
      footer={
        <>
          <CopyButton text={told} label={t('bulk.copy')} />
          <span className="grow" />
          {failed.length > 0 && (
            <Button type="submit" icon={RotateCw} disabled={busy.size > 0}>
              {t('bulk.retryAll', { count: failed.length })}
            </Button>
          )}
          <Button variant="primary" shortcut="Esc" onClick={onClose} data-close>
            {t('common.close')}
          </Button>
        </>
      }
    >
      <ul className="victims results" aria-label={t('bulk.list')}>
        {shown.map((result) => (
          <li key={result.id}>
            {result.problem === undefined ? (
              <CircleCheck className="icon s14 c-run" aria-hidden />
            ) : (
              <CircleAlert className="icon s14 c-fail" aria-hidden />
            )}
            <span className="grow">
              <span className="b6">{result.name}</span>
              <span className={result.problem === undefined ? 's12 t3' : 's12 t2 select'}>
                {busy.has(result.id) ? t(`pending.${verb}`) : (result.problem ?? t('bulk.ok'))}
              </span>
            </span>
            {result.problem !== undefined && (
              <Button
                size="small"
                disabled={busy.size > 0}
                aria-label={t('bulk.retryOne', { name: result.name })}
                onClick={() => void retry([result])}
              >
                {t('bulk.retry')}
              </Button>
            )}
          </li>
        ))}
      </ul>
      <p className="hidden-text" role="status">
        {busy.size > 0 ? '' : t('bulk.left', { count: failed.length })}
      </p>
    </Dialog>
  );
}
