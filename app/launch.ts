/** What the command line says: dockerd's names for its flags. */
import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { PlacesWish } from '../main/base/places.js';

/** The flags as given. */
export interface Flags extends PlacesWish {
  /** Never host an engine: be a client of `--host`. */
  noEngine: boolean;
  registryMirrors: string[];
  insecureRegistries: string[];
}

/** Chromium's own switches are in `argv` too; they are none of ours. */
export function readFlags(argv: string[]): Flags {
  const { values } = parseArgs({
    args: argv,
    strict: false,
    options: {
      'data-root': { type: 'string' },
      'exec-root': { type: 'string' },
      host: { type: 'string', short: 'H' },
      'no-engine': { type: 'boolean' },
      'registry-mirror': { type: 'string', multiple: true },
      'insecure-registry': { type: 'string', multiple: true },
    },
  });
  const one = (name: keyof typeof values) => {
    const value = values[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const many = (name: keyof typeof values) =>
    [values[name]].flat().filter((value): value is string => typeof value === 'string');
  const [dataRoot, execRoot, host] = [one('data-root'), one('exec-root'), one('host')];
  return {
    ...(dataRoot && { dataRoot }),
    ...(execRoot && { execRoot }),
    ...(host && { host }),
    noEngine: values['no-engine'] === true,
    registryMirrors: many('registry-mirror'),
    insecureRegistries: many('insecure-registry'),
  };
}

/** The 8 hex digits that stand for a path where a whole one is too long. */
export const shortName = (path: string) => createHash('sha256').update(path).digest('hex').slice(0, 8);
