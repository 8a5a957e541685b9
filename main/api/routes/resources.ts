import type { Engine } from '../../engine/index.js';
import { containerUpdate } from '../documents.js';
import { flag } from '../parameters.js';
import { json, jsonLines } from '../replies.js';
import { get, post, type Route } from '../router.js';
import { atLeast } from '../versions.js';

/** What containers may use, and what they do use. */
export const resourceRoutes = ({ containers, stats }: Engine): Route[] => [
  post('/containers/:id/update', async ({ params, body, version }) => {
    const { PidsLimit, ...wish } = containerUpdate(await body.json());
    // Clients of old say 0 for a limit that they do not know.
    const known = atLeast(version, '1.40') && PidsLimit !== undefined;
    return json(await containers.update(params.id, { ...wish, ...(known && { PidsLimit }) }));
  }),
  get('/containers/:id/stats', ({ params, query, version, signal }) =>
    jsonLines(
      stats.read(params.id, {
        stream: flag(query, 'stream', true),
        oneShot: atLeast(version, '1.41') && flag(query, 'one-shot'),
        signal,
      }),
    ),
  ),
];
