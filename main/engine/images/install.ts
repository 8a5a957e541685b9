import '../../base/scopes.js';
import { setMaxListeners } from 'node:events';
import { invalid } from '../../base/errors.js';
import { shortId } from '../../base/ids.js';
import { NoRoom } from '../../base/room.js';
import { Slots } from '../../base/slots.js';
import type { Store } from '../../base/store.js';
import type { Progress } from '../../contract/images.js';
import type { BlobSource, Content } from '../content/index.js';
import { chainIds, type LayerLease, type LayerRequest, type Layers } from '../layers/index.js';
import type { Reference } from '../registry/index.js';
import type { Snapshots } from '../snapshots/index.js';
import type { Library } from './library.js';
import { requireRoomFor } from './need.js';
import { moving, still, throttled } from './progress.js';
import { contentOf, NEVER, parseConfiguration, type Descriptor, type ImageRecord } from './record.js';

export type Report = (progress: Progress) => void;

/** An image whose content is all in the store: what is needed to unpack it and write it down. */
export interface Complete {
  configDigest: string;
  layers: Descriptor[];
  manifest: Descriptor | null;
  /** Content besides the layers. */
  documents: string[];
  /** The image it was made from. */
  parent?: string;
}

/** Where an image's layers come from; without it they are in the store already. */
export type LayerSource = (layer: Descriptor) => BlobSource;

/** How an image comes. */
interface Bringing {
  source?: LayerSource | undefined;
  report: Report;
  signal?: AbortSignal | undefined;
}

/** What concerns one layer of an image on its way in. */
interface LayerWork {
  source?: LayerSource | undefined;
  /** As progress names it. */
  id: string;
  report: Report;
  signal: AbortSignal;
}

export interface InstallerOptions {
  store: Store;
  content: Content;
  snapshots: Snapshots;
  layers: Layers;
  library: Library;
}

const DOWNLOADS_AT_ONCE = 3;

/** Makes images of content: gets and unpacks layers, then writes image and names down. */
export class Installer {
  readonly #store: Store;
  readonly #content: Content;
  readonly #snapshots: Snapshots;
  readonly #layers: Layers;
  readonly #library: Library;
  readonly #downloads = new Slots(DOWNLOADS_AT_ONCE);

  constructor({ store, content, snapshots, layers, library }: InstallerOptions) {
    this.#store = store;
    this.#content = content;
    this.#snapshots = snapshots;
    this.#layers = layers;
    this.#library = library;
  }

  /** Of the content that came for an image, what no image turned out to need. */
  async removeUnused(digests: string[]): Promise<void> {
    await this.#content.remove(digests, { unless: (digest) => this.#library.needs(digest) });
  }

  /** Gets what is missing, unpacks it, and makes image, layers and names visible in one transaction. True when a name moved or is new. */
  async install(
    image: Complete,
    { names, source, report, signal }: Bringing & { names: Reference[] },
  ): Promise<boolean> {
    const configuration = parseConfiguration(await this.#content.read(image.configDigest));
    if (configuration.os !== 'linux')
      throw invalid(`image operating system "${configuration.os}" cannot be used on this platform`);
    if (configuration.diffIds.length !== image.layers.length) {
      throw invalid(
        `the image has ${image.layers.length} layers, but its configuration names ${configuration.diffIds.length}: refused`,
      );
    }
    const chain = chainIds(configuration.diffIds);
    await using lease = this.#layers.lease();
    const known = this.#library.get(image.configDigest);
    await using _ = this.#keeping(known);
    const complete = known && chain.every((chainId) => lease.has(chainId));
    if (!complete) await this.#unpackAll(image, configuration.diffIds, chain, lease, { source, report, signal });
    // Known already, it may have come with other blobs of the same layers: those stay.
    const layers =
      known && complete
        ? await this.#mended(known, image.layers, { source, report, signal })
        : await this.#present(image.layers, configuration.diffIds);
    const asDescribed = layers.every(({ digest }, at) => digest === image.layers[at]?.digest);
    await lease.sync();

    const chainId = chain.at(-1) ?? '';
    let renamed = false;
    await this.#store.commit((change) => {
      signal?.throwIfAborted();
      lease.commit(change);
      // Pushed, tagged or removed meanwhile, it has other things than it had when we began.
      const now = this.#library.get(image.configDigest);
      const record: ImageRecord = {
        id: image.configDigest,
        chainId,
        chain,
        layers,
        documents: [...new Set([...image.documents, ...(now?.documents ?? [])])],
        manifest: (asDescribed ? image.manifest : null) ?? now?.manifest ?? null,
        ...(now?.packed && { packed: now.packed }),
        ...(now?.attested && { attested: now.attested }),
        ...(now?.pushed && { pushed: now.pushed }),
        ...(image.parent && { parent: image.parent }),
        ...configuration,
        size: this.#snapshots.size(chainId),
        lastTagged: image.parent && names.length > 0 ? new Date().toISOString() : (now?.lastTagged ?? NEVER),
      };
      this.#library.put(change, record);
      this.#snapshots.hold(chainId, record.id);
      if (!now) change.undo(() => this.#snapshots.release(chainId, record.id));
      for (const name of names) renamed = this.#library.name(change, name, record.id) || renamed;
    });
    return renamed;
  }

