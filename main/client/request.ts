/** The verbs every noun is written in. A status of 400 or more, or 304, becomes an ApiError. */
import type { ApiRequest, ApiResponse, ByteDuplex, Transport } from '../contract/bridge.js';
import type { Filters } from '../contract/filters.js';
import { errorOf } from './errors.js';
import { readText } from './streams.js';

export interface Cancel {
  signal?: AbortSignal;
}

type Value = string | number | boolean | Filters | undefined;

/** `path` with a query of the values that are given. Filters are written the way every engine since 1.22 reads. */
export function withQuery(path: string, values: Record<string, Value>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'object') {
      if (Object.keys(value).length > 0) query.append(name, JSON.stringify(asMaps(value)));
    } else query.append(name, value === true ? '1' : String(value));
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

const asMaps = (filters: Filters) =>
  Object.fromEntries(
    Object.entries(filters).map(([key, values]) => [key, Object.fromEntries(values.map((value) => [value, true]))]),
  );

/** One path segment. */
export const segment = (name: string): string => encodeURIComponent(name);

/** An image's name keeps its slashes. */
export const segments = (name: string): string =>
  name.split('/').map(encodeURIComponent).join('/').replaceAll('%3A', ':');

/** The answer with its body still to be read. */
export async function open(transport: Transport, request: ApiRequest, options: Cancel = {}): Promise<ApiResponse> {
  const response = await transport.send(request, options);
  if (response.status < 400 && response.status !== 304) return response;
  throw errorOf(response.status, await readText(response.body));
}

async function text(transport: Transport, request: ApiRequest, options?: Cancel): Promise<string> {
  return readText((await open(transport, request, options)).body);
}

export async function getJson<T>(
  transport: Transport,
  path: string,
  options?: Cancel,
  headers?: Record<string, string>,
): Promise<T> {
  return JSON.parse(await text(transport, { method: 'GET', path, ...(headers && { headers }) }, options)) as T;
}

export async function postJson<T>(transport: Transport, path: string, body?: unknown, options?: Cancel): Promise<T> {
  return JSON.parse(await text(transport, jsonRequest('POST', path, body), options)) as T;
}

/** For answers without a body. */
export async function send(
  transport: Transport,
  method: ApiRequest['method'],
  path: string,
  body?: unknown,
  options?: Cancel,
): Promise<void> {
  await text(transport, jsonRequest(method, path, body), options);
}

export const upgrade = (transport: Transport, path: string, body?: unknown): Promise<ByteDuplex> =>
  transport.upgrade(jsonRequest('POST', path, body));

export function jsonRequest(method: ApiRequest['method'], path: string, body: unknown): ApiRequest {
  if (body === undefined) return { method, path };
  return { method, path, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}
