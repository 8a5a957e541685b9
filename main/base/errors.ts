import type { ErrorKind } from '../contract/error.js';

/** A failure with a kind the Docker API can express and a sentence a person can act on. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  /** What a client is told beside the message. */
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(
    readonly kind: ErrorKind,
    message: string,
    { details, ...options }: FailureOptions = {},
  ) {
    super(message, options);
    this.details = details;
  }
}

interface FailureOptions extends ErrorOptions {
  details?: Record<string, unknown>;
}

const of =
  (kind: ErrorKind) =>
  (message: string, options?: FailureOptions): EngineError =>
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

/** The system's own words for a failed call: `permission denied`. */
export const reasonOf = (error: unknown): string => messageOf(error).replace(/^E[A-Z0-9]+: (.*?), [a-z]+ .*$/s, '$1');

/** What a disk's refusals mean for a person; other failures stay what they are. `usual`: what lies on it, or the folder unless the failure names another. */
export function diskError(error: unknown, usual: string): unknown {
  const path = error instanceof Error ? (error as NodeJS.ErrnoException).path : undefined;
  const place = usual.startsWith('/') && path && !path.startsWith(usual) ? path : usual;
  const sentence = new Map([
    ['ENOSPC', `no space left on device: free some space on the disk that holds ${place}, then try again`],
    ['EDQUOT', `the disk quota is used up: free some space on the disk that holds ${place}, then try again`],
    [
      'EROFS',
      `the disk that holds ${place} is read-only: make it writable (dmesg may tell why it is not), then try again`,
    ],
    ['EACCES', `${place} cannot be written: permission denied. Give it to this user, or choose another place`],
    ['EIO', `the disk that holds ${place} fails to read or write: dmesg tells more`],
  ]).get(codeOf(error) ?? '');
  return sentence && !(error instanceof EngineError) ? system(sentence, { cause: error }) : error;
}
