/** Networks, endpoints and their addresses. */
export { Networks, type NetworkMode, type NetworksOptions } from './networks.js';
export type { EndpointRecord, PredefinedNetwork } from './record.js';
