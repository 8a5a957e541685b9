import { EngineError } from '../../base/errors.js';
import type { ContainerInspect, ContainerSummary, Health } from '../../contract/containers.js';
import type { Filters } from '../../contract/filters.js';
import type { Container } from './container.js';
import { inspect, portsOf, summarize, type Sizes } from './describe.js';
import { containerFilter } from './filters.js';
import { readHealth } from './health.js';
import type { Ledger } from './ledger.js';
import type { ContainersOptions } from './rooms.js';

export interface ListRequest {
  all?: boolean | undefined;
  limit?: number | undefined;
  size?: boolean | undefined;
  filters?: Filters | undefined;
}

/** Containers as they are shown: lists, details, sizes, counts. */
export class Survey {
  readonly #options: Pick<ContainersOptions, 'images' | 'snapshots' | 'helper'>;
  readonly #ledger: Ledger;

  constructor(options: Pick<ContainersOptions, 'images' | 'snapshots' | 'helper'>, ledger: Ledger) {
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
      networkIdOf: (container) => this.#ledger.endpointOf(container).NetworkID,
      portsOf,
    });
    // A filter on the state says itself which states are wanted; so does a limit.
    const every = all || limit > 0 || 'status' in filters;
    const found = this.#ledger
      .all()
      .filter((container) => (every || container.running) && test(container))
      .sort((a, b) => (a.record.created < b.record.created ? 1 : -1))
      .slice(0, limit > 0 ? limit : undefined);
    return Promise.all(
      found.map(async (container) =>
        summarize(container, this.#ledger.endpointOf(container), size ? await this.sizesOf(container) : undefined),
      ),
    );
  }

  async inspect(container: Container, size: boolean): Promise<ContainerInspect> {
    const overlay = await this.#options.snapshots.mountsOf(container.id);
    const health = await this.#healthOf(container);
    return inspect(container, {
      endpoint: this.#ledger.endpointOf(container),
      paths: this.#ledger.pathsOf(container.id),
      ...(overlay && { overlay }),
      ...(health && { health }),
      ...(size && { sizes: await this.sizesOf(container) }),
    });
  }

  async sizesOf(container: Container): Promise<Sizes> {
    const { snapshots, helper } = this.#options;
    const { upper, lower, driver } = await snapshots.mountsOf(container.id);
    const [own, ...layers] = await Promise.all([upper, ...lower].map((path) => helper.usage(path)));
    const image = layers.reduce((sum, { bytes }) => sum + bytes, 0);
    const SizeRw = Math.max(0, (own?.bytes ?? 0) - (driver === 'vfs' ? image : 0));
    return { SizeRw, SizeRootFs: image + SizeRw };
  }

  /** Of what runs the monitor knows more than it has told us: every probe, not only what they changed. */
  async #healthOf({ id, live, record }: Container): Promise<Health | undefined> {
    if (!live || !record.health) return record.health;
    return (await readHealth(this.#ledger.pathsOf(id).stateDir)) ?? record.health;
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
