import type { Engine } from '../../engine/index.js';
import { serveRequest } from '../documents.js';
import { json, noContent } from '../replies.js';
import { del, get, put, type Route } from '../router.js';

/** The engine's images as a registry. */
export const serveRoutes = ({ serve }: Engine): Route[] => [
  get('/slipway/serve', async () => json(await serve.state())),
  put('/slipway/serve', async ({ body }) => json(await serve.start(serveRequest(await body.json())))),
  del('/slipway/serve', async () => {
    await serve.stop();
    return noContent();
  }),
];
