/** Bridges and veth pairs on this machine, and the address ranges that are free on it. */
export { Wires, type Bridge, type Plug } from './wires.js';
export { formatAddress, formatSubnet, parseAddress, parseSubnet, sizeOf, type Subnet } from './ipv4.js';
export type { Route } from './routes.js';
