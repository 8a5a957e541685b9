import { useEffect, useState } from 'react';
import { messageOf } from '../store/index.js';
import { useExplain } from './explain.js';

export type Answer<Value> = { value?: Value; problem?: string };

/** Asks, and asks again when `key` changes; keeps the last answer meanwhile. `problem` is in the window's language. Nothing else asks: no timer does. */
export function useAnswer<Value>(ask: () => Promise<Value>, key: unknown): Answer<Value> {
  const [answer, setAnswer] = useState<Answer<Value>>({});
  const explain = useExplain();
  useEffect(() => {
    let current = true;
    ask().then(
      (value) => current && setAnswer({ value }),
      (error: unknown) => current && setAnswer((before) => ({ ...before, problem: messageOf(error) })),
    );
    return () => {
      current = false;
    };
    // The question is said by its key.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key]);
  return answer.problem === undefined ? answer : { ...answer, problem: explain(answer.problem) };
}
