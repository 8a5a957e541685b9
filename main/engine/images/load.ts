import '../../base/scopes.js';
import { invalid } from '../../base/errors.js';
import type { Content } from '../content/index.js';
import type { Events } from '../events/index.js';
import type { Layers } from '../layers/index.js';
import { familiar, parseReference, withDefaultTag, type Reference } from '../registry/index.js';
import { readArchive, type Receive } from './archive.js';
import type { Installer, Report } from './install.js';
import type { Library } from './library.js';
import { requireRoomForArchive } from './need.js';
import { labelsOf } from './record.js';

export interface LoadOptions {
  onProgress?: Report;
  quiet?: boolean;
  /** Bytes of the archive, where they are known beforehand. */
  size?: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface LoaderOptions {
  content: Content;
  library: Library;
  installer: Installer;
  layers: Layers;
  receive: Receive;
  events: Pick<Events, 'publish'>;
}

/** Images from archives. */
export class Loader {
  readonly #content: Content;
  readonly #library: Library;
  readonly #installer: Installer;
  readonly #layers: Layers;
  readonly #receive: Receive;
  readonly #events: Pick<Events, 'publish'>;

  constructor({ content, library, installer, layers, receive, events }: LoaderOptions) {
    this.#content = content;
    this.#library = library;
    this.#installer = installer;
    this.#layers = layers;
    this.#receive = receive;
    this.#events = events;
  }

  /** Reads an archive of images (docker save, OCI). */
  async load(
    body: AsyncIterable<Uint8Array>,
    { onProgress = () => undefined, quiet = false, size = 0, signal }: LoadOptions,
  ): Promise<void> {
    await requireRoomForArchive(this.#content, size);
    using lease = this.#content.lease();
    await using ahead = this.#layers.ahead();
    const stored: string[] = [];
    try {
      const content = this.#content;
      const isKnown = (diffId: string) => this.#library.layer(diffId) !== undefined;
      const images = await readArchive(body, {
        content,
        lease,
        stored,
        ahead,
        isKnown,
        receive: this.#receive,
        signal,
      });
      if (images.length === 0) throw invalid('the archive holds no image');
      for (const image of images) {
        const names = image.names.map(nameIn);
        await this.#installer.install(
          {
            configDigest: image.config,
            layers: image.layers,
            manifest: image.manifest,
            documents: [image.config, ...(image.manifest ? [image.manifest.digest] : [])],
          },
          { names, report: quiet ? () => undefined : onProgress, signal },
        );
        const record = this.#library.find(image.config);
        this.#events.publish('image', 'load', record.id, { ...labelsOf(record), name: record.id });
        if (names.length === 0) onProgress({ stream: `Loaded image ID: ${image.config}\n` });
        for (const name of names) onProgress({ stream: `Loaded image: ${familiar(name)}\n` });
      }
    } finally {
      lease[Symbol.dispose]();
      await this.#installer.removeUnused(stored);
    }
  }
}

/** What an archive calls an image: a tag, for by a digest alone nothing is called. */
function nameIn(text: string): Reference {
  const reference = parseReference(text);
  if (reference.digest) throw invalid(`invalid tag "${text}"`);
  return withDefaultTag(reference);
}
