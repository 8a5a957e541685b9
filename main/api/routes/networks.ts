import { notFound } from '../../base/errors.js';
import type { Engine } from '../../engine/index.js';
import { filtersOf, pruneFiltersOf } from '../filters.js';
import { json } from '../replies.js';
import { get, post, type Route } from '../router.js';

export const networkRoutes = ({ networks }: Engine): Route[] => [
  get('/networks', async ({ query }) =>
    json(await networks.list(filtersOf(query, ['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type']))),
  ),
  get('/networks/:id', async ({ params, query }) => {
    // All of ours are of this machine alone.
    const scope = query.get('scope') || 'local';
    if (scope !== 'local') throw notFound(`network ${params.id} not found`);
    return json(await networks.inspect(params.id));
  }),
  post('/networks/prune', ({ query }) => {
    pruneFiltersOf(query, ['label', 'label!', 'until']);
    return json(networks.prune());
  }),
];
