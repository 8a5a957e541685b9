import { ApiError, type Client } from '../../../main/client/index.js';
import type { HistoryEntry, HistoryKind } from '../../../main/contract/changes.js';
import type { ContainerMount, MountWish } from '../../../main/contract/mounts.js';

type Asked = { slipway: Pick<Client['slipway'], 'mounts' | 'history' | 'revert'> };

const CHANGES: readonly HistoryKind[] = ['changed', 'reverted', 'rolled-back'];

/** Takes away what was mounted just now, the last first, without a restart unless that is said. The first that stays, and why; undefined: all are gone. */
export async function takeAway(
  { slipway }: Asked,
  id: string,
  targets: string[],
  restart = false,
): Promise<{ target: string; error: unknown } | undefined> {
  let kept: { target: string; error: unknown } | undefined;
  for (const target of targets.toReversed())
    try {
      await slipway.mounts.detach(id, target, { restart });
    } catch (error) {
      // Somebody else took it away: it is gone all the same.
      if (!(error instanceof ApiError && error.kind === 'not-found')) kept ??= { target, error };
    }
  return kept;
}

/**
 * Puts back what was detached just now, and restarts nothing. `before`: the newest of its history then. Where somebody has changed the container since,
 * that stays: the mount is attached anew.
 */
export async function putBack(
  { slipway }: Asked,
  id: string,
  { Type, Name, Source, Destination, ReadOnly }: ContainerMount,
  before: number,
): Promise<void> {
  if ((await changesSince({ slipway }, id, before)) > 1)
    return void (await slipway.mounts.attach(id, {
      ...{ Type: Type as MountWish['Type'], Source: Type === 'volume' ? (Name ?? Source) : Source },
      ...{ Target: Destination, ...(ReadOnly && { ReadOnly }) },
    }));
  const { RolledBack } = await slipway.revert(id, before, { restart: false });
  if (RolledBack) throw new Error(RolledBack.Reason);
}

const changesSince = async ({ slipway }: Asked, id: string, before: number): Promise<number> =>
  (await slipway.history(id)).filter(({ Seq, Kind }: HistoryEntry) => Seq > before && CHANGES.includes(Kind)).length;
