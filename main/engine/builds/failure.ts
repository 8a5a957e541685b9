import { EngineError } from '../../base/errors.js';
import type { ErrorKind } from '../../contract/error.js';
import type { BuildFailure } from './request.js';

/** Why a build failed, with where and what. */
export class BuildError extends EngineError {
  readonly failure: BuildFailure;

  constructor(kind: ErrorKind, message: string, failure: BuildFailure = {}, options?: ErrorOptions) {
    super(kind, message, options);
    this.failure = failure;
  }
}
