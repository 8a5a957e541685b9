import { EngineError, unavailable } from '../../base/errors.js';
import { RegistryError } from './failures.js';
import type { Repository } from './repository.js';
import type { RegistryResponse } from './request.js';

/** A blob that is to go to a registry. */
export interface Upload {
  digest: string;
  size: number;
  /** Its bytes from an offset on; asked again where an attempt has failed. */
  open(offset: number): AsyncIterable<Uint8Array>;
}

export interface UploadOptions {
  /** An upload that was begun already: `mountBlob` may come back with one. */
  session?: URL | undefined;
  onBytes?: (current: number) => void;
  /** Called each second while a next attempt is waited for. */
  onRetry?: (seconds: number) => void;
  signal?: AbortSignal | undefined;
  /** A second of waiting, in milliseconds; tests shorten it. */
  second?: number;
}

/** Up to this many bytes go in one request with what finishes the upload. */
const SMALL = 256 * 1024;
const ATTEMPTS = 5;
const LONGEST_WAIT_S = 60;
const BYTES = { 'Content-Type': 'application/octet-stream' };

/** Whether a repository has a blob; asked by somebody who may push, so that the same token serves for what follows. */
export async function hasBlob(repository: Repository, digest: string, signal?: AbortSignal): Promise<boolean> {
  const what = { what: digest, expect: [404], actions: 'pull,push' as const, signal };
  const response = await repository.request('HEAD', `blobs/${digest}`, what);
  response.discard();
  return response.status !== 404;
}

/** Lets a repository have a blob that another one of the same registry has. Undefined: done; else where it can be uploaded to. */
export async function mountBlob(
  repository: Repository,
  digest: string,
  from: string,
  signal?: AbortSignal,
): Promise<URL | undefined> {
  const response = await repository.request('POST', 'blobs/uploads/', {
    query: { mount: digest, from },
    mountFrom: from,
    headers: { 'Content-Length': '0' },
    signal,
  });
  response.discard();
  return response.status === 201 ? undefined : locationOf(response);
}

/** Uploads a blob, and goes on where it was cut off. */
export async function uploadBlob(repository: Repository, upload: Upload, options: UploadOptions = {}): Promise<void> {
  const { onBytes = () => undefined, signal } = options;
  let place: Place | undefined = options.session && { session: options.session, offset: 0 };
  let reached = 0;
  for (let failures = 0; ;) {
    try {
      place ??= { session: await begin(repository, signal), offset: 0 };
      return await transfer(repository, upload, place, { onBytes, signal });
    } catch (error) {
      if (signal?.aborted) {
        if (place) void forget(repository, place.session);
        signal.throwIfAborted();
      }
      if (!isTransient(error)) throw error;
      const next = place && (await whereItStopped(repository, place.session, signal));
      const further = (next?.offset ?? 0) > reached;
      reached = Math.max(reached, next?.offset ?? 0);
      failures = further ? 1 : failures + 1;
      if (failures >= ATTEMPTS) throw error;
      await pause(waitFor(error, failures), options);
      // The answer may be what was lost.
      if (await hasBlob(repository, upload.digest, signal).catch(() => false)) return;
      place = next;
    }
  }
}

interface Place {
  session: URL;
  offset: number;
}

async function begin(repository: Repository, signal: AbortSignal | undefined): Promise<URL> {
  const response = await repository.request('POST', 'blobs/uploads/', { headers: { 'Content-Length': '0' }, signal });
  response.discard();
  return locationOf(response);
}

async function transfer(
  repository: Repository,
  { digest, size, open }: Upload,
  { session, offset }: Place,
  { onBytes, signal }: { onBytes: (current: number) => void; signal: AbortSignal | undefined },
): Promise<void> {
  const finish = async (where: URL, body?: Uint8Array) => {
    const headers = { ...BYTES, 'Content-Length': String(body?.length ?? 0) };
    const response = await repository.request('PUT', where, {
      ...{ query: { digest }, headers, signal, what: digest },
      body: body ?? new Uint8Array(0),
      attempts: 1,
    });
    response.discard();
    onBytes(size);
  };
  if (offset === 0 && size <= SMALL) return finish(session, await whole(open(0)));
  if (offset === size) return finish(session);
  const response = await repository.request('PATCH', session, {
    headers: {
      ...BYTES,
      'Content-Length': String(size - offset),
      ...(offset > 0 && { 'Content-Range': `${offset}-${size - 1}` }),
    },
    body: () => counted(open(offset), offset, onBytes),
    what: digest,
    signal,
  });
  response.discard();
  await finish(locationOf(response));
}

/** What the registry has of an upload, by its own word. Undefined: it has to be begun anew. */
async function whereItStopped(
  repository: Repository,
  session: URL,
  signal: AbortSignal | undefined,
): Promise<Place | undefined> {
  try {
    const response = await repository.request('GET', session, { actions: 'pull,push', signal, attempts: 1 });
    response.discard();
    const last = /^(?:bytes=)?0-(\d{1,15})$/.exec(headerOf(response, 'range'))?.[1];
    if (response.status !== 204 || last === undefined) return undefined;
    // Both nothing and one byte are "0-0".
    const offset = last === '0' ? 0 : Number(last) + 1;
    return { session: headerOf(response, 'location') ? locationOf(response) : session, offset };
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
}

/** Nobody goes on with it: what the registry keeps of it may go. */
async function forget(repository: Repository, session: URL): Promise<void> {
  await repository.request('DELETE', session, { attempts: 1, silenceMs: 5000 }).then(
    (response) => response.discard(),
    () => undefined, // its own sweep finds it
  );
}

/** A failure that another attempt may not meet. */
function isTransient(error: unknown): boolean {
  if (error instanceof RegistryError)
    return (
      error.reason === 'unavailable' ||
      error.reason === 'rate-limited' ||
      error.status === 416 ||
      /^BLOB_UPLOAD_(UNKNOWN|INVALID)$/.test(error.code)
    );
  return error instanceof EngineError && error.kind === 'unavailable';
}

function waitFor(error: unknown, failures: number): number {
  const asked = error instanceof RegistryError ? error.retryAfter : undefined;
  return Math.min(LONGEST_WAIT_S, asked ?? 2 ** (failures - 1));
}

async function pause(seconds: number, { onRetry, signal, second = 1000 }: UploadOptions): Promise<void> {
  for (let left = seconds; left > 0; left--) {
    onRetry?.(left);
    await new Promise<void>((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', stop);
        resolve();
      }, second);
      signal?.addEventListener('abort', stop, { once: true });
    });
  }
}

async function* counted(
  bytes: AsyncIterable<Uint8Array>,
  from: number,
  onBytes: (current: number) => void,
): AsyncGenerator<Uint8Array> {
  let current = from;
  for await (const chunk of bytes) {
    yield chunk;
    onBytes((current += chunk.length));
  }
}

async function whole(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of bytes) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

const headerOf = ({ headers }: RegistryResponse, name: string): string => [headers[name] ?? ''].flat()[0] ?? '';

function locationOf(response: RegistryResponse): URL {
  const location = headerOf(response, 'location');
  if (!location) throw unavailable(`the registry ${response.url.host} does not say where to upload to`);
  return new URL(location, response.url);
}
