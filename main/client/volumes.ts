import type { Transport } from '../contract/bridge.js';
import type { VolumeList } from '../contract/volumes.js';
import { getJson } from './request.js';

export const volumesClient = (transport: Transport) => ({
  list: () => getJson<VolumeList>(transport, '/volumes'),
});
