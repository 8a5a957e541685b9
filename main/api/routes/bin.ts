import type { Engine } from '../../engine/index.js';
import { flag, text } from '../parameters.js';
import { json, noContent } from '../replies.js';
import { del, get, post, type Route } from '../router.js';

/** Removed containers that can be brought back. */
export const binRoutes = ({ containers }: Engine): Route[] => [
  post('/slipway/containers/:id/discard', async ({ params, query }) =>
    json(await containers.discard(params.id, { force: flag(query, 'force'), v: flag(query, 'v') })),
  ),
  get('/slipway/bin', () => json(containers.bin())),
  post('/slipway/bin/:id/restore', async ({ params, query }) =>
    json(await containers.restore(params.id, text(query, 'name'))),
  ),
  del('/slipway/bin/:id', async ({ params }) => {
    await containers.removeFromBin(params.id);
    return noContent();
  }),
  del('/slipway/bin', async () => json(await containers.emptyBin())),
];
