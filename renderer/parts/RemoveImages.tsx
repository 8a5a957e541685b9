import { useMemo, useState } from 'react';
import { CircleAlert, Trash2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '../../main/client/index.js';
import { messageOf, useEngine, useEngineStore } from '../store/index.js';
import { Button } from '../ui/Button.js';
import { CopyButton } from '../ui/Copy.js';
import { Dialog } from '../ui/Dialog.js';
import { bytes } from '../ui/format.js';
import { notifyDone } from '../ui/notify.js';
import { useShown } from '../ui/use-shown.js';
import { joinCommand } from './command-line.js';
import { nameOf } from './container-state.js';
import { namedImages, nameOfImage, usersByImage } from './image-names.js';
import { conflictOf, explainConflict } from './removal-reason.js';
import { useEngineName } from './RemoveDialog.js';
import { StateBadge } from './StateBadge.js';
import { sayStays } from './stays.js';

interface Victim {
  id: string;
  /** What to say to the engine. */
  name: string;
}

/** So many users are named; of the others there is the number. */
const MOST_USERS = 4;

/**
 * Names every victim with its size and the engine; the focus is on Cancel. What could not be removed stays with its reason, with those who use it, and with force where
 * force helps.
 */
export function RemoveImagesDialog({ images, onClose }: { images: Victim[]; onClose(): void }) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const engine = useEngineName();
  const containers = useEngine((state) => state.containers);
  const listed = useEngine((state) => state.images);
  const users = useMemo(() => usersByImage(containers), [containers]);
  const rows = useMemo(() => namedImages(listed ?? []), [listed]);
  const shown = useShown();
  const [left, setLeft] = useState(images);
  const [done, setDone] = useState<number>();
  const [problems, setProblems] = useState<Record<string, string>>({});
  const busy = done !== undefined;
  const only = left.length === 1 ? left[0] : undefined;
  const rowOf = ({ id, name }: Victim) => rows.find((row) => row.id === id && row.reference === name);
  const called = (victim: Victim) => {
    const row = rowOf(victim);
    return row ? nameOfImage(row) : victim.name;
  };
  const failed = left.filter(({ name }) => problems[name] !== undefined);
  const forceable = failed.filter(({ name }) => conflictOf(problems[name] ?? '')?.forceable);
  const removed = images.length - left.length;

  /** How many other names each image keeps when these go. */
  const keepsNames = (victim: Victim): number => {
    if (victim.name === victim.id) return 0;
    const gone = new Set(left.filter(({ id }) => id === victim.id).map(({ name }) => name));
    return rows.filter((row) => row.id === victim.id && !gone.has(row.reference)).length;
  };
  const untagged = left.filter((victim) => keepsNames(victim) > 0);
  const text =
    untagged.length === left.length
      ? t('remove.onlyName', { count: left.length })
      : untagged.length > 0
        ? t('remove.someNames', { count: untagged.length })
        : t('remove.imageText');

  const remove = async (some: Victim[], force: boolean) => {
    if (busy) return;
    setDone(0);
    const reasons = { ...problems };
    const gone = new Set<Victim>();
    // One after the other: the same image may stand here under two names.
    for (const victim of some) {
      delete reasons[victim.name];
      try {
        await store.getState().removeImage(victim.name, { force });
        gone.add(victim);
      } catch (error) {
        if (error instanceof ApiError && error.kind === 'not-found') gone.add(victim);
        else reasons[victim.name] = messageOf(error);
      }
      setDone(gone.size);
    }
    await store
      .getState()
      .loadImages()
      .catch(() => undefined);
    const kept = left.filter((victim) => !gone.has(victim));
    const [first] = gone;
    if (gone.size === 1 && first) notifyDone(t('action.removed', { name: called(first) }));
    else if (gone.size > 1) notifyDone(t('remove.imagesDone', { count: gone.size }));
    if (kept.length === 0) return onClose();
    if (!shown()) {
      const told = kept.map((victim) => [called(victim), explainConflict(t, reasons[victim.name] ?? '')] as const);
      return sayStays(t, Object.fromEntries(told));
    }
    setLeft(kept);
    setProblems(reasons);
    setDone(undefined);
  };

  const line = (victim: Victim) => {
    const { id, name } = victim;
    const size = listed?.find(({ Id }) => Id === id)?.Size;
    const problem = problems[name];
    const held = users.get(id) ?? [];
    return (
      <li key={`${id} ${name}`} className="victim">
        <span className="victim-line">
          {problem !== undefined && <CircleAlert className="icon s14 c-fail" aria-hidden />}
          <span className="grow cut mono" title={name}>
            {called(victim)}
          </span>
          <span className="s12 t3 num">
            {keepsNames(victim) > 0
              ? t('remove.keepsNames', { count: keepsNames(victim) })
              : size !== undefined && bytes(size)}
          </span>
        </span>
        {problem !== undefined && <span className="s12 t2 select">{explainConflict(t, problem)}</span>}
        {held.slice(0, MOST_USERS).map((container) => (
          <span key={container.Id} className="victim-line s12">
            <span className="t3">{t('remove.usedBy')}</span>
            <span className="cut b6">{nameOf(container)}</span>
            <StateBadge container={container} />
          </span>
        ))}
        {held.length > MOST_USERS && (
          <span className="s12 t3">{t('remove.andMore', { count: held.length - MOST_USERS })}</span>
        )}
      </li>
    );
  };
  return (
    <Dialog
      width={images.length > 1 ? 'normal' : 'narrow'}
      title={
        failed.length > 0 && !only
          ? t('remove.imagesFailed', { failed: failed.length, count: images.length })
          : only
            ? t('remove.imageTitle', { name: called(only) })
            : t('remove.imagesTitle', { count: left.length })
      }
      description={failed.length > 0 && removed > 0 ? t('remove.imagesDone', { count: removed }) : text}
      onClose={onClose}
      onSubmit={() => void remove(left, false)}
      focus="[data-cancel]"
      footer={
        <>
          <CopyButton
            text={`docker rmi ${joinCommand(left.map(({ name }) => name))}`}
            label={t('common.copyAsCommand')}
          />
          <span className="grow" />
          <Button variant="ghost" shortcut="Esc" onClick={onClose} data-cancel>
            {failed.length > 0 ? t('common.close') : t('common.cancel')}
          </Button>
          {forceable.length > 0 ? (
            <Button variant="danger-fill" icon={Trash2} disabled={busy} onClick={() => void remove(forceable, true)}>
              {forceable.length === 1 ? t('remove.force') : t('remove.forceMany', { count: forceable.length })}
            </Button>
          ) : (
            <Button variant="danger-fill" type="submit" icon={Trash2} disabled={busy}>
              {busy
                ? t('remove.busy', { done, count: left.length })
                : failed.length > 0
                  ? t('common.retry')
                  : only
                    ? t('remove.submitOne')
                    : t('remove.submitMany', { count: left.length })}
            </Button>
          )}
        </>
      }
    >
      <ul className="victims" aria-label={t('remove.list')}>
        {left.map(line)}
      </ul>
      {forceable.length > 0 && <p className="s12 t2">{t('remove.forceText')}</p>}
      <p className="s12 t3">{t('remove.engine', { name: engine })}</p>
    </Dialog>
  );
}
