/** Networks, endpoints and their addresses. */
export { Networks, type Allocation, type NetworkMode, type NetworksOptions, type Place } from './networks.js';
export type { NameClient } from './names.js';
export type { PortWish } from './published-ports.js';
export type { EndpointWish } from './describe.js';
export type { EndpointRecord, PredefinedNetwork } from './record.js';
