import '../../base/scopes.js';
import { invalid, notFound, system, unavailable } from '../../base/errors.js';
import type { Content } from '../content/index.js';
import type { Events } from '../events/index.js';
import type { ReceivedPart } from '../helper/index.js';
import { familiar, type Registry } from '../registry/index.js';
import { LAYER_TYPE, something, type Receive } from './archive.js';
import { changeConfig } from './change-config.js';
import type { Installer, Report } from './install.js';
import { newName } from './names.js';
import { requireRoomForArchive } from './need.js';
import { parsePlatform, type Platform } from './platform.js';
import { moving, throttled } from './progress.js';

/** `POST /images/create` with `fromSrc`. */
export interface ImportRequest {
  /** `-`: the body; or the address of an archive. */
  source: string;
  body: AsyncIterable<Uint8Array>;
  /** Bytes of the body, where they are known beforehand. */
  size?: number | undefined;
  /** What the image is to be called; '' for nothing. */
  repository: string;
  tag: string;
  message: string;
  platform?: string | undefined;
  /** Lines of a Dockerfile. */
  changes: string[];
}

export interface ImportOptions {
  onProgress?: Report;
  signal?: AbortSignal | undefined;
}

export interface ImporterOptions {
  content: Content;
  registry: Pick<Registry, 'open'>;
  installer: Installer;
  receive: Receive;
  events: Pick<Events, 'publish'>;
}

/** Images of a file system's tar: one layer, and a configuration made here. */
export class Importer {
  readonly #options: ImporterOptions;

  constructor(options: ImporterOptions) {
    this.#options = options;
  }

  /** Its ID, which is also the last thing reported. */
  async import(
    { source, body, size: length = 0, repository, tag, message, platform, changes }: ImportRequest,
    { onProgress: report = () => undefined, signal }: ImportOptions = {},
  ): Promise<string> {
    const { content, installer, events } = this.#options;
    const name = repository ? newName(repository, tag, 'cannot import digest reference') : undefined;
    const config = changeConfig({}, changes);
    const target = parsePlatform(platform);
    if (target.os !== 'linux') throw invalid(`invalid operating system: ${target.os} images cannot be used here`);
    const address = source === '-' ? undefined : addressOf(source);
    if (!address) await requireRoomForArchive(content, length);
    const archive = address ? await this.#download(address, report, signal) : body;

    using lease = content.lease();
    const stored: string[] = [];
    const keep = (digest: string) => {
      lease.pin(digest);
      stored.push(digest);
    };
    try {
      const { digest, size, path } = await this.#receive(archive, signal);
      keep(digest);
      await content.take(path, digest);
      const comment = message || `Imported from ${address ? shown(address) : source}`;
      const id = await content.write(Buffer.from(JSON.stringify(configuration(target, config, comment, digest))));
      keep(id);
      await installer.install(
        { configDigest: id, layers: [{ mediaType: LAYER_TYPE, digest, size }], manifest: null, documents: [id] },
        { names: name ? [name] : [], report: () => undefined, signal },
      );
      if (name) events.publish('image', 'tag', id, { ...config.Labels, name: familiar(name) });
      events.publish('image', 'import', id, { ...config.Labels, name: id });
      report({ status: id });
      return id;
    } finally {
      lease[Symbol.dispose]();
      await installer.removeUnused(stored);
    }
  }

  /** The tar as one file, whatever it is compressed with. */
  async #receive(archive: AsyncIterable<Uint8Array>, signal?: AbortSignal) {
    const { content, receive } = this.#options;
    const body = await something(archive);
    let received: { digest: string; size: number; path: string } | undefined;
    const onPart = (part: ReceivedPart) => {
      if ('path' in part && part.digest) received = { digest: part.digest, size: part.bytes, path: part.path };
    };
    using guard = content.guardRoom('the archive', signal);
    const prefix = content.room();
    try {
      await receive({ prefix, archive: false, body }, { onPart, signal: guard.signal });
    } catch (error) {
      await content.clear(prefix);
      throw error;
    }
    if (!received) throw system('the helper received an archive and did not say what it is');
    return received;
  }

  async #download(url: URL, report: Report, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const response = await this.#options.registry.open(url, { signal, anyHost: true });
    if (response.status !== 200) {
      response.discard();
      const sentence = `failed to GET ${shown(url)} with status ${response.status}`;
      throw response.status >= 500 ? unavailable(sentence) : notFound(sentence);
    }
    report({ status: `Downloading from ${shown(url)}` });
    const total = Number(response.headers['content-length'] ?? 0);
    await requireRoomForArchive(this.#options.content, total).catch((error: unknown) => {
      response.discard();
      throw error;
    });
    const onBytes = throttled((current) => {
      const { id: _, ...line } = moving('', 'Importing', current, total);
      report(line);
    }, total);
    async function* told() {
      let current = 0;
      for await (const chunk of response.body) {
        yield chunk;
        onBytes((current += chunk.length));
      }
      if (total > 0 && current < total) throw unavailable(`${url.host} sent ${current} of ${total} bytes`);
    }
    return told();
  }
}

function configuration({ os, architecture, variant }: Platform, config: object, comment: string, diffId: string) {
  const created = new Date().toISOString();
  return {
    ...{ architecture, ...(variant && { variant }), os },
    ...{ comment, created, config },
    rootfs: { type: 'layers', diff_ids: [diffId] },
    history: [{ created, comment }],
  };
}

/** Without a name and password: an image goes round the world. */
function shown(address: URL): string {
  const url = new URL(address);
  url.username = url.password = '';
  return url.href;
}

function addressOf(source: string): URL {
  const text = source.includes('://') ? source : `http://${source}`;
  let url: URL | undefined;
  try {
    url = new URL(text);
  } catch {
    // said below
  }
  if (!url || !/^https?:$/.test(url.protocol)) throw invalid(`"${source}" is no http or https address to import from`);
  return url;
}
