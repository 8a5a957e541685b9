import type { Transport } from '../contract/bridge.js';
import type { StatsTick, UsageHistory } from '../contract/stats.js';
import type { HandoverAnswer, SlipwayFeatures } from '../contract/system.js';
import { binClient } from './bin.js';
import { changesClient } from './changes.js';
import { checkClient } from './check.js';
import { containerFilesClient } from './container-files.js';
import { diskClient } from './disk.js';
import { ApiError } from './errors.js';
import { registriesClient } from './registries.js';
import { layersClient } from './layers.js';
import { mountsClient } from './mounts.js';
import { getJson, open, postJson, segment, withQuery, type Cancel } from './request.js';
import { readJsonLines } from './streams.js';

/** What our engine can do beyond Docker's API. */
export const slipwayClient = (transport: Transport) => ({
  ...containerFilesClient(transport),
  ...binClient(transport),
  ...changesClient(transport),
  ...checkClient(transport),
  ...diskClient(transport),
  ...layersClient(transport),
  ...mountsClient(transport),
  ...registriesClient(transport),
  /** `undefined` on any other engine. */
  async features(): Promise<SlipwayFeatures | undefined> {
    try {
      return await getJson<SlipwayFeatures>(transport, '/slipway/features');
    } catch (error) {
      if (error instanceof ApiError && error.kind === 'not-found') return undefined;
      throw error;
    }
  },
  /**
   * What running containers use, all in one stream: a look at once, then one every `every` milliseconds (a second where not given). `ids`: only
   * these, by full id; those that do not run are not in a look.
   */
  async stats(
    { ids, every }: { ids?: string[]; every?: number } = {},
    cancel: Cancel = {},
  ): Promise<AsyncGenerator<StatsTick>> {
    const path = withQuery('/slipway/stats', { stream: true, ids: ids?.join(','), every });
    const { body } = await open(transport, { method: 'GET', path }, cancel);
    return readJsonLines<StatsTick>(body);
  },
  /** The last hour of one container; only an engine that `can` do `stats-history` keeps it. */
  statsHistory: (id: string) => getJson<UsageHistory>(transport, `/slipway/containers/${segment(id)}/stats/history`),
  /** Makes the starter image out of this machine's busybox; needs no network. */
  starter: () => postJson<{ Id: string; Reference: string }>(transport, '/slipway/starter'),
  /** Asks a standby engine to end, leaving its containers and its helper to the caller. */
  handover: () => postJson<HandoverAnswer>(transport, '/slipway/handover'),
});
