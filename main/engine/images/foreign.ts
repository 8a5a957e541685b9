import { EngineError, notFound, unavailable } from '../../base/errors.js';
import type { BlobSource } from '../content/index.js';
import type { Registry, Repository } from '../registry/index.js';
import type { Descriptor } from './record.js';

/** A layer that its registry must not give away, so that its manifest says where else to look. */
const isForeign = ({ mediaType }: Descriptor): boolean => /\.(foreign|nondistributable)\./.test(mediaType);

/** Where a layer comes from: its repository; a foreign one that is not there, from the addresses in the manifest. */
export function layerSource(
  layer: Descriptor,
  repository: Pick<Repository, 'blob'>,
  registry: Pick<Registry, 'open'>,
): BlobSource {
  const own = repository.blob(layer.digest);
  const urls = isForeign(layer) ? (layer.urls ?? []).flatMap(webAddress) : [];
  if (urls.length === 0) return own;
  const sources = [own, ...urls.map((url) => elsewhere(url, registry))];
  return async (offset, signal) => {
    for (;;) {
      const source = sources[0] as BlobSource;
      try {
        return await source(offset, signal);
      } catch (error) {
        signal.throwIfAborted();
        const next = sources.length > 1 && error instanceof EngineError && error.kind !== 'system';
        if (!next) throw error;
        sources.shift();
      }
    }
  };
}

function webAddress(text: string): URL[] {
  try {
    const url = new URL(text);
    // What stands before the host would be shown to it.
    url.username = url.password = '';
    return /^https?:$/.test(url.protocol) ? [url] : [];
  } catch {
    return [];
  }
}

function elsewhere(url: URL, registry: Pick<Registry, 'open'>): BlobSource {
  return async (offset, signal) => {
    const headers: Record<string, string> = offset > 0 ? { Range: `bytes=${offset}-` } : {};
    const response = await registry.open(url, { headers, signal, anyHost: true });
    if (response.status === 200) return { offset: 0, body: response.body };
    const start = /^bytes (\d+)-/.exec(response.headers['content-range'] ?? '')?.[1];
    if (response.status === 206 && start !== undefined) return { offset: Number(start), body: response.body };
    response.discard();
    const sentence = `${url.host}, which the image names for one of its layers, answered with status ${response.status}`;
    throw response.status >= 500 ? unavailable(sentence) : notFound(sentence);
  };
}
