import { z } from 'zod';
import { invalid } from '../../base/errors.js';
import type { Engine } from '../../engine/index.js';
import { imageAt, imageSummaryAt } from '../by-version.js';
import { filtersOf, pruneFiltersOf } from '../filters.js';
import { flag, text } from '../parameters.js';
import { empty, json, orNull, progress, stream, type Reply } from '../replies.js';
import { del, get, post, type Call, type Route } from '../router.js';
import { atLeast } from '../versions.js';

const listFilters = ['before', 'dangling', 'label', 'label!', 'reference', 'since', 'until'];

export const imageRoutes = ({ images }: Engine): Route[] => [
  get('/images/json', async ({ query, version }) => {
    const filters = filtersOf(query, listFilters);
    // Before 1.41 there was a parameter for names alone.
    const name = atLeast(version, '1.41') ? undefined : text(query, 'filter');
    const wanted = name ? { ...filters, reference: [...(filters['reference'] ?? []), name] } : filters;
    const options = { all: flag(query, 'all'), sizes: atLeast(version, '1.42') && flag(query, 'shared-size') };
    const manifests = atLeast(version, '1.47') && flag(query, 'manifests');
    const found = manifests ? await images.listWithManifests(wanted, options) : images.list(wanted, options);
    return json(found.map((image) => imageSummaryAt(version, image)));
  }),
  post('/images/create', (call) => {
    const { signal } = call;
    if (!text(call.query, 'fromImage')) {
      const request = importRequest(call);
      return progress(async (onProgress) => void (await images.import(request, { onProgress, signal })));
    }
    const request = pullRequest(call);
    return progress((onProgress) => images.pull(request, { onProgress, signal }));
  }),
  post('/images/:name+/push', (call) => {
    const request = pushRequest(call);
    return progress((onProgress) => images.push(request, { onProgress, signal: call.signal }));
  }),
  post('/images/load', ({ query, headers, body, signal }) => {
    const quiet = flag(query, 'quiet');
    const size = Number(headers['content-length'] ?? 0);
    return progress((onProgress) => images.load(body.stream(), { onProgress, quiet, size, signal }), true);
  }),
  get('/images/get', ({ query }) =>
    archive(
      images,
      query.getAll('names').flatMap((names) => names.split(',')),
    ),
  ),
  post('/images/prune', async ({ query }) => {
    const { ImagesDeleted, SpaceReclaimed } = await images.prune(
      pruneFiltersOf(query, ['dangling', 'until', 'label', 'label!']),
    );
    return json({ ImagesDeleted: orNull(ImagesDeleted), SpaceReclaimed });
  }),
  get('/images/:name+/json', ({ params, version }) => json(imageAt(version, images.inspect(params.name)))),
  get('/images/:name+/history', ({ params }) => json(images.history(params.name))),
  get('/images/:name+/get', ({ params }) => archive(images, [params.name])),
  post('/images/:name+/tag', async ({ params, query }) => {
    await images.tag(params.name, text(query, 'repo') ?? '', text(query, 'tag') ?? '');
    return empty(201);
  }),
  del('/images/:name+', async ({ params, query }) =>
    json(await images.remove(params.name, { force: flag(query, 'force'), noprune: flag(query, 'noprune') })),
  ),
];

/** `fromImage` with the tag or the digest in `tag`, or all in one. */
function pullRequest({ query, headers }: Call<object>) {
  const header = headers['x-registry-auth'];
  return {
    reference: text(query, 'fromImage') ?? '',
    tag: text(query, 'tag'),
    auth: typeof header === 'string' ? header : undefined,
    platform: text(query, 'platform'),
  };
}

function pushRequest({ params, query, headers, version }: Call<{ name: string }>) {
  const header = headers['x-registry-auth'];
  const platform = atLeast(version, '1.46') ? text(query, 'platform') : undefined;
  return {
    reference: params.name,
    tag: text(query, 'tag'),
    auth: typeof header === 'string' ? header : undefined,
    platform: platform === undefined ? undefined : platformOf(platform),
  };
}

const ociPlatform = z.object({
  os: z.string().min(1),
  architecture: z.string().min(1),
  variant: z.string().optional(),
});

/** `{"os":"linux","architecture":"amd64"}` */
function platformOf(json: string) {
  try {
    const { os, architecture, variant } = ociPlatform.parse(JSON.parse(json));
    return { os, architecture, ...(variant && { variant }) };
  } catch (error) {
    throw invalid(`invalid platform ${json}: it must be JSON with os and architecture`, { cause: error });
  }
}

/** `fromSrc`: `-` for the body, or an address. */
function importRequest({ query, headers, body }: Call<object>) {
  const source = text(query, 'fromSrc');
  if (!source) throw invalid('fromImage and fromSrc are missing: one says what to pull, the other what to import');
  return {
    source,
    body: body.stream(),
    size: Number(headers['content-length'] ?? 0),
    repository: text(query, 'repo') ?? '',
    tag: text(query, 'tag') ?? '',
    message: text(query, 'message') ?? '',
    platform: text(query, 'platform'),
    changes: query.getAll('changes'),
  };
}

/** Its size is among the headers, which go out with the first byte. */
function archive(images: Engine['images'], names: string[]): Reply {
  const headers: Record<string, string> = { 'Content-Type': 'application/x-tar' };
  return stream(
    images.save(names, (size) => (headers['Content-Length'] = String(size))),
    headers,
    false,
  );
}
