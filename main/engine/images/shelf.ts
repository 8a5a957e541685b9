import '../../base/scopes.js';
import { invalid, notFound } from '../../base/errors.js';
import type { Store } from '../../base/store.js';
import { digestOf, isDigest, type Content } from '../content/index.js';
import type { Events } from '../events/index.js';
import { canonical, familiar, familiarName, parseReference, type Reference } from '../registry/index.js';
import type { Installer } from './install.js';
import type { Library, NamedImage } from './library.js';
import { manifestFor, ownManifests, type ManifestDocument } from './manifest.js';
import { requireRoomFor } from './need.js';
import type { Packing } from './packing.js';
import { candidates, hostPlatform, noMatch } from './platform.js';
import { attestedWith, letGo } from './pushed.js';
import {
  artifactType,
  contentOf,
  isAttestation,
  labelsOf,
  parseManifest,
  type Attested,
  type Descriptor,
  type ImageRecord,
  type IndexEntry,
  type Manifest,
} from './record.js';

export interface ShelfOptions {
  store: Store;
  content: Content;
  library: Library;
  installer: Installer;
  packing: Packing;
  events: Pick<Events, 'publish'>;
}

/** A document as a registry hands it out. */
export interface ShelfDocument extends ManifestDocument {
  digest: string;
}

/** What has been pushed. */
export interface Accepted {
  digest: string;
  /** What it names: that has waited for it. */
  named: string[];
}

interface Taken {
  /** The image that it is. */
  id: string;
  named: string[];
}

/**
 * The images as a registry has them: repositories by the name that a person writes (`debian`, `ghcr.io/me/app`), their tags, and whatever
 * belongs to what these name.
 */
export class Shelf {
  readonly #store: Store;
  readonly #content: Content;
  readonly #library: Library;
  readonly #installer: Installer;
  readonly #packing: Packing;
  readonly #events: Pick<Events, 'publish'>;

  constructor({ store, content, library, installer, packing, events }: ShelfOptions) {
    this.#store = store;
    this.#content = content;
    this.#library = library;
    this.#installer = installer;
    this.#packing = packing;
    this.#events = events;
  }

