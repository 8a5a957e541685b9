import '../../base/scopes.js';
import { EngineError, invalid, notFound } from '../../base/errors.js';
import { shortId } from '../../base/ids.js';
import { Slots } from '../../base/slots.js';
import type { Change, Store } from '../../base/store.js';
import type { Filters } from '../../contract/filters.js';
import type { ImageHistoryItem, ImageInspect, ImageRemoved, ImageSummary, Progress } from '../../contract/images.js';
import type { Content } from '../content/index.js';
import type { Events } from '../events/index.js';
import { chainIds, type LayerLease, type Layers } from '../layers/index.js';
import {
  DEFAULT_TAG,
  familiar,
  familiarName,
  parseReference,
  parseRegistryAuth,
  withDefaultTag,
  type Reference,
  type Registry,
  type RemoteManifest,
  type Repository,
} from '../registry/index.js';
import type { Snapshots } from '../snapshots/index.js';
import { LAYER_TYPE, readArchive } from './archive.js';
import { Library } from './library.js';
import { listed } from './list.js';
import { choosePlatform, parsePlatform, platformText, type Platform } from './platform.js';
import { moving, still, throttled } from './progress.js';
import { contentOf, NEVER, parseConfiguration, parseManifest, type Descriptor, type ImageRecord } from './record.js';
import { Removal } from './remove.js';
import { writeArchive } from './save.js';
import { STARTER, starterArchive, starterBusybox } from './starter.js';

export interface ImagesOptions {
  store: Store;
  content: Content;
  snapshots: Snapshots;
  registry: Registry;
  layers: Layers;
  events: Pick<Events, 'publish'>;
}

export interface PullRequest {
  reference: string;
  /** What the client sent as X-Registry-Auth. */
  auth?: string | undefined;
  platform?: string | undefined;
}

type Report = (progress: Progress) => void;

/** An image whose content is all in the store: what is needed to unpack it and write it down. */
interface Complete {
  configDigest: string;
  layers: Descriptor[];
  manifest: Descriptor | null;
  /** Content besides the layers. */
  documents: string[];
  /** The image it was made from. */
  parent?: string;
}

/** What a layer without a file is. */
const EMPTY_TAR = 'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef';

const DOWNLOADS_AT_ONCE = 3;

/** References, manifests and configurations; pull, load, tag, remove. */
export class Images {
  static readonly tables = Library.tables;
  readonly #store: Store;
  readonly #content: Content;
  readonly #snapshots: Snapshots;
  readonly #registry: Registry;
  readonly #layers: Layers;
  readonly #events: Pick<Events, 'publish'>;
  readonly #library: Library;
  readonly #removal: Removal;
  readonly #downloads = new Slots(DOWNLOADS_AT_ONCE);

