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
export { MEDIA_TYPES, Registry, type RegistryOptions, type RemoteManifest, type Repository } from './registry.js';
