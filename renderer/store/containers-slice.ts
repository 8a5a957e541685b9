import type { StateCreator } from 'zustand';
import { ApiError, type Client } from '../../main/client/index.js';
import type { ContainerSummary } from '../../main/contract/containers.js';
import { hasBin } from './bin-slice.js';
import { coalesced } from './coalesce.js';
import type { Store } from './index.js';

export type Verb = 'start' | 'stop' | 'restart' | 'kill' | 'pause' | 'unpause' | 'remove';

/** An act under way: shown until the engine has answered. */
export interface Pending {
  verb: Verb | 'change';
  since: number;
  /** Seconds that a stop waits before it kills, once known. */
  grace?: number;
}

export interface ContainersSlice {
  /** `undefined` until the engine has told. */
  containers: ContainerSummary[] | undefined;
  /** When the list was read: ages in it count from here. */
  containersAt: number;
  pending: Record<string, Pending>;
  loadContainers(): Promise<void>;
  /** Rejects with the engine's reason; asking for what is already so is no failure. */
  actOn(id: string, verb: Verb): Promise<void>;
}

/** An act that takes longer makes the window ask whether the engine is there. */
const DOUBT_MS = 2000;

export const containersSlice =
  (client: Client): StateCreator<Store, [], [], ContainersSlice> =>
  (set, get) => {
    const acts: Record<Verb, (id: string) => Promise<void>> = {
      start: (id) => client.containers.start(id),
      stop: (id) => client.containers.stop(id),
      restart: (id) => client.containers.restart(id),
      kill: (id) => client.containers.kill(id),
      pause: (id) => client.containers.pause(id),
      unpause: (id) => client.containers.unpause(id),
      async remove(id) {
        const options = { force: true, v: true };
        if (hasBin(get())) await client.slipway.discard(id, options);
        else await client.containers.remove(id, options);
      },
    };
    const setPending = (id: string, pending: Pending | undefined) =>
      set((state) => {
        const { [id]: _, ...rest } = state.pending;
        return { pending: pending ? { ...rest, [id]: pending } : rest };
      });
    const askGrace = async (id: string, pending: Pending) => {
      const { Config } = await client.containers.inspect(id);
      if (get().pending[id] === pending) setPending(id, { ...pending, grace: Config.StopTimeout ?? 10 });
    };

    return {
      containers: undefined,
      containersAt: 0,
      pending: {},
      loadContainers: coalesced(async () => {
        const containers = await client.containers.list({ all: true });
        set({ containers, containersAt: Date.now() });
      }),
      async actOn(id, verb) {
        const pending: Pending = { verb, since: Date.now() };
        setPending(id, pending);
        if (verb === 'stop' || verb === 'restart') askGrace(id, pending).catch(() => undefined);
        // An act may take its time, an engine that is there answers all the same.
        const doubt = setTimeout(() => void client.system.ping().catch(() => undefined), DOUBT_MS);
        try {
          await acts[verb](id);
        } catch (error) {
          if (!(error instanceof ApiError && error.kind === 'not-modified')) throw error;
        } finally {
          clearTimeout(doubt);
          // The list first, so that the row goes from one state to the next without showing the old one again.
          await get()
            .loadContainers()
            .catch(() => undefined);
          if (get().pending[id]?.since === pending.since) setPending(id, undefined);
        }
      },
    };
  };
