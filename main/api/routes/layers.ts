import { invalid } from '../../base/errors.js';
import type { Compared } from '../../contract/layers.js';
import type { Engine } from '../../engine/index.js';
import { flag, integer, text } from '../parameters.js';
import { json, stream } from '../replies.js';
import { get, type Call, type Route } from '../router.js';

/** Images and containers layer by layer, and how they differ: beyond Docker's API. */
export const layerRoutes = ({ explore }: Engine): Route[] => [
  ...(['image', 'container'] as const).flatMap((kind) => {
    const at = kind === 'image' ? '/slipway/images/:name+' : '/slipway/containers/:name';
    const what = ({ params, query }: Call<object>): Compared => ({
      kind,
      name: (params as { name: string }).name,
      layer: integer(query, 'layer'),
    });
    return [
      get(`${at}/layers`, async (call) => json(await explore.stack(what(call)))),
      get(`${at}/layers/files`, async (call) => {
        const { query } = call;
        const more = { layer: integer(query, 'layer'), changed: flag(query, 'changed') };
        return json(await explore.list(what(call), { ...pageOf(call), ...more }));
      }),
      get(`${at}/layers/file`, async (call) => {
        const { query, signal } = call;
        const request = {
          ...{ path: query.get('path') ?? '', layer: integer(query, 'layer') },
          ...{ offset: integer(query, 'offset'), length: integer(query, 'length') },
        };
        const { stat, bytes } = await explore.read(what(call), request, signal);
        const said = Buffer.from(JSON.stringify(stat)).toString('base64');
        return stream(bytes, { 'Content-Type': 'application/octet-stream', 'X-Slipway-File': said });
      }),
      get(`${at}/layers/search`, async (call) =>
        json(await explore.search(what(call), text(call.query, 'text') ?? '', integer(call.query, 'limit'))),
      ),
    ];
  }),
  get('/slipway/compare', async ({ query }) =>
    json(await explore.compare(side(query, 'before'), side(query, 'after'))),
  ),
  get('/slipway/compare/files', async (call) =>
    json(await explore.differences(side(call.query, 'before'), side(call.query, 'after'), pageOf(call))),
  ),
];

const pageOf = ({ query }: Pick<Call, 'query'>) => ({
  ...{ path: query.get('path') ?? '/', limit: integer(query, 'limit'), quiet: flag(query, 'quiet') },
  after: text(query, 'from'),
});

/** `before=image:NAME` or `before=container:ID`, with `before-layer=NUMBER`. */
function side(query: URLSearchParams, name: string): Compared {
  const [, kind, reference] = /^(image|container):(.+)$/.exec(query.get(name) ?? '') ?? [];
  if (reference === undefined) throw invalid(`bad parameter: ${name} must be image:NAME or container:NAME`);
  return { kind: kind as Compared['kind'], name: reference, layer: integer(query, `${name}-layer`) };
}
