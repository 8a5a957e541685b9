/**
 * Gives Node 18 and 20 the two symbols that `using` and `await using` need. First import of every entry, worker and preload:
 * a class evaluated before it would define its disposer under `undefined`.
 */
for (const name of ['dispose', 'asyncDispose'] as const) {
  if (!Symbol[name]) Object.defineProperty(Symbol, name, { value: Symbol.for(`Symbol.${name}`) });
}

/** Runs `release` when the scope that holds it ends. */
export const disposable = (release: () => void): Disposable => ({ [Symbol.dispose]: release });
export const asyncDisposable = (release: () => Promise<void>): AsyncDisposable => ({ [Symbol.asyncDispose]: release });
