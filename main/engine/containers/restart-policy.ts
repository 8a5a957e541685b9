import type { RestartPolicy } from '../../contract/containers.js';

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 60_000;
/** A container that lived so long starts from the first delay again. */
const LONG_LIFE_MS = 10_000;

export interface EndedRun {
  exitCode: number;
  /** Restarts that the policy has made so far. */
  restartCount: number;
  stoppedByHand: boolean;
}

/** Whether the policy brings a container back that has ended by itself, or that was found ended when the engine started. */
export function wantsRestart({ Name, MaximumRetryCount }: RestartPolicy, run: EndedRun): boolean {
  switch (Name) {
    case 'always':
      return true;
    case 'unless-stopped':
      return !run.stoppedByHand;
    case 'on-failure':
      return (
        run.exitCode !== 0 && !run.stoppedByHand && (MaximumRetryCount === 0 || run.restartCount < MaximumRetryCount)
      );
    case 'no':
    case '':
      return false;
  }
}

/** Each restart waits twice as long as the one before, up to a minute. */
export function nextDelay(previous: number, lifetime: number): number {
  if (previous === 0 || lifetime >= LONG_LIFE_MS) return FIRST_DELAY_MS;
  return Math.min(previous * 2, LONGEST_DELAY_MS);
}
