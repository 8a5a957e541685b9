import { EngineError } from '../../base/errors.js';
import type { Change } from '../../base/store.js';
import { imagesOf, type ContainerRecord, type MountPoint } from './record.js';
import type { ImagesRoom, SnapshotsRoom } from './rooms.js';
import type { ImageLayers } from './sources.js';

type Mounts = Pick<ContainerRecord, 'id' | 'mounts'>;

const holderOf = (id: string): string => `mounts of ${id}`;

/** The layers of the images that a container has mounted, by chain ID. */
export async function layersOf(
  record: Pick<ContainerRecord, 'mounts'>,
  snapshots: Pick<SnapshotsRoom, 'layersOf'>,
): Promise<Map<string, ImageLayers>> {
  const layers = new Map<string, ImageLayers>();
  for (const { chainId } of imagesOf(record)) layers.set(chainId, await snapshots.layersOf(chainId));
  return layers;
}

/** The images that a new container has mounted are kept for it, and their layers even where somebody removes an image by force. */
export function holdImages(
  change: Change,
  record: Mounts,
  { images, snapshots }: { images: Pick<ImagesRoom, 'hold'>; snapshots: Pick<SnapshotsRoom, 'hold' | 'release'> },
): void {
  for (const { own } of record.mounts) if (own?.image) holdImage(change, own.image.id, own.from !== undefined);
  keepLayers(record, snapshots);
  change.undo(() => dropLayers(record, snapshots));

  function holdImage(change: Change, image: string, inherited: boolean): void {
    try {
      images.hold(change, image, record.id);
    } catch (error) {
      // Whoever has it already has its layers, should the image itself have been removed by force.
      if (!inherited || !(error instanceof EngineError && error.kind === 'not-found')) throw error;
    }
  }
}

/** A container that was there before this engine has them. */
export function keepLayers(record: Mounts, snapshots: Pick<SnapshotsRoom, 'hold'>): void {
  for (const { chainId } of imagesOf(record)) snapshots.hold(chainId, holderOf(record.id));
}

/** Before its snapshot goes, with which the layers go that nobody needs. */
export function releaseImages(
  change: Change,
  record: Mounts,
  { images, snapshots }: { images: Pick<ImagesRoom, 'release'>; snapshots: Pick<SnapshotsRoom, 'hold' | 'release'> },
): void {
  for (const { id } of imagesOf(record)) images.release(change, id, record.id);
  dropLayers(record, snapshots);
  change.undo(() => keepLayers(record, snapshots));
}

/** Of a container that stays: those that it had mounted and has no more. */
export function letGoOfImages(
  change: Change,
  { record, before, after }: { record: ContainerRecord; before: MountPoint[]; after: MountPoint[] },
  { images, snapshots }: { images: Pick<ImagesRoom, 'release'>; snapshots: Pick<SnapshotsRoom, 'hold' | 'release'> },
): void {
  const kept = new Set([record.image.id, ...imagesOf({ mounts: after }).map(({ id }) => id)]);
  const mounts = before.filter(({ own }) => own?.image && !kept.has(own.image.id));
  for (const { id } of imagesOf({ mounts })) images.release(change, id, record.id);
  const chains = new Set(imagesOf({ mounts: after }).map(({ chainId }) => chainId));
  const gone = { id: record.id, mounts: before.filter(({ own }) => own?.image && !chains.has(own.image.chainId)) };
  dropLayers(gone, snapshots);
  change.undo(() => keepLayers(gone, snapshots));
}

function dropLayers(record: Mounts, snapshots: Pick<SnapshotsRoom, 'release'>): void {
  for (const { chainId } of imagesOf(record)) snapshots.release(chainId, holderOf(record.id));
}
