import type { Engine } from '../../engine/index.js';
import { checkRequest, foldersRequest } from '../documents.js';
import { flag, integer, text } from '../parameters.js';
import { created, json, jsonAndThen, jsonLines } from '../replies.js';
import { get, post, type Route } from '../router.js';

/** What our engine can do beyond Docker's API. */
export const slipwayRoutes = (engine: Engine): Route[] => [
  get('/slipway/features', async () => json(await engine.system.features())),
  post('/slipway/check', async ({ body, signal }) =>
    json(await engine.system.check(checkRequest(await body.json()), signal)),
  ),
  post('/slipway/folders', async ({ body, signal }) =>
    json(await engine.folders.facts(foldersRequest(await body.json()), signal)),
  ),
  get('/slipway/stats', ({ query, signal }) =>
    jsonLines(
      engine.stats.readAll({
        stream: flag(query, 'stream'),
        ids: text(query, 'ids')?.split(','),
        every: integer(query, 'every'),
        signal,
      }),
    ),
  ),
  get('/slipway/containers/:id/stats/history', ({ params }) => json(engine.stats.history(params.id))),
  post('/slipway/starter', async () => {
    const { id, reference } = await engine.images.starter();
    return created({ Id: id, Reference: reference });
  }),
  post('/slipway/handover', () => {
    const { answer, letGo } = engine.handOver();
    return jsonAndThen(answer, letGo);
  }),
];
