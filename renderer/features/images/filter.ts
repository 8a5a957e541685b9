import type { ContainerSummary } from '../../../main/contract/containers.js';
import { isRunning } from '../../parts/container-state.js';
import type { NamedImage } from '../../parts/image-names.js';
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

type Test = (row: NamedImage) => boolean;

const holds = (heap: string, part: string): boolean => heap.toLowerCase().includes(part);

/** What may stand before a colon. A label is a name, or a name and a value: `label:tier` or `label:tier=web`. */
const tokens = (facts: ImageFacts): Record<string, (part: string) => Test> => ({
  label: (part) => {
    const [name = '', ...value] = part.split('=');
    return ({ image }) =>
      Object.entries(image.Labels ?? {}).some(
        ([key, said]) => holds(key, name) && (value.length === 0 || said.toLowerCase() === value.join('=')),
      );
  },
  repo: (part) => (row) => holds(row.repository ?? '', part),
  tag: (part) => (row) => holds(row.tag ?? '', part),
  used: (part) => (row) => (facts.users.get(row.id) ?? []).some(({ Names }) => holds(Names.join(' '), part)),
  is: (part) => (row) => imageFilters.some((filter) => filter.startsWith(part) && isImageIn(row, filter, facts)),
});

/**
 * Every word has to be in the name or at the start of the id; a word with a known name and a colon only there. Of the chips, one has to be
 * right.
 */
export function imageFilterOf(text: string, chips: ReadonlySet<ImageFilter>, facts: ImageFacts): Test {
  const known = tokens(facts);
  const tests = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word): Test => {
      const [, token = '', part = ''] = /^(\w+):(.*)$/.exec(word) ?? [];
      // `repo:tag` is a name like any other.
      const test = Object.hasOwn(known, token) ? known[token] : undefined;
      if (test) return part === '' ? () => true : test(part); // it is still being typed
      return (row) => holds(row.reference, word) || row.id.startsWith(`sha256:${word}`) || row.id.startsWith(word);
    });
  return (row) =>
    tests.every((fits) => fits(row)) && (chips.size === 0 || [...chips].some((chip) => isImageIn(row, chip, facts)));
}
