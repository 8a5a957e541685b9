import '../../base/scopes.js';
import { invalid, notFound } from '../../base/errors.js';
import type { Change, Store } from '../../base/store.js';
import type { Filters } from '../../contract/filters.js';
import type {
  ImageHistoryItem,
  ImageInspect,
  ImageRemoved,
  ImagesPruned,
  ImageSummary,
} from '../../contract/images.js';
import type { Content } from '../content/index.js';
import type { Events } from '../events/index.js';
import type { Helper } from '../helper/index.js';
import type { Layers } from '../layers/index.js';
import { familiar, parseReference, repositoryOf, type Reference, type Registry } from '../registry/index.js';
import type { Snapshots } from '../snapshots/index.js';
import { LAYER_TYPE, type Receive } from './archive.js';
import { Importer, type ImportOptions, type ImportRequest } from './import.js';
import { Installer } from './install.js';
import { Library } from './library.js';
import { listed } from './list.js';
import { Loader, type LoadOptions } from './load.js';
import { manifestsOf } from './manifests.js';
import { newName } from './names.js';
import { Packing, type PackingHelper } from './packing.js';
import { parsePlatform, platformText, platformWarning, suits } from './platform.js';
import { Puller, type PullOptions, type PullRequest } from './pull.js';
import { Pusher, type PushOptions, type PushRequest } from './push.js';
import { documentsOf, labelsOf, NEVER, type Descriptor, type ImageRecord } from './record.js';
import { Removal, type RemoveOptions } from './remove.js';
import { writeArchive, type SavedImage } from './save.js';
import { Shelf } from './shelf.js';
import { STARTER, starterArchive, starterBusybox } from './starter.js';

export interface ImagesOptions {
  store: Store;
  content: Content;
  snapshots: Snapshots;
  registry: Registry;
  layers: Layers;
  events: Pick<Events, 'publish'>;
  helper: PackingHelper & Pick<Helper, 'receive'>;
  /** Registries that are given foreign layers too. */
  nondistributableTo?: string[];
}

/** What a layer without a file is. */
const EMPTY_TAR = 'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef';

/** An image, as those see it who look after the store. */
export interface StockedImage {
  id: string;
  /** Its tags. */
  names: string[];
  /** Where it can be had again: references with a digest. */
  origins: Reference[];
  /** Unix seconds. */
  created: number;
  size: number;
  /** Chain IDs, and their blobs, bottom first. */
  chain: string[];
  layers: Descriptor[];
  /** What registries get of those layers that are plain tars here, once they got it. */
  packed: (Descriptor | undefined)[];
  /** Digests of its configuration, its manifest, what led there and what is attested of it. */
  documents: string[];
  manifest: string | undefined;
  /** Containers, those in the bin too. */
  holders: string[];
  /** The images that were made from it here. */
  children: string[];
}

/** References, manifests and configurations; pull, load, tag, remove. */
export class Images {
  static readonly tables = Library.tables;
  readonly #store: Store;
  readonly #content: Content;
  readonly #snapshots: Snapshots;
  readonly #events: Pick<Events, 'publish'>;
  readonly #library: Library;
  readonly #installer: Installer;
  readonly #puller: Puller;
  /** The images as a registry has them. */
  readonly shelf: Shelf;
  readonly #packing: Packing;
  readonly #pusher: Pusher;
  readonly #loader: Loader;
  readonly #importer: Importer;
  readonly #removal: Removal;

