export { basic, parseRegistryAuth, type RegistryAuth } from './auth.js';
export {
  canonical,
  checkedHost,
  DEFAULT_DOMAIN,
  DEFAULT_TAG,
  familiar,
  familiarName,
  parseReference,
  repositoryOf,
  withDefaultTag,
  type Reference,
} from './reference.js';
export type { KnownLogin } from './credentials.js';
export { RegistryError, type RegistryReason } from './failures.js';
export { Registry, type HostDescription, type RegistryOptions, type RepositoryOptions } from './registry.js';
export { CATALOG } from './scopes.js';
export {
  MEDIA_TYPES,
  type ManifestHead,
  type RemoteManifest,
  type Repository,
  type RepositoryRequest,
} from './repository.js';
export type { RegistryResponse, RequestBody } from './request.js';
export { hasBlob, mountBlob, uploadBlob, type Upload, type UploadOptions } from './upload.js';
