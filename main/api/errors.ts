import type { ErrorKind } from '../contract/error.js';
import { EngineError, messageOf } from '../base/errors.js';
import { createLog } from '../base/log.js';
import { empty, json, type Reply } from './replies.js';

const log = createLog('api');

/** Each kind of failure has one status. */
const statusOf: Record<ErrorKind, number> = {
  'not-modified': 304,
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  system: 500,
  'not-implemented': 501,
  unavailable: 503,
};

/** What a thrown value is answered with. */
export function errorReply(error: unknown): Reply {
  if (!(error instanceof EngineError))
    log.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
  const status = error instanceof EngineError ? statusOf[error.kind] : 500;
  return status === 304 ? empty(304) : json({ message: messageOf(error), ...detailsOf(error) }, status);
}

const detailsOf = (error: unknown): Readonly<Record<string, unknown>> | undefined =>
  error instanceof EngineError ? error.details : undefined;
