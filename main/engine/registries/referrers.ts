import type { ImageInspect } from '../../contract/images.js';
import type { Referrer } from '../../contract/registries.js';
import { RegistryError, type Repository } from '../registry/index.js';
import { entriesOf, type Entry } from './documents.js';

/** What cosign puts beside an image, by the ending of a tag that is named after the image's digest. */
const COSIGN = [
  ['sig', 'application/vnd.dev.cosign.artifact.sig.v1+json'],
  ['att', 'application/vnd.dev.cosign.artifact.att.v1+json'],
  ['sbom', 'application/vnd.dev.cosign.artifact.sbom.v1+json'],
] as const;

const INDEX = 'application/vnd.oci.image.index.v1+json';
const PAGES = 10;

/**
 * What a registry has attached to manifests: by the referrers API, by the tag that stands for it where a registry does not have that, by
 * cosign's tags, and what BuildKit keeps in the image's index itself.
 */
export async function attachedTo(
  repository: Repository,
  digests: string[],
  image: ImageInspect | undefined,
  signal?: AbortSignal,
): Promise<Referrer[]> {
  const found = new Map<string, Referrer>();
  const add = (referrer: Referrer) => void (found.has(referrer.digest) || found.set(referrer.digest, referrer));
  const subjects = new Set(digests);
  for (const digest of digests) {
    const entries = entriesOf((await repository.manifest(digest, signal)).bytes) ?? [];
    for (const entry of entries) {
      const kind = entry.annotations['vnd.docker.reference.type'];
      if (kind !== undefined) add(referrerOf(entry, kind));
      else if (image && entry.platform?.os === image.Os && entry.platform.architecture === image.Architecture)
        subjects.add(entry.digest);
    }
  }
  for (const digest of subjects) {
    for (const entry of await referrersOf(repository, digest, signal)) add(referrerOf(entry, ''));
    const tag = digest.replace(':', '-');
    const heads = await Promise.all(COSIGN.map(([ending]) => repository.head(`${tag}.${ending}`, signal)));
    heads.forEach((head, at) => {
      if (head) add({ digest: head.digest, artifactType: COSIGN[at]?.[1] ?? '', size: head.size, annotations: {} });
    });
  }
  return [...found.values()];
}

async function referrersOf(repository: Repository, digest: string, signal?: AbortSignal): Promise<Entry[]> {
  const entries: Entry[] = [];
  let path: string | URL = `referrers/${digest}`;
  for (let page = 0; page < PAGES; page++) {
    const response = await repository.request('GET', path, {
      headers: { Accept: INDEX },
      what: digest,
      expect: [400, 404, 405, 501],
      whole: true,
      signal,
    });
    const offered = response.status === 200 && (response.headers['content-type'] ?? '').startsWith(INDEX);
    if (!offered) return page === 0 ? byTag(repository, digest, signal) : entries;
    entries.push(...(entriesOf(await response.bytes()) ?? []));
    const next: string | undefined = /<([^>]*)>\s*;\s*rel="?next"?/i.exec(
      [response.headers.link ?? ''].flat().join(),
    )?.[1];
    if (next === undefined) break;
    path = new URL(next, response.url);
  }
  return entries;
}

/** Where a registry has no referrers API, the tag `sha256-…` holds the list. */
async function byTag(repository: Repository, digest: string, signal?: AbortSignal): Promise<Entry[]> {
  try {
    return entriesOf((await repository.manifest(digest.replace(':', '-'), signal)).bytes) ?? [];
  } catch (error) {
    if (error instanceof RegistryError && error.reason === 'missing') return [];
    throw error;
  }
}

const referrerOf = ({ digest, size, artifactType = '', annotations }: Entry, kind: string): Referrer => ({
  digest,
  artifactType: artifactType || kind,
  size,
  annotations,
});
