import { ApiError, type Client } from '../../../main/client/index.js';
import type { FieldChange, HistoryKind } from '../../../main/contract/changes.js';
import type { Wish } from '../../store/changes-slice.js';

type Asked = Pick<Client, 'containers'> & { slipway: Pick<Client['slipway'], 'mounts' | 'history'> };

const CHANGES: readonly HistoryKind[] = ['changed', 'reverted', 'rolled-back'];

/** Takes away what was mounted just now, the last first, without a restart unless that is said. The first that stays, and why; undefined: all are gone. */
export async function takeAway(
  { slipway }: Pick<Asked, 'slipway'>,
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
 * What puts back the mount that was detached just now. `before`: the newest of its history then. Where somebody has changed the container since,
 * that stays: the mount is said anew, word for word as it was.
 */
export async function wayBack(
  { slipway, containers }: Asked,
  id: string,
  target: string,
  before: number,
): Promise<Wish> {
  const since = (await slipway.history(id)).filter(({ Seq, Kind }) => Seq > before && CHANGES.includes(Kind));
  if (since.length <= 1) return { revertTo: before };
  const { HostConfig, Config } = await containers.inspect(id);
  const changes = since.flatMap(({ Changes = [] }) => Changes);
  const bind = taken(changes, 'HostConfig.Binds', (one) => typeof one === 'string' && placeOfBind(one) === target);
  if (bind !== undefined) return { change: { HostConfig: { Binds: [...(HostConfig.Binds ?? []), bind as string] } } };
  const mount = taken(changes, 'HostConfig.Mounts', (one) => bare((one as { Target?: string }).Target) === target);
  const { Mounts } = HostConfig as { Mounts?: unknown[] };
  if (mount !== undefined) return { change: { HostConfig: { Mounts: [...(Mounts ?? []), mount] } as object } };
  if (!changes.some(({ Field }) => Field === 'Config.Volumes'))
    throw new Error(`The history does not tell how ${target} was mounted.`);
  return { change: { Config: { Volumes: { ...Config.Volumes, [target]: {} } } } };
}

/** The entry of a list that somebody took out of it, the last time that happened. */
function taken(changes: FieldChange[], field: string, isIt: (entry: unknown) => boolean): unknown {
  const found = (list: unknown): unknown => (Array.isArray(list) ? (list as unknown[]).find(isIt) : undefined);
  return changes
    .flatMap(({ Field, From, To }) => (Field === field && found(To) === undefined ? [found(From)] : []))
    .find((one) => one !== undefined);
}

const bare = (path = ''): string => path.replace(/(?<=.)\/+$/, '');

const placeOfBind = (spec: string): string => {
  const [first, second] = spec.split(':');
  return bare(second ?? first);
};
