import { z } from 'zod';
import { invalid } from '../../base/errors.js';
import type { ArchivedImage, Find } from './archive.js';
import { checked, parseJson } from './record.js';

/** Names to tags to IDs, as `docker save` wrote them before 1.10. */
export type Repositories = Record<string, Record<string, string>>;

const repositories = z.record(z.string(), z.record(z.string(), z.string()));
const layerJson = z.looseObject({
  parent: z.string().nullish(),
  created: z.string().optional(),
  author: z.string().optional(),
  comment: z.string().optional(),
  container_config: z.looseObject({ Cmd: z.array(z.string()).nullish() }).nullish(),
});

export const parseRepositories = (bytes: Buffer): Repositories =>
  checked(repositories, parseJson(bytes, 'repositories file'), 'repositories file');

/** What a layer's description has and an image's no longer has. */
const OF_ITS_TIME = new Set(['id', 'parent', 'Size', 'parent_id', 'layer_id', 'throwaway']);

/** More below one another than any image has. */
const DEEPEST = 500;

/**
 * Images of an archive from before there was a manifest.json: each layer is a folder named by its ID, with what was known of it in `json`. The
 * configuration that they have today is made of those, to the byte as Docker makes it.
 */
export async function legacyImages({
  json,
  named,
  find,
  store,
}: {
  /** What is known of each layer, by its ID. */
  json: Map<string, Buffer>;
  /** Undefined: the archive names none, and every topmost layer is an image. */
  named: Repositories | undefined;
  find: Find;
  store: (document: Buffer) => Promise<string>;
}): Promise<ArchivedImage[]> {
  const read = (id: string) => {
    const bytes = json.get(id);
    if (!bytes) throw invalid(`the archive lacks ${id}/json, which it names`);
    const document = parseJson(bytes, `${id}/json`);
    return { document, ...checked(layerJson, document, `${id}/json`) };
  };
  const parents = new Set([...json.keys()].map((id) => read(id).parent));
  const names = new Map<string, string[]>();
  for (const [repository, tags] of Object.entries(named ?? {}))
    for (const [tag, id] of Object.entries(tags)) names.set(id, [...(names.get(id) ?? []), `${repository}:${tag}`]);
  const tops = named ? [...names.keys()] : [...json.keys()].filter((id) => !parents.has(id));

  const images: ArchivedImage[] = [];
  for (const top of tops) {
    const chain: string[] = [];
    for (let id: string | null | undefined = top; id; id = read(id).parent) {
      if (chain.length === DEEPEST) throw invalid(`the archive's layers are parents of one another: refused`);
      chain.unshift(id);
    }
    const layers = chain.map((id) => ({ ...find(`${id}/layer.tar`) }));
    const history = chain.map((id) => {
      const { created = '0001-01-01T00:00:00Z', author, comment, container_config } = read(id);
      const command = (container_config?.Cmd ?? []).join(' ');
      return {
        created,
        ...(author && { author }),
        ...(command && { created_by: command }),
        ...(comment && { comment }),
      };
    });
    const rest = Object.entries(read(top).document).filter(([key]) => !OF_ITS_TIME.has(key));
    const rootfs = { type: 'layers', diff_ids: layers.map(({ digest }) => digest) };
    const configuration = goJson({ ...Object.fromEntries(rest), history, rootfs });
    images.push({ config: await store(configuration), layers, manifest: null, names: names.get(top) ?? [] });
  }
  return images;
}

/** A map as Go writes it: by its keys, and safe inside of HTML. */
function goJson(map: Record<string, unknown>): Buffer {
  const sorted = Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
  const escaped = JSON.stringify(sorted).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return Buffer.from(escaped);
}
