import type { Engine } from '../../engine/index.js';
import { flag, text } from '../parameters.js';
import { json, noContent } from '../replies.js';
import { del, get, post, type Route } from '../router.js';

/** Removed containers and volumes that can be brought back. */
export const binRoutes = ({ bin, containers, volumes }: Engine): Route[] => [
  post('/slipway/containers/:id/discard', async ({ params, query }) =>
    json(await containers.discard(params.id, { force: flag(query, 'force'), v: flag(query, 'v') })),
  ),
  post('/slipway/volumes/:id/discard', async ({ params }) => json(await volumes.discard(params.id))),
  get('/slipway/bin', () => json(bin.contents())),
  post('/slipway/bin/:id/restore', async ({ params, query }) =>
    json(await bin.restore(params.id, text(query, 'name'))),
  ),
  del('/slipway/bin/:id', async ({ params }) => {
    await bin.remove(params.id);
    return noContent();
  }),
  del('/slipway/bin', async () => json(await bin.empty())),
];
