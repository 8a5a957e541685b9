import type { ByteStream, Transport } from '../contract/bridge.js';
import type { Filters } from '../contract/filters.js';
import type { ImageHistoryItem, ImageInspect, ImageRemoved, ImageSummary, Progress } from '../contract/images.js';
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

export const imagesClient = (transport: Transport) => ({
  list: (options: { all?: boolean; filters?: Filters } = {}) =>
    getJson<ImageSummary[]>(transport, withQuery('/images/json', options)),

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
    { auth, platform, ...cancel }: Cancel & { auth?: RegistryAuth; platform?: string } = {},
  ): AsyncGenerator<Progress> {
    const { name, tag } = splitReference(reference);
    const path = withQuery('/images/create', { fromImage: name, tag, platform });
    const headers = auth && { 'X-Registry-Auth': encodeAuth(auth) };
    const { body } = await open(transport, { method: 'POST', path, headers }, cancel);
    yield* withoutFailure(readJsonLines<Progress>(body));
  },

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
