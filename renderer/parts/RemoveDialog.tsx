import { useState } from 'react';
import { Trash2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../main/contract/containers.js';
import { hasBin } from '../store/bin-slice.js';
import { useEngine, useEngineStore } from '../store/index.js';
import { Button } from '../ui/Button.js';
import { CopyButton } from '../ui/Copy.js';
import { Dialog } from '../ui/Dialog.js';
import { notifyFailed } from '../ui/notify.js';
import { useShown } from '../ui/use-shown.js';
import { isRunning, nameOf } from './container-state.js';
import { joinCommand } from './command-line.js';
import { removeContainers } from './removal.js';
import { StateBadge } from './StateBadge.js';

/** Names every victim and the engine; the focus is on Cancel. What could not be removed stays in the list with its reason. */
export function RemoveContainersDialog({ containers, onClose }: { containers: ContainerSummary[]; onClose(): void }) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const engine = useEngineName();
  const undoable = useEngine(hasBin);
  const shown = useShown();
  const [left, setLeft] = useState(containers);
  const [busy, setBusy] = useState(false);
  const [problems, setProblems] = useState<Record<string, string>>({});
  const running = left.filter(isRunning).length;
  const only = left.length === 1 ? left[0] : undefined;

  const remove = async () => {
    setBusy(true);
    const failed = await removeContainers(store, t, left);
    const kept = left.filter(({ Id }) => failed[Id] !== undefined);
    if (kept.length === 0) return onClose();
    if (!shown()) {
      const name = kept.map(nameOf).join(', ');
      return notifyFailed(t('volumes.remove.failed', { name }), [...new Set(Object.values(failed))].join(' '));
    }
    setLeft(kept);
    setProblems(failed);
    setBusy(false);
  };
  return (
    <Dialog
      width="narrow"
      title={only ? t('remove.title', { name: nameOf(only) }) : t('remove.titleMany', { count: left.length })}
      description={[
        running > 0 && (only ? t('remove.runningOnly') : t('remove.running', { count: running })),
        undoable ? t('remove.keeps', { count: left.length }) : t('remove.loses'),
      ]
        .filter(Boolean)
        .join(' ')}
      onClose={onClose}
      onSubmit={() => void remove()}
      focus="[data-cancel]"
      footer={
        <>
          {!undoable && (
            // docker rm knows no bin: where there is one, it is not the same.
            <CopyButton
              text={`docker rm ${running > 0 ? '-f ' : ''}${joinCommand(left.map(nameOf))}`}
              label={t('common.copyAsCommand')}
            />
          )}
          <span className="grow" />
          <Button variant="ghost" shortcut="Esc" onClick={onClose} data-cancel>
            {t('common.cancel')}
          </Button>
          <Button variant="danger-fill" type="submit" icon={Trash2} disabled={busy}>
            {only ? t('remove.submitOne') : t('remove.submitMany', { count: left.length })}
          </Button>
        </>
      }
    >
      <ul className="victims">
        {left.map((container) => (
          <li key={container.Id}>
            <span className="grow cut b6">{nameOf(container)}</span>
            {problems[container.Id] ? (
              <span className="s12 c-fail">{problems[container.Id]}</span>
            ) : (
              <span className="s12">
                <StateBadge container={container} />
              </span>
            )}
          </li>
        ))}
      </ul>
      <p className="s12 t3">{t('remove.engine', { name: engine })}</p>
    </Dialog>
  );
}

/** The name that destructive dialogs repeat. */
export function useEngineName(): string {
  const { t } = useTranslation();
  const name = useEngine((state) => state.connection.name);
  return name === '' || name === 'local' ? t('engine.local') : name;
}
