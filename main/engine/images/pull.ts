import '../../base/scopes.js';
import { z } from 'zod';
import { EngineError, invalid } from '../../base/errors.js';
import { LARGEST_DOCUMENT, type Content } from '../content/index.js';
import type { Events } from '../events/index.js';
import {
  familiar,
  familiarName,
  parseRegistryAuth,
  type Reference,
  type Registry,
  type RemoteManifest,
  type Repository,
} from '../registry/index.js';
import type { Complete, Installer, Report } from './install.js';
import { layerSource } from './foreign.js';
import type { Library } from './library.js';
import { pulledName } from './names.js';
import { candidates, noMatch, parsePlatform, platformText, suits, type Platform } from './platform.js';
import { artifactType, checked, kept, labelsOf, parseJson, parseManifest, type Descriptor } from './record.js';

export interface PullRequest {
  /** A name with a tag or a digest; with neither, all of its tags are meant. */
  reference: string;
  /** A tag or a digest beside it. */
  tag?: string | undefined;
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

/** What concerns one image on its way in. */
interface Trip {
  repository: Repository;
  platform: Platform;
  report: Report;
  signal: AbortSignal | undefined;
}

/** An index in an index in an index may be; one that goes on so is an attack. */
const DEEPEST = 4;

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

  /** Brings an image, or all of a repository, in from its registry, with dockerd's progress lines. */
  async pull(
    { reference: text, tag, auth, platform: asked }: PullRequest,
    { onProgress: report = () => undefined, signal }: PullOptions,
  ): Promise<void> {
    const reference = pulledName(text, tag);
    const platform = parsePlatform(asked);
    const repository = this.#registry.repository(reference, parseRegistryAuth(auth));
    const trip = { repository, platform, report, signal };
    let id = '';
    let news = false;
    const one = async (each: Reference) => {
      const pulled = await this.#pull(each, trip);
      id = pulled.id;
      news ||= pulled.renamed;
    };
    if (reference.tag || reference.digest) await one(reference);
    else for (const tag of await allTags(repository, signal)) await one({ ...reference, tag });
    const shown = familiar(withoutTagOfDigest(reference));
    report({
      status: news ? `Status: Downloaded newer image for ${shown}` : `Status: Image is up to date for ${shown}`,
    });
    const image = this.#library.get(id);
    if (asked && image && !suits(image, platform)) {
      report({
        status: `WARNING: image with reference ${shown} was found but does not match the specified platform: wanted ${platformText(platform)}, actual: ${platformText(image)}`,
      });
    }
    this.#events.publish('image', 'pull', shown, { ...labelsOf(image), name: familiarName(reference) });
  }

  async #pull(reference: Reference, trip: Trip): Promise<{ id: string; renamed: boolean }> {
    const { repository, report, signal } = trip;
    const asked = reference.digest ?? (reference.tag as string);
    const top = await repository.manifest(asked, signal);
    report({
      status: `Pulling from ${reference.path}`,
      id: reference.digest ? familiar(withoutTagOfDigest(reference)) : asked,
    });

    using lease = this.#content.lease();
    const mine: string[] = [];
    const pin = (digest: string) => {
      lease.pin(digest);
      mine.push(digest);
    };
    try {
      const complete = await this.#documents(reference, top, trip, pin);
      complete.layers.forEach(({ digest }) => pin(digest));
      const { tag: _, ...name } = reference;
      const names = [...(reference.digest ? [] : [reference]), { ...name, digest: top.digest }];
      const source = (layer: Descriptor) => layerSource(layer, repository, this.#registry);
      const renamed = await this.#installer.install(complete, { names, source, report, signal });
      report({ status: `Digest: ${top.digest}` });
      return { id: complete.configDigest, renamed };
    } catch (error) {
      lease[Symbol.dispose]();
      // What another attempt can go on from stays for a day; what was refused does not.
      const worthKeeping = signal?.aborted || (error instanceof EngineError && error.kind === 'unavailable');
      if (!worthKeeping) await this.#installer.removeUnused(mine);
      throw error;
    }
  }

  /** Index, manifest and configuration reach the store; what they name besides is for the caller to get. */
  async #documents(
    reference: Reference,
    top: RemoteManifest,
    { repository, platform, signal }: Trip,
    pin: (digest: string) => void,
  ): Promise<Complete> {
    const visit = async (
      { bytes, digest, mediaType }: RemoteManifest,
      above: string[],
    ): Promise<Complete | undefined> => {
      if (above.length >= DEEPEST) throw invalid('the image is an index within an index, again and again: refused');
      const parsed = parseManifest(bytes, mediaType);
      pin(digest);
      const documents = [...above, await this.#content.write(bytes)];
      if (parsed.kind === 'manifest') {
        const artifact = artifactType(parsed.manifest);
        if (artifact && above.length > 0) return undefined;
        if (artifact)
          throw invalid(`${familiar(reference)} is no image but an artifact of type ${artifact}: nothing runs from it`);
        const { config, layers } = parsed.manifest;
        if (config.size > LARGEST_DOCUMENT)
          throw invalid(`the image configuration has ${config.size} bytes: too many (at most ${LARGEST_DOCUMENT})`);
        pin(config.digest);
        await this.#content.fetch(config, repository.blob(config.digest), { signal });
        documents.push(config.digest);
        const manifest = { mediaType: parsed.mediaType, digest, size: bytes.length };
        return { configDigest: config.digest, layers: layers.map(kept), manifest, documents };
      }
      for (const entry of candidates(parsed.entries, platform)) {
        const found = await visit(await repository.manifest(entry.digest, signal), documents);
        if (found) return found;
      }
      return undefined;
    };
    const found = await visit(top, []);
    if (!found) throw noMatch(platform);
    return found;
  }
}

const tagList = z.object({ tags: z.array(z.string()).nullish() });
const PAGE = 1000;
const MOST_TAGS = 100_000;

/** The tags of a repository, page by page. */
async function allTags(repository: Repository, signal: AbortSignal | undefined): Promise<string[]> {
  const tags = new Set<string>();
  for (let last: string | undefined; ;) {
    const query = { n: String(PAGE), ...(last !== undefined && { last }) };
    const response = await repository.request('GET', 'tags/list', { query, signal });
    const page = checked(tagList, parseJson(await response.bytes(), 'list of tags'), 'list of tags').tags ?? [];
    const before = tags.size;
    for (const tag of page) tags.add(tag);
    if (tags.size === before || !response.headers.link || tags.size > MOST_TAGS) return [...tags];
    last = page.at(-1);
  }
}

/** Of `debian:12@sha256:…` only the digest was asked for. */
const withoutTagOfDigest = ({ tag, ...rest }: Reference): Reference => (tag && !rest.digest ? { ...rest, tag } : rest);
