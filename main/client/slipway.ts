import type { Transport } from '../contract/bridge.js';
import type { HandoverAnswer, SlipwayFeatures } from '../contract/system.js';
import { ApiError } from './errors.js';
import { getJson, postJson } from './request.js';

/** What our engine can do beyond Docker's API. */
export const slipwayClient = (transport: Transport) => ({
  /** `undefined` on any other engine. */
  async features(): Promise<SlipwayFeatures | undefined> {
    try {
      return await getJson<SlipwayFeatures>(transport, '/slipway/features');
    } catch (error) {
      if (error instanceof ApiError && error.kind === 'not-found') return undefined;
      throw error;
    }
  },
  /** Makes the starter image out of this machine's busybox; needs no network. */
  starter: () => postJson<{ Id: string; Reference: string }>(transport, '/slipway/starter'),
  /** Asks a standby engine to end, leaving its containers and its helper to the caller. */
  handover: () => postJson<HandoverAnswer>(transport, '/slipway/handover'),
});
