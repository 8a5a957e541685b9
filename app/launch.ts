/** What the command line says: dockerd's names for its flags. */
import { createHash } from 'node:crypto';
import { Command } from 'commander';
import { addEngineFlags, type EngineFlags } from '../main/base/engine-flags.js';
import type { PlacesWish } from '../main/base/places.js';

/** The flags as given. */
export interface Flags extends PlacesWish {
  /** Never host an engine: be a client of `--host`. */
  noEngine: boolean;
  engine: EngineFlags;
}

/** Chromium's own switches are in `argv` too; they are none of ours. */
export function readFlags(argv: string[]): Flags {
  const command = addEngineFlags(new Command())
    .option('--data-root <directory>')
    .option('--exec-root <directory>')
    .option('-H, --host <address>')
    .option('--no-engine')
    .allowUnknownOption()
    .allowExcessArguments()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  const { dataRoot, execRoot, host, engine, ...others } = command
    .parse(argv, { from: 'user' })
    .opts<PlacesWish & EngineFlags & { engine: boolean }>();
  return {
    ...(dataRoot && { dataRoot }),
    ...(execRoot && { execRoot }),
    ...(host && { host }),
    noEngine: !engine,
    engine: others,
  };
}

/** The 8 hex digits that stand for a path where a whole one is too long. */
export const shortName = (path: string) => createHash('sha256').update(path).digest('hex').slice(0, 8);
