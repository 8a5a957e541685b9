import '../../base/scopes.js';
import { setMaxListeners } from 'node:events';
import { invalid, notFound } from '../../base/errors.js';
import { shortId } from '../../base/ids.js';
import { Slots } from '../../base/slots.js';
import type { Store } from '../../base/store.js';
import { digestOf, type Content } from '../content/index.js';
import type { Events } from '../events/index.js';
import {
  familiar,
  familiarName,
  hasBlob,
  mountBlob,
  parseReference,
  parseRegistryAuth,
  repositoryOf,
  uploadBlob,
  type Reference,
  type Registry,
  type Repository,
} from '../registry/index.js';
import type { Report } from './install.js';
import type { Library } from './library.js';
import { isForeign, manifestFor, ownManifests, type ManifestDocument, type OwnManifest } from './manifest.js';
import type { Packing } from './packing.js';
import { platformText, type Platform } from './platform.js';
import { moving, still, throttled } from './progress.js';
import { contentOf, labelsOf, type Descriptor, type ImageRecord } from './record.js';

export interface PushRequest {
  /** A repository, with or without a tag. */
  reference: string;
  /** In the place of the reference's own; without either, all tags go. */
  tag?: string | undefined;
  /** What the client sent as X-Registry-Auth. */
  auth?: string | undefined;
  platform?: Platform | undefined;
}

export interface PushOptions {
  onProgress?: Report;
  signal?: AbortSignal | undefined;
}

export interface PusherOptions {
  store: Store;
  content: Content;
  registry: Registry;
  library: Library;
  packing: Packing;
  events: Pick<Events, 'publish'>;
  /** Removes content that no image needs. */
  removeUnused: (digests: string[]) => Promise<void>;
  /** Whether a registry may be given layers that their makers do not want distributed. */
  allowsForeign?: (domain: string) => boolean;
}

const UPLOADS_AT_ONCE = 5;
/** Repositories that are asked for a blob before it is uploaded. */
const MOUNTS = 3;

/** One image on its way to one repository. */
interface Journey {
  image: ImageRecord;
  reference: Reference;
  repository: Repository;
  /** Keeps a blob until the journey is over. */
  pin: (digest: string) => void;
  /** Blobs that are on their way or there. */
  sent: Map<string, Promise<void>>;
  /** Repositories of the same registry by the blobs that they have. */
  elsewhere: Map<string, Set<string>>;
  report: Report;
  signal: AbortSignal;
}

/** Images to registries. */
export class Pusher {
  readonly #store: Store;
  readonly #content: Content;
  readonly #registry: Registry;
  readonly #library: Library;
  readonly #packing: Packing;
  readonly #events: Pick<Events, 'publish'>;
  readonly #removeUnused: (digests: string[]) => Promise<void>;
  readonly #allowsForeign: (domain: string) => boolean;
  readonly #uploads = new Slots(UPLOADS_AT_ONCE);

  constructor({
    store,
    content,
    registry,
    library,
    packing,
    events,
    removeUnused,
    allowsForeign = () => false,
  }: PusherOptions) {
    this.#store = store;
    this.#content = content;
    this.#registry = registry;
    this.#library = library;
    this.#packing = packing;
    this.#events = events;
    this.#removeUnused = removeUnused;
    this.#allowsForeign = allowsForeign;
  }

  /** Brings what a repository's tags name to its registry, with dockerd's progress lines. */
  async push(
    { reference: text, tag, auth, platform }: PushRequest,
    { onProgress = () => undefined, signal }: PushOptions,
  ): Promise<void> {
    const name = parseReference(text);
    if (tag && !/^\w[\w.-]{0,127}$/.test(tag)) throw invalid('invalid tag format');
    if (name.digest && !tag) throw invalid('cannot push a digest reference');
    const wanted = tag || name.tag;
    const tags = this.#library.tagged(repositoryOf(name));
    const chosen = wanted ? tags.filter(({ reference }) => reference.tag === wanted) : tags;
    if (platform) for (const { reference, image } of chosen) checkPlatform(reference, image, platform);

    onProgress({ status: `The push refers to repository [${repositoryOf(name)}]` });
    if (tags.length === 0) throw notFound(`An image does not exist locally with the tag: ${familiarName(name)}`);
    if (chosen.length === 0) throw notFound(`tag does not exist: ${familiarName(name)}:${wanted}`);
    const repository = this.#registry.repository(name, parseRegistryAuth(auth), { mirrors: false });
    const sent = new Map<string, Promise<void>>();
    for (const { reference, image } of chosen)
      await this.#pushOne({ image, reference, repository, sent, report: onProgress }, signal);
  }

