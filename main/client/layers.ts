import type { ApiResponse, Transport } from '../contract/bridge.js';
import type {
  Compared,
  Comparison,
  DifferenceListing,
  LayerFileStat,
  LayerFinds,
  LayerListing,
  LayerStack,
} from '../contract/layers.js';
import { getJson, open, segment, segments, withQuery, type Cancel } from './request.js';

interface Page {
  path: string;
  limit?: number;
  /** Where the page before said to go on. */
  from?: string | undefined;
  /** Without caches, logs and package lists. */
  quiet?: boolean;
}

/** Images and containers layer by layer, and how they differ. */
export const layersClient = (transport: Transport) => {
  const at = ({ kind, name, layer }: Compared, what: string, values: Parameters<typeof withQuery>[1] = {}) =>
    withQuery(
      kind === 'image' ? `/slipway/images/${segments(name)}/${what}` : `/slipway/containers/${segment(name)}/${what}`,
      {
        layer,
        ...values,
      },
    );
  const both = (before: Compared, after: Compared) => ({
    ...{ before: `${before.kind}:${before.name}`, 'before-layer': before.layer },
    ...{ after: `${after.kind}:${after.name}`, 'after-layer': after.layer },
  });

  return {
    layers: {
      stack: (what: Compared, cancel?: Cancel) =>
        getJson<LayerStack>(transport, at({ ...what, layer: undefined }, 'layers'), cancel),

      /** One page of a directory as it is at the layer; with `changed`, only what that layer does to it. */
      list: (what: Compared, page: Page & { changed?: boolean }, cancel?: Cancel) =>
        getJson<LayerListing>(transport, at(what, 'layers/files', { ...page }), cancel),

      /** A file's bytes as they are at the layer, from `offset` on, at most `length` of them. */
      async read(
        what: Compared,
        options: { path: string; offset?: number; length?: number },
        cancel?: Cancel,
      ): Promise<{ stat: LayerFileStat; bytes: ApiResponse['body'] }> {
        const request = { method: 'GET' as const, path: at(what, 'layers/file', options) };
        const { headers, body } = await open(transport, request, cancel);
        const text = Uint8Array.from(atob(headers['x-slipway-file'] ?? ''), (letter) => letter.charCodeAt(0));
        return { stat: JSON.parse(new TextDecoder().decode(text)) as LayerFileStat, bytes: body };
      },

      search: (what: Compared, text: string, options: { limit?: number } = {}, cancel?: Cancel) =>
        getJson<LayerFinds>(
          transport,
          at({ ...what, layer: undefined }, 'layers/search', { text, ...options }),
          cancel,
        ),
    },

    compare: {
      all: (before: Compared, after: Compared, cancel?: Cancel) =>
        getJson<Comparison>(transport, withQuery('/slipway/compare', both(before, after)), cancel),

      /** One page of a directory of what differs. */
      list: (before: Compared, after: Compared, page: Page, cancel?: Cancel) =>
        getJson<DifferenceListing>(
          transport,
          withQuery('/slipway/compare/files', { ...both(before, after), ...page }),
          cancel,
        ),
    },
  };
};
