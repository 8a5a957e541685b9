import type { ContainerSummary } from '../../main/contract/containers.js';
import type { ImageSummary } from '../../main/contract/images.js';
import { shortId } from '../ui/format.js';
import { parseReference } from './reference.js';

/** One row of the images table: a name, or an image that has none. */
export interface NamedImage {
  key: string;
  id: string;
  /** Without a name `repository` is undefined. */
  repository?: string;
  tag?: string;
  /** What to say to the engine. */
  reference: string;
  image: ImageSummary;
}

const named = new WeakMap<ImageSummary[], NamedImage[]>();

/** One row for each name; made once for each list. */
export function namedImages(images: ImageSummary[]): NamedImage[] {
  let rows = named.get(images);
  if (!rows) named.set(images, (rows = rowsOf(images)));
  return rows;
}

const rowsOf = (images: ImageSummary[]): NamedImage[] =>
  images.flatMap((image) => {
    // Other engines leave it null.
    const tags = ((image.RepoTags as string[] | null) ?? []).filter((tag) => tag !== '<none>:<none>');
    if (tags.length === 0) return [{ key: image.Id, id: image.Id, reference: image.Id, image }];
    return tags.map((reference) => {
      const colon = reference.lastIndexOf(':');
      return {
        key: `${image.Id} ${reference}`,
        id: image.Id,
        repository: reference.slice(0, colon),
        tag: reference.slice(colon + 1),
        reference,
        image,
      };
    });
  });

export const nameOfImage = (row: Pick<NamedImage, 'repository' | 'reference' | 'id'>): string =>
  row.repository === undefined ? shortId(row.id) : row.reference;

/** Which containers each image has, by the image's id. */
export function usersByImage(containers: ContainerSummary[] | undefined): ReadonlyMap<string, ContainerSummary[]> {
  const users = new Map<string, ContainerSummary[]>();
  for (const container of containers ?? []) {
    const others = users.get(container.ImageID);
    if (others) others.push(container);
    else users.set(container.ImageID, [container]);
  }
  return users;
}

/** What could stand in for an image that cannot be had: the same name, the same repository, the same last word; newest first. */
export function alike(reference: string, images: ImageSummary[] | undefined, most = 3): NamedImage[] {
  const wanted = parseReference(reference);
  if (!wanted) return [];
  const base = (repository: string) => repository.split('/').at(-1);
  const nearness = ({ reference: name }: NamedImage): number => {
    const other = parseReference(name);
    if (!other || base(other.repository) !== base(wanted.repository)) return 0;
    if (other.registry !== wanted.registry || other.repository !== wanted.repository) return 1;
    return other.tag === wanted.tag ? 3 : 2;
  };
  return namedImages(images ?? [])
    .filter((row) => row.repository !== undefined)
    .map((row) => ({ row, near: nearness(row) }))
    .filter(({ near }) => near > 0)
    .sort((a, b) => b.near - a.near || b.row.image.Created - a.row.image.Created)
    .slice(0, most)
    .map(({ row }) => row);
}

/** The registries that images came from. */
export const registriesOf = (images: ImageSummary[]): string[] => [
  ...new Set(
    images.flatMap(({ RepoDigests }) =>
      ((RepoDigests as string[] | null) ?? []).flatMap((each) => parseReference(each)?.registry ?? []),
    ),
  ),
];

export const usersOf = (id: string, containers: ContainerSummary[] | undefined): ContainerSummary[] =>
  (containers ?? []).filter((container) => container.ImageID === id);
