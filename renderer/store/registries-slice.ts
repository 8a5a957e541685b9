import type { StateCreator } from 'zustand';
import type { Client } from '../../main/client/index.js';
import type { Registry, RegistryChange } from '../../main/contract/registries.js';
import type { ServeAnswer, Serving, ServeRequest } from '../../main/contract/serve.js';
import { coalesced } from './coalesce.js';
import type { Store } from './index.js';

export interface RegistriesSlice {
  /** `undefined` until the engine has told, and on one that does not. */
  registries: Registry[] | undefined;
  /** Null: our images are served to nobody. `undefined`: not known, or this engine cannot. */
  serving: Serving | null | undefined;
  /** They were to be served on, and are not. */
  servingProblem: ServeAnswer['problem'];
  loadRegistries(): Promise<void>;
  /** Rejects with the registry's reason. */
  login(host: string, credentials: { username: string; password: string }): Promise<void>;
  logout(host: string): Promise<void>;
  changeRegistry(host: string, change: RegistryChange): Promise<void>;
  forgetRegistry(host: string): Promise<void>;
  loadServing(): Promise<void>;
  /** Returns the token, which is told this once. */
  serve(request: ServeRequest): Promise<string | undefined>;
  stopServing(): Promise<void>;
}

/** Whether the engine can do something beyond Docker's API, by its name in `features.can`. */
export const can =
  (what: string) =>
  ({ features }: Pick<Store, 'features'>): boolean =>
    features?.can?.includes(what) ?? false;

export const registriesSlice =
  (client: Client): StateCreator<Store, [], [], RegistriesSlice> =>
  (set, get) => {
    const loadRegistries = coalesced(async () =>
      set({ registries: can('registries')(get()) ? await client.slipway.registries.list() : undefined }),
    );
    const loadServing = coalesced(async () => {
      if (!can('serve')(get())) return set({ serving: undefined, servingProblem: undefined });
      const { serving, problem } = await client.slipway.serve.state();
      set({ serving, servingProblem: problem });
    });
    /** Reads the list again once an act has ended, however it ended. */
    const thenLoad = async (act: Promise<unknown>) => {
      try {
        await act;
      } finally {
        await loadRegistries().catch(() => undefined);
      }
    };
    return {
      registries: undefined,
      serving: undefined,
      servingProblem: undefined,
      loadRegistries,
      login: (host, credentials) => thenLoad(client.slipway.registries.login(host, credentials)),
      logout: (host) => thenLoad(client.slipway.registries.logout(host)),
      changeRegistry: (host, change) => thenLoad(client.slipway.registries.change(host, change)),
      forgetRegistry: (host) => thenLoad(client.slipway.registries.remove(host)),
      loadServing,
      async serve(request) {
        const { serving, token } = await client.slipway.serve.start(request);
        set({ serving, servingProblem: undefined });
        return token;
      },
      async stopServing() {
        await client.slipway.serve.stop();
        set({ serving: null, servingProblem: undefined });
      },
    };
  };
