/** The handful of failure kinds the Docker API can express; each has one status, see main/api/errors.ts. */
export type ErrorKind =
  | 'not-modified'
  | 'invalid'
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'system'
  | 'not-implemented'
  | 'unavailable';

/** The body of every failed answer. */
export interface ErrorBody {
  message: string;
}
