import { invalid, notFound } from '../../base/errors.js';
import { momentOf } from '../../base/moments.js';
import type { Filters } from '../../contract/filters.js';
import type { ImageSummary } from '../../contract/images.js';
import { familiar, familiarName, parseReference, withDefaultTag, type Reference } from '../registry/index.js';
import type { Library } from './library.js';
import { NEVER, type ImageRecord } from './record.js';

export interface Listing {
  /** With those that have no name and that others were made from. */
  all?: boolean;
  /** The size of a layer by chain ID: given, what images share is summed up and their containers are counted. */
  sizeOf?: ((chainId: string) => number) | undefined;
}

/** Newest first. A reference filter also narrows which names are shown. */
export function listed(library: Library, filters: Filters, { all = false, sizeOf }: Listing = {}): ImageSummary[] {
  const accepted = filterOf(library, filters);
  const images = library.all();
  const parents = new Set(images.map(({ parent }) => parent));
  const sharedOf = sizeOf && sharing(images, sizeOf);
  return images
    .flatMap((image) => {
      const references = library.referencesOf(image.id);
      const patterns = filters['reference'];
      const shown = patterns
        ? references.filter((name) => patterns.some((pattern) => fits(pattern, name)))
        : references;
      if (!all && references.length === 0 && parents.has(image.id)) return [];
      if (!accepted(image, references) || (patterns && shown.length === 0)) return [];
      const summarized = summary(image, shown);
      if (!sharedOf) return [summarized];
      return [{ ...summarized, SharedSize: sharedOf(image), Containers: library.containersOf(image.id).length }];
    })
    .sort((a, b) => b.Created - a.Created || (a.Id < b.Id ? -1 : 1));
}

/** Bytes of an image's layers that another one has too. */
function sharing(images: ImageRecord[], sizeOf: (chainId: string) => number): (image: ImageRecord) => number {
  const users = new Map<string, number>();
  for (const { chain } of images) for (const id of chain) users.set(id, (users.get(id) ?? 0) + 1);
  return ({ chain }) => chain.reduce((sum, id) => sum + ((users.get(id) ?? 0) > 1 ? sizeOf(id) : 0), 0);
}

function summary(image: ImageRecord, references: Reference[]): ImageSummary {
  return {
    Id: image.id,
    ParentId: image.parent ?? '',
    RepoTags: references.filter(({ digest }) => !digest).map(familiar),
    RepoDigests: references.filter(({ digest }) => digest).map(familiar),
    Created: seconds(image),
    Size: image.size,
    SharedSize: -1,
    Labels: image.config.Labels ?? null,
    Containers: -1,
  };
}

function filterOf(library: Library, filters: Filters): (image: ImageRecord, references: Reference[]) => boolean {
  const dangling = filters['dangling']?.map(isDangling);
  const before = filters['before']?.map((text) => time(known(library, text)));
  const since = filters['since']?.map((text) => time(known(library, text)));
  const until = filters['until']?.map(momentOf);
  const has = (image: ImageRecord, label: string): boolean => {
    const [key = '', ...value] = label.split('=');
    const labels = image.config.Labels ?? {};
    return key in labels && (value.length === 0 || labels[key] === value.join('='));
  };
  return (image, references) =>
    (!dangling || dangling.includes(!references.some(({ digest }) => !digest))) &&
    (!before || before.every((limit) => time(image) < limit)) &&
    (!since || since.every((limit) => time(image) > limit)) &&
    (!until || until.every((limit) => time(image) < limit)) &&
    (filters['label'] ?? []).every((label) => has(image, label)) &&
    (filters['label!'] ?? []).every((label) => !has(image, label));
}

function known(library: Library, text: string): ImageRecord {
  try {
    return library.find(text);
  } catch {
    throw notFound(`No such image: ${familiar(withDefaultTag(parseReference(text)))}`);
  }
}

/** The value of the `dangling` filter. */
export function isDangling(value: string): boolean {
  if (['1', 'true', 't', 'True', 'TRUE'].includes(value)) return true;
  if (['0', 'false', 'f', 'False', 'FALSE'].includes(value)) return false;
  throw invalid(`Invalid filter 'dangling=[${value}]'`);
}

/** A glob over the name with or without its tag; `*` stays within one part of the path. */
function fits(pattern: string, reference: Reference): boolean {
  const source = pattern.replace(/\[[^\]]*\]|[.*+?^${}()|\\/]/g, (part) => {
    if (part === '*') return '[^/]*';
    if (part === '?') return '[^/]';
    return part.startsWith('[') ? part : `\\${part}`;
  });
  let glob: RegExp;
  try {
    glob = new RegExp(`^${source}$`);
  } catch (error) {
    throw invalid(`invalid filter 'reference=${pattern}'`, { cause: error });
  }
  return glob.test(familiar(reference)) || glob.test(familiarName(reference));
}

const time = ({ created }: ImageRecord): number => Date.parse(created) || 0;
const seconds = (image: ImageRecord): number => (image.created === NEVER ? 0 : Math.floor(time(image) / 1000));
