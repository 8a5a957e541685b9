import type { Engine } from '../../engine/index.js';
import { volumeCreate } from '../documents.js';
import { filtersOf } from '../filters.js';
import { flag } from '../parameters.js';
import { created, json, noContent } from '../replies.js';
import { del, get, post, type Route } from '../router.js';
import { atLeast } from '../versions.js';

export const volumeRoutes = ({ volumes }: Engine): Route[] => [
  get('/volumes', ({ query }) =>
    json({ Volumes: volumes.list(filtersOf(query, ['dangling', 'driver', 'label', 'name'])), Warnings: null }),
  ),
  get('/volumes/:name', ({ params }) => json(volumes.inspect(params.name))),
  post('/volumes/create', async ({ body }) => created(await volumes.create(volumeCreate(await body.json())))),
  del('/volumes/:name', async ({ params, query }) => {
    await volumes.remove(params.name, { force: flag(query, 'force') });
    return noContent();
  }),
  // Before 1.42 a prune took those with names as well.
  post('/volumes/prune', async ({ query, version }) => {
    const filters = filtersOf(query, ['all', 'label', 'label!']);
    return json(await volumes.prune(atLeast(version, '1.42') ? filters : { ...filters, all: ['true'] }));
  }),
];
