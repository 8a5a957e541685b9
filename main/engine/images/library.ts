import { conflict, invalid, notFound } from '../../base/errors.js';
import { shortId } from '../../base/ids.js';
import type { Change, Store } from '../../base/store.js';
import { isDigest } from '../content/index.js';
import {
  canonical,
  familiar,
  parseReference,
  repositoryOf,
  withDefaultTag,
  type Reference,
} from '../registry/index.js';
import { contentOf, type Descriptor, type ImageRecord } from './record.js';

const IMAGES = 'images';
const REFERENCES = 'image_references';
const HOLDS = 'image_holds';

export interface NamedImage {
  reference: Reference;
  image: ImageRecord;
}

/** Which images there are, what they are called and who uses them. Memory first; each change is undone when its commit fails. */
export class Library {
  static readonly tables = [IMAGES, REFERENCES, HOLDS];
  readonly #images: Map<string, ImageRecord>;
  /** Canonical reference (with a tag or a digest) to image ID. */
  readonly #references: Map<string, string>;
  /** Image ID to its references. */
  readonly #namesOf = new Map<string, Set<string>>();
  /** How many images have a blob; how many were made from an image. */
  readonly #blobs = new Counts();
  readonly #children = new Counts();
  /** Image ID to holders. */
  readonly #holders = new Map<string, Set<string>>();
  readonly #running = new Set<string>();
  /** Holders in the bin. */
  readonly #aside = new Set<string>();

