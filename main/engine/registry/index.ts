export { parseRegistryAuth, type RegistryAuth } from './auth.js';
export {
  canonical,
  DEFAULT_TAG,
  familiar,
  familiarName,
  parseReference,
  repositoryOf,
  withDefaultTag,
  type Reference,
} from './reference.js';
export { RegistryError, type RegistryReason } from './failures.js';
export { Registry, type RegistryOptions, type RepositoryOptions } from './registry.js';
export {
  MEDIA_TYPES,
  type ManifestHead,
  type RemoteManifest,
  type Repository,
  type RepositoryRequest,
} from './repository.js';
export type { RegistryResponse, RequestBody } from './request.js';
