import { notFound } from '../../base/errors.js';
import type { Engine } from '../../engine/index.js';
import { filtersOf, pruneFiltersOf } from '../filters.js';
import { networkConnect, networkCreate, networkDisconnect } from '../documents.js';
import { created, empty, json, noContent } from '../replies.js';
import { del, get, post, type Route } from '../router.js';

export const networkRoutes = ({ networks, containers }: Engine): Route[] => [
  get('/networks', async ({ query }) =>
    json(await networks.list(filtersOf(query, ['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type']))),
  ),
  get('/networks/:id', async ({ params, query }) => {
    // All of ours are of this machine alone.
    const scope = query.get('scope') || 'local';
    if (scope !== 'local') throw notFound(`network ${params.id} not found`);
    return json(await networks.inspect(params.id));
  }),
  post('/networks/create', async ({ body }) => created(await networks.create(networkCreate(await body.json())))),
  del('/networks/:id', async ({ params }) => {
    await networks.remove(params.id);
    return noContent();
  }),
  post('/networks/:id/connect', async ({ params, body }) => {
    await containers.connectNetwork(params.id, networkConnect(await body.json()));
    return empty(200);
  }),
  post('/networks/:id/disconnect', async ({ params, body }) => {
    await containers.disconnectNetwork(params.id, networkDisconnect(await body.json()));
    return empty(200);
  }),
  post('/networks/prune', async ({ query }) =>
    json(await networks.prune(pruneFiltersOf(query, ['label', 'label!', 'until']))),
  ),
];
