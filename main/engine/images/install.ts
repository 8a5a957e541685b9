import '../../base/scopes.js';
import { invalid, notFound } from '../../base/errors.js';
import { shortId } from '../../base/ids.js';
import { Slots } from '../../base/slots.js';
import type { Store } from '../../base/store.js';
import type { Progress } from '../../contract/images.js';
import type { Content } from '../content/index.js';
import { chainIds, type LayerLease, type Layers } from '../layers/index.js';
import type { Reference, Repository } from '../registry/index.js';
import type { Snapshots } from '../snapshots/index.js';
import type { Library } from './library.js';
import { platformText, type Platform } from './platform.js';
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
    const used = new Set(this.#library.all().flatMap(contentOf));
    await this.#content.remove(digests.filter((digest) => !used.has(digest)));
  }

  /** Gets what is missing, unpacks it, and makes image, layers and names visible in one transaction. True when a name moved or is new. */
  async install(
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
      ...(known?.packed && { packed: known.packed }),
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
}