  static async open(options: ImagesOptions): Promise<Images> {
    const images = new Images(options);
    for (const { chainId, id } of images.#library.all()) images.#snapshots.hold(chainId, id);
    return images;
  }

  private constructor({
    store,
    content,
    snapshots,
    registry,
    layers,
    events,
    helper,
    nondistributableTo = [],
  }: ImagesOptions) {
    this.#store = store;
    this.#content = content;
    this.#snapshots = snapshots;
    this.#events = events;
    const library = new Library(store);
    const installer = new Installer({ store, content, snapshots, layers, library });
    this.#library = library;
    this.#installer = installer;
    this.#puller = new Puller({ content, registry, library, installer, events });
    const packing = new Packing({ store, content, library, helper });
    this.#packing = packing;
    this.shelf = new Shelf({ store, content, library, installer, packing, events });
    const allowsForeign = (domain: string) =>
      nondistributableTo.some((each) => each === domain || each === domain.replace(/:\d+$/, ''));
    this.#pusher = new Pusher({
      store,
      content,
      registry,
      library,
      packing,
      events,
      removeUnused: (digests) => installer.removeUnused(digests),
      allowsForeign,
    });
    const receive: Receive = (request, options) => helper.receive(request, options);
    this.#loader = new Loader({ content, library, installer, layers, receive, events });
    this.#importer = new Importer({ content, registry, installer, receive, events });
    const announce = (action: string, image: ImageRecord) => this.#announce(action, image);
    const announcePrune = (reclaimed: number) => events.publish('image', 'prune', '', { reclaimed: String(reclaimed) });
    this.#removal = new Removal({ store, content, snapshots, library, announce, announcePrune });
  }

  /** The image that a name, a digest or (the beginning of) an ID means. For another platform than asked it counts as missing: it may be pulled. */
  resolve(reference: string, platform?: string): ImageRecord {
    const image = this.#library.find(reference);
    const wanted = platform ? parsePlatform(platform) : undefined;
    if (wanted && !suits(image, wanted)) {
      throw notFound(
        `image with reference ${reference} was found but does not match the specified platform: wanted ${platformText(wanted)}, actual: ${platformText(image)}`,
      );
    }
    return image;
  }

  /** What whoever makes a container of it without a word about platforms is to be told. */
  platformWarning(id: string): string | undefined {
    const image = this.#library.get(id);
    return image && platformWarning(image);
  }

  /** `all`: those too that others were made from and nobody named; `sizes`: what they share, and how many containers they have. */
  list(filters: Filters = {}, { all = false, sizes = false }: { all?: boolean; sizes?: boolean } = {}): ImageSummary[] {
    const sizeOf = sizes ? (chainId: string) => this.#snapshots.get(chainId)?.size ?? 0 : undefined;
    return listed(this.#library, filters, { all, sizeOf });
  }

  /** The same, each with the manifests that are kept of it. */
  async listWithManifests(...asked: Parameters<Images['list']>): Promise<ImageSummary[]> {
    const summaries: ImageSummary[] = [];
    for (const summary of this.list(...asked)) {
      const image = this.#library.get(summary.Id);
      if (!image) continue; // it went meanwhile
      const containers = this.#library.containersOf(image.id);
      summaries.push({ ...summary, Manifests: await manifestsOf(image, { containers, content: this.#content }) });
    }
    return summaries;
  }

  /** Bytes of the layers of all images, each layer counted once. */
  layersSize(): number {
    return this.#removal.stored();
  }

  /** Resolves once nothing is being deleted any more. */
  settled(): Promise<void> {
    return this.#removal.settled();
  }

  /** All of them, with what they are made of. */
  stock(): StockedImage[] {
    const children = new Map<string, string[]>();
    for (const { id, parent } of this.#library.all())
      if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), id]);
    return this.#library.all().map((image) => {
      const references = this.#library.referencesOf(image.id);
      return {
        ...{ id: image.id, created: unixSeconds(image.created), size: image.size, chain: image.chain },
        ...{ layers: image.layers, documents: documentsOf(image), manifest: image.manifest?.digest },
        packed: image.diffIds.map((diffId) => image.packed?.[diffId]),
        names: references.filter(({ digest }) => !digest).map(familiar),
        origins: references.filter(({ digest }) => digest),
        holders: this.#library.holders(image.id),
        children: children.get(image.id) ?? [],
      };
    });
  }

  /** Whether an image has this blob. */
  needs(digest: string): boolean {
    return this.#library.needs(digest);
  }

  /** How many images there are. */
  count(): number {
    return this.#library.all().length;
  }

  inspect(reference: string): ImageInspect {
    const image = this.resolve(reference);
    const references = this.#library.referencesOf(image.id);
    const lower = this.#snapshots.lowers(image.chainId);
    return {
      Id: image.id,
      RepoTags: references.filter(({ digest }) => !digest).map(familiar),
      RepoDigests: references.filter(({ digest }) => digest).map(familiar),
      Parent: image.parent ?? '',
      Comment: image.comment,
      Created: image.created,
      DockerVersion: image.dockerVersion,
      Author: image.author,
      Config: image.config,
      Architecture: image.architecture,
      ...(image.variant && { Variant: image.variant }),
      Os: image.os,
      Size: image.size,
      GraphDriver: {
        Name: this.#snapshots.driver,
        Data: {
          ...(lower.length > 1 && { LowerDir: lower.slice(1).join(':') }),
          ...(lower[0] && { UpperDir: lower[0] }),
        },
      },
      RootFS: { Type: 'layers', Layers: image.diffIds },
      Metadata: { LastTagTime: image.lastTagged },
    };
  }

  /** Newest first. */
  history(reference: string): ImageHistoryItem[] {
    const image = this.resolve(reference);
    const tags = this.#library.referencesOf(image.id).filter(({ digest }) => !digest);
    const chain = image.chain.map((chainId) => this.#snapshots.get(chainId)?.size ?? 0);
    let layer = 0;
    const items = image.history.map((entry) => ({
      Id: '<missing>',
      Created: unixSeconds(entry.created),
      CreatedBy: entry.created_by ?? '',
      Tags: null as string[] | null,
      Size: entry.empty_layer ? 0 : (chain[layer++] ?? 0),
      Comment: entry.comment ?? '',
    }));
    if (items.length === 0) {
      items.push({
        Id: '',
        Created: unixSeconds(image.created),
        CreatedBy: '',
        Tags: null,
        Size: image.size,
        Comment: image.comment,
      });
    }
    const newest = items.reverse();
    Object.assign(newest[0] as ImageHistoryItem, { Id: image.id, Tags: tags.length > 0 ? tags.map(familiar) : null });
    return newest;
  }

  async tag(source: string, repository: string, tag: string): Promise<void> {
    const image = this.resolve(source);
    const reference = newName(repository, tag, 'refusing to create a tag with a digest reference');
    await this.#store.commit((change) => {
      this.#library.name(change, reference, image.id);
      this.#library.put(change, { ...image, lastTagged: new Date().toISOString() });
    });
    this.#announce('tag', image, familiar(reference));
  }

  /** Pins an image for a container, inside the caller's transaction. */
  hold(change: Change, imageId: string, holder: string): void {
    this.#library.hold(change, imageId, holder);
  }

  release(change: Change, imageId: string, holder: string): void {
    this.#library.release(change, imageId, holder);
  }

  /** A holder that runs cannot be overruled by force. */
  setRunning(holder: string, running: boolean): void {
    this.#library.setRunning(holder, running);
  }

  /** A holder in the bin: whoever is refused because of it is told so. */
  setAside(holder: string, aside: boolean): void {
    this.#library.setAside(holder, aside);
  }

  /** Untags and, when that was the last name, deletes; or deletes by ID. */
  remove(text: string, options: RemoveOptions = {}): Promise<ImageRemoved[]> {
    return this.#removal.remove(text, options);
  }

  /** Removes images that nobody uses: those without a name, or (`dangling` false) all of them. */
  prune(filters: Filters = {}): Promise<ImagesPruned> {
    return this.#removal.prune(filters);
  }

  /** Brings an image in from its registry, with dockerd's progress lines. */
  pull(request: PullRequest, options: PullOptions = {}): Promise<void> {
    return this.#puller.pull(request, options);
  }

  /** Brings an image, or all tags of a repository, to their registry, with dockerd's progress lines. */
  push(request: PushRequest, options: PushOptions = {}): Promise<void> {
    return this.#pusher.push(request, options);
  }

  /** Reads an archive of images (docker save, OCI). */
  load(body: AsyncIterable<Uint8Array>, options: LoadOptions = {}): Promise<void> {
    return this.#loader.load(body, options);
  }

  /** Makes an image of a file system's tar; returns its ID. */
  import(request: ImportRequest, options: ImportOptions = {}): Promise<string> {
    return this.#importer.import(request, options);
  }

  /** An image that adds a layer to another one. `describe` makes its configuration; without a `diffId` there was nothing in the layer. */
  async derive(
    parentId: string,
    {
      layer,
      size,
      describe,
      name,
    }: {
      layer: AsyncIterable<Uint8Array>;
      /** About how many bytes the layer has. */
      size: number;
      describe: (parent: ImageRecord, diffId: string | undefined) => object;
      name?: { repository: string; tag: string };
    },
  ): Promise<{ id: string; reference: string }> {
    const parent = this.resolve(parentId);
    const reference = name && newName(name.repository, name.tag, 'refusing to create a tag with a digest reference');
    // Once as it is kept, and once unpacked.
    await this.#content.requireRoom({ bytes: 2 * size }, 'the image');
    using lease = this.#content.lease();
    const stored: string[] = [];
    const keep = (digest: string) => {
      lease.pin(digest);
      stored.push(digest);
    };
    try {
      const { digest, size: length } = await this.#content.receive(layer);
      keep(digest);
      const own = digest === EMPTY_TAR ? [] : [{ mediaType: LAYER_TYPE, digest, size: length }];
      const document = JSON.stringify(describe(parent, own[0]?.digest));
      const id = await this.#content.write(Buffer.from(document));
      keep(id);
      await this.#installer.install(
        { configDigest: id, layers: [...parent.layers, ...own], manifest: null, documents: [id], parent: parent.id },
        { names: reference ? [reference] : [], report: () => undefined },
      );
      if (reference) this.#announce('tag', this.resolve(id), familiar(reference));
      return { id, reference: reference ? familiar(reference) : '' };
    } finally {
      lease[Symbol.dispose]();
      await this.#installer.removeUnused(stored);
    }
  }

  /** Images as one archive that this engine, Docker and OCI tools load. `onSize` hears how large it is before the first byte. */
  save(references: string[], onSize?: (bytes: number) => void): AsyncIterable<Uint8Array> {
    if (references.length === 0) throw invalid('no image was named');
    const wanted = new Map<string, SavedImage>();
    for (const text of references) {
      for (const { image, names } of this.#meant(text)) {
        const entry = wanted.get(image.id) ?? { image, names: [], references: this.#library.referencesOf(image.id) };
        wanted.set(image.id, entry);
        for (const name of names)
          if (!entry.names.some((other) => familiar(other) === familiar(name))) entry.names.push(name);
      }
    }
    for (const { image } of wanted.values()) this.#announce('save', image);
    return writeArchive([...wanted.values()], { content: this.#content, packing: this.#packing, onSize });
  }

  /** Of content that came for an image, what none turned out to need. */
  removeUnused(digests: string[]): Promise<void> {
    return this.#installer.removeUnused(digests);
  }

  /** Makes `slipway/starter:latest` from this machine's own busybox: an image on a machine without a network. */
  async starter(): Promise<{ id: string; reference: string }> {
    const busybox = await starterBusybox();
    await this.load(starterArchive(busybox), { quiet: true });
    return { id: this.resolve(STARTER).id, reference: STARTER };
  }

  /** Whether the starter image can be made, and whether it is here. Undefined: it cannot, for want of busybox-static. */
  async starterOffer(): Promise<{ image: string; present: boolean } | undefined> {
    const present = this.#library.lookup(parseReference(STARTER)) !== undefined;
    const possible = present || (await starterBusybox().catch(() => undefined)) !== undefined;
    return possible ? { image: STARTER, present } : undefined;
  }

  /** What a caller of save means: a name with its tag, all tags of a name without one, or an image by its ID, without any name. */
  #meant(text: string): { image: ImageRecord; names: Reference[] }[] {
    let reference: Reference | undefined;
    try {
      reference = parseReference(text);
    } catch {
      reference = undefined; // an ID, or nothing
    }
    if (reference && !reference.tag && !reference.digest) {
      const tags = this.#library.tagged(repositoryOf(reference));
      if (tags.length > 0) return tags.map((tag) => ({ image: tag.image, names: [tag.reference] }));
    }
    const image = this.#library.find(text);
    return [{ image, names: reference?.tag && !reference.digest ? [reference] : [] }];
  }

  #announce(action: string, image: ImageRecord, name = image.id): void {
    this.#events.publish('image', action, image.id, { ...labelsOf(image), name });
  }
}

export function unixSeconds(date: string | undefined): number {
  const time = Date.parse(date ?? NEVER);
  return Number.isNaN(time) || date === undefined || date === NEVER ? 0 : Math.floor(time / 1000);
}
