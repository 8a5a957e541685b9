import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Monitor } from '../helper/index.js';

/** A container's running process, as we hold it. */
export interface Live {
  monitor: Monitor;
  pid: number;
  /** Its start time in clock ticks, once somebody needed it. */
  pidStart?: number;
  /** When it was let go, by our clock (ms): short lives make the next restart wait longer. */
  since: number;
  /** Resolves once its end has been recorded and announced. */
  readonly ended: Promise<void>;
  end(): void;
  /** Somebody asked for its end: no restart, whatever the policy. */
  stopping: boolean;
  /** It is being restarted by hand: not removed in between. */
  keep: boolean;
}

export function newLive(pid: number): Live {
  let end!: () => void;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const monitor = undefined as unknown as Monitor; // set by the connection that this is made for
  return { monitor, pid, since: Date.now(), ended, end, stopping: false, keep: false };
}

/** A timer of Node waits for no more; asked for more it does not wait at all. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** Whether it ended in time; without a time, or with more than three weeks of it, whenever it does. */
export async function endsWithin(live: Pick<Live, 'ended'>, milliseconds = Infinity): Promise<boolean> {
  const ended = live.ended.then(() => true);
  if (milliseconds > LONGEST_WAIT_MS) return ended;
  const timer = new AbortController();
  const late = sleep(milliseconds, false, { signal: timer.signal }).catch(() => false);
  const result = await Promise.race([ended, late]);
  timer.abort();
  return result;
}

/** When the first process of a run began, in clock ticks, as its monitor wrote it down; 0 where it did not. */
export async function startTimeOf(stateDir: string): Promise<number> {
  try {
    const said = JSON.parse(await readFile(join(stateDir, 'monitor.json'), 'utf8')) as {
      container?: { startTime?: number };
    };
    return said.container?.startTime ?? 0;
  } catch {
    return 0;
  }
}
