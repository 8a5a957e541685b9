import type { StateCreator } from 'zustand';
import type { Client } from '../../main/client/index.js';
import type { ConnectionInfo } from '../../main/contract/bridge.js';
import type { SlipwayFeatures, SystemInfo, SystemVersion } from '../../main/contract/system.js';
import type { Store } from './index.js';

export interface ConnectionSlice {
  connection: ConnectionInfo;
  version: SystemVersion | undefined;
  info: SystemInfo | undefined;
  /** `undefined` on a foreign engine and until it has answered. */
  features: SlipwayFeatures | undefined;
  /** How long the last round of questions took, in milliseconds. */
  checkedIn: number | undefined;
  /** Since when a question waits for an answer, where that is too long: what is shown may be old. */
  waitingSince: number | undefined;
  setConnection(connection: ConnectionInfo): void;
  setWaiting(since: number | undefined): void;
  loadSystem(): Promise<void>;
}

export const connectionSlice =
  (client: Client): StateCreator<Store, [], [], ConnectionSlice> =>
  (set) => ({
    connection: { name: '', state: 'starting', host: '' },
    version: undefined,
    info: undefined,
    features: undefined,
    checkedIn: undefined,
    waitingSince: undefined,
    setConnection: (connection) => set({ connection }),
    setWaiting: (waitingSince) => set({ waitingSince }),
    async loadSystem() {
      const since = performance.now();
      const [version, info, features] = await Promise.all([
        client.system.version(),
        client.system.info(),
        client.slipway.features(),
      ]);
      set({ version, info, features, checkedIn: performance.now() - since });
    },
  });
