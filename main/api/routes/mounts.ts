import { invalid } from '../../base/errors.js';
import type { Engine } from '../../engine/index.js';
import { mountWish } from '../documents.js';
import { flag, text } from '../parameters.js';
import { json, noContent } from '../replies.js';
import { del, get, post, type Route } from '../router.js';

/** What is mounted in a container that is there. */
export const mountRoutes = ({ containers }: Engine): Route[] => [
  get('/slipway/containers/:id/mounts', async ({ params }) => json(await containers.mounts(params.id))),
  post('/slipway/containers/:id/mounts', async ({ params, body, query }) => {
    const wish = mountWish(await body.json());
    if (flag(query, 'preview')) return json(await containers.previewMount(params.id, wish));
    return json(await containers.attachMount(params.id, wish));
  }),
  del('/slipway/containers/:id/mounts', async ({ params, query }) => {
    const target = text(query, 'target');
    if (!target) throw invalid('bad parameter: target must say where it is mounted');
    await containers.detachMount(params.id, target, { force: flag(query, 'force'), restart: flag(query, 'restart') });
    return noContent();
  }),
];
