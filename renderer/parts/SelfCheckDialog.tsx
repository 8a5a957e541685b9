import { useEffect } from 'react';
import { CircleAlert, CircleCheck, Wrench } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Finding } from '../../main/contract/disk.js';
import { hasEnded } from '../store/disk-slice.js';
import { useEngine, useEngineStore } from '../store/index.js';
import { Button } from '../ui/Button.js';
import { CopyButton } from '../ui/Copy.js';
import { Dialog } from '../ui/Dialog.js';
import { Problem } from '../ui/Field.js';
import { shortId, span } from '../ui/format.js';
import { useExplain } from './explain.js';
import { useEngineName } from './RemoveDialog.js';

/**
 * Begins a self-check, or shows the one that is under way or has ended while nobody looked, and follows it; it goes on when the dialog is
 * closed.
 */
export function SelfCheckDialog({ onClose: close }: { onClose(): void }) {
  const { t } = useTranslation();
  const explain = useExplain();
  const store = useEngineStore();
  const engine = useEngineName();
  const check = useEngine((state) => state.selfCheck);
  useEffect(() => {
    if (!store.getState().selfCheck) void store.getState().startSelfCheck();
  }, [store]);
  const onClose = () => {
    store.getState().forgetSelfCheck();
    close();
  };
  const { done, findings = [], problem } = check ?? {};
  const running = check !== undefined && !hasEnded(check);
  const told = findings.map((finding) => `${finding.Kind} ${finding.Id}: ${finding.Problem}; ${finding.Outcome}`);
  return (
    <Dialog
      width="wide"
      title={t('check.title')}
      description={t('check.text')}
      onClose={onClose}
      focus="[data-close]"
      footer={
        <>
          {findings.length > 0 && <CopyButton text={told.join('\n')} label={t('check.copy')} />}
          <span className="grow" />
          {running ? (
            <>
              <Button onClick={() => (store.getState().stopSelfCheck(), onClose())}>{t('check.stop')}</Button>
              <Button variant="primary" shortcut="Esc" onClick={onClose} data-close>
                {t('check.later')}
              </Button>
            </>
          ) : (
            <>
              <Button onClick={() => void store.getState().startSelfCheck()} data-again>
                {t('check.again')}
              </Button>
              <Button variant="primary" shortcut="Esc" onClick={onClose} data-close>
                {t('common.close')}
              </Button>
            </>
          )}
        </>
      }
    >
      <div className="prune">
        {check && running && (
          <div>
            <progress
              className="check-bar"
              aria-label={t(`check.stage.${check.stage}`)}
              max={Math.max(1, check.total)}
              value={check.checked}
            />
            <p className="s12 t2 num" role="status">
              {t(`check.stage.${check.stage}`)} {check.checked} / {check.total}
            </p>
          </div>
        )}
        {problem !== undefined && <Problem>{explain(problem)}</Problem>}
        {done && (
          <p role="status">
            {findings.length === 0 ? t('check.fine') : t('check.found', { count: findings.length })}{' '}
            <span className="t3">
              {t('check.looked', { blobs: done.Blobs, layers: done.Layers, span: span(t, done.Milliseconds) })}
            </span>
          </p>
        )}
        {findings.length > 0 && (
          <ul className="victims prune-list results" aria-label={t('check.list')}>
            {findings.map((finding) => (
              <FindingLine key={`${finding.Kind} ${finding.Id}`} finding={finding} />
            ))}
          </ul>
        )}
        <p className="s12 t3">{t('remove.engine', { name: engine })}</p>
      </div>
    </Dialog>
  );
}

function FindingLine({ finding }: { finding: Finding }) {
  const { t } = useTranslation();
  const { Kind, Id, Images, Users, Cause, Action, State } = finding;
  const Icon = State === 'kept' ? CircleAlert : State === 'repaired' ? Wrench : CircleCheck;
  return (
    <li>
      <Icon
        className={`icon s14 ${State === 'kept' ? 'c-fail' : 'c-run'}`}
        role="img"
        aria-label={t(`check.state.${State}`)}
      />
      <span className="grow">
        <span className="b6">
          {t(`check.kind.${Kind}`)} <span className="mono">{Kind === 'stray' ? Id : shortId(Id)}</span>
        </span>
        {Images.length > 0 && <span className="s12 t3"> {Images.join(', ')}</span>}
        <span className="s12 t2 select prune-names">
          {t(`check.cause.${Cause}`)}{' '}
          {t(`check.action.${Action}`, { users: Users.join(', '), images: Images.join(', ') })}
        </span>
      </span>
      <span className="s12 t2">{t(`check.state.${State}`)}</span>
    </li>
  );
}
