import { notFound } from '../../base/errors.js';
import type { LayerStep } from '../../contract/layers.js';
import type { Glance } from '../containers/index.js';
import type { LayerDirectory, SeenLayer } from '../helper/index.js';
import { unixSeconds, type HistoryEntry, type ImageRecord } from '../images/index.js';
import type { Mounts, SnapshotRecord } from '../snapshots/index.js';
import { cleanCommand } from './commands.js';

/** One layer of a stack. */
export interface StackLayer {
  directory: LayerDirectory;
  record: SnapshotRecord | undefined;
  /** Bytes of its blob. */
  download: number;
}

/** Layers upon each other, bottom first, and how they came about. */
export interface Stack {
  /** What stays the same as long as the layers do; undefined where they may change at any moment. */
  key: string | undefined;
  imageId: string;
  name: string;
  history: HistoryEntry[];
  layers: StackLayer[];
}

interface Snapshots {
  get(chainId: string): SnapshotRecord | undefined;
  lowers(chainId: string): string[];
}

function layersOf(snapshots: Snapshots, chainId: string, image: ImageRecord | undefined): StackLayer[] {
  if (chainId === '') return [];
  const records: SnapshotRecord[] = [];
  for (let at = snapshots.get(chainId); at; at = at.parent === null ? undefined : snapshots.get(at.parent))
    records.unshift(at);
  const lower = snapshots.lowers(chainId);
  return records.map((record, index) => ({
    directory: { path: lower[lower.length - 1 - index] as string },
    record,
    download: image?.layers[index]?.size ?? 0,
  }));
}

export const imageStack = (snapshots: Snapshots, image: ImageRecord, name: string): Stack => ({
  key: image.chainId || 'empty',
  imageId: image.id,
  name,
  history: image.history,
  layers: layersOf(snapshots, image.chainId, image),
});

/** However it was put together (`driver`), it stands on its image's layers. `image`: undefined where it was removed by force. */
export function containerStack(
  snapshots: Snapshots,
  { name, image: { id, chainId } }: Glance,
  { upper }: Mounts,
  image: ImageRecord | undefined,
): Stack {
  return {
    key: undefined,
    imageId: id,
    name,
    history: image?.history ?? [],
    layers: [
      ...layersOf(snapshots, chainId, image),
      { directory: { path: upper, own: true }, record: undefined, download: 0 },
    ],
  };
}

/** Up to one of its layers, by number. */
export function upTo(stack: Stack, number: number | undefined): LayerDirectory[] {
  const { length } = stack.layers;
  if (number === undefined || number === length) return stack.layers.map(({ directory }) => directory);
  if (!Number.isInteger(number) || number < 1 || number > length)
    throw notFound(`${stack.name} has no layer ${number}: it has ${length}`);
  return stack.layers.slice(0, number).map(({ directory }) => directory);
}

/** The newest first. A history that does not fit its layers is one that somebody wrote by hand: what it does not tell of comes without words. */
export function stepsOf({ history, layers }: Stack, seen: readonly SeenLayer[]): LayerStep[] {
  const steps: LayerStep[] = [];
  let next = 0;
  const take = () => {
    const index = next++;
    const { directory, record, download } = layers[index] as StackLayer;
    const { size, added, changed, removed, wasted, removes, replaces, caches } = seen[index] as SeenLayer;
    return {
      ...{ Number: index + 1, Id: record?.chainId ?? '', DiffId: record?.diffId ?? '', Download: download },
      ...{
        Size: record?.size ?? size,
        Writable: directory.own === true,
        Added: added,
        Changed: changed,
        Removed: removed,
      },
      ...{ Wasted: wasted, Removes: removes, Replaces: replaces, Caches: caches },
    };
  };
  const ofImage = layers.filter(({ directory }) => !directory.own).length;
  for (const { created, created_by = '', comment = '', empty_layer } of history) {
    const Layer = !empty_layer && next < ofImage ? take() : null;
    const Command = cleanCommand(created_by);
    steps.push({ Command, Original: created_by, Comment: comment, Created: unixSeconds(created), Layer });
  }
  while (next < layers.length) steps.push({ Command: '', Original: '', Comment: '', Created: 0, Layer: take() });
  return steps.reverse();
}
