/** What travels over one stream's port: the bridge's messages without the id, which the port itself stands for. */
import type { BridgeMessage, TransferMessage } from '../../main/contract/bridge.js';

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;

/** From the main process. */
export type PortAnswer = WithoutId<BridgeMessage>;

/** From the window. */
export type PortMessage =
  { type: 'write'; bytes: Uint8Array } | { type: 'end' } | { type: 'cancel' } | { type: 'credit'; bytes: number };

/** What travels over a transfer's port, the other way only `cancel`. */
export type TransferAnswer = WithoutId<TransferMessage>;

/** The names of the channels between preload and main process. */
export const CHANNEL = {
  open: 'slipway:open',
  connection: 'slipway:connection',
  transfer: 'slipway:transfer',
  drag: 'slipway:drag',
  pick: 'slipway:pick',
  platform: 'slipway:platform',
  openExternal: 'slipway:open-external',
  copyText: 'slipway:copy-text',
  readText: 'slipway:read-text',
  saveText: 'slipway:save-text',
  window: 'slipway:window',
  hold: 'slipway:hold',
  leave: 'slipway:leave',
  fonts: 'slipway:fonts',
  setTheme: 'slipway:set-theme',
  notify: 'slipway:notify',
} as const;
