import type { StateCreator } from 'zustand';
import type { Client } from '../../main/client/index.js';
import type { Collected, DiskUsage, Finding, SelfChecked, SelfCheckLine } from '../../main/contract/disk.js';
import { coalesced } from './coalesce.js';
import type { Store } from './index.js';

/** A self-check that is under way, or what came of the last one. */
export interface SelfCheck {
  stage: 'blobs' | 'layers' | 'copies' | 'strays';
  checked: number;
  total: number;
  findings: Finding[];
  done: SelfChecked['Done'] | undefined;
  /** Why it did not come to its end. */
  problem: string | undefined;
}

export interface DiskSlice {
  /** Where the engine's bytes are; `undefined` until it has told, and on one that cannot say. */
  disk: DiskUsage | undefined;
  selfCheck: SelfCheck | undefined;
  loadDisk(): Promise<void>;
  /** Keeps `disk` level while somebody looks at it. Returns the way to stop. */
  watchDisk(): () => void;
  /** Gives back what belongs to nothing. */
  collectDisk(): Promise<Collected>;
  /** Goes on when whoever began it looks away. One at a time. */
  startSelfCheck(): Promise<void>;
  stopSelfCheck(): void;
  /** What came of it was seen. */
  forgetSelfCheck(): void;
}

export const hasEnded = ({ done, problem }: SelfCheck): boolean => done !== undefined || problem !== undefined;

/** Whether this engine says where its bytes are. */
export const hasDisk = ({ features }: Pick<Store, 'features'>): boolean => features?.can?.includes('disk') ?? false;

/** What is being counted behind an answer is asked for again: no event tells when it is done. */
const RECOUNT_MS = 1500;

export const diskSlice =
  (client: Client): StateCreator<Store, [], [], DiskSlice> =>
  (set, get) => {
    let watchers = 0;
    let recount: ReturnType<typeof setTimeout> | undefined;
    let control: AbortController | undefined;
    const read = coalesced(async () => {
      if (!hasDisk(get())) return set({ disk: undefined });
      const disk = await client.slipway.disk();
      set({ disk });
      clearTimeout(recount);
      if (disk.Counting && watchers > 0) recount = setTimeout(() => void read().catch(() => undefined), RECOUNT_MS);
    });
    const hear = (line: SelfCheckLine) =>
      set(({ selfCheck }) => {
        if (!selfCheck) return {};
        if ('Finding' in line) return { selfCheck: { ...selfCheck, findings: [...selfCheck.findings, line.Finding] } };
        if ('Stage' in line)
          return { selfCheck: { ...selfCheck, stage: line.Stage, checked: line.Checked, total: line.Total } };
        return {};
      });
    return {
      disk: undefined,
      selfCheck: undefined,
      // Whoever does not look need not know.
      loadDisk: () => (watchers > 0 ? read() : Promise.resolve()),
      watchDisk() {
        watchers++;
        void read().catch(() => undefined);
        return () => {
          watchers--;
          if (watchers === 0) clearTimeout(recount);
        };
      },
      async collectDisk() {
        const collected = await client.slipway.collect();
        await get().loadDisk();
        return collected;
      },
      async startSelfCheck() {
        if (control) return;
        control = new AbortController();
        set({
          selfCheck: { stage: 'blobs', checked: 0, total: 0, findings: [], done: undefined, problem: undefined },
        });
        try {
          const done = await client.slipway.selfCheck({ signal: control.signal, onLine: hear });
          set(({ selfCheck }) => ({ selfCheck: selfCheck && { ...selfCheck, findings: done.Findings, done } }));
        } catch (error) {
          const problem = control.signal.aborted ? undefined : error instanceof Error ? error.message : String(error);
          set(({ selfCheck }) => ({
            selfCheck: problem === undefined ? undefined : selfCheck && { ...selfCheck, problem },
          }));
        } finally {
          control = undefined;
        }
        await get()
          .loadDisk()
          .catch(() => undefined);
      },
      stopSelfCheck() {
        control?.abort();
      },
      forgetSelfCheck: () => set(({ selfCheck }) => (selfCheck && hasEnded(selfCheck) ? { selfCheck: undefined } : {})),
    };
  };
