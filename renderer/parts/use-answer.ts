import { useEffect, useState } from 'react';
import { messageOf, useEngineStore, type Store } from '../store/index.js';
import { useExplain } from './explain.js';

export type Answer<Value> = { value?: Value; problem?: string };

/** What is read of the store here. */
interface Connected {
  subscribe(listener: (state: Pick<Store, 'connection'>, before: Pick<Store, 'connection'>) => void): () => void;
}

/** Asks; where that went wrong, once more as soon as the engine is back. Returns the way to stop. */
export function askUntilBack<Value>(
  store: Connected,
  ask: () => Promise<Value>,
  tell: { value(value: Value): void; problem(error: unknown): void },
): () => void {
  let stopped = false;
  let failed = false;
  let back = false;
  const go = () => {
    failed = back = false;
    ask().then(
      (value) => {
        if (!stopped) tell.value(value);
      },
      (error: unknown) => {
        if (stopped) return;
        // It came back before the question was given up.
        if (back) return go();
        failed = true;
        tell.problem(error);
      },
    );
  };
  const unsubscribe = store.subscribe(({ connection }, before) => {
    if (connection.state !== 'ready' || before.connection.state === 'ready') return;
    back = true;
    if (failed) go();
  });
  go();
  return () => {
    stopped = true;
    unsubscribe();
  };
}

/**
 * Asks, and asks again when `key` changes, or when the engine is back after a problem; keeps the last answer meanwhile. `problem` is in the
 * window's language. Nothing else asks: no timer does.
 */
export function useAnswer<Value>(ask: () => Promise<Value>, key: unknown): Answer<Value> {
  const store = useEngineStore();
  const [answer, setAnswer] = useState<Answer<Value>>({});
  const explain = useExplain();
  useEffect(
    () =>
      askUntilBack(store, ask, {
        value: (value) => setAnswer({ value }),
        problem: (error) => setAnswer((before) => ({ ...before, problem: messageOf(error) })),
      }),
    // The question is said by its key.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [key],
  );
  return answer.problem === undefined ? answer : { ...answer, problem: explain(answer.problem) };
}
