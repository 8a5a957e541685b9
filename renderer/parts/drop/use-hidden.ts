import type { Client } from '../../../main/client/index.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { can } from '../../store/registries-slice.js';
import { useAnswer } from '../use-answer.js';

/** What an image has where a folder is to be mounted. */
export interface HiddenInImage {
  count: number;
  /** There is more than was looked at. */
  more: boolean;
  names: string[];
  /** Directories that a program's tools fill when the image is built, and that a folder of sources seldom has. */
  keepable: string[];
}

const BUILT = new Set(['node_modules', 'vendor', '.venv', 'venv', 'bower_components', 'target']);
const MOST = 1000;

export async function hiddenInImage(client: Client, name: string, path: string): Promise<HiddenInImage | undefined> {
  // Nothing is hidden where there is nothing, or no directory.
  const listing = await client.slipway.layers
    .list({ kind: 'image', name }, { path, limit: MOST })
    .catch(() => undefined);
  const there = listing?.Entries.filter(({ Change }) => Change !== 'deleted') ?? [];
  if (there.length === 0) return undefined;
  const names = there.map(({ Name }) => Name);
  const directories = there.filter(({ Kind }) => Kind === 'directory').map(({ Name }) => Name);
  return {
    ...{ count: names.length, more: listing?.More !== undefined, names },
    keepable: directories.filter((each) => BUILT.has(each)),
  };
}

/** Asked of an engine that looks into layers; without an image, nothing is. */
export function useHiddenInImage(image: string, path: string | undefined): HiddenInImage | undefined {
  const { client } = useEngineStore();
  const able = useEngine(can('layers'));
  const key = able && image !== '' && path !== undefined ? JSON.stringify([image, path]) : '';
  const { value } = useAnswer(
    async () => ({ key, hidden: key === '' ? undefined : await hiddenInImage(client, image, path ?? '/') }),
    key,
  );
  return value?.key === key ? value.hidden : undefined;
}
