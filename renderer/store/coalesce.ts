/** Milliseconds that a refresh waits at most for the one before it to have been over for a while. */
const LONGEST_REST = 1000;

/**
 * Runs `load` at most once at a time; a call while it runs makes it run once more, so the last answer is never older than the last call. Where
 * calls come all the time, there is as much rest as work: what is asked has something else to do than to answer.
 */
export function coalesced(load: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let again: Promise<void> | undefined;
  /** When the next run may begin. */
  let restedAt = 0;
  const run = (): Promise<void> => {
    const since = performance.now();
    running = load().finally(() => {
      running = undefined;
      const now = performance.now();
      restedAt = now + Math.min(LONGEST_REST, now - since);
    });
    return running;
  };
  const rest = () => new Promise((resolve) => setTimeout(resolve, restedAt - performance.now()));
  return () => {
    if (again) return again;
    if (!running && performance.now() >= restedAt) return run();
    again = (running ?? Promise.resolve())
      .catch(() => undefined)
      .then(rest)
      .then(() => {
        again = undefined;
        return run();
      });
    return again;
  };
}
