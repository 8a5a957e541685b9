import type { VolumeCreate } from '../../../main/contract/volumes.js';
import { joinCommand } from '../command-line.js';
import type { Pair } from '../form/value.js';
import { parseMemory } from '../sizes.js';

type Kind = 'local' | 'folder' | 'tmpfs';

/** What the dialog about a new volume holds: as typed. */
export interface VolumeDraft {
  name: string;
  kind: Kind;
  folder: string;
  size: string;
  labels: Pair[];
}

export const blankVolume: VolumeDraft = { name: '', kind: 'local', folder: '', size: '', labels: [] };

/** What the engine is asked for. */
export function volumeWish({ name, kind, folder, size, labels }: VolumeDraft): VolumeCreate {
  const options: Record<Kind, Record<string, string> | undefined> = {
    local: undefined,
    folder: { type: 'none', o: 'bind', device: folder.trim() },
    tmpfs: { type: 'tmpfs', device: 'tmpfs', ...(size.trim() !== '' && { o: `size=${parseMemory(size)}` }) },
  };
  const said = labels.filter(({ key }) => key.trim() !== '').map(({ key, value }) => [key.trim(), value]);
  return {
    Driver: 'local',
    ...(name.trim() !== '' && { Name: name.trim() }),
    ...(options[kind] && { DriverOpts: options[kind] }),
    ...(said.length > 0 && { Labels: Object.fromEntries(said) as Record<string, string> }),
  };
}

/** The same for a shell. */
export const volumeLine = ({ Name, DriverOpts, Labels }: VolumeCreate): string =>
  joinCommand([
    'docker',
    'volume',
    'create',
    ...Object.entries(DriverOpts ?? {}).flatMap(([key, value]) => ['--opt', `${key}=${value}`]),
    ...Object.entries(Labels ?? {}).flatMap(([key, value]) => ['--label', `${key}=${value}`]),
    ...(Name === undefined ? [] : [Name]),
  ]);
