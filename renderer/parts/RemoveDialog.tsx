import { useState } from 'react';
import { Trash2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '../../main/client/index.js';
import type { ContainerSummary } from '../../main/contract/containers.js';
import { hasBin } from '../store/bin-slice.js';
import { messageOf, useEngine, useEngineStore } from '../store/index.js';
import { Button } from '../ui/Button.js';
import { CopyButton } from '../ui/Copy.js';
import { Dialog } from '../ui/Dialog.js';
import { Problem } from '../ui/Field.js';
import { notifyDone } from '../ui/notify.js';
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

/** Removing an image can be undone by pulling it again; what is in use is refused with the reason, and force where it helps. */
export function RemoveImagesDialog({ images, onClose }: { images: { id: string; name: string }[]; onClose(): void }) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const engine = useEngineName();
  const containers = useEngine((state) => state.containers);
  const [left, setLeft] = useState(images);
  const [busy, setBusy] = useState(false);
  const [problems, setProblems] = useState<Record<string, string>>({});
  const [conflict, setConflict] = useState(false);
  const users = (containers ?? []).filter((container) => left.some((image) => image.id === container.ImageID));
  const blocked = users.some(isRunning);
  const only = left.length === 1 ? left[0] : undefined;

  const remove = async (force: boolean) => {
    if (busy) return;
    setBusy(true);
    const failed: Record<string, string> = {};
    let conflicts = false;
    // One after the other: the same image may stand here under two names.
    for (const { name } of left) {
      try {
        await store.getState().removeImage(name, { force });
      } catch (error) {
        if (error instanceof ApiError && error.kind === 'not-found') continue;
        if (error instanceof ApiError && error.kind === 'conflict') conflicts = true;
        failed[name] = messageOf(error);
      }
    }
    const kept = left.filter(({ name }) => failed[name] !== undefined);
    for (const { name } of left) if (failed[name] === undefined) notifyDone(t('action.removed', { name }));
    if (kept.length === 0) return onClose();
    setLeft(kept);
    setProblems(failed);
    setConflict(conflicts);
    setBusy(false);
  };
  return (
    <Dialog
      width="narrow"
      title={only ? t('remove.imageTitle', { name: only.name }) : t('remove.imagesTitle', { count: left.length })}
      description={t('remove.imageText')}
      onClose={onClose}
      onSubmit={() => void remove(false)}
      focus="[data-cancel]"
      footer={
        <>
          <CopyButton
            text={`docker rmi ${joinCommand(left.map(({ name }) => name))}`}
            label={t('common.copyAsCommand')}
          />
          <span className="grow" />
          <Button variant="ghost" shortcut="Esc" onClick={onClose} data-cancel>
            {t('common.cancel')}
          </Button>
          {conflict && !blocked ? (
            <Button variant="danger-fill" icon={Trash2} disabled={busy} onClick={() => void remove(true)}>
              {t('remove.force')}
            </Button>
          ) : (
            <Button variant="danger-fill" type="submit" icon={Trash2} disabled={busy || conflict}>
              {only ? t('remove.submitOne') : t('remove.submitMany', { count: left.length })}
            </Button>
          )}
        </>
      }
    >
      {left.length > 1 && (
        <ul className="victims">
          {left.map(({ name }) => (
            <li key={name}>
              <span className="grow cut mono">{name}</span>
              {problems[name] && <span className="s12 c-fail">{problems[name]}</span>}
            </li>
          ))}
        </ul>
      )}
      {conflict && <Problem>{blocked ? t('remove.conflict') : t('remove.conflictStopped')}</Problem>}
      {only && problems[only.name] && <p className="s12 t2 select">{problems[only.name]}</p>}
      {conflict && users.length > 0 && (
        <ul className="victims">
          {users.map((container) => (
            <li key={container.Id}>
              <span className="grow cut b6">{nameOf(container)}</span>
              <span className="s12">
                <StateBadge container={container} />
              </span>
            </li>
          ))}
        </ul>
      )}
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
