/** Bridges and veth pairs on this machine, and the address ranges that are free on it. */
export { newVeth, Wires, type Bridge } from './wires.js';
export { formatAddress, formatSubnet, parseAddress, parseSubnet, sizeOf, type Subnet } from './ipv4.js';
export type { Route } from './routes.js';