  constructor(store: Store) {
    this.#images = store.rows<ImageRecord>(IMAGES);
    this.#references = store.rows<string>(REFERENCES);
    for (const image of this.#images.values()) this.#count(image, 1);
    for (const [key, id] of this.#references) this.#rename(key, undefined, id);
    for (const [image, holder] of store.rows<[image: string, holder: string]>(HOLDS).values()) {
      this.#holdersOf(image).add(holder);
    }
  }

  get(id: string): ImageRecord | undefined {
    return this.#images.get(id);
  }

  all(): ImageRecord[] {
    return [...this.#images.values()];
  }

  /** An image by name, digest, ID or unique beginning of an ID, in the order that Docker looks. */
  find(text: string): ImageRecord {
    if (isDigest(text) || /^[a-f0-9]{64}$/.test(text)) {
      const image = this.#images.get(text.startsWith('sha256:') ? text : `sha256:${text}`);
      if (!image) throw notFound(`No such image: ${text.startsWith('sha256:') ? text : `sha256:${text}`}`);
      return image;
    }
    const prefix = /^(?:sha256:)?([a-f0-9]+)$/.exec(text)?.[1];
    const reference = withDefaultTag(parseReference(text));
    const image = this.lookup(reference) ?? (prefix === undefined ? undefined : this.#byPrefix(prefix));
    if (!image) throw notFound(`No such image: ${familiar(reference)}`);
    return image;
  }

  /** The image that a reference names. A digest decides over a tag. */
  lookup(reference: Reference): ImageRecord | undefined {
    const { tag, digest, ...name } = reference;
    const key = canonical(digest ? { ...name, digest } : { ...name, ...(tag && { tag }) });
    return this.#images.get(this.#references.get(key) ?? '');
  }

  #byPrefix(prefix: string): ImageRecord | undefined {
    const matches = [...this.#images.values()].filter(({ id }) => id.startsWith(`sha256:${prefix}`));
    if (matches.length > 1) throw invalid(`multiple IDs found with provided prefix: ${prefix}`);
    return matches[0];
  }

  /** The blob of a layer as one of the images has it. */
  layer(diffId: string): Descriptor | undefined {
    for (const { diffIds, layers } of this.#images.values()) {
      const at = diffIds.indexOf(diffId);
      if (at >= 0) return layers[at];
    }
    return undefined;
  }

  /** What an image is called: tags first. */
  referencesOf(id: string): Reference[] {
    const references = [...(this.#namesOf.get(id) ?? [])].map(parsed);
    return references.sort((a, b) => Number(!!a.digest) - Number(!!b.digest) || compare(canonical(a), canonical(b)));
  }

  /** The tags of a repository and what they name, in the order of the alphabet. */
  tagged(repository: string): NamedImage[] {
    return this.named(
      ({ tag, digest, ...name }) => tag !== undefined && !digest && repositoryOf(name) === repository,
    ).sort((a, b) => compare(canonical(a.reference), canonical(b.reference)));
  }

  /** What is called as asked, each as often as it has such a name. */
  named(wanted: (reference: Reference) => boolean): NamedImage[] {
    return [...this.#references].flatMap(([key, id]) => {
      const reference = parsed(key);
      const image = wanted(reference) ? this.#images.get(id) : undefined;
      return image ? [{ reference, image }] : [];
    });
  }

  put(change: Change, image: ImageRecord): void {
    const before = this.#images.get(image.id);
    this.#set(image.id, image);
    change.undo(() => this.#set(image.id, before));
    change.put(IMAGES, image.id, image);
  }

  drop(change: Change, image: ImageRecord): void {
    this.#set(image.id, undefined);
    change.undo(() => this.#set(image.id, image));
    change.remove(IMAGES, image.id);
  }

  /** Lets a reference name an image; whether it named another one (or none) before. */
  name(change: Change, reference: Reference, id: string): boolean {
    const key = canonical(reference);
    const before = this.#references.get(key);
    if (before === id) return false;
    this.#rename(key, before, id);
    change.undo(() => this.#rename(key, id, before));
    change.put(REFERENCES, key, id);
    return true;
  }

  unname(change: Change, reference: Reference): void {
    const key = canonical(reference);
    const before = this.#references.get(key);
    if (before === undefined) throw notFound(`No such image: ${familiar(reference)}`);
    this.#rename(key, before, undefined);
    change.undo(() => this.#rename(key, undefined, before));
    change.remove(REFERENCES, key);
  }

  hold(change: Change, image: string, holder: string): void {
    if (!this.#images.has(image)) throw notFound(`No such image: ${image}`);
    const holders = this.#holdersOf(image);
    if (holders.has(holder)) return;
    holders.add(holder);
    change.undo(() => holders.delete(holder));
    change.put(HOLDS, `${image} ${holder}`, [image, holder]);
  }

  release(change: Change, image: string, holder: string): void {
    const holders = this.#holdersOf(image);
    if (!holders.delete(holder)) return;
    change.undo(() => holders.add(holder));
    change.remove(HOLDS, `${image} ${holder}`);
  }

  setRunning(holder: string, running: boolean): void {
    if (running) this.#running.add(holder);
    else this.#running.delete(holder);
  }

  setAside(holder: string, aside: boolean): void {
    if (aside) this.#aside.add(holder);
    else this.#aside.delete(holder);
  }

  /** A holder as messages name it; `how` it is, where it is not in the bin. */
  inWords(holder: string, how = ''): string {
    return this.#aside.has(holder) ? `container ${shortId(holder)} in the bin` : `${how}container ${shortId(holder)}`;
  }

  holders(image: string): string[] {
    return [...this.#holdersOf(image)];
  }

  /** Why an image cannot be deleted, in Docker's words; force overcomes what is only a question of manners. */
  checkDeletable(image: ImageRecord, { force, ignoreReferences }: { force: boolean; ignoreReferences: boolean }): void {
    const refuse = (why: string, must: string) =>
      conflict(`conflict: unable to delete ${shortId(image.id)} (${must}) - ${why}`);
    if (this.hasChildren(image.id)) throw refuse('image has dependent child images', 'cannot be forced');
    const holders = this.holders(image.id);
    const running = holders.find((holder) => this.#running.has(holder));
    if (running) throw refuse(`image is being used by running container ${shortId(running)}`, 'cannot be forced');
    if (force) return;
    if (!ignoreReferences && this.referencesOf(image.id).length > 0) {
      throw refuse('image is referenced in multiple repositories', 'must be forced');
    }
    if (holders[0]) throw refuse(`image is being used by ${this.inWords(holders[0], 'stopped ')}`, 'must be forced');
  }

  /** Whether an image was made from this one here. */
  hasChildren(id: string): boolean {
    return this.#children.has(id);
  }

  /** The containers of an image; those in the bin do not count. */
  containersOf(image: string): string[] {
    return this.holders(image).filter((holder) => !this.#aside.has(holder));
  }

  /** Whether an image has this blob. */
  needs(digest: string): boolean {
    return this.#blobs.has(digest);
  }

  /** One name, and at most that same repository's digests: removing the image by its ID surprises nobody. */
  hasSingleName(id: string): boolean {
    const references = this.referencesOf(id);
    const tags = references.filter(({ digest }) => !digest);
    return references.length <= 1 || (tags.length <= 1 && new Set(references.map(repositoryOf)).size === 1);
  }

  #set(id: string, image: ImageRecord | undefined): void {
    const before = this.#images.get(id);
    if (before) this.#count(before, -1);
    if (!image) this.#images.delete(id);
    else {
      this.#images.set(id, image);
      this.#count(image, 1);
    }
  }

  #count(image: ImageRecord, by: 1 | -1): void {
    for (const digest of contentOf(image)) this.#blobs.add(digest, by);
    if (image.parent !== undefined) this.#children.add(image.parent, by);
  }

  /** A reference names another image, from now on or no more. */
  #rename(key: string, from: string | undefined, to: string | undefined): void {
    if (from !== undefined) this.#namesOf.get(from)?.delete(key);
    if (to === undefined) this.#references.delete(key);
    else {
      this.#references.set(key, to);
      const names = this.#namesOf.get(to) ?? new Set();
      this.#namesOf.set(to, names.add(key));
    }
  }

  #holdersOf(image: string): Set<string> {
    let holders = this.#holders.get(image);
    if (!holders) this.#holders.set(image, (holders = new Set()));
    return holders;
  }
}

/** How many there are of each. */
class Counts {
  readonly #counts = new Map<string, number>();

  add(key: string, by: number): void {
    const count = (this.#counts.get(key) ?? 0) + by;
    if (count > 0) this.#counts.set(key, count);
    else this.#counts.delete(key);
  }

  has(key: string): boolean {
    return this.#counts.has(key);
  }
}

/** Of names that are stored, each of which is parsed again and again. */
const parsedNames = new Map<string, Reference>();
const MANY = 20_000;

function parsed(key: string): Reference {
  const known = parsedNames.get(key);
  if (known) return known;
  if (parsedNames.size > MANY) parsedNames.clear();
  const reference = parseReference(key);
  parsedNames.set(key, reference);
  return reference;
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
