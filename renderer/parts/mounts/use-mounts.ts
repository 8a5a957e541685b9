import { useTranslation } from 'react-i18next';
import { FolderPlus, Unplug, type LucideIcon } from 'lucide-react';
import { ApiError, holdersIn } from '../../../main/client/index.js';
import type { ContainerSummary } from '../../../main/contract/containers.js';
import type { Mounted, MountWish } from '../../../main/contract/mounts.js';
import { messageOf, useEngineStore } from '../../store/index.js';
import { useSurface } from '../../store/surface.js';
import { notifyFailed, notifyUndo } from '../../ui/notify.js';
import { nameOf } from '../container-state.js';

/** Attaching and detaching, each with its way back. */
export function useMounts(container: Pick<ContainerSummary, 'Id' | 'Names'>) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const { slipway } = store.client;
  const open = useSurface((surface) => surface.open);
  const id = container.Id;
  const name = nameOf(container);

  /** Does something that its history can take back, and offers that. */
  const withWayBack = async <Result>(
    work: () => Promise<Result>,
    told: (result: Result) => { title: string; detail: string; icon: LucideIcon },
  ): Promise<Result> => {
    const [newest] = await slipway.history(id);
    const result = await work();
    await store.getState().loadContainers();
    const { title, detail, icon } = told(result);
    notifyUndo(
      title,
      detail,
      () => {
        slipway
          .revert(id, newest?.Seq ?? 0)
          .then(() => store.getState().loadContainers())
          .catch((error: unknown) => notifyFailed(t('change.failedTitle', { name }), messageOf(error)));
      },
      icon,
    );
    return result;
  };

  const detach = async (target: string, how: { force?: boolean; restart?: boolean } = {}): Promise<void> => {
    await withWayBack(
      () => slipway.mounts.detach(id, target, how),
      () => ({ title: t('mounts.detached', { path: target, name }), detail: t('mounts.detachedText'), icon: Unplug }),
    );
  };

  return {
    detach,

    attach: (wish: MountWish): Promise<Mounted> =>
      withWayBack(
        () => slipway.mounts.attach(id, wish),
        ({ Applied, Mount }) => ({
          title: t('mounts.attached', { path: Mount.Destination, name }),
          detail: t(`mounts.applied.${Applied}`),
          icon: FolderPlus,
        }),
      ),

    /** The same from a button: what is in the way is asked about. Whether it is away. */
    async askToDetach(target: string): Promise<boolean> {
      try {
        await detach(target);
        return true;
      } catch (error) {
        const refused = error instanceof ApiError && error.kind === 'conflict';
        if (refused) open({ kind: 'detach-mount', id, target, reason: messageOf(error), holders: holdersIn(error) });
        else notifyFailed(t('mounts.detachFailed', { path: target }), messageOf(error));
        return false;
      }
    },
  };
}
