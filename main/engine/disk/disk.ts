import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../base/errors.js';
import { createLog } from '../../base/log.js';
import { roomOn } from '../../base/room.js';
import type { Bin } from '../../contract/bin.js';
import type {
  Collected,
  Counted,
  DiskContainer,
  DiskImage,
  DiskUsage,
  DiskUser,
  DiskVolume,
  SelfChecked,
} from '../../contract/disk.js';
import type { Volume } from '../../contract/volumes.js';
import type { Content } from '../content/index.js';
import type { Images, StockedImage } from '../images/index.js';
import type { Repair, RepairRequest } from '../repair/index.js';
import type { Snapshots } from '../snapshots/index.js';
import type { Usage } from '../usage/index.js';
import { Beside } from './beside.js';

export interface DiskOptions {
  /** The data root. */
  root: string;
  usage: Usage;
  content: Content;
  snapshots: Snapshots;
  images: Images;
  repair: Repair;
  containers: { onDisk(): Promise<DiskContainer[]>; runningName(id: string): string | undefined };
  bin: { contents(): Bin };
  volumes: {
    list(): Volume[];
    recall(name: string): Promise<{ bytes: number; at: number } | undefined>;
    holdersOf(name: string): string[];
  };
  backups: { usage(): { Count: number; Size: number } };
}

/** The label of volumes whose names were invented. */
const ANONYMOUS = 'com.docker.volume.anonymous';
/** What nobody asked for by name goes earlier when it is asked for than by itself. */
const ASKED_GRACE_MS = 10 * 60_000;
const EVERY_MS = 3600_000;

const log = createLog('disk');

/** Where every byte went, and what can be given back: from what is recorded, never by walking trees while somebody waits. */
export class Disk {
  readonly #options: DiskOptions;
  readonly #beside: Beside;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DiskOptions) {
    this.#options = options;
    this.#beside = new Beside(options);
  }

  /** What is nobody's any more is not remembered; what is written to is counted again now and then, whether or not somebody looks. */
  start(): void {
    void this.#tidy().catch((error: unknown) => log.warn(messageOf(error)));
    this.#timer = setInterval(() => void this.usage().catch((error: unknown) => log.debug(messageOf(error))), EVERY_MS);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async usage(): Promise<DiskUsage> {
    const { root, usage, content, snapshots, images, containers, volumes, backups } = this.#options;
    const bin = this.#options.bin.contents();
    const stock = images.stock();
    const blobSizes = new Map(stock.flatMap(blobsOf).map(({ digest, size }) => [digest, size]));
    const [room, used, mine, trash, database, beside] = await Promise.all([
      roomOn(root),
      content.usage(
        (digest) => images.needs(digest),
        (digest) => blobSizes.get(digest),
      ),
      containers.onDisk(),
      usage.recall(join(root, 'trash')),
      databaseSize(root),
      this.#beside.recall(),
    ]);
    const users = new Map<string, DiskUser>();
    for (const { Id, Name } of bin.Containers) users.set(Id, { Id, Name, Running: false, Binned: true });
    for (const { Id, Name, Running, Binned } of mine) users.set(Id, { Id, Name, Running, Binned });
    const usersOf = (ids: string[]) => ids.flatMap((id) => users.get(id) ?? []);
    const sizeOf = (chainId: string) => snapshots.get(chainId)?.size ?? 0;
    const layers = ownersOf(stock, ({ chain }) => chain);
    const volumesOnDisk = await Promise.all(
      volumes.list().map(async ({ Name, Labels }): Promise<DiskVolume> => ({
        ...counted(await volumes.recall(Name)),
        Name,
        Anonymous: ANONYMOUS in (Labels ?? {}),
        Containers: usersOf(volumes.holdersOf(Name)),
      })),
    );
    const blobs = ownersOf(stock, (image) => blobsOf(image).map(({ digest }) => digest));
    const compressed = new Map(
      stock.flatMap(({ chain, layers: own, packed }) =>
        chain.map((id, at) => [id, (own[at]?.size ?? 0) + (packed[at]?.size ?? 0)]),
      ),
    );
    const unused = freed(stock, layers, blobs, sizeOf, ({ holders }) => holders.length === 0);
    const dangling = freed(stock, layers, blobs, sizeOf, ({ holders, names }) => holders.length + names.length === 0);
    return {
      Disk: {
        ...{ Path: root, Size: room.size, Free: room.free, MinFree: room.keep },
        Inodes: room.inodes && { Total: room.inodes.total, Free: room.inodes.free },
      },
      Layers: snapshots.all().map(({ chainId, size }) => ({
        ...{ ChainId: chainId, Size: size, Compressed: compressed.get(chainId) ?? 0 },
        Images: [...(layers.get(chainId) ?? [])],
      })),
      Images: stock.map((image): DiskImage => {
        const sum = (ids: string[]) => ids.reduce((total, id) => total + sizeOf(id), 0);
        const own = image.chain.filter((id) => layers.get(id)?.size === 1);
        const ownBlobs = new Map(blobsOf(image).map(({ digest, size }) => [digest, size]));
        return {
          ...{ Id: image.id, Names: image.names, Created: image.created, Size: image.size },
          ...{ Shared: sum(image.chain) - sum(own), Unique: sum(own) },
          Compressed: [...ownBlobs].reduce(
            (total, [digest, size]) => total + (blobs.get(digest)?.size === 1 ? size : 0),
            0,
          ),
          Layers: image.chain,
          Containers: usersOf(image.holders),
          Children: image.children,
        };
      }),
      Containers: mine,
      Volumes: volumesOnDisk,
      Backups: backups.usage(),
      Bin: {
        ...{ Containers: bin.Containers.length, Volumes: bin.Volumes?.length ?? 0 },
        ...{ Size: bin.Size, Limit: bin.Limit },
      },
      Blobs: {
        ...{ Count: used.blobs, Size: used.bytes },
        Leftover: { Count: used.leftover.blobs, Size: used.leftover.bytes },
      },
      Copies: snapshots.copies(),
      Trash: counted(trash),
      Database: database,
      Beside: beside,
      Reclaimable: {
        ...{ Dangling: dangling, Images: unused },
        Containers: mine
          .filter(({ Running }) => !Running)
          .reduce((sum, { Files, Log }) => sum + (Files.Size ?? 0) + Log, 0),
        Volumes: volumesOnDisk
          .filter(({ Containers }) => Containers.length === 0)
          .reduce((sum, { Size }) => sum + (Size ?? 0), 0),
        Bin: bin.Size,
        Leftover: used.leftover.bytes,
      },
      Counting:
        usage.counting ||
        this.#beside.counting ||
        [...bin.Containers, ...(bin.Volumes ?? [])].some(({ Size }) => Size === null),
    };
  }

  /** Gives back at once what would go by itself in a day: leftovers of pulls that were cut off, and whatever is nobody's. */
  async collect(): Promise<Collected> {
    const { blobs, strays, bytes } = await this.#options.repair.sweep.run(ASKED_GRACE_MS);
    return { Blobs: blobs, Strays: strays, SpaceReclaimed: bytes };
  }

  async #tidy(): Promise<void> {
    const { root, usage, snapshots, volumes } = this.#options;
    const known = new Set([
      ...snapshots.active().map((id) => snapshots.mountsOf(id).upper),
      ...volumes.list().map(({ Mountpoint }) => Mountpoint),
      join(root, 'trash'),
    ]);
    await usage.forget(usage.paths().filter((path) => !known.has(path) && !this.#beside.owns(path)));
  }

  /** Looks at every blob and layer, and makes good what it can. */
  selfCheck(request: Pick<RepairRequest, 'report' | 'signal'>): Promise<SelfChecked> {
    const { repair, snapshots, containers } = this.#options;
    const usersOf = (chainId: string) =>
      snapshots.standingOn(chainId).flatMap((id) => containers.runningName(id) ?? []);
    return repair.run({ ...request, usersOf });
  }
}

