import type { IncomingMessage, ServerResponse } from 'node:http';
import { EngineError, messageOf } from '../../base/errors.js';
import { createLog } from '../../base/log.js';
import { isDigest, type Content } from '../content/index.js';
import type { Shelf } from '../images/index.js';
import {
  answer,
  invalidDigest,
  json,
  Refusal,
  refusalOf,
  refuse,
  unknownBlob,
  unknownManifest,
  unknownName,
  unknownUpload,
  unsupported,
} from './answers.js';
import { spanOf } from './ranges.js';
import { rangeOf, type Uploads } from './uploads.js';

export interface HandlerOptions {
  shelf: Shelf;
  content: Content;
  uploads: Uploads;
  writable: boolean;
}

interface Ask {
  request: IncomingMessage;
  response: ServerResponse;
  query: URLSearchParams;
  signal: AbortSignal;
}

const log = createLog('serve');

const MANIFEST_LIMIT = 4 * 1024 * 1024;
const MOST_IN_PAGE = 1000;
/** A client that neither takes nor gives anything for so long is given up. */
export const SILENCE_MS = 60_000;
const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const UPLOAD = /^[a-f0-9]{32}$/;
const EMPTY_INDEX = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [] };

/** The distribution API (OCI distribution spec 1.1) over the images that are here. */
export class Handler {
  readonly #shelf: Shelf;
  readonly #content: Content;
  readonly #uploads: Uploads;
  readonly #writable: boolean;

  constructor({ shelf, content, uploads, writable }: HandlerOptions) {
    this.#shelf = shelf;
    this.#content = content;
    this.#uploads = uploads;
    this.#writable = writable;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const control = new AbortController();
    response.once('close', () => response.writableFinished || control.abort(new Error('the client has gone')));
    try {
      // Names and digests are looked up, never made into paths of this machine; what is written in another way than ours means nothing.
      const [path = '', query = ''] = (request.url ?? '').split('?', 2);
      await this.#route(path, { request, response, query: new URLSearchParams(query), signal: control.signal });
    } catch (error) {
      if (response.destroyed) return;
      const theirs = error instanceof Refusal || (error instanceof EngineError && error.kind !== 'system');
      if (!theirs) log.warn(`${request.url}: ${messageOf(error)}`);
      if (response.headersSent) return void response.destroy();
      refuse(response, refusalOf(error, request.url?.includes('/manifests/') ? 'manifest' : 'upload'));
      // What a client still sends of a body that nobody wants is not waited for.
      if (!request.complete) request.resume();
    }
  }

  async #route(path: string, ask: Ask): Promise<void> {
    const method = ask.request.method ?? '';
    const reads = method === 'GET' || method === 'HEAD';
    if (path === '/v2/' || path === '/v2') {
      if (!reads) throw unsupported(`${method} is not for this`);
      return json(ask.response, {});
    }
    if (path === '/v2/_catalog' && reads) return this.#page(ask, 'repositories', this.#shelf.repositories());
    const [, name = '', what = '', rest = ''] =
      /^\/v2\/(.{1,255})\/(manifests|blobs\/uploads|blobs|tags|referrers)\/([^/]*)$/.exec(path) ?? [];
    if (!NAME.test(name)) throw new Refusal(404, 'NAME_INVALID', 'there is nothing at this address');
    if (!reads && method === 'DELETE' && what !== 'blobs/uploads')
      throw unsupported('nothing is deleted through this registry: images are removed on the machine itself');
    if (!reads && !this.#writable) throw new Refusal(403, 'DENIED', 'this registry is read-only');
    if (what === 'tags' && rest === 'list' && reads) return this.#tags(name, ask);
    if (what === 'manifests' && reads) return this.#manifest(name, rest, ask);
    if (what === 'manifests' && method === 'PUT') return this.#putManifest(name, rest, ask);
    if (what === 'blobs' && reads) return this.#blob(name, rest, ask);
    if (what === 'referrers' && reads) {
      if (!isDigest(rest)) throw invalidDigest(rest);
      return json(ask.response, EMPTY_INDEX, { 'Content-Type': EMPTY_INDEX.mediaType });
    }
    if (what === 'blobs/uploads' && this.#writable) return this.#upload(method, name, rest, ask);
    throw unsupported(`${method} is not for this`);
  }

  // ---- reading

  #tags(name: string, ask: Ask): void {
    const tags = this.#shelf.tags(name);
    if (!tags) throw unknownName(name);
    this.#page(ask, 'tags', tags, { name });
  }

