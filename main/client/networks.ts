import type { Transport } from '../contract/bridge.js';
import type { NetworkInspect } from '../contract/networks.js';
import { getJson } from './request.js';

export const networksClient = (transport: Transport) => ({
  list: () => getJson<NetworkInspect[]>(transport, '/networks'),
});