const counted = (measured: { bytes: number; at: number } | undefined): Counted => ({
  Size: measured?.bytes ?? null,
  At: measured ? new Date(measured.at).toISOString() : null,
});

/** Layers as they came, and as they went. */
const blobsOf = ({ layers, packed }: StockedImage) => [...layers, ...packed.flatMap((each) => each ?? [])];

/** Part to the images that have it. */
function ownersOf(stock: StockedImage[], partsOf: (image: StockedImage) => string[]): Map<string, Set<string>> {
  const owners = new Map<string, Set<string>>();
  for (const image of stock) {
    for (const part of partsOf(image)) owners.set(part, (owners.get(part) ?? new Set()).add(image.id));
  }
  return owners;
}

/** Bytes that go when all images go that `goes` is true of: what others need stays, and what others were made from. */
function freed(
  stock: StockedImage[],
  layers: Map<string, Set<string>>,
  blobs: Map<string, Set<string>>,
  sizeOf: (chainId: string) => number,
  goes: (image: StockedImage) => boolean,
): number {
  const victims = new Set(stock.filter((image) => goes(image)).map(({ id }) => id));
  // A parent stays for its children's sake.
  for (let before = -1; before !== victims.size;) {
    before = victims.size;
    for (const { id, children } of stock) if (!children.every((child) => victims.has(child))) victims.delete(id);
  }
  const alone = (owners: Set<string> | undefined) => owners !== undefined && [...owners].every((id) => victims.has(id));
  const parts = new Map<string, number>();
  for (const image of stock) {
    if (!victims.has(image.id)) continue;
    for (const chainId of image.chain) if (alone(layers.get(chainId))) parts.set(chainId, sizeOf(chainId));
    for (const { digest, size } of blobsOf(image)) if (alone(blobs.get(digest))) parts.set(`blob ${digest}`, size);
  }
  return [...parts.values()].reduce((sum, size) => sum + size, 0);
}

async function databaseSize(root: string): Promise<number> {
  const files = ['slipway.db', 'slipway.db-wal', 'slipway.db-shm', 'slipway.db-spare'];
  const sizes = files.map((name) =>
    stat(join(root, name)).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
