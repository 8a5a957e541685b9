import { useTranslation } from 'react-i18next';
import { FolderPlus, Unplug } from 'lucide-react';
import { holdersIn } from '../../../main/client/index.js';
import type { ContainerSummary } from '../../../main/contract/containers.js';
import type { Mounted, MountWish } from '../../../main/contract/mounts.js';
import type { Wish } from '../../store/changes-slice.js';
import { messageOf, useEngineStore } from '../../store/index.js';
import { useSurface, type OpenDialog } from '../../store/surface.js';
import { notifyFailed, notifyUndo } from '../../ui/notify.js';
import { nameOf } from '../container-state.js';
import { explainAttach, takesRestart } from './reasons.js';
import { takeAway, wayBack } from './way-back.js';

/** Takes away what was mounted just now; what is in the way of that is asked about. */
export function useTakeAway(): (id: string, targets: string[]) => Promise<void> {
  const { t } = useTranslation();
  const store = useEngineStore();
  const stuck = useStuck();
  return async (id, targets) => {
    const kept = await takeAway(store.client, id, targets);
    await store
      .getState()
      .loadContainers()
      .catch(() => undefined);
    if (kept && !stuck(id, kept.target, kept.error))
      notifyFailed(t('mounts.detachFailed', { path: kept.target }), explainAttach(t, messageOf(kept.error)));
  };
}

/** Asks about what a person can do something about: files that are open in it, or that it takes a restart. Whether it is that. */
function useStuck(): (id: string, target: string, error: unknown) => boolean {
  const offer = useSurface((surface) => surface.offer);
  return (id, target, error) => {
    const holders = holdersIn(error);
    const reason = messageOf(error);
    if (!holders && !takesRestart(reason)) return false;
    return offer({ kind: 'detach-mount', id, target, reason, holders });
  };
}

const dialogOf = (id: string, wish: Wish, at: string): OpenDialog => ({
  ...{ kind: 'change-container', id },
  ...('change' in wish ? { change: wish.change } : { past: { seq: wish.revertTo, at } }),
});

/** Attaching and detaching, each with its way back, which touches nothing else and restarts nothing. */
export function useMounts(container: Pick<ContainerSummary, 'Id' | 'Names'>) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const { slipway } = store.client;
  const offer = useSurface((surface) => surface.offer);
  const takeAwayAgain = useTakeAway();
  const stuck = useStuck();
  const id = container.Id;
  const name = nameOf(container);

  const detach = async (target: string, how: { force?: boolean; restart?: boolean } = {}): Promise<void> => {
    const [newest] = await slipway.history(id);
    await slipway.mounts.detach(id, target, how);
    await store.getState().loadContainers();
    const back = async () => {
      let wish: Wish | undefined;
      try {
        wish = await wayBack(store.client, id, target, newest?.Seq ?? 0);
        const { RolledBack } =
          'change' in wish
            ? await slipway.change(id, wish.change, { restart: false })
            : await slipway.revert(id, wish.revertTo, { restart: false });
        if (RolledBack) throw new Error(RolledBack.Reason);
        await store.getState().loadContainers();
      } catch (error) {
        const asks = wish && newest && takesRestart(messageOf(error)) && dialogOf(id, wish, newest.At);
        // It says what that comes to, and asks.
        if (asks && offer(asks)) return;
        notifyFailed(t('change.failedTitle', { name }), explainAttach(t, messageOf(error)));
      }
    };
    notifyUndo(t('mounts.detached', { path: target, name }), t('mounts.detachedText'), () => void back(), Unplug);
  };

  return {
    detach,

    /** All of them or none: what is half there is nobody's wish. */
    async attach(wishes: MountWish[], restart = false): Promise<void> {
      const done: string[] = [];
      let applied: Mounted['Applied'] = 'live';
      try {
        for (const wish of wishes) {
          applied = (await slipway.mounts.attach(id, { ...wish, ...(restart && { Restart: true }) })).Applied;
          done.push(wish.Target);
        }
      } catch (error) {
        await takeAway(store.client, id, done, applied === 'restart');
        throw error;
      }
      await store.getState().loadContainers();
      const detail = {
        live: done.join(', '),
        restart: t('drop.mountedRestarted', { name }),
        'next-start': t('drop.mountedNext', { name }),
      }[applied];
      notifyUndo(t('drop.mounted', { name }), detail, () => void takeAwayAgain(id, done), FolderPlus);
    },

    /** The same from a button: what is in the way is asked about. Whether it is away. */
    async askToDetach(target: string): Promise<boolean> {
      try {
        await detach(target);
        return true;
      } catch (error) {
        if (!stuck(id, target, error))
          notifyFailed(t('mounts.detachFailed', { path: target }), explainAttach(t, messageOf(error)));
        return false;
      }
    },
  };
}
