import '../../base/scopes.js';
import { invalid } from '../../base/errors.js';
import { Flights } from '../../base/flights.js';
import { shortId } from '../../base/ids.js';
import { Slots } from '../../base/slots.js';
import type { Store } from '../../base/store.js';
import type { Content } from '../content/index.js';
import type { CompressProgress, Compressed } from '../helper/index.js';
import type { Library } from './library.js';
import type { Descriptor, ImageRecord } from './record.js';

export interface PackingHelper {
  compress(
    request: { blob: string; target: string },
    options: { onProgress?: (progress: CompressProgress) => void; signal?: AbortSignal },
  ): Promise<Compressed>;
}

/** A layer as registries take it, and when it is in the store for good. */
interface Packed {
  layer: Descriptor;
  stored: Promise<void>;
}

/** Each takes all processors it can get; the second one has something to do while the first one waits for the disk. */
const AT_ONCE = 2;

const PLAIN = 'application/vnd.docker.image.rootfs.diff.tar';
const GZIP = 'application/vnd.docker.image.rootfs.diff.tar.gzip';
const ZSTD = 'application/vnd.oci.image.layer.v1.tar+zstd';

/** Finds for each layer of an image the blob that a registry can be given; what is here only as a plain tar is compressed, once. */
export class Packing {
  readonly #store: Store;
  readonly #content: Content;
  readonly #library: Library;
  readonly #helper: PackingHelper;
  readonly #slots = new Slots(AT_ONCE);
  readonly #flights = new Flights<Packed, CompressProgress>();

  constructor(options: { store: Store; content: Content; library: Library; helper: PackingHelper }) {
    this.#store = options.store;
    this.#content = options.content;
    this.#library = options.library;
    this.#helper = options.helper;
  }

  /** The image's layer `at` as a compressed blob. It is pinned before this resolves, and may still be on its way to the disk. */
  async layer(
    image: ImageRecord,
    at: number,
    {
      pin,
      onProgress,
      signal,
    }: { pin: (digest: string) => void; onProgress?: (bytes: number) => void; signal?: AbortSignal | undefined },
  ): Promise<Descriptor> {
    const diffId = image.diffIds[at] as string;
    let plain: Descriptor | undefined;
    for (const blob of this.#blobsOf(image, at)) {
      pin(blob.digest);
      if ((await this.#content.size(blob.digest)) === undefined) continue;
      if (blob.digest !== diffId) return { ...blob, mediaType: await this.#typeOf(blob) };
      plain = blob;
    }
    if (!plain) throw lost(diffId);
    const from = plain;
    const { layer, stored } = await this.#flights.join(
      diffId,
      (stop, report) => this.#compress(from, pin, report, stop),
      { signal, onReport: ({ bytes }) => onProgress?.(bytes) },
    );
    pin(layer.digest);
    // A push goes on without what a full disk could not keep.
    void stored.then(
      () => this.#remember(image.id, diffId, layer),
      () => undefined,
    );
    return layer;
  }

  /** The image's layer `at` as it is here, compressed or not: as it came, where that is left. */
  async stored(image: ImageRecord, at: number, pin: (digest: string) => void): Promise<Descriptor> {
    const came = image.layers[at];
    const blobs = this.#blobsOf(image, at);
    for (const blob of [...blobs.filter(({ digest }) => digest === came?.digest), ...blobs]) {
      pin(blob.digest);
      const size = await this.#content.size(blob.digest);
      if (size === undefined) continue;
      const mediaType = blob.digest === image.diffIds[at] ? PLAIN : await this.#typeOf(blob);
      return { mediaType, digest: blob.digest, size };
    }
    throw lost(image.diffIds[at] as string);
  }

  /** The image's configuration, which goes as it is. */
  async config({ id }: ImageRecord): Promise<Descriptor> {
    const size = await this.#content.size(id);
    if (size === undefined)
      throw invalid(
        `the configuration of the image ${shortId(id)} is not here any more as it came: pull or load the image again`,
      );
    return { mediaType: '', digest: id, size };
  }

  async #compress(
    { digest, size }: Descriptor,
    pin: (digest: string) => void,
    report: (progress: CompressProgress) => void,
    signal: AbortSignal,
  ): Promise<Packed> {
    using _ = await this.#slots.take(signal);
    await this.#content.requireRoom({ bytes: size / 2, files: 1 }, `the layer ${shortId(digest)}, compressed,`);
    report({ bytes: 0, written: 0 });
    const made = await this.#content.make(async (target) => {
      const blob = this.#content.path(digest);
      const compressed = await this.#helper.compress({ blob, target }, { onProgress: report, signal });
      if (compressed.plain !== digest)
        throw invalid(
          `the layer ${shortId(digest)} is damaged on this machine's disk and was not used: pull or load the image again`,
        );
      pin(compressed.digest);
      return compressed;
    });
    report({ bytes: size, written: made.size });
    return { layer: { mediaType: GZIP, digest: made.digest, size: made.size }, stored: made.stored };
  }

  /** Written down with the image, which keeps it; gone with it meanwhile, it goes with the rest that nobody needs. */
  async #remember(id: string, diffId: string, layer: Descriptor): Promise<void> {
    await this.#store.commit((change) => {
      const image = this.#library.get(id);
      if (image && image.packed?.[diffId]?.digest !== layer.digest)
        this.#library.put(change, { ...image, packed: { ...image.packed, [diffId]: layer } });
    });
  }

  /** Where a layer's bytes may lie, the best first: as this image has it, compressed here, as another image has it. */
  #blobsOf(image: ImageRecord, at: number): Descriptor[] {
    const diffId = image.diffIds[at] as string;
    const found: Descriptor[] = [];
    for (const each of [image, ...this.#library.all()]) {
      const index = each === image ? at : each.diffIds.indexOf(diffId);
      const packed = each.packed?.[diffId];
      if (packed) found.push(packed);
      if (index >= 0 && each.layers[index]) found.push(each.layers[index]);
    }
    const compressed = found.filter(({ digest }) => digest !== diffId);
    return [...compressed, ...found.filter(({ digest }) => digest === diffId).slice(0, 1)];
  }

  /** An archive does not say what its layers are; their first bytes do. */
  async #typeOf({ digest, mediaType }: Descriptor): Promise<string> {
    if (/gzip|zstd/.test(mediaType)) return mediaType;
    for await (const bytes of this.#content.chunks(digest, 0, 4)) {
      const magic = Buffer.from(bytes).toString('hex');
      if (magic.startsWith('1f8b')) return GZIP;
      if (magic === '28b52ffd') return ZSTD;
    }
    throw invalid(`the layer ${shortId(digest)} is compressed in a way that registries do not know`);
  }
}

const lost = (diffId: string) =>
  invalid(`the layer ${shortId(diffId)} is not here any more as it came: pull or load the image again`);