  static async open(options: ImagesOptions): Promise<Images> {
    const images = new Images(options);
    for (const { chainId, id } of images.#library.all()) images.#snapshots.hold(chainId, id);
    await images.#content.collect(new Set(images.#library.all().flatMap(contentOf)));
    return images;
  }

  private constructor({ store, content, snapshots, registry, layers, events }: ImagesOptions) {
    this.#store = store;
    this.#content = content;
    this.#snapshots = snapshots;
    this.#registry = registry;
    this.#layers = layers;
    this.#events = events;
    this.#library = new Library(store);
    this.#removal = new Removal({
      store,
      content,
      snapshots,
      library: this.#library,
      announce: (action, image) => this.#announce(action, image),
    });
  }

  /** The image that a name, a digest or (the beginning of) an ID means. For another platform than asked it counts as missing: it may be pulled. */
  resolve(reference: string, platform?: string): ImageRecord {
    const image = this.#library.find(reference);
    const wanted = platform ? parsePlatform(platform) : undefined;
    if (wanted && (wanted.os !== image.os || wanted.architecture !== image.architecture)) {
      throw notFound(
        `image with reference ${reference} was found but does not match the specified platform: wanted ${platformText(wanted)}, actual: ${platformText(image)}`,
      );
    }
    return image;
  }

  list(filters: Filters = {}): ImageSummary[] {
    return listed(this.#library, filters);
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
        Name: 'overlay2',
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
    const name = parseReference(repository);
    if (name.digest) throw invalid('refusing to create a tag with a digest reference');
    if (name.tag) throw invalid('refusing to create a tag with a second tag');
    if (tag && !/^\w[\w.-]{0,127}$/.test(tag)) throw invalid('invalid tag format');
    const reference = parseReference(`${repository}:${tag || DEFAULT_TAG}`);
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
  remove(text: string, options: { force?: boolean; noprune?: boolean } = {}): Promise<ImageRemoved[]> {
    return this.#removal.remove(text, options);
  }

  /** Removes images that nobody uses: those without a name, or (`dangling` false) all of them. */
  prune(filters: Filters = {}): Promise<{ ImagesDeleted: ImageRemoved[]; SpaceReclaimed: number }> {
    return this.#removal.prune(filters);
  }

  /** Brings an image in from its registry, with dockerd's progress lines. */
  async pull(
    { reference: text, auth, platform }: PullRequest,
    { onProgress = () => undefined, signal }: { onProgress?: Report; signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    const reference = withDefaultTag(parseReference(text));
    const wanted = parsePlatform(platform);
    const repository = this.#registry.repository(reference, parseRegistryAuth(auth));
    const asked = reference.digest ?? (reference.tag as string);
    const top = await repository.manifest(asked, signal);
    onProgress({ status: `Pulling from ${reference.path}`, id: reference.digest ?? reference.tag ?? '' });

    using lease = this.#content.lease();
    const mine: string[] = [];
    const pin = (digest: string) => {
      lease.pin(digest);
      mine.push(digest);
    };
    let done: { id: string; renamed: boolean };
    try {
      const complete = await this.#fetchDocuments(repository, top, wanted, pin, signal);
      complete.layers.forEach(({ digest }) => pin(digest));
      const names = [
        ...(reference.tag && !reference.digest ? [reference] : []),
        { domain: reference.domain, path: reference.path, digest: top.digest },
      ];
      const install = { names, repository, wanted: platform ? wanted : undefined, report: onProgress, signal };
      done = { id: complete.configDigest, renamed: await this.#install(complete, install) };
    } catch (error) {
      lease[Symbol.dispose]();
      // What another attempt can go on from stays for a day; what was refused does not.
      const worthKeeping = signal?.aborted || (error instanceof EngineError && error.kind === 'unavailable');
      if (!worthKeeping) await this.#removal.removeUnused(mine);
      throw error;
    }
    onProgress({ status: `Digest: ${top.digest}` });
    const shown = familiar(
      reference.digest ? { domain: reference.domain, path: reference.path, digest: reference.digest } : reference,
    );
    onProgress({
      status: done.renamed ? `Status: Downloaded newer image for ${shown}` : `Status: Image is up to date for ${shown}`,
    });
    this.#events.publish('image', 'pull', shown, {
      ...labelsOf(this.#library.get(done.id)),
      name: familiarName(reference),
    });
  }

  /** Reads an archive of images (docker save, OCI). */
  async load(
    body: AsyncIterable<Uint8Array>,
    {
      onProgress = () => undefined,
      quiet = false,
      signal,
    }: { onProgress?: Report; quiet?: boolean; signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    using lease = this.#content.lease();
    const stored: string[] = [];
    try {
      const archive = await readArchive(body, this.#content, { lease, stored }, signal);
      if (archive.images.length === 0) throw invalid('the archive holds no image');
      for (const image of archive.images) {
        const names = image.names.map((name) => withDefaultTag(parseReference(name)));
        await this.#install(
          {
            configDigest: image.config,
            layers: image.layers,
            manifest: image.manifest,
            documents: [image.config, ...(image.manifest ? [image.manifest.digest] : [])],
          },
          { names: names.map(({ digest: _, ...name }) => name), report: quiet ? () => undefined : onProgress, signal },
        );
        const record = this.resolve(image.config);
        this.#announce('load', record);
        if (names.length === 0) onProgress({ stream: `Loaded image ID: ${image.config}\n` });
        for (const name of names) onProgress({ stream: `Loaded image: ${familiar(name)}\n` });
      }
    } finally {
      lease[Symbol.dispose]();
      await this.#removal.removeUnused(stored);
    }
  }

  /** An image that adds a layer to another one. `describe` makes its configuration; without a `diffId` there was nothing in the layer. */
  async derive(
    parentId: string,
    {
      layer,
      describe,
      name,
    }: {
      layer: AsyncIterable<Uint8Array>;
      describe: (parent: ImageRecord, diffId: string | undefined) => object;
      name?: { repository: string; tag: string };
    },
  ): Promise<{ id: string; reference: string }> {
    const parent = this.resolve(parentId);
    const reference = name && newTag(name.repository, name.tag);
    using lease = this.#content.lease();
    const stored: string[] = [];
    const keep = (digest: string) => {
      lease.pin(digest);
      stored.push(digest);
    };
    try {
      const { digest, size } = await this.#content.receive(layer);
      keep(digest);
      const own = digest === EMPTY_TAR ? [] : [{ mediaType: LAYER_TYPE, digest, size }];
      const document = JSON.stringify(describe(parent, own[0]?.digest));
      const id = await this.#content.write(Buffer.from(document));
      keep(id);
      await this.#install(
        { configDigest: id, layers: [...parent.layers, ...own], manifest: null, documents: [id], parent: parent.id },
        { names: reference ? [reference] : [], report: () => undefined },
      );
      if (reference) this.#announce('tag', this.resolve(id), familiar(reference));
      return { id, reference: reference ? familiar(reference) : '' };
    } finally {
      lease[Symbol.dispose]();
      await this.#removal.removeUnused(stored);
    }
  }

  /** Images as one archive that this engine, Docker and OCI tools load. */
  save(references: string[]): AsyncIterable<Uint8Array> {
    if (references.length === 0) throw invalid('no image was named');
    const wanted = new Map<string, { image: ImageRecord; names: Reference[] }>();
    for (const text of references) {
      const image = this.resolve(text);
      const entry = wanted.get(image.id) ?? { image, names: [] };
      wanted.set(image.id, entry);
      for (const name of this.#namesMeant(image, text)) {
        if (!entry.names.some((other) => familiar(other) === familiar(name))) entry.names.push(name);
      }
    }
    for (const { image } of wanted.values()) this.#announce('save', image);
    return writeArchive([...wanted.values()], this.#content);
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

  /** Index, manifest and configuration reach the store; what they name besides is for the caller to get. */
  async #fetchDocuments(
    repository: Repository,
    top: RemoteManifest,
    wanted: Platform,
    pin: (digest: string) => void,
    signal?: AbortSignal,
  ): Promise<Complete> {
    const documents: string[] = [];
    let { bytes, digest, mediaType } = top;
    for (let depth = 0; depth < 4; depth++) {
      const parsed = parseManifest(bytes, mediaType);
      pin(digest);
      documents.push(await this.#content.write(bytes));
      if (parsed.kind === 'manifest') {
        const { config, layers } = parsed.manifest;
        pin(config.digest);
        await this.#content.fetch(config, repository.blob(config.digest), { signal });
        documents.push(config.digest);
        const manifest = { mediaType: parsed.mediaType, digest, size: bytes.length };
        return { configDigest: config.digest, layers, manifest, documents };
      }
      const entry = choosePlatform(parsed.entries, wanted);
      ({ bytes, digest, mediaType } = await repository.manifest(entry.digest, signal));
    }
    throw invalid('the image is an index within an index within an index: refused');
  }

  /** Gets what is missing, unpacks it, and makes image, layers and names visible in one transaction. True when a name moved or is new. */
  async #install(
    image: Complete,
    {
      names,
      repository,
      wanted,
      report,
      signal,
    }: {
      names: Reference[];
      repository?: Repository;
      wanted?: Platform | undefined;
      report: Report;
      signal?: AbortSignal | undefined;
    },
  ): Promise<boolean> {
    const configuration = parseConfiguration(await this.#content.read(image.configDigest));
    if (configuration.os !== 'linux')
      throw invalid(`image operating system "${configuration.os}" cannot be used on this platform`);
    const { architecture, os } = configuration;
    if (wanted && architecture !== wanted.architecture) {
      throw notFound(
        `the image is for ${platformText({ os, architecture })}, not for ${platformText(wanted)} as asked`,
      );
    }
    if (configuration.diffIds.length !== image.layers.length) {
      throw invalid(
        `the image has ${image.layers.length} layers, but its configuration names ${configuration.diffIds.length}: refused`,
      );
    }
    const chain = chainIds(configuration.diffIds);
    await using lease = this.#layers.lease();
    const known = this.#library.get(image.configDigest);
    const complete = known && chain.every((chainId) => lease.has(chainId));
    if (!complete) await this.#unpackAll(image, configuration.diffIds, chain, lease, { repository, report, signal });
    await lease.sync();

    const record: ImageRecord = {
      id: image.configDigest,
      chainId: chain.at(-1) ?? '',
      chain,
      layers: image.layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
      documents: [...new Set([...image.documents, ...(known?.documents ?? [])])],
      manifest: image.manifest ?? known?.manifest ?? null,
      ...(image.parent && { parent: image.parent }),
      ...configuration,
      size: 0,
      lastTagged: image.parent && names.length > 0 ? new Date().toISOString() : (known?.lastTagged ?? NEVER),
    };
    // Known already, it may have come with other blobs of the same layers: those stay.
    if (known && complete) record.layers = known.layers;
    let renamed = false;
    await this.#store.commit((change) => {
      signal?.throwIfAborted();
      lease.commit(change);
      record.size = this.#snapshots.size(record.chainId);
      this.#library.put(change, record);
      this.#snapshots.hold(record.chainId, record.id);
      if (!known) change.undo(() => this.#snapshots.release(record.chainId, record.id));
      for (const name of names) renamed = this.#library.name(change, name, record.id) || renamed;
    });
    return renamed;
  }

  async #unpackAll(
    image: Complete,
    diffIds: string[],
    chain: string[],
    lease: LayerLease,
    {
      repository,
      report,
      signal,
    }: { repository?: Repository | undefined; report: Report; signal?: AbortSignal | undefined },
  ): Promise<void> {
    // One layer's failure stops the others; the first failure is the one to tell.
    const control = new AbortController();
    const stop = () => control.abort(signal?.reason);
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) stop();
    let failure: unknown;
    const fail = (error: unknown) => {
      failure ??= error;
      control.abort(error);
      throw error;
    };
    let below: Promise<unknown> = Promise.resolve();
    const layers = image.layers.map((layer, at) => {
      const request = {
        chainId: chain[at] as string,
        parent: chain[at - 1] ?? null,
        diffId: diffIds[at] as string,
        blob: layer.digest,
        below,
      };
      const id = shortId(repository ? layer.digest : request.diffId);
      if (lease.has(request.chainId)) {
        if (repository) report(still(id, 'Already exists'));
        return undefined;
      }
      if (repository) report(still(id, 'Pulling fs layer'));
      const work = (async () => {
        if (repository) await this.#download(repository, layer, id, report, control.signal);
        const status = repository ? 'Extracting' : 'Loading layer';
        const onBytes = throttled((current) => report(moving(id, status, current, layer.size)), layer.size);
        await lease.obtain(request, { onProgress: ({ bytes }) => onBytes(bytes), signal: control.signal });
        onBytes(layer.size);
        if (repository) report(still(id, 'Pull complete'));
      })().catch(fail);
      work.catch(() => undefined);
      below = Promise.all([below, work]);
      below.catch(() => undefined);
      return work;
    });
    await Promise.allSettled(layers);
    signal?.removeEventListener('abort', stop);
    signal?.throwIfAborted();
    if (failure !== undefined) throw failure;
  }

  async #download(
    repository: Repository,
    layer: Descriptor,
    id: string,
    report: Report,
    signal: AbortSignal,
  ): Promise<void> {
    if ((await this.#content.size(layer.digest)) === undefined) {
      if (this.#downloads.busy) report(still(id, 'Waiting'));
      using _ = await this.#downloads.take(signal);
      const onBytes = throttled((current) => report(moving(id, 'Downloading', current, layer.size)), layer.size);
      await this.#content.fetch(layer, repository.blob(layer.digest), {
        signal,
        onProgress: ({ stage, current, seconds }) => {
          if (stage === 'downloading') onBytes(current);
          else if (stage === 'retrying') report(still(id, `Retrying in ${seconds} second${seconds === 1 ? '' : 's'}`));
          else report(still(id, 'Verifying Checksum'));
        },
      });
    }
    report(still(id, 'Download complete'));
  }

  /** Which of an image's names a caller meant: the one given, or all of its repository, or none for an ID. */
  #namesMeant(image: ImageRecord, text: string): Reference[] {
    let reference: Reference;
    try {
      reference = parseReference(text);
    } catch {
      return [];
    }
    if (reference.digest || this.#library.lookup(withDefaultTag(reference)) !== image) return [];
    return [withDefaultTag(reference)];
  }

  #announce(action: string, image: ImageRecord, name = image.id): void {
    this.#events.publish('image', action, image.id, { ...labelsOf(image), name });
  }
}

/** The name that an image is given: a repository, and a tag beside it. */
function newTag(repository: string, tag: string): Reference {
  const name = parseReference(repository);
  if (name.digest || name.tag) throw invalid('refusing to create a tag with a digest or a second tag');
  return parseReference(`${repository}:${tag || DEFAULT_TAG}`);
}

const labelsOf = (image: ImageRecord | undefined): Record<string, string> => image?.config.Labels ?? {};

export function unixSeconds(date: string | undefined): number {
  const time = Date.parse(date ?? NEVER);
  return Number.isNaN(time) || date === undefined || date === NEVER ? 0 : Math.floor(time / 1000);
}
