import type { Engine } from '../../engine/index.js';
import { created, json, jsonAndThen } from '../replies.js';
import { get, post, type Route } from '../router.js';

/** What our engine can do beyond Docker's API. */
export const slipwayRoutes = (engine: Engine): Route[] => [
  get('/slipway/features', async () => json(await engine.system.features())),
  post('/slipway/starter', async () => {
    const { id, reference } = await engine.images.starter();
    return created({ Id: id, Reference: reference });
  }),
  post('/slipway/handover', () => {
    const { answer, letGo } = engine.handOver();
    return jsonAndThen(answer, letGo);
  }),
];
