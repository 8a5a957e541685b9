import type { Change } from '../../base/store.js';
import { canonical, parseReference, repositoryOf, type Reference } from '../registry/index.js';
import type { Library } from './library.js';
import { documentsOf, type Attested, type ImageRecord } from './record.js';

/**
 * Something else is pushed by a name than what was pushed by it before: that index goes, and what it alone attested. Returned is what may be
 * removed then where no image needs it.
 */
export function letGo(
  change: Change,
  library: Library,
  name: Reference,
  now?: { image: string; index: string },
): string[] {
  const gone: string[] = [];
  for (const image of library.all()) {
    const { [canonical(name)]: index, ...pushed } = image.pushed ?? {};
    if (index === undefined || (now?.image === image.id && now.index === index)) continue;
    unnamed(change, library, { ...image, pushed }, { name, index });
    // Another repository may have it, by a push or a pull.
    const held = library.referencesOf(image.id).some(({ digest }) => digest === index);
    const attested = held ? (image.attested ?? []) : attestedWithout(index, image);
    const documents = held ? image.documents : image.documents.filter((each) => each !== index);
    library.put(change, { ...image, documents, pushed, attested });
    gone.push(...documentsOf(image));
  }
  return gone;
}

/** Takes the index's digest off the image, unless another name of the same repository was pushed with it. */
function unnamed(
  change: Change,
  library: Library,
  { id, pushed = {} }: ImageRecord,
  { name: { tag: _, ...repository }, index }: { name: Reference; index: string },
): void {
  const others = Object.keys(pushed).filter((other) => pushed[other] === index);
  if (others.some((other) => repositoryOf(parseReference(other)) === repositoryOf(repository))) return;
  const name = { ...repository, digest: index };
  if (library.lookup(name)?.id === id) library.unname(change, name);
}

function attestedWithout(index: string, { attested = [] }: ImageRecord): Attested[] {
  return attested
    .map(({ indexes, ...each }) => ({ ...each, ...(indexes && { indexes: indexes.filter((one) => one !== index) }) }))
    .filter(({ indexes }) => indexes?.length !== 0);
}

/** What is attested of an image, with what another index attests. */
export function attestedWith(more: Attested[], { attested = [] }: ImageRecord): Attested[] {
  const all = new Map(attested.map((each) => [each.manifest.digest, each]));
  for (const each of more) {
    const indexes = [...(all.get(each.manifest.digest)?.indexes ?? []), ...(each.indexes ?? [])];
    all.set(each.manifest.digest, { ...each, indexes: [...new Set(indexes)] });
  }
  return [...all.values()];
}
