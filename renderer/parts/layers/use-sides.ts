import { ApiError, type Client } from '../../../main/client/index.js';
import type { Compared, LayerFileStat } from '../../../main/contract/layers.js';
import { collect, contentOf, PREVIEW, type Content } from '../files/content.js';

/** A file as it is at a layer, as much of it as is shown. */
export interface Side {
  stat: LayerFileStat;
  bytes: Uint8Array;
  content: Content;
  /** There is more of it. */
  cut: boolean;
}

export async function readSide(client: Client, what: Compared, path: string): Promise<Side> {
  const { stat, bytes: stream } = await client.slipway.layers.read(what, { path, length: PREVIEW });
  const bytes = await collect(stream);
  const cut = stat.Size > bytes.length;
  return { stat, bytes, content: contentOf(bytes, cut), cut };
}

/** Undefined where there is no such file: neither a name, nor one that is no file. */
export const sideOrNone = (client: Client, what: Compared, path: string): Promise<Side | undefined> =>
  readSide(client, what, path).catch((error: unknown) => {
    if (error instanceof ApiError && (error.kind === 'not-found' || error.kind === 'conflict')) return undefined;
    throw error;
  });
