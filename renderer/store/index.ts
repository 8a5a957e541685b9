import { createContext, useContext } from 'react';
import { createStore, useStore, type StoreApi } from 'zustand';
import type { Client } from '../../main/client/index.js';
import { binSlice, type BinSlice } from './bin-slice.js';
import { changesSlice, type ChangesSlice } from './changes-slice.js';
import { connectionSlice, type ConnectionSlice } from './connection-slice.js';
import { containersSlice, type ContainersSlice } from './containers-slice.js';
import { diskSlice, type DiskSlice } from './disk-slice.js';
import { imagesSlice, type ImagesSlice } from './images-slice.js';
import { registriesSlice, type RegistriesSlice } from './registries-slice.js';
import { statsSlice, type StatsSlice } from './stats-slice.js';
import { tasksSlice, type TasksSlice } from './tasks-slice.js';
import { terminalsSlice, type TerminalsSlice } from './terminals-slice.js';
import { transfersSlice, type TransfersSlice } from './transfers-slice.js';
import { volumesSlice, type VolumesSlice } from './volumes-slice.js';

/** What the window knows of one engine. Another engine means another client and another store. */
export type Store = BinSlice &
  ChangesSlice &
  ConnectionSlice &
  ContainersSlice &
  DiskSlice &
  ImagesSlice &
  RegistriesSlice &
  StatsSlice &
  TasksSlice &
  TerminalsSlice &
  TransfersSlice &
  VolumesSlice;
export type EngineStore = StoreApi<Store> & { client: Client };

export const createEngineStore = (client: Client): EngineStore =>
  Object.assign(
    createStore<Store>()((...api) => ({
      ...binSlice(client)(...api),
      ...changesSlice(client)(...api),
      ...connectionSlice(client)(...api),
      ...containersSlice(client)(...api),
      ...diskSlice(client)(...api),
      ...imagesSlice(client)(...api),
      ...registriesSlice(client)(...api),
      ...statsSlice(client)(...api),
      ...tasksSlice(client)(...api),
      ...terminalsSlice(client)(...api),
      ...transfersSlice(...api),
      ...volumesSlice(client)(...api),
    })),
    { client },
  );

const EngineContext = createContext<EngineStore | undefined>(undefined);
export const EngineProvider = EngineContext.Provider;

/** The store itself: for acts, and for the client of streams that go past it. */
export function useEngineStore(): EngineStore {
  const store = useContext(EngineContext);
  if (!store) throw new Error('no engine is provided here');
  return store;
}

export const useEngine = <Value>(selector: (state: Store) => Value): Value => useStore(useEngineStore(), selector);

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
