import type { VolumeOverview } from '../../../main/contract/volume-data.js';
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

type Test = (volume: VolumeOverview) => boolean;

const holds = (heap: string, part: string): boolean => heap.toLowerCase().includes(part);

/** What may stand before a colon. A label is a name, or a name and a value: `label:tier` or `label:tier=web`. */
const tokens: Record<string, (part: string) => Test> = {
  label: (part) => {
    const [name = '', ...value] = part.split('=');
    return ({ Labels }) =>
      Object.entries(Labels ?? {}).some(
        ([key, said]) => holds(key, name) && (value.length === 0 || said.toLowerCase() === value.join('=')),
      );
  },
  project: (part) => (volume) => holds(projectOfVolume(volume) ?? '', part),
  used: (part) => (volume) => volume.Users.some(({ Name }) => holds(Name, part)),
  by: (part) => (volume) => holds(volume.CreatedBy?.Name ?? '', part),
  kind: (part) => (volume) => volume.Kind.startsWith(part),
  is: (part) => (volume) => volumeFilters.some((filter) => filter.startsWith(part) && isVolumeIn(volume, filter)),
};

/** Every word has to be in the name or its source; a word with a known name and a colon only there. Of the chips, one has to be right. */
export function volumeFilterOf(text: string, chips: ReadonlySet<VolumeFilter>): Test {
  const tests = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word): Test => {
      const [, token = '', part = ''] = /^(\w+):(.*)$/.exec(word) ?? [];
      const test = Object.hasOwn(tokens, token) ? tokens[token] : undefined;
      if (test) return part === '' ? () => true : test(part); // it is still being typed
      return ({ Name, Options }) => holds(Name, word) || holds(Options?.['device'] ?? '', word);
    });
  return (volume) =>
    tests.every((fits) => fits(volume)) && (chips.size === 0 || [...chips].some((chip) => isVolumeIn(volume, chip)));
}
