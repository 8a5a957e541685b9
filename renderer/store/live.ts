import type { EngineEvent } from '../../main/contract/events.js';
import type { EngineStore, Store } from './index.js';

type Refresh =
  | 'loadBin'
  | 'loadContainers'
  | 'loadDisk'
  | 'loadImages'
  | 'loadRegistries'
  | 'loadSystem'
  | 'loadVolumes'
  | 'loadVolumeUsers';

/** Event type → what to read again. Nothing else in the window asks on its own. */
const refreshes: Record<EngineEvent['Type'], Refresh[]> = {
  container: ['loadContainers', 'loadDisk', 'loadVolumeUsers'],
  image: ['loadImages', 'loadDisk'],
  network: [],
  volume: ['loadVolumes', 'loadDisk'],
  builder: [],
  daemon: ['loadSystem'],
};

/** Actions that name something else than their type does. */
const refreshesOf: Partial<Record<string, Refresh[]>> = {
  'daemon bin': ['loadBin', 'loadDisk', 'loadVolumeUsers'],
  'daemon registry': ['loadRegistries'],
};

/** Events that change nothing in a list. (A volume that is mounted was created or its container started.) */
const passing =
  /^(?:exec_|attach$|detach$|resize$|top$|copy$|export$|archive-path$|extract-to-dir$|push$|mount$|unmount$)/;

export const refreshesFor = (event: EngineEvent): Refresh[] =>
  passing.test(event.Action) ? [] : (refreshesOf[`${event.Type} ${event.Action}`] ?? refreshes[event.Type]);

/** Whether there is a bin, and what is known of volumes, is known once the system is. */
const loadAll = (state: Store) =>
  Promise.all([
    state.loadContainers(),
    state.loadImages(),
    state.loadSystem().then(() => Promise.all([state.loadBin(), state.loadVolumes()])),
  ]);

const pause = (milliseconds: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });

/**
 * Keeps the store level with the engine: subscribes, reads everything once, then reads again what an event names. When the
 * stream ends it stays with what it knows and subscribes again. Returns the way to stop.
 */
export function live(store: EngineStore): () => void {
  const stop = new AbortController();
  let round: AbortController | undefined;

  const follow = async (signal: AbortSignal) => {
    let wait = 200;
    while (!signal.aborted) {
      try {
        const events = await store.client.events.subscribe({}, { signal });
        await loadAll(store.getState());
        await store.getState().findOutChanges();
        wait = 200;
        for await (const event of events) {
          const state = store.getState();
          state.terminalsHear(event);
          state.changesHear(event);
          for (const refresh of refreshesFor(event)) state[refresh]().catch(() => undefined);
        }
      } catch {
        // The connection's own state tells why; here there is only trying again.
      }
      if (signal.aborted) return;
      await pause(wait, signal);
      wait = Math.min(wait * 2, 5000);
    }
  };

  const onState = (ready: boolean) => {
    if (!ready) {
      round?.abort();
      round = undefined;
    } else if (!round) {
      round = new AbortController();
      void follow(round.signal);
    }
  };
  const unsubscribe = store.subscribe((state, before) => {
    if (state.connection.state !== before.connection.state) onState(state.connection.state === 'ready');
  });
  onState(store.getState().connection.state === 'ready');
  stop.signal.addEventListener('abort', () => {
    unsubscribe();
    round?.abort();
  });
  return () => stop.abort();
}
