import { Slots } from './slots.js';

/** A dead file system never answers, and each question to it takes one of the few threads that read files. Those of others stay free. */
const slots = new Slots(2);

/** What a question to a file system that may be dead comes to; undefined: not in so many milliseconds. Without an answer it keeps its place. */
export async function look<Result>(patienceMs: number, ask: () => Promise<Result>): Promise<Result | undefined> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), patienceMs);
  return lookUntil(late.signal, ask).finally(() => clearTimeout(timer));
}

/** The same, until somebody does not wait any more. */
export async function lookUntil<Result>(late: AbortSignal, ask: () => Promise<Result>): Promise<Result | undefined> {
  const slot = await slots.take(late).catch(() => undefined);
  if (!slot) return undefined;
  const answer = ask().finally(() => slot[Symbol.dispose]());
  answer.catch(() => undefined); // it may come when nobody waits for it any more
  return Promise.race([answer, aborted(late)]);
}

export const aborted = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
