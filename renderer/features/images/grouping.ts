import type { NamedImage } from '../../parts/image-names.js';
import type { RowGroup } from '../../ui/data-grid.js';
import { usageOf, type ImageFacts, type Use } from './filter.js';

export interface ImageGroup extends RowGroup<NamedImage> {
  /** The repository; undefined: images without a name. */
  name: string | undefined;
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
  const groups = new Map<string | undefined, NamedImage[]>();
  for (const row of rows) {
    const members = groups.get(row.repository);
    if (members) members.push(row);
    else groups.set(row.repository, [row]);
  }
  return [...groups]
    .sort(([a], [b]) => (a === undefined ? 1 : b === undefined ? -1 : compare(a, b)))
    .map(([name, members]) => {
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
        key: name === undefined ? 'none' : `=${name}`,
        label: labelOf(name, members),
        name,
        rows: members,
        size,
        unique,
        use: useOrder.find((use) => uses.includes(use)) ?? 'unused',
      };
    });
}
