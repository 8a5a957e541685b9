import { EngineError, invalid } from '../../base/errors.js';
import type { ForeignRuntime } from '../helper/index.js';
import type { Ledger } from './ledger.js';
import type { ContainersOptions } from './rooms.js';
import { sharedContainer } from './spec.js';

/** Whose namespaces are wanted must be there. */
export function checkShared(ledger: Ledger, ...modes: string[]): void {
  for (const mode of modes) {
    const other = sharedContainer(mode);
    if (other !== undefined) ledger.find(other);
  }
}

/** The runtime of a name; null: our own. */
export function runtimeOf(
  { runtimes = {}, defaultRuntime = 'slipway' }: Pick<ContainersOptions, 'runtimes' | 'defaultRuntime'>,
  name: string,
): ForeignRuntime | null {
  // Compose files and old clients ask for Docker's own by name; ours takes its place.
  const wanted = name === 'slipway' ? defaultRuntime : name;
  const found = runtimes[wanted];
  if (found) return found;
  if (wanted === 'slipway' || wanted === 'runc' || wanted === 'io.containerd.runc.v2') return null;
  throw invalid(`unknown or invalid runtime name: ${name}`);
}

/** The docker CLI takes a create that is answered 404 for a missing image, and goes to fetch it. */
export function noMissing<Result>(check: () => Result): Result {
  try {
    return check();
  } catch (error) {
    throw error instanceof EngineError && error.kind === 'not-found' ? invalid(error.message) : error;
  }
}
