/** Bridges on this machine, the addresses that are free on it, and how addresses are read and written. */
export { newVeth, Wires, type Bridge, type PublishedPort } from './wires.js';
export {
  bitsOf,
  contains,
  formatAddress,
  formatSubnet,
  nth,
  overlaps,
  parseAddress,
  parseInterface,
  parseSubnet,
  sizeOf,
  subnetOf,
  type Address,
  type Family,
  type Subnet,
} from './addresses.js';
export type { Route } from './routes.js';
