import type { ContainerSummary } from '../../../main/contract/containers.js';
import { isRunning } from '../../parts/container-state.js';
import type { NamedImage } from '../../parts/image-names.js';
import { hasLabel, holds, tableFilter } from '../../parts/table-page/filter.js';
import type { Newer } from '../../store/images-slice.js';

/** The chips, and what `is:` in the filter box understands. */
export const imageFilters = ['used', 'unused', 'dangling', 'newer'] as const;
export type ImageFilter = (typeof imageFilters)[number];

/** What is known of the images beside their rows. */
export interface ImageFacts {
  users: ReadonlyMap<string, ContainerSummary[]>;
  newer: Readonly<Record<string, Newer>>;
}

/** How an image is used. */
export type Use = 'running' | 'stopped' | 'unused';

export function usageOf(id: string, users: ImageFacts['users']): Use {
  const held = users.get(id);
  if (!held) return 'unused';
  return held.some(isRunning) ? 'running' : 'stopped';
}

export const isNewer = (row: NamedImage, { newer }: Pick<ImageFacts, 'newer'>): boolean => {
  const said = newer[row.reference];
  return said?.state === 'known' && said.newer;
};

export const isImageIn = (row: NamedImage, filter: ImageFilter, facts: ImageFacts): boolean => {
  if (filter === 'dangling') return row.repository === undefined;
  if (filter === 'newer') return isNewer(row, facts);
  return facts.users.has(row.id) === (filter === 'used');
};

/** What may stand before a colon. A label is a name, or a name and a value: `label:tier` or `label:tier=web`. */
const tokens = (facts: ImageFacts): Record<string, (row: NamedImage, part: string) => boolean> => ({
  label: ({ image }, part) => hasLabel(image.Labels, part),
  repo: (row, part) => holds(row.repository ?? '', part),
  tag: (row, part) => holds(row.tag ?? '', part),
  used: (row, part) => (facts.users.get(row.id) ?? []).some(({ Names }) => holds(Names.join(' '), part)),
  is: (row, part) => imageFilters.some((filter) => filter.startsWith(part) && isImageIn(row, filter, facts)),
});

/** Words are looked for in the name, as which `repo:tag` is one like any other, and at the start of the id. */
export const imageFilterOf = (
  text: string,
  chips: ReadonlySet<ImageFilter>,
  facts: ImageFacts,
): ((row: NamedImage) => boolean) =>
  tableFilter<NamedImage, ImageFilter>({
    text,
    word: (row, part) => holds(row.reference, part) || row.id.startsWith(`sha256:${part}`) || row.id.startsWith(part),
    tokens: tokens(facts),
    chips,
    isIn: (row, chip) => isImageIn(row, chip, facts),
  });