  /** What an image has stays while it comes again: removed meanwhile, it has left that to us. */
  #keeping(image: ImageRecord | undefined): AsyncDisposable {
    const digests = image ? contentOf(image) : [];
    const lease = this.#content.lease();
    for (const digest of digests) lease.pin(digest);
    return {
      [Symbol.asyncDispose]: async () => {
        lease[Symbol.dispose]();
        await this.removeUnused(digests);
      },
    };
  }

  /** The blobs of an image that is here. One that the disk has lost comes again: the same, or the plain tar, whose digest proves it. */
  async #mended(
    { layers, diffIds }: ImageRecord,
    offered: Descriptor[],
    { source, report, signal = new AbortController().signal }: Bringing,
  ): Promise<Descriptor[]> {
    const mended: Descriptor[] = [];
    for (const [at, layer] of layers.entries()) {
      const other = offered[at] ?? layer;
      const fits = other.digest === layer.digest || other.digest === diffIds[at];
      if (!fits || (await this.#content.size(layer.digest)) !== undefined) {
        mended.push(layer);
        continue;
      }
      if (source) {
        const id = shortId(other.digest);
        report(still(id, 'Pulling fs layer'));
        await this.#download(other, { source, id, report, signal }, () => undefined);
        report(still(id, 'Pull complete'));
      }
      mended.push((await this.#content.size(other.digest)) === undefined ? layer : other);
    }
    return mended;
  }

  /** The blobs of layers that other images have too may be others than this image's: compressed in another way, they hold the same. */
  async #present(layers: Descriptor[], diffIds: string[]): Promise<Descriptor[]> {
    const lacks = await Promise.all(layers.map(async ({ digest }) => (await this.#content.size(digest)) === undefined));
    if (!lacks.includes(true)) return layers;
    return layers.map((layer, at) => (lacks[at] ? (this.#library.layer(diffIds[at] as string) ?? layer) : layer));
  }

  async #unpackAll(
    image: Complete,
    diffIds: string[],
    chain: string[],
    lease: LayerLease,
    { source, report, signal }: Bringing,
  ): Promise<void> {
    // What comes by another way is here by now, most of it unpacked already.
    if (source) {
      const missing = image.layers.filter((_, at) => !lease.has(chain[at] as string));
      await requireRoomFor(this.#content, missing, 'the image');
    }
    // One layer's failure stops the others; the first failure is the one to tell.
    const control = new AbortController();
    setMaxListeners(0, control.signal); // each layer listens
    const stop = () => control.abort(signal?.reason);
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) stop();
    let failure: unknown;
    const giveUp = (error: unknown) => {
      failure ??= error;
      control.abort(error);
    };
    const fail = (error: unknown) => {
      giveUp(error);
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
      const id = shortId(source ? layer.digest : request.diffId);
      if (lease.has(request.chainId)) {
        if (source) report(still(id, 'Already exists'));
        return undefined;
      }
      if (source) report(still(id, 'Pulling fs layer'));
      const work = this.#obtain(layer, { request, lease, source, id, report, giveUp, signal: control.signal }).catch(
        fail,
      );
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

  /** One layer, downloaded where there is a source to ask, and unpacked while it comes. */
  async #obtain(
    layer: Descriptor,
    {
      request,
      lease,
      source,
      id,
      report,
      signal,
      giveUp,
    }: LayerWork & { request: LayerRequest; lease: LayerLease; giveUp: (error: unknown) => void },
  ): Promise<void> {
    const status = source ? 'Extracting' : 'Loading layer';
    const onBytes = throttled((current) => report(moving(id, status, current, layer.size)), layer.size);
    // A layer has one bar: it shows the download until that is over.
    let shown = !source;
    let unpacking: Promise<void> | undefined;
    const unpack = () => {
      unpacking ??= lease.obtain(request, { onProgress: ({ bytes }) => shown && onBytes(bytes), signal });
      // What comes still may be better than what came; room it does not make.
      unpacking.catch((error: unknown) => error instanceof NoRoom && giveUp(error));
      return unpacking;
    };
    try {
      if (source) await this.#download(layer, { source, id, report, signal }, unpack);
      shown = true;
      const early = unpacking as Promise<void> | undefined;
      // Where somebody else's source failed, what was unpacked of that failed with it.
      const again = () => {
        signal.throwIfAborted();
        unpacking = undefined;
        return unpack();
      };
      await (early ? early.catch(again) : unpack());
    } finally {
      // Nothing goes on behind the back of a lease that ends.
      await unpacking?.catch(() => undefined);
    }
    onBytes(layer.size);
    if (source) report(still(id, 'Pull complete'));
  }

  /** `onComing`: its first bytes are about to arrive. */
  async #download(
    layer: Descriptor,
    { source, id, report, signal }: LayerWork & { source: LayerSource },
    onComing: () => void,
  ): Promise<void> {
    if ((await this.#content.size(layer.digest)) === undefined) {
      if (this.#downloads.busy) report(still(id, 'Waiting'));
      using _ = await this.#downloads.take(signal);
      const onBytes = throttled((current) => report(moving(id, 'Downloading', current, layer.size)), layer.size);
      await this.#content.fetch(layer, source(layer), {
        signal,
        onProgress: ({ stage, current, seconds }) => {
          onComing();
          if (stage === 'downloading') onBytes(current);
          else if (stage === 'retrying') report(still(id, `Retrying in ${seconds} second${seconds === 1 ? '' : 's'}`));
          else report(still(id, 'Verifying Checksum'));
        },
      });
    }
    report(still(id, 'Download complete'));
  }
}
