import type { Transport } from '../contract/bridge.js';
import type { Bin, BinEmptied, Discarded, Restored } from '../contract/bin.js';
import { getJson, open, postJson, segment, send, withQuery } from './request.js';
import { readText } from './streams.js';

/** Removed containers that can be brought back. */
export const binClient = (transport: Transport) => ({
  /** Removes a container so that it can be brought back for a day; `v`: the volumes whose names nobody chose go with it in the end. */
  discard: (id: string, options: { force?: boolean; v?: boolean } = {}) =>
    postJson<Discarded>(transport, withQuery(`/slipway/containers/${segment(id)}/discard`, options)),
  bin: () => getJson<Bin>(transport, '/slipway/bin'),
  restore: (id: string, options: { name?: string } = {}) =>
    postJson<Restored>(transport, withQuery(`/slipway/bin/${segment(id)}/restore`, options)),
  /** Of what is in the bin, for good. */
  removeFromBin: (id: string) => send(transport, 'DELETE', `/slipway/bin/${segment(id)}`),
  async emptyBin(): Promise<BinEmptied> {
    const { body } = await open(transport, { method: 'DELETE', path: '/slipway/bin' });
    return JSON.parse(await readText(body)) as BinEmptied;
  },
});
