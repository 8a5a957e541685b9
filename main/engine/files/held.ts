import { conflict, EngineError, invalid, notFound } from '../../base/errors.js';
import type { HeldFiles } from '../containers/index.js';

export function checkedPath(path: string): string {
  if (path === '') throw invalid('bad parameter: path cannot be empty');
  if (path.includes('\0')) throw invalid('bad parameter: path cannot hold a NUL');
  return path;
}

/** Given back once the helper has nothing of it mounted any more; the client need not wait for that. */
export const giveBack = (held: HeldFiles, gone: Promise<void>): void =>
  void gone.catch(() => undefined).then(() => held[Symbol.dispose]());

export async function orGiveBack<Result>(held: HeldFiles, work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    held[Symbol.dispose]();
    throw held.signal.aborted
      ? conflict(`container ${held.record.id} stopped in the middle of this: try again`)
      : error;
  }
}

/** The same, and what is not there in Docker's words. */
export async function named<Result>(
  held: HeldFiles,
  reference: string,
  path: string,
  work: Promise<Result>,
): Promise<Result> {
  try {
    return await orGiveBack(held, work);
  } catch (error) {
    if (!(error instanceof EngineError && error.kind === 'not-found')) throw error;
    throw notFound(`Could not find the file ${path} in container ${reference}`);
  }
}

/** Passed on to their end, or until nobody wants more; then the files are given back. */
export async function* lent<Item>(held: HeldFiles, items: AsyncIterable<Item>): AsyncGenerator<Item> {
  try {
    yield* items;
  } finally {
    held[Symbol.dispose]();
  }
}

/** Aborted with the first of two. */
export function either(one: AbortSignal, other: AbortSignal): AbortSignal {
  const control = new AbortController();
  const abort = () => control.abort();
  for (const signal of [one, other]) {
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true, signal: control.signal });
  }
  return control.signal;
}
