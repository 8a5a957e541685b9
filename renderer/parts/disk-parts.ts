import type { DiskImage, DiskLayer, DiskUsage } from '../../main/contract/disk.js';
import { shortId } from '../ui/format.js';

/** What takes room: which heading it stands under, what it is, and how large. */
export interface DiskPart {
  key: string;
  group: DiskGroup;
  kind: DiskKind;
  /** Of what has a name of its own. */
  name?: string;
  /** The images that share it, by name. */
  sharers?: string[];
  size: number;
  /** When it was counted; undefined: it is recorded. */
  at?: string;
  /** Where it is shown. */
  place?: readonly [page: 'images' | 'containers' | 'volumes', id: string];
}

export type DiskGroup = 'images' | 'copies' | 'containers' | 'volumes' | 'rest';
export const DISK_GROUPS: readonly DiskGroup[] = ['images', 'copies', 'containers', 'volumes', 'rest'];
export type DiskKind =
  | 'image'
  | 'shared'
  | 'held'
  | 'whole'
  | 'compressed'
  | 'leftover'
  | 'files'
  | 'log'
  | 'volume'
  | 'backups'
  | 'bin'
  | 'trash'
  | 'database'
  | 'indexes'
  | 'small'
  | 'others';

export const nameOfDisk = ({ Id, Names }: Pick<DiskImage, 'Id' | 'Names'>): string => Names[0] ?? shortId(Id);

/** All that the engine keeps, each byte once; what is empty is left out. Largest first. */
export function partsOf(disk: DiskUsage): DiskPart[] {
  const names = new Map(disk.Images.map((image) => [image.Id, nameOfDisk(image)]));
  const parts: DiskPart[] = [];
  const alone = new Map<string, number>();
  const shared = new Map<string, { images: string[]; size: number }>();
  let held = 0;
  for (const { Images, Size } of disk.Layers) {
    const [first] = Images;
    if (first === undefined) held += Size;
    else if (Images.length === 1) alone.set(first, (alone.get(first) ?? 0) + Size);
    else {
      const key = [...Images].sort().join(' ');
      const known = shared.get(key);
      if (known) known.size += Size;
      else shared.set(key, { images: Images, size: Size });
    }
  }
  for (const image of disk.Images) {
    const name = nameOfDisk(image);
    const place = ['images', image.Names[0] ?? image.Id] as const;
    parts.push({ key: image.Id, group: 'images', kind: 'image', name, size: alone.get(image.Id) ?? 0, place });
  }
  for (const [key, { images, size }] of shared) {
    const sharers = images.map((id) => names.get(id) ?? shortId(id));
    parts.push({ key: `shared ${key}`, group: 'images', kind: 'shared', sharers, size });
  }
  parts.push({ key: 'held', group: 'images', kind: 'held', size: held });
  const { Blobs, Bin, Copies, Trash, Database } = disk;
  parts.push({ key: 'whole', group: 'images', kind: 'whole', size: Copies.Size });
  parts.push({ key: 'compressed', group: 'copies', kind: 'compressed', size: Blobs.Size - Blobs.Leftover.Size });
  parts.push({ key: 'leftover', group: 'copies', kind: 'leftover', size: Blobs.Leftover.Size });
  for (const { Id, Name, Files, Log } of disk.Containers) {
    const place = ['containers', Id] as const;
    const own = { group: 'containers', name: Name, place } as const;
    parts.push({ ...own, key: Id, kind: 'files', size: Files.Size ?? 0, ...(Files.At !== null && { at: Files.At }) });
    parts.push({ ...own, key: `log ${Id}`, kind: 'log', size: Log });
  }
  for (const { Name, Size, At } of disk.Volumes) {
    const name = { name: Name, place: ['volumes', Name] as const, ...(At !== null && { at: At }) };
    parts.push({ key: `volume ${Name}`, group: 'volumes', kind: 'volume', size: Size ?? 0, ...name });
  }
  parts.push({ key: 'backups', group: 'volumes', kind: 'backups', size: disk.Backups?.Size ?? 0 });
  parts.push({ key: 'bin', group: 'rest', kind: 'bin', size: Bin.Size });
  const counted = Trash.At === null ? {} : { at: Trash.At };
  parts.push({ key: 'trash', group: 'rest', kind: 'trash', size: Trash.Size ?? 0, ...counted });
  parts.push({ key: 'database', group: 'rest', kind: 'database', size: Database });
  const { Indexes, Containers, Others } = disk.Beside ?? { Indexes: 0, Containers: 0, Others: 0 };
  parts.push({ key: 'indexes', group: 'rest', kind: 'indexes', size: Indexes ?? 0 });
  parts.push({ key: 'small', group: 'rest', kind: 'small', size: Containers ?? 0 });
  parts.push({ key: 'others', group: 'rest', kind: 'others', size: Others ?? 0 });
  return parts.filter(({ size }) => size > 0).sort((a, b) => b.size - a.size);
}

export type PruneScope = 'dangling' | 'unused';

/** The images that a scope means, newest first, so that what was made from an image goes before it. One that another is made from goes with that alone. */
export function victimsOf({ Images }: Pick<DiskUsage, 'Images'>, scope: PruneScope): DiskImage[] {
  const meant = Images.filter(
    ({ Containers, Names }) => Containers.length === 0 && (scope === 'unused' || Names.length === 0),
  );
  return withoutParents(meant).sort((a, b) => b.Created - a.Created);
}

/** Of these images those that can go when all of them do: no image that stays was made from them. */
export function withoutParents(images: readonly DiskImage[]): DiskImage[] {
  const going = new Map(images.map((image) => [image.Id, image]));
  for (let before = -1; before !== going.size;) {
    before = going.size;
    for (const { Id, Children } of [...going.values()]) if (!Children.every((id) => going.has(id))) going.delete(Id);
  }
  return [...going.values()];
}

/** Bytes that go when these images go: layers, unpacked and as they came, that no other image has. */
export function freedBy(layers: readonly DiskLayer[], images: ReadonlySet<string>): number {
  let freed = 0;
  for (const { Images, Size, Compressed } of layers)
    if (Images.length > 0 && Images.every((id) => images.has(id))) freed += Size + Compressed;
  return freed;
}
