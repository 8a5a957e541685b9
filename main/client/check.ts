import type { Transport } from '../contract/bridge.js';
import type { CheckAnswer, CheckRequest } from '../contract/check.js';
import type { FolderFacts } from '../contract/mounts.js';
import { postJson, type Cancel } from './request.js';

export const checkClient = (transport: Transport) => ({
  /** What stands in the way of a container: a name, ports, paths; only an engine that `can` do `check` knows. */
  check: (request: CheckRequest, cancel: Cancel = {}) =>
    postJson<CheckAnswer>(transport, '/slipway/check', request, cancel),
  /** What is at paths of the engine's machine, at most 64 of them; only an engine that `can` do `folders` knows. */
  folders: (Paths: string[], cancel: Cancel = {}) =>
    postJson<FolderFacts[]>(transport, '/slipway/folders', { Paths }, cancel),
});
