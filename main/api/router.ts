/**
 * Routes as data: a method, a path and a handler. `:name` holds one path segment, `:name+` one or more (image names have slashes).
 * Paths are written without the version prefix.
 */
import type { IncomingHttpHeaders } from 'node:http';
import findMyWay, { type HTTPMethod } from 'find-my-way';
import type { Reply } from './replies.js';
import type { ApiVersion } from './versions.js';

/** One request, parsed as far as HTTP goes. What it says becomes a type in the handler, once. */
export interface Call<Params = Record<string, string>> {
  readonly params: Params;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly version: ApiVersion;
  readonly body: Body;
  /** Aborted when the client has gone before its answer was complete. */
  readonly signal: AbortSignal;
}

export interface Body {
  /** The parsed JSON body, `undefined` when it is empty. */
  json(): Promise<unknown>;
  stream(): AsyncIterable<Uint8Array>;
}

export type Handler<Params = Record<string, string>> = (call: Call<Params>) => Promise<Reply> | Reply;

export interface Route {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly handler: Handler;
}

type ParamName<Segment extends string> = Segment extends `${infer Name}+` ? Name : Segment;
type ParamNames<Path extends string> = Path extends `${string}:${infer Rest}`
  ? Rest extends `${infer Segment}/${infer More}`
    ? ParamName<Segment> | ParamNames<`/${More}`>
    : ParamName<Rest>
  : never;
/** The parameters that a path's pattern names: `/images/:name+/json` has `name`. */
export type ParamsOf<Path extends string> = { readonly [Name in ParamNames<Path>]: string };

const route =
  (method: Route['method']) =>
  <Path extends string>(path: Path, handler: Handler<ParamsOf<Path>>): Route => ({
    method,
    path,
    handler: handler as unknown as Handler,
  });

export const get = route('GET');
export const head = route('HEAD');
export const post = route('POST');
export const put = route('PUT');
export const del = route('DELETE');

export interface Match {
  readonly handler: Handler;
  readonly params: Record<string, string>;
}

/** What a path can say is limited by HTTP. */
const LONGEST = 64 * 1024;

/** Finds a request's route. Fixed words win over parameters; of several many-segment routes, the longest ending wins. */
export function createRouter(routes: readonly Route[]): (method: string, path: string) => Match | undefined {
  const router = findMyWay({ maxParamLength: LONGEST });
  const families = new Map<string, ManySegments[]>();
  for (const { method, path, handler } of routes) {
    const many = /^(.*\/):(\w+)\+(.*)$/.exec(path);
    if (!many) {
      router.on(method, path, () => undefined, handler);
      continue;
    }
    const [, prefix = '', name = '', suffix = ''] = many;
    const key = `${method} ${prefix}`;
    let family = families.get(key);
    if (!family) {
      families.set(key, (family = []));
      router.on(method, `${prefix}*`, () => undefined, family);
    }
    family.push({ name, suffix, handler });
    family.sort((a, b) => b.suffix.length - a.suffix.length);
  }
  return (method, path) => {
    const found = router.find(method as HTTPMethod, path);
    if (!found) return undefined;
    const store = found.store as Handler | ManySegments[];
    if (typeof store === 'function') return { handler: store, params: found.params as Record<string, string> };
    const rest = found.params['*'] ?? '';
    const member = store.find(({ suffix }) => rest.length > suffix.length && rest.endsWith(suffix));
    return (
      member && {
        handler: member.handler,
        params: { [member.name]: rest.slice(0, rest.length - member.suffix.length) },
      }
    );
  };
}

interface ManySegments {
  name: string;
  suffix: string;
  handler: Handler;
}
