import type { TFunction } from 'i18next';
import { ApiError } from '../../main/client/index.js';
import type { ContainerSummary } from '../../main/contract/containers.js';
import { hasBin } from '../store/bin-slice.js';
import { messageOf, type EngineStore } from '../store/index.js';
import { notifyDone, notifyFailed, notifyNote, notifyUndo } from '../ui/notify.js';
import { isRunning, nameOf } from './container-state.js';

/**
 * Removes and says so; where there is a bin, with the way back. Returns the reasons, by id, of those that could not be removed: to say
 * them is the caller's.
 */
export async function removeContainers(
  store: EngineStore,
  t: TFunction,
  containers: ContainerSummary[],
): Promise<Record<string, string>> {
  const problems: Record<string, string> = {};
  const undoable = hasBin(store.getState());
  const removed: ContainerSummary[] = [];
  let gone = 0;
  await Promise.all(
    containers.map(async (container) => {
      try {
        await store.getState().actOn(container.Id, 'remove');
        removed.push(container);
      } catch (error) {
        // Somebody else removed it: it is gone all the same, though not into anybody's bin by this hand.
        if (error instanceof ApiError && error.kind === 'not-found') gone += 1;
        else problems[container.Id] = messageOf(error);
      }
    }),
  );
  const count = removed.length + gone;
  const [only] = containers;
  const title =
    containers.length === 1 && only ? t('action.removed', { name: nameOf(only) }) : t('action.removedMany', { count });
  if (undoable && removed.length > 0)
    notifyUndo(title, t('bin.stays', { count: removed.length }), () => void bringBack(store, t, removed));
  else if (count > 0) notifyDone(title);
  return problems;
}

/** Brings back what was just removed; what could not be brought back is said by name. */
async function bringBack(store: EngineStore, t: TFunction, containers: ContainerSummary[]): Promise<void> {
  const back: ContainerSummary[] = [];
  await Promise.all(
    containers.map(async (container) => {
      const name = nameOf(container);
      try {
        const { Warnings } = await store.getState().restoreFromBin(container.Id);
        back.push(container);
        if (Warnings.length > 0) notifyNote(t('bin.back', { name }), Warnings.join(' '));
      } catch (error) {
        notifyFailed(t('bin.notBack', { name }), messageOf(error));
      }
    }),
  );
  const [only] = back;
  if (!only) return;
  const ran = back.filter(isRunning).length;
  notifyDone(
    back.length === 1 ? t('bin.back', { name: nameOf(only) }) : t('bin.backMany', { count: back.length }),
    ran > 0 ? t('bin.stopped', { count: ran }) : undefined,
  );
}

/** NAME-2, or the first of its kind that nobody has. */
export function freeName(name: string, containers: Pick<ContainerSummary, 'Names'>[]): string {
  const taken = new Set(containers.flatMap(({ Names }) => Names.map((each) => each.replace(/^\//, ''))));
  for (let number = 2; ; number += 1) if (!taken.has(`${name}-${number}`)) return `${name}-${number}`;
}
