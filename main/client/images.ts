import type { ApiResponse, ByteStream, Transport } from '../contract/bridge.js';
import type { Filters } from '../contract/filters.js';
import type { ImageHistoryItem, ImageInspect, ImageRemoved, ImageSummary, Progress } from '../contract/images.js';
import type { DistributionInspect, SearchResult } from '../contract/registries.js';
import { ApiError } from './errors.js';
import { getJson, open, postJson, segments, send, withQuery, type Cancel } from './request.js';
import { readJsonLines } from './streams.js';

/** Credentials for a registry, as `X-Registry-Auth` carries them. */
export interface RegistryAuth {
  username?: string;
  password?: string;
  serveraddress?: string;
  identitytoken?: string;
}

export interface PullOptions {
  auth?: RegistryAuth;
  platform?: string;
  /** The reference is a repository, and all that it has is wanted. */
  allTags?: boolean;
}

export interface ImportOptions {
  reference?: string;
  message?: string;
  platform?: string;
  /** Lines of a Dockerfile. */
  changes?: string[];
}

export interface BuildOptions {
  /** The name that it gets. */
  reference: string;
  /** The path of the Dockerfile in the folder. */
  dockerfile: string;
}

export const imagesClient = (transport: Transport) => ({
  /** `sharedSize`: also how much of each other images have too; that takes an engine longer. */
  list: ({ sharedSize, ...options }: { all?: boolean; filters?: Filters; sharedSize?: boolean } = {}) =>
    getJson<ImageSummary[]>(transport, withQuery('/images/json', { ...options, 'shared-size': sharedSize })),

  inspect: (name: string) => getJson<ImageInspect>(transport, `/images/${segments(name)}/json`),

  history: (name: string) => getJson<ImageHistoryItem[]>(transport, `/images/${segments(name)}/history`),

  tag: (name: string, repo: string, tag?: string) =>
    send(transport, 'POST', withQuery(`/images/${segments(name)}/tag`, { repo, tag })),

  remove: async (name: string, options: { force?: boolean; noprune?: boolean } = {}) => {
    const { body } = await open(transport, { method: 'DELETE', path: withQuery(`/images/${segments(name)}`, options) });
    const removed: ImageRemoved[] = [];
    for await (const items of readJsonLines<ImageRemoved[]>(body)) removed.push(...items);
    return removed;
  },

  prune: (filters?: Filters) =>
    postJson<{ ImagesDeleted: ImageRemoved[] | null; SpaceReclaimed: number }>(
      transport,
      withQuery('/images/prune', { filters }),
    ),

  /** Downloads an image; ends when it is there, throws what kept it from coming. Aborting the signal cancels the download. */
  async *pull(
    reference: string,
    { auth, platform, allTags = false, ...cancel }: Cancel & PullOptions = {},
  ): AsyncGenerator<Progress> {
    const { name, tag } = allTags ? { name: reference, tag: undefined } : splitReference(reference);
    const path = withQuery('/images/create', { fromImage: name, tag, platform });
    const headers = auth && { 'X-Registry-Auth': encodeAuth(auth) };
    const { body } = await open(transport, { method: 'POST', path, headers }, cancel);
    yield* withoutFailure(readJsonLines<Progress>(body));
  },

  /** Uploads what a name names; ends when the registry has it, throws what kept it from going. */
  async *push(
    reference: string,
    { auth, allTags = false, ...cancel }: Cancel & { auth?: RegistryAuth; allTags?: boolean | undefined } = {},
  ): AsyncGenerator<Progress> {
    const { name, tag } = splitReference(reference);
    const path = withQuery(`/images/${segments(name)}/push`, allTags ? {} : { tag });
    // Docker insists on the header, also where there is nothing to say in it.
    const headers = { 'X-Registry-Auth': encodeAuth(auth ?? {}) };
    const { body } = await open(transport, { method: 'POST', path, headers }, cancel);
    yield* withoutFailure(readJsonLines<Progress>(body));
  },

  /** An archive with all of them, as `docker load` reads it. */
  async save(names: string[], cancel: Cancel = {}): Promise<{ bytes: ApiResponse['body']; total?: number }> {
    const query = names.map((name) => `names=${encodeURIComponent(name)}`).join('&');
    const { headers, body } = await open(transport, { method: 'GET', path: `/images/get?${query}` }, cancel);
    const total = Number(headers['content-length']);
    return { bytes: body, ...(total > 0 && { total }) };
  },

  /** Makes an image of a root file system's tar, which the engine gets by itself where it is an address; without a name it has none. */
  async *import(
    archive: Uint8Array | ByteStream | { url: string },
    { reference, message, platform, changes = [], ...cancel }: Cancel & ImportOptions = {},
  ): AsyncGenerator<Progress> {
    const { name: repo, tag } = reference === undefined ? {} : splitReference(reference);
    const [fromSrc, sent] = 'url' in archive ? [archive.url, undefined] : ['-', archive];
    const lines = changes.map((change) => `&changes=${encodeURIComponent(change)}`).join('');
    const path = withQuery('/images/create', { fromSrc, repo, tag, message, platform }) + lines;
    const headers = { 'Content-Type': 'application/x-tar' };
    const { body } = await open(
      transport,
      { method: 'POST', path, ...(sent !== undefined && { headers, body: sent }) },
      cancel,
    );
    yield* withoutFailure(readJsonLines<Progress>(body));
  },

  /** Makes an image of a folder's tar, by the Dockerfile in it. Aborting the signal cancels the build. */
  async *build(
    context: Uint8Array | ByteStream,
    { reference, dockerfile, ...cancel }: Cancel & BuildOptions,
  ): AsyncGenerator<Progress> {
    const path = withQuery('/build', { t: reference, dockerfile, rm: true, forcerm: true });
    const headers = { 'Content-Type': 'application/x-tar' };
    const { body } = await open(transport, { method: 'POST', path, headers, body: context }, cancel);
    yield* withoutFailure(readJsonLines<Progress>(body));
  },

  /** What a registry's search finds; Docker Hub's where the term names no host. */
  search: (
    term: string,
    { limit, filters, auth, ...cancel }: Cancel & { limit?: number; filters?: Filters; auth?: RegistryAuth } = {},
  ) =>
    getJson<SearchResult[]>(
      transport,
      withQuery('/images/search', { term, limit, filters }),
      cancel,
      auth && { 'X-Registry-Auth': encodeAuth(auth) },
    ),

  /** An image as its registry has it; nothing is pulled. */
  distribution: (name: string, { auth, ...cancel }: Cancel & { auth?: RegistryAuth } = {}) =>
    getJson<DistributionInspect>(
      transport,
      `/distribution/${segments(name)}/json`,
      cancel,
      auth && { 'X-Registry-Auth': encodeAuth(auth) },
    ),

  /** Reads an archive of `docker save` or an OCI layout. */
  async *load(archive: Uint8Array | ByteStream, cancel: Cancel = {}): AsyncGenerator<Progress> {
    const headers = { 'Content-Type': 'application/x-tar' };
    const { body } = await open(transport, { method: 'POST', path: '/images/load', headers, body: archive }, cancel);
    yield* withoutFailure(readJsonLines<Progress>(body));
  },
});

/** A reference's name and the tag or digest to ask for; without either it is `latest`, never all tags. */
export function splitReference(reference: string): { name: string; tag: string } {
  const digest = reference.indexOf('@');
  if (digest > 0) {
    const name = reference.slice(0, digest);
    return { name: name.replace(/:[^/:]*$/, ''), tag: reference.slice(digest + 1) };
  }
  const colon = reference.lastIndexOf(':');
  if (colon > reference.lastIndexOf('/')) return { name: reference.slice(0, colon), tag: reference.slice(colon + 1) };
  return { name: reference, tag: 'latest' };
}

function encodeAuth(auth: RegistryAuth): string {
  const bytes = new TextEncoder().encode(JSON.stringify(auth));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_');
}

/** A stream that began well says its failure in its last line. */
async function* withoutFailure(lines: AsyncGenerator<Progress>): AsyncGenerator<Progress> {
  for await (const line of lines) {
    const message = line.errorDetail?.message ?? line.error;
    if (message !== undefined) throw new ApiError('system', message);
    yield line;
  }
}
