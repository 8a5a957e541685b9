import { conflict, EngineError, invalid, notFound } from '../../base/errors.js';
import type { FilesPlace } from '../helper/index.js';

/** Files, held for one use. Given back by disposing, once nothing of the use is left on the machine. */
export interface Held extends Disposable {
  /** Where the helper finds them. */
  readonly place: FilesPlace;
  /** Of a container: what its own layer changes is marked. */
  readonly overlay?: { upper: string; lower: string[] };
  /** Aborted when they cannot be seen any more. */
  readonly signal: AbortSignal;
  /** They are changed until it is disposed. Throws where that cannot be now. */
  writing(): Disposable;
}

/** Who has files, and what is said of it. */
export interface Keeper<Files extends Held> {
  readonly noun: 'container' | 'volume';
  hold(reference: string): Promise<Files>;
  /** Why a use came to no end: a sentence. */
  cutOff(held: Files): string;
  /** Somebody took files out, or put some in. */
  announce?(held: Files, action: 'archive-path' | 'extract-to-dir'): void;
  /** Whom files are given to that are to be its own. */
  userOf?(held: Files): string | undefined;
}

export function checkedPath(path: string): string {
  if (path === '') throw invalid('bad parameter: path cannot be empty');
  if (path.includes('\0')) throw invalid('bad parameter: path cannot hold a NUL');
  return path;
}

/** Given back once the helper has nothing of it mounted any more; the client need not wait for that. */
export const giveBack = (held: Held, gone: Promise<void>): void =>
  void gone.catch(() => undefined).then(() => held[Symbol.dispose]());

export async function orGiveBack<Files extends Held, Result>(
  keeper: Pick<Keeper<Files>, 'cutOff'>,
  held: Files,
  work: Promise<Result>,
): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    held[Symbol.dispose]();
    throw held.signal.aborted ? conflict(`${keeper.cutOff(held)} in the middle of this: try again`) : error;
  }
}

/** The same, and what is not there in Docker's words. */
export async function named<Files extends Held, Result>(
  keeper: Keeper<Files>,
  held: Files,
  { reference, path }: { reference: string; path: string },
  work: Promise<Result>,
): Promise<Result> {
  try {
    return await orGiveBack(keeper, held, work);
  } catch (error) {
    if (!(error instanceof EngineError && error.kind === 'not-found')) throw error;
    throw notFound(`Could not find the file ${path} in ${keeper.noun} ${reference}`);
  }
}

/** Passed on to their end, or until nobody wants more; then the files are given back. */
export async function* lent<Item>(held: Held, items: AsyncIterable<Item>): AsyncGenerator<Item> {
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