  /** In the order of the alphabet. */
  repositories(): string[] {
    return [...new Set(this.#library.named(() => true).map(({ reference }) => shelfName(reference)))].sort();
  }

  /** In the order of the alphabet; undefined: there is no such repository. */
  tags(name: string): string[] | undefined {
    const names = this.#named(name);
    if (names.length === 0) return undefined;
    return [...new Set(names.flatMap(({ reference }) => reference.tag ?? []))].sort();
  }

  /** What a tag or digest stands for. Undefined: nothing here. */
  async document(name: string, reference: string): Promise<ShelfDocument | undefined> {
    const named = this.#named(name);
    if (!isDigest(reference)) {
      const image = named.find((each) => each.reference.tag === reference)?.image;
      return image && this.#manifestOf(image);
    }
    for (const { image } of named) {
      const attested = image.attested?.find(({ manifest }) => manifest.digest === reference)?.manifest;
      if (attested) return { ...attested, bytes: await this.#content.read(reference) };
      if (!image.documents.includes(reference) || reference === image.id) continue;
      const found = await this.#document(reference, image.manifest?.mediaType);
      if (found) return found;
    }
    return undefined;
  }

  /** Whether a blob belongs to an image of the repository. */
  has(name: string, digest: string): boolean {
    return this.#named(name).some(({ image }) => contentOf(image).includes(digest));
  }

  /**
   * A manifest, or an index with one for this machine, whose content is here: an image from now on, by that name. What comes before the index
   * that names it and is no image (an attestation) is for the caller to `hold` until then.
   */
  async accept(
    name: string,
    reference: string,
    { mediaType, bytes }: ManifestDocument,
    { hold, signal }: { hold: (digest: string) => void; signal?: AbortSignal },
  ): Promise<Accepted> {
    const repository = parseReference(name);
    const digest = digestOf(bytes);
    if (isDigest(reference) && reference !== digest)
      throw invalid(`the manifest has the digest ${digest}, not ${reference}`);
    const names: Reference[] = [
      ...(isDigest(reference) ? [] : [{ ...repository, tag: reference }]),
      { ...repository, digest },
    ];
    const parsed = parseManifest(bytes, mediaType);
    const attests = parsed.kind === 'manifest' && isAttestation(parsed.manifest) && isDigest(reference);
    const other = parsed.kind === 'manifest' && !attests ? artifactType(parsed.manifest) : undefined;
    if (other) throw invalid(`this is no image but an artifact of type ${other}: only images are kept here`);
    using lease = this.#content.lease();
    lease.pin(digest);
    const fresh = [await this.#content.write(bytes)];
    try {
      if (attests) {
        for (const part of partsOf(parsed.manifest)) await this.#requireUploaded(part, lease.pin);
        for (const each of [digest, ...partsOf(parsed.manifest)]) hold(each);
        return { digest, named: [] };
      }
      const { id, named } =
        parsed.kind === 'index'
          ? await this.#acceptIndex(name, parsed.entries, { index: digest, names, pin: lease.pin })
          : await this.#acceptImage(
              parsed.manifest,
              { mediaType: parsed.mediaType, digest, size: bytes.length },
              names,
              {
                pin: lease.pin,
                signal,
              },
            );
      const image = this.#library.get(id);
      this.#events.publish('image', 'load', id, { ...labelsOf(image), name: familiar(names[0] as Reference) });
      return { digest, named };
    } catch (error) {
      lease[Symbol.dispose]();
      await this.#installer.removeUnused(fresh);
      throw error;
    }
  }

  async #acceptImage(
    { config, layers }: { config: Descriptor; layers: Descriptor[] },
    manifest: Descriptor,
    names: Reference[],
    { pin, signal }: { pin: (digest: string) => void; signal: AbortSignal | undefined },
  ): Promise<Taken> {
    for (const { digest } of [config, ...layers]) await this.#requireUploaded(digest, pin);
    await requireRoomFor(this.#content, layers, 'the image');
    const documents = [manifest.digest, config.digest];
    const image = { configDigest: config.digest, layers, manifest, documents };
    await this.#installer.install(image, { names, report: () => undefined, signal });
    await this.#forget(names[0] as Reference);
    return { id: config.digest, named: [config, ...layers].map(({ digest }) => digest) };
  }

  /** The index that was pushed by this name before. */
  async #forget(name: Reference): Promise<void> {
    const gone: string[] = [];
    await this.#store.commit((change) => void gone.push(...letGo(change, this.#library, name)));
    await this.#installer.removeUnused(gone);
  }

  async #requireUploaded(digest: string, pin: (digest: string) => void): Promise<void> {
    pin(digest);
    if ((await this.#content.size(digest)) === undefined) throw notFound(`blob ${digest} has not been uploaded`);
  }

  async #acceptIndex(
    name: string,
    entries: IndexEntry[],
    { index, names, pin }: { index: string; names: Reference[]; pin: (digest: string) => void },
  ): Promise<Taken> {
    const digests = candidates(entries, hostPlatform()).map(({ digest }) => digest);
    if (digests[0] === undefined) throw invalid(noMatch(hostPlatform()).message);
    const uploaded = this.#named(name);
    const digest = digests.find((each) => uploaded.some(({ image }) => image.documents.includes(each))) ?? digests[0];
    const found = uploaded.find(({ image }) => image.documents.includes(digest));
    if (!found) throw notFound(`manifest ${digest}, which the index names for this machine, has not been uploaded`);
    const attested = await this.#attestedBy(entries, { index, image: digest, pin });
    const called = names[0] as Reference;
    const gone: string[] = [];
    await this.#store.commit((change) => {
      gone.push(...letGo(change, this.#library, called, { image: found.image.id, index }));
      const image = this.#library.get(found.image.id);
      if (!image) throw notFound(`manifest ${digest} has been removed`);
      // The index comes before what it holds, as it does where an image was pulled.
      const documents = [index, ...image.documents.filter((each) => each !== index)];
      const pushed = { ...image.pushed, [canonical(called)]: index };
      this.#library.put(change, { ...image, documents, pushed, attested: attestedWith(attested, image) });
      for (const each of names) this.#library.name(change, each, image.id);
    });
    await this.#installer.removeUnused(gone);
    const named = [...entries.map((entry) => entry.digest), ...attested.flatMap(({ parts }) => parts)];
    return { id: found.image.id, named };
  }

  /** The attestations of an index that have been pushed before it. Those of the image that we take have to be here; others may be, as their images may. */
  async #attestedBy(
    entries: IndexEntry[],
    { index, image, pin }: { index: string; image: string; pin: (digest: string) => void },
  ): Promise<Attested[]> {
    const attested: Attested[] = [];
    for (const { mediaType, digest, size, platform, annotations } of entries) {
      pin(digest);
      if (platform?.os !== 'unknown') continue;
      const about = annotations?.['vnd.docker.reference.digest'];
      if ((await this.#content.size(digest)) === undefined) {
        if (about !== image) continue;
        throw notFound(
          `manifest ${digest}, which the index names as an attestation of ${image}, is not here: push it again`,
        );
      }
      const parsed = parseManifest(await this.#content.read(digest), mediaType);
      if (parsed.kind !== 'manifest' || !isAttestation(parsed.manifest)) continue;
      const parts = partsOf(parsed.manifest);
      for (const part of parts) await this.#requireUploaded(part, pin);
      const manifest = { mediaType: parsed.mediaType, digest, size };
      attested.push({ manifest, ...(about && { about }), indexes: [index], parts });
    }
    return attested;
  }

  /** The one it came with, one that was made for a registry earlier, or one that is made now, of the layers as they are here, and kept. */
  async #manifestOf(image: ImageRecord): Promise<ShelfDocument> {
    for await (const own of ownManifests(image, [], this.#content, { plain: true }))
      if (await this.#isWhole([own.config, ...own.layers])) return { ...own, digest: digestOf(own.bytes) };
    for (const digest of image.documents) {
      if (digest === image.id || digest === image.manifest?.digest) continue;
      const made = await this.#document(digest);
      const parsed = made && parseManifest(made.bytes, made.mediaType);
      const fits = parsed?.kind === 'manifest' && parsed.manifest.config.digest === image.id;
      if (fits && (await this.#isWhole([parsed.manifest.config, ...parsed.manifest.layers])))
        return made as ShelfDocument;
    }
    using lease = this.#content.lease();
    const layers: Descriptor[] = [];
    for (const at of image.diffIds.keys()) layers.push(await this.#packing.stored(image, at, lease.pin));
    const config = await this.#packing.config(image);
    const made = await manifestFor(image, config, layers, this.#content);
    const digest = digestOf(made.bytes);
    lease.pin(digest);
    await this.#content.write(made.bytes);
    await this.#store.commit((change) => {
      const now = this.#library.get(image.id);
      if (now && !now.documents.includes(digest))
        this.#library.put(change, { ...now, documents: [...now.documents, digest] });
    });
    return { ...made, digest };
  }

  async #isWhole(parts: Descriptor[]): Promise<boolean> {
    for (const { digest } of parts) if ((await this.#content.size(digest)) === undefined) return false;
    return true;
  }

  async #document(digest: string, mediaType = ''): Promise<ShelfDocument | undefined> {
    if ((await this.#content.size(digest)) === undefined) return undefined;
    const bytes = await this.#content.read(digest);
    const says = (JSON.parse(bytes.toString('utf8')) as { mediaType?: unknown }).mediaType;
    const type = typeof says === 'string' ? says : mediaType;
    const parsed = parseManifest(bytes, type);
    const kind = parsed.kind === 'manifest' ? parsed.mediaType : type || 'application/vnd.oci.image.index.v1+json';
    return { digest, mediaType: kind, bytes };
  }

  #named(name: string): NamedImage[] {
    // A client of Docker Hub's images that takes us for a mirror says `library/debian`.
    const wanted = /^library\/[^/]+$/.test(name) ? name.slice('library/'.length) : name;
    return this.#library.named((reference) => shelfName(reference) === wanted);
  }
}

const partsOf = ({ config, layers }: Manifest): string[] => [config, ...layers].map(({ digest }) => digest);

/** A name as a path may be written: `localhost:5000/app` is `localhost-5000/app`. */
const shelfName = (reference: Reference): string =>
  familiarName(reference)
    .toLowerCase()
    .replace(/^[^/]*[[:][^/]*(?=\/)/, (domain) => domain.replace(/[^a-z0-9.]+/g, '-').replace(/^-|-$/g, ''));
