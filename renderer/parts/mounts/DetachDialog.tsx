import { useState } from 'react';
import { RotateCw, Unplug } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { holdersIn } from '../../../main/client/index.js';
import type { MountHolder } from '../../../main/contract/mounts.js';
import { messageOf, useEngine } from '../../store/index.js';
import { Button } from '../../ui/Button.js';
import { Dialog } from '../../ui/Dialog.js';
import { Problem } from '../../ui/Field.js';
import { notifyFailed } from '../../ui/notify.js';
import { useShown } from '../../ui/use-shown.js';
import { nameOf } from '../container-state.js';
import { explainAttach, explainObstacle, takesRestart } from './reasons.js';
import { useMounts } from './use-mounts.js';

interface Obstacle {
  reason: string;
  holders?: MountHolder[] | undefined;
}

/** What is in the way of a mount's end: who has files open in it, that it takes a restart, or what the engine says. */
export function DetachDialog({
  id,
  target,
  onClose,
  ...first
}: Obstacle & { id: string; target: string; onClose(): void }) {
  const { t } = useTranslation();
  const container = useEngine((state) => state.containers?.find(({ Id }) => Id === id)) ?? { Id: id, Names: [] };
  const { detach } = useMounts(container);
  const [obstacle, setObstacle] = useState<Obstacle>(first);
  const isShown = useShown();
  const [busy, setBusy] = useState<'again' | 'anyway' | 'restart'>();
  const { holders } = obstacle;
  const restarts = !holders && takesRestart(obstacle.reason);
  const attempt = async (how: 'again' | 'anyway' | 'restart') => {
    if (busy) return;
    setBusy(how);
    try {
      await detach(target, { force: how === 'anyway', restart: how === 'restart' });
      onClose();
    } catch (error) {
      if (!isShown())
        return notifyFailed(t('mounts.detachFailed', { path: target }), explainAttach(t, messageOf(error)));
      setObstacle({ reason: messageOf(error), holders: holdersIn(error) });
      setBusy(undefined);
    }
  };
  return (
    <Dialog
      title={t('mounts.detachTitle', { path: target, name: nameOf(container) })}
      description={holders ? t('mounts.heldText', { count: holders.length }) : undefined}
      focus="[data-cancel]"
      onClose={onClose}
      footer={
        <>
          {!restarts && (
            <Button icon={RotateCw} onClick={() => void attempt('again')} aria-disabled={busy !== undefined}>
              {t('mounts.tryAgain')}
            </Button>
          )}
          <span className="grow" />
          <Button variant="ghost" shortcut="Esc" onClick={onClose} data-cancel>
            {t(holders || restarts ? 'common.cancel' : 'common.close')}
          </Button>
          {holders && (
            <Button
              variant="danger-fill"
              icon={Unplug}
              onClick={() => void attempt('anyway')}
              aria-disabled={busy !== undefined}
            >
              {t('mounts.detachAnyway')}
            </Button>
          )}
          {restarts && (
            <Button
              variant="primary"
              icon={RotateCw}
              onClick={() => void attempt('restart')}
              aria-disabled={busy !== undefined}
            >
              {t(busy === 'restart' ? 'mounts.restarting' : 'mounts.detachRestart')}
            </Button>
          )}
        </>
      }
    >
      {holders ? (
        <>
          <ul className="holders" aria-label={t('mounts.holders')}>
            {holders.map(({ Pid, Name, Paths }) => (
              <li key={Pid}>
                <b>{Name}</b> <span className="mono s12 t3">{t('mounts.pid', { pid: Pid })}</span>
                <span className="holder-paths mono s12">{Paths.join(', ')}</span>
              </li>
            ))}
          </ul>
          <p className="s12 t2">{t('mounts.anywayText')}</p>
        </>
      ) : (
        <Problem>
          {restarts
            ? t('mounts.needsRestart', { reason: explainObstacle(t, obstacle.reason) })
            : explainAttach(t, obstacle.reason)}
        </Problem>
      )}
    </Dialog>
  );
}
