import type { StateCreator } from 'zustand';
import type { Client } from '../../main/client/index.js';
import type { StatsTick, Usage } from '../../main/contract/stats.js';
import type { Store } from './index.js';

/** What a container used lately: the newest numbers, and its share of a processor over the looks before, oldest first. */
export interface Used {
  at: number;
  usage: Usage;
  cpu: number[];
}

export interface StatsSlice {
  used: Readonly<Record<string, Used>>;
  /** Follows what these use (everything that runs when not given) until `signal` says so or the engine is gone; rejects then. */
  followStats(request: { ids?: string[]; every?: number }, signal: AbortSignal): Promise<void>;
}

/** Points of a sparkline. */
export const SPARK_POINTS = 22;
/** What was not seen for this long is no longer known. */
const STALE_MS = 60_000;
/** The engine says something every period; when it is silent for this long it is asked whether it is there. */
const SILENCE_MS = 4000;

export const statsSlice =
  (client: Client): StateCreator<Store, [], [], StatsSlice> =>
  (set) => ({
    used: {},
    async followStats(request, signal) {
      const ticks = await client.slipway.stats(request, { signal });
      let silence: ReturnType<typeof setTimeout> | undefined;
      const hear = () => {
        clearTimeout(silence);
        silence = setTimeout(() => void client.system.ping().catch(() => undefined), SILENCE_MS + (request.every ?? 0));
      };
      try {
        hear();
        for await (const tick of ticks) {
          hear();
          set(({ used }) => ({ used: after(used, tick) }));
        }
      } finally {
        clearTimeout(silence);
      }
    },
  });

/** What is known after a look; a share that a look does not know keeps the one before. */
export function after(used: StatsSlice['used'], { at, containers }: StatsTick): StatsSlice['used'] {
  const kept = Object.entries(used).filter(([, { at: seen }]) => at - seen < STALE_MS);
  const next = Object.fromEntries(kept);
  for (const [id, usage] of Object.entries(containers)) {
    const before = next[id]?.cpu ?? [];
    next[id] = { at, usage, cpu: usage.cpu === undefined ? before : [...before.slice(1 - SPARK_POINTS), usage.cpu] };
  }
  return next;
}
