import type { TFunction } from 'i18next';
import { ApiError } from '../../../main/client/index.js';
import type { VolumeDiscarded } from '../../../main/contract/volume-data.js';
import { messageOf, type EngineStore } from '../../store/index.js';
import { notifyDone, notifyFailed, notifyUndo } from '../../ui/notify.js';
import { explain } from '../explain.js';
import { called } from '../stays.js';

/**
 * Removes and says so; where there is a bin, with the way back. Returns the reasons, by name, of those that could not be removed: to say
 * them is the caller's.
 */
export async function removeVolumes(
  store: EngineStore,
  t: TFunction,
  names: string[],
  { forGood = false, onOne = () => undefined }: { forGood?: boolean; onOne?: (name: string) => void } = {},
): Promise<Record<string, string>> {
  const problems: Record<string, string> = {};
  const binned: VolumeDiscarded[] = [];
  let gone = 0;
  for (const name of names) {
    try {
      const entry = await store.getState().removeVolume(name, { forGood });
      if (entry) binned.push(entry);
      else gone += 1;
    } catch (error) {
      // Somebody else removed it: it is gone all the same.
      if (error instanceof ApiError && error.kind === 'not-found') gone += 1;
      else problems[name] = explain(t, messageOf(error));
    }
    onOne(name);
  }
  await store
    .getState()
    .loadVolumes()
    .catch(() => undefined);
  const count = binned.length + gone;
  const [only = ''] = names;
  const title = names.length === 1 ? t('action.removed', { name: called(only) }) : t('volumes.remove.done', { count });
  if (binned.length > 0)
    notifyUndo(title, t('bin.stays', { count: binned.length }), () => void bringBack(store, t, binned));
  else if (count > 0) notifyDone(title);
  return problems;
}

async function bringBack(store: EngineStore, t: TFunction, entries: VolumeDiscarded[]): Promise<void> {
  const back: string[] = [];
  await Promise.all(
    entries.map(async ({ Id, Name }) => {
      try {
        await store.getState().restoreFromBin(Id);
        back.push(Name);
      } catch (error) {
        notifyFailed(t('bin.notBack', { name: called(Name) }), explain(t, messageOf(error)));
      }
    }),
  );
  const [only] = back;
  if (only !== undefined)
    notifyDone(
      back.length === 1 ? t('bin.back', { name: called(only) }) : t('volumes.remove.backMany', { count: back.length }),
    );
}
