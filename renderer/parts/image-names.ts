import type { ContainerSummary } from '../../main/contract/containers.js';
import type { ImageSummary } from '../../main/contract/images.js';
import { shortId } from '../ui/format.js';

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

export const namedImages = (images: ImageSummary[]): NamedImage[] =>
  images.flatMap((image) => {
    const tags = image.RepoTags.filter((tag) => tag !== '<none>:<none>');
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

export const nameOfImage = (row: Pick<NamedImage, 'repository' | 'tag' | 'id'>): string =>
  row.repository === undefined ? shortId(row.id) : `${row.repository}:${row.tag ?? ''}`;

export const usersOf = (id: string, containers: ContainerSummary[] | undefined): ContainerSummary[] =>
  (containers ?? []).filter((container) => container.ImageID === id);
