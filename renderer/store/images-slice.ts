import type { StateCreator } from 'zustand';
import { splitReference, type Client } from '../../main/client/index.js';
import type { ImageSummary } from '../../main/contract/images.js';
import { coalesced } from './coalesce.js';
import { messageOf, type Store } from './index.js';

/** Whether a registry has something newer under an image's name. `at`: when it said so, in milliseconds. */
export type Newer =
  | { state: 'asking' }
  | { state: 'known'; newer: boolean; at: number }
  | { state: 'failed'; problem: string; at: number };

export interface ImagesSlice {
  images: ImageSummary[] | undefined;
  /** Bytes of each image that others have too, by id: read after the rows, where somebody wants to see them. */
  sharedSizes: Readonly<Record<string, number>>;
  /** By reference. Nothing is asked by itself: see `checkNewer`. */
  newer: Readonly<Record<string, Newer>>;
  loadImages(): Promise<void>;
  loadSharedSizes(): Promise<void>;
  removeImage(reference: string, options?: { force?: boolean }): Promise<void>;
  /** Gives an image a further name. */
  tagImage(id: string, reference: string): Promise<void>;
  /** Asks the registries of these, unless they said so within the last hours; `anew`: in any case. */
  checkNewer(references: string[], anew?: boolean): Promise<void>;
  /** What was said of a reference is of yesterday. */
  forgetNewer(reference: string): void;
}

/** Milliseconds that an answer of a registry is good for. */
const FRESH_MS = 6 * 3600_000;
/** Registries at a time. */
const AT_ONCE = 2;

export const imagesSlice =
  (client: Client): StateCreator<Store, [], [], ImagesSlice> =>
  (set, get) => {
    const setNewer = (reference: string, said: Newer) =>
      set((state) => ({ newer: { ...state.newer, [reference]: said } }));
    return {
      images: undefined,
      sharedSizes: {},
      newer: {},
      loadImages: coalesced(async () => set({ images: await client.images.list() })),
      loadSharedSizes: coalesced(async () => {
        const images = await client.images.list({ sharedSize: true });
        set({
          sharedSizes: Object.fromEntries(
            images.flatMap(({ Id, SharedSize }) => (SharedSize < 0 ? [] : [[Id, SharedSize]])),
          ),
        });
      }),
      async removeImage(reference, options) {
        await client.images.remove(reference, options); // the list follows from the engine's event
      },
      async tagImage(id, reference) {
        const { name, tag } = splitReference(reference);
        await client.images.tag(id, name, tag);
      },
      async checkNewer(references, anew = false) {
        const fresh = (said: Newer | undefined) =>
          said !== undefined && (said.state === 'asking' || (!anew && Date.now() - said.at < FRESH_MS));
        const queue = references.filter((reference) => !fresh(get().newer[reference])).values();
        const lane = async () => {
          for (const reference of queue) {
            setNewer(reference, { state: 'asking' });
            try {
              const { newer } = await client.slipway.newer(reference);
              setNewer(reference, { state: 'known', newer, at: Date.now() });
            } catch (error) {
              setNewer(reference, { state: 'failed', problem: messageOf(error), at: Date.now() });
            }
          }
        };
        await Promise.all(Array.from({ length: AT_ONCE }, lane));
      },
      forgetNewer: (reference) =>
        set((state) => {
          const { [reference]: _, ...newer } = state.newer;
          return { newer };
        }),
    };
  };
