import { invalid } from '../../base/errors.js';
import type { RestartPolicy } from '../../contract/containers.js';

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 60_000;
/** A container that lived so long starts from the first delay again. */
const LONG_LIFE_MS = 10_000;

/** As the API takes it; an empty name is `no`. */
export function checkedRestartPolicy({ Name, MaximumRetryCount = 0 }: Partial<RestartPolicy>): RestartPolicy {
  const name = Name || 'no';
  if (!['no', 'always', 'unless-stopped', 'on-failure'].includes(name))
    throw invalid(`invalid restart policy '${name}'`);
  if (name !== 'on-failure' && MaximumRetryCount !== 0) {
    throw invalid(`maximum retry count cannot be used with restart policy '${name}'`);
  }
  if (MaximumRetryCount < 0) throw invalid('maximum retry count cannot be negative');
  return { Name: name, MaximumRetryCount };
}

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
