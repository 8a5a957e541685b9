import type { NamedImage } from '../../parts/image-names.js';
import { rowsByName, type NamedRows } from '../../parts/table-page/groups.js';
import type { RowGroup } from '../../ui/data-grid.js';
import { usageOf, type ImageFacts, type Use } from './filter.js';

/** Of a repository; without a name: images that have none. */
export interface ImageGroup extends RowGroup<NamedImage>, NamedRows<NamedImage> {
  /** Bytes of all images in it, each once; what they share with others is counted with every image. */
  size: number;
  /** Bytes that nobody else has, where that is known of all. */
  unique: number | undefined;
  use: Use;
}

const useOrder: readonly Use[] = ['running', 'stopped', 'unused'];

/** By repository, sorted by name; what has no name comes last. */
export function groupsOf(
  rows: NamedImage[],
  facts: ImageFacts,
  shared: Readonly<Record<string, number>>,
  compare: (a: string, b: string) => number,
  labelOf: (name: string | undefined, rows: NamedImage[]) => string,
): ImageGroup[] {
  return rowsByName(rows, ({ repository }) => repository, compare).map((group) => {
    const { name, rows: members } = group;
    const images = new Map(members.map(({ id, image }) => [id, image]));
    let size = 0;
    let unique: number | undefined = 0;
    for (const [id, image] of images) {
      size += image.Size;
      const others = shared[id];
      unique = unique === undefined || others === undefined ? undefined : unique + image.Size - others;
    }
    const uses = members.map(({ id }) => usageOf(id, facts.users));
    return {
      ...group,
      label: labelOf(name, members),
      size,
      unique,
      use: useOrder.find((use) => uses.includes(use)) ?? 'unused',
    };
  });
}