  async #pushOne(
    { image, reference, ...rest }: Pick<Journey, 'image' | 'reference' | 'repository' | 'sent' | 'report'>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    using lease = this.#content.lease();
    const pinned: string[] = [];
    const pin = (digest: string) => {
      lease.pin(digest);
      pinned.push(digest);
    };
    contentOf(image).forEach(pin);
    // One layer's failure stops the others; the first failure is the one to tell.
    const control = new AbortController();
    setMaxListeners(0, control.signal); // each layer listens
    const stop = () => control.abort(signal?.reason);
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) stop();
    const elsewhere = this.#elsewhere(reference);
    const journey: Journey = { image, reference, pin, elsewhere, ...rest, signal: control.signal };
    try {
      const manifest = await this.#sendAll(journey, control);
      await journey.repository.putManifest(reference.tag as string, manifest, journey.signal);
      await this.#noteDown(journey, manifest);
      const { tag } = reference;
      const [digest, size] = [digestOf(manifest.bytes), manifest.bytes.length];
      journey.report({ status: `${tag}: digest: ${digest} size: ${size}` });
      journey.report({ progressDetail: {}, aux: { Tag: tag, Digest: digest, Size: size } });
    } finally {
      signal?.removeEventListener('abort', stop);
      lease[Symbol.dispose]();
      // Removed meanwhile, it has left us with what was being sent.
      if (!this.#library.get(image.id)) await this.#removeUnused(pinned);
    }
    this.#events.publish('image', 'push', familiar(reference), {
      ...labelsOf(image),
      name: familiarName(reference),
    });
  }

  /** Layers and configuration, all at once; the manifest that names what has gone. */
  async #sendAll(journey: Journey, control: AbortController): Promise<ManifestDocument> {
    const { image, report } = journey;
    const ids = image.diffIds.map((diffId) => shortId(diffId));
    for (const id of [...ids].reverse()) report(still(id, 'Preparing'));
    const own = await this.#ownManifest(journey);
    const layers = await this.#together(
      control,
      image.diffIds.map((_, at) => () => this.#sendLayer(journey, own, at)),
    );
    const config = own?.config ?? (await this.#packing.config(image));
    await this.#send(journey, config);
    return own ?? (await manifestFor(image, config, layers, this.#content));
  }

  /** All of them, or the first failure once the others have stopped. */
  async #together<Result>(control: AbortController, works: (() => Promise<Result>)[]): Promise<Result[]> {
    let failure: { error: unknown } | undefined;
    const running = works.map((work) =>
      work().catch((error: unknown) => {
        failure ??= { error };
        control.abort(error);
        throw error;
      }),
    );
    await Promise.allSettled(running);
    if (failure) throw failure.error;
    return Promise.all(running);
  }

  /** The manifest that the image came with, where everything that it names is here or there. */
  async #ownManifest(journey: Journey): Promise<OwnManifest | undefined> {
    const references = this.#library.referencesOf(journey.image.id);
    for await (const own of ownManifests(journey.image, references, this.#content))
      if (await this.#isWhole(journey, own)) return own;
    return undefined;
  }

  async #isWhole(journey: Journey, { config, layers }: OwnManifest): Promise<boolean> {
    for (const layer of [config, ...layers]) {
      if (isForeign(layer) || (await this.#content.size(layer.digest)) !== undefined) continue;
      if (!(await this.#isThere(journey, layer))) return false;
    }
    return true;
  }

  async #sendLayer(journey: Journey, own: { layers: Descriptor[] } | undefined, at: number): Promise<Descriptor> {
    const { image, reference, pin, report, signal } = journey;
    const id = shortId(image.diffIds[at] as string);
    const size = image.layers[at]?.size ?? 0;
    const layer =
      own?.layers[at] ??
      (await this.#packing.layer(image, at, {
        pin,
        onProgress: throttled((bytes) => report(moving(id, 'Compressing', bytes, size)), size),
        signal,
      }));
    if (isForeign(layer) && !this.#allowsForeign(reference.domain)) report(still(id, 'Skipped foreign layer'));
    else await this.#send(journey, layer, id);
    return layer;
  }

  /** A blob is sent once, however many layers it is. */
  async #send(journey: Journey, blob: Descriptor, id?: string): Promise<void> {
    const { sent, report } = journey;
    const say = id === undefined ? () => undefined : report;
    const going = sent.get(blob.digest);
    if (going) {
      await going;
      say(still(id ?? '', 'Layer already exists'));
      return;
    }
    const sending = this.#sendOnce(journey, blob, id ?? '', say);
    sent.set(blob.digest, sending);
    await sending.catch((error: unknown) => {
      sent.delete(blob.digest);
      throw error;
    });
  }

  async #sendOnce(journey: Journey, blob: Descriptor, id: string, report: Report): Promise<void> {
    const { repository, signal } = journey;
    if (this.#uploads.busy) report(still(id, 'Waiting'));
    using _ = await this.#uploads.take(signal);
    if (await hasBlob(repository, blob.digest, signal)) {
      report(still(id, 'Layer already exists'));
      return;
    }
    const mounted = await this.#mount(journey, blob);
    if (mounted.from !== undefined) {
      report(still(id, `Mounted from ${mounted.from}`));
      return;
    }
    const onBytes = throttled((current) => report(moving(id, 'Pushing', current, blob.size)), blob.size);
    await uploadBlob(
      repository,
      { ...blob, open: (offset) => this.#content.chunks(blob.digest, offset) },
      {
        session: mounted.session,
        signal,
        onBytes,
        onRetry: (seconds) => report(still(id, `Retrying in ${seconds} second${seconds === 1 ? '' : 's'}`)),
      },
    );
    report(still(id, 'Pushed'));
  }

  /** A blob that another repository of the registry has; else an upload that the registry has begun for it, if it was asked. */
  async #mount(journey: Journey, { digest }: Descriptor): Promise<{ from?: string; session?: URL }> {
    const { repository, elsewhere, signal } = journey;
    let session: URL | undefined;
    for (const from of [...(elsewhere.get(digest) ?? [])].slice(0, MOUNTS)) {
      session = await mountBlob(repository, digest, from, signal);
      if (!session) return { from };
    }
    return session ? { session } : {};
  }

  async #isThere(journey: Journey, blob: Descriptor): Promise<boolean> {
    const { repository, sent, signal } = journey;
    if (sent.has(blob.digest)) return true;
    const there =
      (await hasBlob(repository, blob.digest, signal)) || (await this.#mount(journey, blob)).from !== undefined;
    if (there) sent.set(blob.digest, Promise.resolve());
    return there;
  }

  /** Which of a registry's other repositories have which blobs, as far as we have seen. */
  #elsewhere({ domain, path }: Reference): Map<string, Set<string>> {
    const found = new Map<string, Set<string>>();
    const isElsewhere = (name: Reference) => name.digest !== undefined && name.domain === domain && name.path !== path;
    for (const { reference, image } of this.#library.named(isElsewhere)) {
      for (const digest of contentOf(image)) {
        const repositories = found.get(digest) ?? new Set();
        found.set(digest, repositories.add(reference.path));
      }
    }
    return found;
  }

  /** The image is known by the digest that it has there. */
  async #noteDown({ image, reference, pin }: Journey, { bytes }: ManifestDocument): Promise<void> {
    const digest = digestOf(bytes);
    pin(digest);
    await this.#content.write(bytes);
    await this.#store.commit((change) => {
      const now = this.#library.get(image.id);
      if (!now) return; // removed meanwhile
      if (!now.documents.includes(digest)) this.#library.put(change, { ...now, documents: [...now.documents, digest] });
      this.#library.name(change, { domain: reference.domain, path: reference.path, digest }, image.id);
    });
  }
}

function checkPlatform(reference: Reference, image: ImageRecord, wanted: Platform): void {
  if (wanted.os === image.os && wanted.architecture === image.architecture) return;
  throw notFound(
    `image with reference ${familiar(reference)} was found but does not match the specified platform: wanted ${platformText(wanted)}, actual: ${platformText(image)}`,
  );
}
