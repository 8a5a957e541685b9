import '../../base/scopes.js';
import { EngineError, invalid } from '../../base/errors.js';
import type { Content } from '../content/index.js';
import type { Events } from '../events/index.js';
import {
  familiar,
  familiarName,
  parseReference,
  parseRegistryAuth,
  withDefaultTag,
  type Registry,
  type RemoteManifest,
  type Repository,
} from '../registry/index.js';
import type { Complete, Installer, Report } from './install.js';
import type { Library } from './library.js';
import { choosePlatform, parsePlatform, type Platform } from './platform.js';
import { labelsOf, parseManifest } from './record.js';

export interface PullRequest {
  reference: string;
  /** What the client sent as X-Registry-Auth. */
  auth?: string | undefined;
  platform?: string | undefined;
}

export interface PullOptions {
  onProgress?: Report;
  signal?: AbortSignal | undefined;
}

export interface PullerOptions {
  content: Content;
  registry: Registry;
  library: Library;
  installer: Installer;
  events: Pick<Events, 'publish'>;
}

/** Images from registries. */
export class Puller {
  readonly #content: Content;
  readonly #registry: Registry;
  readonly #library: Library;
  readonly #installer: Installer;
  readonly #events: Pick<Events, 'publish'>;

  constructor({ content, registry, library, installer, events }: PullerOptions) {
    this.#content = content;
    this.#registry = registry;
    this.#library = library;
    this.#installer = installer;
    this.#events = events;
  }

  /** Brings an image in from its registry, with dockerd's progress lines. */
  async pull(
    { reference: text, auth, platform }: PullRequest,
    { onProgress = () => undefined, signal }: PullOptions,
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
      done = { id: complete.configDigest, renamed: await this.#installer.install(complete, install) };
    } catch (error) {
      lease[Symbol.dispose]();
      // What another attempt can go on from stays for a day; what was refused does not.
      const worthKeeping = signal?.aborted || (error instanceof EngineError && error.kind === 'unavailable');
      if (!worthKeeping) await this.#installer.removeUnused(mine);
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
}
