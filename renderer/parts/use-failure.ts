import { useState } from 'react';
import { messageOf } from '../store/index.js';
import { notifyFailed } from '../ui/notify.js';
import { useShown } from '../ui/use-shown.js';
import { useExplain } from './explain.js';

export interface Failure {
  /** What stands where the person acted. */
  failure: string | undefined;
  /** Says what went wrong, as an error or in words: there, or in a notice where that has been closed meanwhile. */
  fail(problem: unknown): void;
  forget(): void;
  /** It has not been closed. */
  isShown(): boolean;
}

/** Of an act whose end a dialog may not live to see. `title`: what a notice of it is called. */
export function useFailure(title: string): Failure {
  const explain = useExplain();
  const isShown = useShown();
  const [failure, setFailure] = useState<string>();
  return {
    ...{ failure, isShown },
    fail(problem) {
      const words = typeof problem === 'string' ? problem : explain(messageOf(problem));
      if (isShown()) setFailure(words);
      else notifyFailed(title, words);
    },
    forget: () => setFailure(undefined),
  };
}
