import type { Engine } from '../../engine/index.js';
import { invalid } from '../../base/errors.js';
import { credentials, registryChange, registryLogin } from '../documents.js';
import { filtersOf } from '../filters.js';
import { integer, text } from '../parameters.js';
import { json, noContent } from '../replies.js';
import { del, get, post, put, type Call, type Route } from '../router.js';

/** What registries are asked without bringing anything here, and what is known of each. */
export const registryRoutes = ({ registries }: Engine): Route[] => [
  post('/auth', async ({ body, signal }) => json(await registries.auth(credentials(await body.json()), signal))),
  get('/distribution/:name+/json', async ({ params, headers, signal }) =>
    json(await registries.distribution(params.name, authHeader(headers), signal)),
  ),
  get('/images/search', async ({ query, headers, signal }) => {
    const filters = filtersOf(query, ['is-automated', 'is-official', 'stars']);
    const term = text(query, 'term');
    if (!term) throw invalid('term is missing: what is searched for?');
    const request = { term, limit: integer(query, 'limit'), filters };
    return json(await registries.search(request, authHeader(headers), signal));
  }),

  get('/slipway/registries', async () => json({ registries: await registries.list() })),
  put('/slipway/registries/:host', async ({ params, body }) =>
    json(await registries.change(params.host, registryChange(await body.json()))),
  ),
  del('/slipway/registries/:host', async ({ params }) => {
    await registries.remove(params.host);
    return noContent();
  }),
  post('/slipway/registries/:host/login', async ({ params, body, signal }) =>
    json(await registries.login(params.host, registryLogin(await body.json()), signal)),
  ),
  del('/slipway/registries/:host/login', async ({ params }) => {
    await registries.logout(params.host);
    return noContent();
  }),
  get('/slipway/registries/:host/repositories', async ({ params, query, signal }) =>
    json(await registries.repositories(params.host, page(query), signal)),
  ),
  get('/slipway/registries/:host/tags', async ({ params, query, signal }) => {
    const repository = text(query, 'repository');
    if (!repository) throw invalid('repository is missing: whose tags?');
    return json(await registries.tags(params.host, repository, page(query), signal));
  }),
  get('/slipway/images/:name+/newer', async ({ params, signal }) => json(await registries.newer(params.name, signal))),
  get('/slipway/images/:name+/referrers', async ({ params, signal }) =>
    json({ referrers: await registries.referrers(params.name, signal) }),
  ),
];

const page = (query: URLSearchParams) => ({ last: text(query, 'last'), n: integer(query, 'n') });

function authHeader(headers: Call['headers']): string | undefined {
  const header = headers['x-registry-auth'];
  return typeof header === 'string' ? header : undefined;
}
