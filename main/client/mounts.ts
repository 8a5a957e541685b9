import type { Transport } from '../contract/bridge.js';
import type { ContainerMount, Mounted, MountHolder, MountPreview, MountWish } from '../contract/mounts.js';
import { ApiError } from './errors.js';
import { getJson, postJson, segment, send, withQuery, type Cancel } from './request.js';

/** What is mounted in a container, while it runs too; an engine that `can` do `live-mounts` has it. */
export const mountsClient = (transport: Transport) => {
  const at = (id: string, values: Parameters<typeof withQuery>[1] = {}) =>
    withQuery(`/slipway/containers/${segment(id)}/mounts`, values);

  return {
    mounts: {
      list: (id: string, cancel?: Cancel) => getJson<ContainerMount[]>(transport, at(id), cancel),
      /** What attaching would come to. */
      preview: (id: string, wish: MountWish, cancel?: Cancel) =>
        postJson<MountPreview>(transport, at(id, { preview: true }), wish, cancel),
      /** At once where that can be; `wish.Restart`: with a restart where it cannot. Of one that does not run: for its next start. */
      attach: (id: string, wish: MountWish, cancel?: Cancel) => postJson<Mounted>(transport, at(id), wish, cancel),
      /**
       * Refused (`conflict`) where somebody has files open in there, see `holdersIn`; `force`: they keep what they have open. `restart`: it is restarted
       * without it where it cannot be otherwise.
       */
      detach: (id: string, target: string, how: { force?: boolean; restart?: boolean } = {}) =>
        send(transport, 'DELETE', at(id, { target, ...how })),
    },
  };
};

/** Who kept a mount from being detached; undefined: that is not what is wrong. */
export function holdersIn(error: unknown): MountHolder[] | undefined {
  const holders = error instanceof ApiError && error.kind === 'conflict' ? error.details['Holders'] : undefined;
  return Array.isArray(holders) ? (holders as MountHolder[]) : undefined;
}
