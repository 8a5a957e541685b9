import type { ErrorKind } from '../contract/error.js';

/** A failure with a kind the Docker API can express and a sentence a person can act on. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  constructor(
    readonly kind: ErrorKind,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const of =
  (kind: ErrorKind) =>
  (message: string, options?: ErrorOptions): EngineError =>
    new EngineError(kind, message, options);

export const notModified = of('not-modified');
export const invalid = of('invalid');
export const unauthorized = of('unauthorized');
export const forbidden = of('forbidden');
export const notFound = of('not-found');
export const conflict = of('conflict');
export const system = of('system');
export const notImplemented = of('not-implemented');
export const unavailable = of('unavailable');

/** The `code` of a failed system call (`ENOENT`), where the error has one. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** What an unknown thrown value says. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
