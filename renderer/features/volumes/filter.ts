import type { VolumeOverview } from '../../../main/contract/volume-data.js';
import { hasLabel, holds, tableFilter } from '../../parts/table-page/filter.js';
import { holdersOf, projectOfVolume, usageOf } from '../../parts/volumes/names.js';

/** The chips, and what `is:` in the filter box understands. */
export const volumeFilters = ['used', 'unused', 'shared', 'anonymous', 'backed', 'scheduled'] as const;
export type VolumeFilter = (typeof volumeFilters)[number];

export function isVolumeIn(volume: VolumeOverview, filter: VolumeFilter): boolean {
  switch (filter) {
    case 'used':
      return usageOf(volume) !== 'unused';
    case 'unused':
      return usageOf(volume) === 'unused';
    case 'shared':
      return holdersOf(volume).length > 1;
    case 'anonymous':
      return volume.Anonymous;
    case 'backed':
      return volume.Backups > 0;
    case 'scheduled':
      return volume.Schedule !== null;
  }
}

/** What may stand before a colon. A label is a name, or a name and a value: `label:tier` or `label:tier=web`. */
const tokens: Record<string, (volume: VolumeOverview, part: string) => boolean> = {
  label: ({ Labels }, part) => hasLabel(Labels, part),
  project: (volume, part) => holds(projectOfVolume(volume) ?? '', part),
  used: (volume, part) => volume.Users.some(({ Name }) => holds(Name, part)),
  by: (volume, part) => holds(volume.CreatedBy?.Name ?? '', part),
  kind: (volume, part) => volume.Kind.startsWith(part),
  is: (volume, part) => volumeFilters.some((filter) => filter.startsWith(part) && isVolumeIn(volume, filter)),
};

/** Words are looked for in the name and in what a volume stands for. */
export const volumeFilterOf = (text: string, chips: ReadonlySet<VolumeFilter>): ((volume: VolumeOverview) => boolean) =>
  tableFilter<VolumeOverview, VolumeFilter>({
    text,
    word: ({ Name, Options }, part) => holds(Name, part) || holds(Options?.['device'] ?? '', part),
    tokens,
    chips,
    isIn: isVolumeIn,
  });
