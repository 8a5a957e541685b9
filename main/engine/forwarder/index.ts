export {
  Forwarder,
  type ForwarderOptions,
  type HeldPort,
  type Hold,
  type HoldRequest,
  type Target,
} from './forwarder.js';
export { holderOf, type Holder } from './holder.js';
export type { Protocol } from './holder.js';