  /** `n` at a time after `last`. */
  #page({ request, response, query }: Ask, key: string, all: string[], about: object = {}): void {
    const asked = query.get('n');
    if (asked !== null && !/^\d{1,9}$/.test(asked))
      throw new Refusal(400, 'PAGINATION_NUMBER_INVALID', 'n must be a whole number');
    const count = Math.min(MOST_IN_PAGE, asked === null ? MOST_IN_PAGE : Number(asked));
    const last = query.get('last') ?? '';
    const after = last ? all.filter((each) => each > last) : all;
    const page = after.slice(0, count);
    const [path = ''] = (request.url ?? '').split('?');
    const next = new URLSearchParams({ n: String(count), last: page.at(-1) ?? '' }).toString();
    const more = page.length > 0 && page.length < after.length;
    json(response, { ...about, [key]: page }, more ? { Link: `<${path}?${next}>; rel="next"` } : undefined);
  }

  async #manifest(name: string, reference: string, { response }: Ask): Promise<void> {
    if (!TAG.test(reference) && !isDigest(reference)) throw unknownManifest('of that name');
    const found = await this.#shelf.document(name, reference);
    if (!found) throw this.#shelf.tags(name) ? unknownManifest(reference) : unknownName(name);
    const headers = {
      'Content-Type': found.mediaType,
      'Content-Length': found.bytes.length,
      'Docker-Content-Digest': found.digest,
      ETag: `"${found.digest}"`,
    };
    answer(response, 200, headers, found.bytes);
  }

  async #blob(name: string, digest: string, { request, response, signal }: Ask): Promise<void> {
    if (!isDigest(digest)) throw invalidDigest(digest);
    const known = this.#shelf.has(name, digest) || this.#uploads.has(name, digest);
    using lease = this.#content.lease();
    lease.pin(digest);
    const size = known ? await this.#content.size(digest) : undefined;
    if (size === undefined) throw unknownBlob(digest);
    const span = spanOf(request.headers.range, size);
    if (span === null)
      throw new Refusal(416, 'SIZE_INVALID', 'there is no such part of the blob', {
        'Content-Range': `bytes */${size}`,
      });
    const { start, end } = span ?? { start: 0, end: size };
    response.writeHead(span ? 206 : 200, {
      'Content-Type': 'application/octet-stream',
      'Content-Length': end - start,
      'Docker-Content-Digest': digest,
      'Accept-Ranges': 'bytes',
      ETag: `"${digest}"`,
      ...(span && { 'Content-Range': `bytes ${start}-${end - 1}/${size}` }),
    });
    if (request.method === 'HEAD') return void response.end();
    let sent = 0;
    for await (const chunk of this.#content.chunks(digest, start, end)) {
      if (signal.aborted) return;
      sent += chunk.length;
      // The buffer is used again: it has to be out before the next one is asked for.
      await new Promise<void>((resolve) => {
        const go = () => {
          response.off('close', go);
          resolve();
        };
        response.once('close', go);
        response.write(chunk, go);
      });
    }
    if (sent < end - start) throw unknownBlob(digest);
    response.end();
  }

  // ---- writing

  async #putManifest(name: string, reference: string, { request, response, signal }: Ask): Promise<void> {
    if (!TAG.test(reference) && !isDigest(reference))
      throw new Refusal(400, 'TAG_INVALID', 'this can be neither a tag nor a digest');
    const bytes = await document(request);
    const mediaType = (request.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
    // The layers are unpacked now, which may take longer than a client may be silent.
    request.socket.setTimeout(0);
    using _ = this.#uploads.bringing(name);
    const { digest, named } = await this.#shelf
      .accept(name, reference, { mediaType, bytes }, { hold: (each) => this.#uploads.mount(name, each), signal })
      .finally(() => request.socket.setTimeout(SILENCE_MS));
    this.#uploads.named(name, named);
    const headers = { Location: `/v2/${name}/manifests/${digest}`, 'Docker-Content-Digest': digest };
    answer(response, 201, headers);
  }

  async #upload(method: string, name: string, id: string, ask: Ask): Promise<void> {
    const { request, response, query, signal } = ask;
    const digest = query.get('digest');
    if (digest !== null && !isDigest(digest)) throw invalidDigest(digest);
    if (method === 'POST' && id === '') return this.#beginUpload(name, digest, ask);
    if (!UPLOAD.test(id)) throw unknownUpload();
    const place = { Location: `/v2/${name}/blobs/uploads/${id}`, 'Docker-Upload-UUID': id };
    switch (method) {
      case 'GET':
        return answer(response, 204, { ...place, Range: rangeOf(this.#uploads.size(name, id)) });
      case 'PATCH': {
        await this.#requireRoom(request);
        const size = await this.#uploads.append(name, id, request, startOf(request));
        return answer(response, 202, { ...place, Range: rangeOf(size) });
      }
      case 'PUT': {
        if (digest === null) throw invalidDigest('');
        await this.#requireRoom(request);
        await this.#uploads.append(name, id, request, startOf(request));
        signal.throwIfAborted();
        await this.#uploads.finish(name, id, digest);
        return created(response, name, digest);
      }
      case 'DELETE':
        await this.#uploads.cancel(name, id);
        return answer(response, 204);
      default:
        throw unsupported(`${method} is not for this`);
    }
  }

  /** For what a request says that it brings. */
  async #requireRoom({ headers }: IncomingMessage): Promise<void> {
    const bytes = Number(headers['content-length'] ?? 0);
    await this.#content.requireRoom({ bytes: Number.isFinite(bytes) ? bytes : 0, files: 1 }, 'an upload');
  }

  async #beginUpload(name: string, digest: string | null, { request, response, query }: Ask): Promise<void> {
    const mount = query.get('mount');
    if (mount !== null) {
      if (!isDigest(mount)) throw invalidDigest(mount);
      const from = query.get('from');
      const known = from === null ? this.#uploads.has(name, mount) : this.#shelf.has(from, mount);
      if (known && (await this.#content.size(mount)) !== undefined) {
        this.#uploads.mount(name, mount);
        return created(response, name, mount);
      }
    }
    await this.#requireRoom(request);
    const id = await this.#uploads.begin(name);
    if (digest === null) {
      const place = { Location: `/v2/${name}/blobs/uploads/${id}`, 'Docker-Upload-UUID': id, Range: rangeOf(0) };
      return answer(response, 202, place);
    }
    // All in one request.
    try {
      await this.#uploads.append(name, id, request);
      await this.#uploads.finish(name, id, digest);
    } catch (error) {
      await this.#uploads.cancel(name, id).catch(() => undefined);
      throw error;
    }
    created(response, name, digest);
  }
}

const created = (response: ServerResponse, name: string, digest: string): void =>
  answer(response, 201, { Location: `/v2/${name}/blobs/${digest}`, 'Docker-Content-Digest': digest });

/** Where `Content-Range: 100-199` goes on. */
function startOf({ headers }: IncomingMessage): number | undefined {
  const range = headers['content-range'];
  if (range === undefined) return undefined;
  const [, start] = /^(?:bytes )?(\d{1,15})-(\d{1,15})(?:\/.*)?$/.exec(range) ?? [];
  if (start === undefined) throw new Refusal(416, 'RANGE_INVALID', 'Content-Range must be like 0-99');
  return Number(start);
}

async function document(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MANIFEST_LIMIT)
      throw new Refusal(413, 'MANIFEST_INVALID', `a manifest of more than ${MANIFEST_LIMIT} bytes is refused`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
