import type { StateCreator } from 'zustand';
import type { Client } from '../../main/client/index.js';
import type { Bin, Restored } from '../../main/contract/bin.js';
import { coalesced } from './coalesce.js';
import type { Store } from './index.js';

export interface BinSlice {
  /** Removed containers and volumes that can be brought back; `undefined` until the engine has told, and on one that has no bin. */
  bin: Bin | undefined;
  loadBin(): Promise<void>;
  /** Brings one back, under another name where one is given. Rejects with the engine's reason. */
  restoreFromBin(id: string, name?: string): Promise<Restored>;
  /** For good. */
  removeFromBin(id: string): Promise<void>;
  /** All of it for good. */
  emptyBin(): Promise<void>;
}

/** Whether what is removed on this engine can be brought back. */
export const hasBin = ({ features }: Pick<Store, 'features'>): boolean => features?.can?.includes('bin') ?? false;

export const binSlice =
  (client: Client): StateCreator<Store, [], [], BinSlice> =>
  (set, get) => {
    const loadBin = coalesced(async () => set({ bin: hasBin(get()) ? await client.slipway.bin() : undefined }));
    /** Reads the bin again once an act in it has ended, however it ended. */
    const thenLoad = async <Value>(act: Promise<Value>, ...also: (() => Promise<void>)[]): Promise<Value> => {
      try {
        return await act;
      } finally {
        await Promise.all([loadBin, ...also].map((load) => load().catch(() => undefined)));
      }
    };
    return {
      bin: undefined,
      loadBin,
      restoreFromBin: (id, name) =>
        thenLoad(
          client.slipway.restore(id, { name }),
          () => get().loadContainers(),
          () => get().loadVolumes(),
        ),
      removeFromBin: (id) => thenLoad(client.slipway.removeFromBin(id), () => get().loadVolumeUsers()),
      emptyBin: async () => void (await thenLoad(client.slipway.emptyBin(), () => get().loadVolumeUsers())),
    };
  };
