import type { ImageInspect } from '../../contract/images.js';
import type { ManifestHead, Repository } from '../registry/index.js';
import { configOf, entriesOf } from './documents.js';

/**
 * Whether what a registry has is the image that is here, although it is not known by that digest: it was pulled as one part of an index,
 * or came from elsewhere and is the same all the same.
 */
export async function isTheSame(
  repository: Repository,
  there: ManifestHead,
  { mine, image }: { mine: string[]; image: ImageInspect },
  signal?: AbortSignal,
): Promise<boolean> {
  const { bytes } = await repository.manifest(there.digest, signal);
  const entries = entriesOf(bytes);
  if (!entries) return configOf(bytes) === image.Id;
  if (entries.some(({ digest }) => mine.includes(digest))) return true;
  // Without a digest of that repository's only the content can tell.
  if (mine.length > 0) return false;
  const candidates = entries.filter(
    ({ platform }) => platform?.os === image.Os && platform.architecture === image.Architecture,
  );
  for (const { digest } of candidates)
    if (configOf((await repository.manifest(digest, signal)).bytes) === image.Id) return true;
  return false;
}
