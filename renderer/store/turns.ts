/** Does no more than so many things at once; the others wait in the order in which they came, and are told so. What waits can be called off. */
export function turns(most: number) {
  let busy = 0;
  const waiting = new Set<() => void>();
  const wait = (signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      const go = () => {
        waiting.delete(go);
        signal.removeEventListener('abort', stop);
        busy += 1;
        resolve();
      };
      const stop = () => {
        waiting.delete(go);
        reject(new Error('called off'));
      };
      waiting.add(go);
      signal.addEventListener('abort', stop, { once: true });
    });
  return async <Value>(work: () => Promise<Value>, signal: AbortSignal, onWait: () => void): Promise<Value> => {
    if (busy < most) busy += 1;
    else {
      onWait();
      await wait(signal);
    }
    try {
      return await work();
    } finally {
      busy -= 1;
      const [next] = waiting;
      next?.();
    }
  };
}
