import type { StateCreator } from 'zustand';
import type { Client } from '../../main/client/index.js';
import type { ImageSummary } from '../../main/contract/images.js';
import { coalesced } from './coalesce.js';
import type { Store } from './index.js';

export interface ImagesSlice {
  images: ImageSummary[] | undefined;
  loadImages(): Promise<void>;
  removeImage(reference: string, options?: { force?: boolean }): Promise<void>;
}

export const imagesSlice =
  (client: Client): StateCreator<Store, [], [], ImagesSlice> =>
  (set) => ({
    images: undefined,
    loadImages: coalesced(async () => set({ images: await client.images.list() })),
    async removeImage(reference, options) {
      await client.images.remove(reference, options); // the list follows from the engine's event
    },
  });
