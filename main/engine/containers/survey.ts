import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { EngineError, notFound } from '../../base/errors.js';
import type { ContainerInspect, ContainerSummary, Health } from '../../contract/containers.js';
import type { DiskContainer } from '../../contract/disk.js';
import type { Filters } from '../../contract/filters.js';
import type { Container } from './container.js';
import { inspect, portsOf, summarize, type Sizes } from './describe.js';
import { containerFilter } from './filters.js';
import { readHealth } from './health.js';
import type { Ledger } from './ledger.js';
import type { ContainerPaths } from './paths.js';
import type { ContainersOptions } from './rooms.js';

export interface ListRequest {
  all?: boolean | undefined;
  limit?: number | undefined;
  /** `known`: as it was counted last, for who asks about everything at once. */
  size?: boolean | 'known' | undefined;
  filters?: Filters | undefined;
}

/** Containers as they are shown: lists, details, sizes, counts. */
export class Survey {
  readonly #options: Pick<ContainersOptions, 'images' | 'snapshots' | 'usage'>;
  readonly #ledger: Ledger;

  constructor(options: Pick<ContainersOptions, 'images' | 'snapshots' | 'usage'>, ledger: Ledger) {
    this.#options = options;
    this.#ledger = ledger;
  }

  counts(): { running: number; paused: number; stopped: number } {
    const statuses = this.#ledger.all().map(({ status }) => status);
    const of = (...wanted: string[]): number => statuses.filter((status) => wanted.includes(status)).length;
    const running = of('running', 'restarting');
    const paused = of('paused');
    return { running, paused, stopped: statuses.length - running - paused };
  }

  async list({ all = false, limit = 0, size = false, filters = {} }: ListRequest): Promise<ContainerSummary[]> {
    const test = containerFilter(filters, {
      find: (reference) => this.#ledger.find(reference),
      imagesOf: (reference) => this.#imagesOf(reference),
      networksOf: (container) => this.#ledger.endpointsOf(container),
      portsOf: (container) => portsOf(container, this.#ledger.portsOf(container)),
    });
    // A filter on the state says itself which states are wanted; so does a limit.
    const every = all || limit > 0 || 'status' in filters;
    const found = this.#ledger
      .all()
      .filter((container) => (every || container.running) && test(container))
      .sort((a, b) => (a.record.created < b.record.created ? 1 : -1))
      .slice(0, limit > 0 ? limit : undefined);
    const imageOf = this.#nameImages();
    const shown = found.map((container) =>
      unlessGone(container, async () =>
        summarize(container, {
          endpoints: this.#ledger.endpointsOf(container),
          published: this.#ledger.portsOf(container),
          image: imageOf(container),
          sizes: size ? await this.sizesOf(container, { known: size === 'known' }) : undefined,
        }),
      ),
    );
    return (await Promise.all(shown)).flatMap((one) => one ?? []);
  }

  async inspect(reference: string, size: boolean): Promise<ContainerInspect> {
    const container = this.#ledger.find(reference);
    const shown = await unlessGone(container, async () => {
      const overlay = await this.#options.snapshots.mountsOf(container.id);
      const health = await this.#healthOf(container);
      return inspect(container, {
        endpoints: this.#ledger.endpointsOf(container),
        published: this.#ledger.portsOf(container),
        paths: this.#ledger.pathsOf(container.id),
        ...(overlay && { overlay }),
        ...(health && { health }),
        ...(size && { sizes: await this.sizesOf(container) }),
      });
    });
    if (!shown) throw notFound(`No such container: ${reference}`);
    return shown;
  }

  /** What a container has written, counted now or (`known`) last; the layers below are known since they were unpacked. */
  async sizesOf({ id }: Container, { known = false }: { known?: boolean } = {}): Promise<Sizes> {
    const { snapshots, usage } = this.#options;
    const { upper, driver } = await snapshots.mountsOf(id);
    const own = (known ? await usage.recall(upper) : await usage.measure(upper))?.bytes ?? 0;
    const below = snapshots.sizeBelow(id);
    // A copy of the image is in there too.
    const SizeRw = driver === 'vfs' ? Math.max(0, own - below) : own;
    return { SizeRw, SizeRootFs: SizeRw + below };
  }

  /** What each container takes on the disk, as it was counted last. */
  async onDisk(): Promise<DiskContainer[]> {
    const { snapshots, usage } = this.#options;
    const each = this.#ledger.all().map((container) =>
      unlessGone(container, async () => {
        const { id, record } = container;
        const { upper } = await snapshots.mountsOf(id);
        const files = await usage.recall(upper);
        return {
          ...{ Id: id, Name: record.name, Running: container.running, Binned: false, Image: record.image.reference },
          Files: { Size: files?.bytes ?? null, At: files ? new Date(files.at).toISOString() : null },
          Log: await logSize(this.#ledger.pathsOf(id)),
        };
      }),
    );
    return (await Promise.all(each)).flatMap((one) => one ?? []);
  }

  /** Of what runs the monitor knows more than it has told us: every probe, not only what they changed. */
  async #healthOf({ id, live, record }: Container): Promise<Health | undefined> {
    if (!live || !record.health) return record.health;
    return (await readHealth(this.#ledger.pathsOf(id).stateDir)) ?? record.health;
  }

  /** What lists call a container's image: as it was asked for, or by its ID once that name is gone or another image's. */
  #nameImages(): (container: Container) => string {
    const known = new Map<string, string | undefined>();
    return ({ record: { image } }) => {
      const { reference, id } = image;
      if (!known.has(reference)) known.set(reference, this.#imageNow(reference));
      return known.get(reference) === id ? reference : id;
    };
  }

  #imageNow(reference: string): string | undefined {
    try {
      return this.#options.images.resolve(reference).id;
    } catch (error) {
      if (error instanceof EngineError) return undefined; // there is none, or the beginning of an ID has become that of several
      throw error;
    }
  }

  #imagesOf(reference: string): ReadonlySet<string> {
    try {
      return new Set([this.#options.images.resolve(reference).id]);
    } catch (error) {
      if (error instanceof EngineError && error.kind === 'not-found') return new Set();
      throw error;
    }
  }
}

/** What is found of a container; of one that is just being removed the files go before itself: undefined. */
async function unlessGone<Found>(container: Container, look: () => Promise<Found>): Promise<Found | undefined> {
  try {
    return await look();
  } catch (error) {
    if (container.removal && error instanceof EngineError && error.kind === 'not-found') return undefined;
    throw error;
  }
}

/** With what was rotated. */
async function logSize({ directory, log }: ContainerPaths): Promise<number> {
  const names = await readdir(directory).catch(() => []);
  const sizes = names
    .filter((name) => name.startsWith(basename(log)))
    .map((name) =>
      stat(join(directory, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
