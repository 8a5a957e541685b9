import type { Transport } from '../contract/bridge.js';
import type { Filters } from '../contract/filters.js';
import type { VolumeDiscarded, VolumeOverview, VolumeOverviews } from '../contract/volume-data.js';
import type { Volume, VolumeCreate, VolumeList, VolumesPruned } from '../contract/volumes.js';
import { archiveAt, filesAt } from './files-at.js';
import { getJson, postJson, segment, send, withQuery } from './request.js';

export const volumesClient = (transport: Transport) => ({
  list: (filters?: Filters) => getJson<VolumeList>(transport, withQuery('/volumes', { filters })),
  inspect: (name: string) => getJson<Volume>(transport, `/volumes/${segment(name)}`),
  create: (body: VolumeCreate) => postJson<Volume>(transport, '/volumes/create', body),
  remove: (name: string, options: { force?: boolean | undefined } = {}) =>
    send(transport, 'DELETE', withQuery(`/volumes/${segment(name)}`, options)),
  prune: (filters?: Filters) => postJson<VolumesPruned>(transport, withQuery('/volumes/prune', { filters })),

  /** With what only an engine that `can` do `volumes` knows of them. */
  overviews: () => getJson<VolumeOverviews>(transport, '/slipway/volumes'),
  overview: (name: string) => getJson<VolumeOverview>(transport, `/slipway/volumes/${segment(name)}`),
  /** Removes it so that it can be brought back for a day. */
  discard: (name: string) => postJson<VolumeDiscarded>(transport, `/slipway/volumes/${segment(name)}/discard`),
  files: filesAt(transport, '/slipway/volumes'),
  ...archiveAt(transport, '/slipway/volumes'),
});
