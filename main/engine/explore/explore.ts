import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError, invalid, notFound } from '../../base/errors.js';
import { newId } from '../../base/ids.js';
import type {
  Compared,
  Comparison,
  DifferenceListing,
  LayerFileStat,
  LayerFinds,
  LayerListing,
  LayerStack,
} from '../../contract/layers.js';
import type { Containers } from '../containers/index.js';
import type { Helper, LayerDirectory, SeenComparison, SeenLayer } from '../helper/index.js';
import type { Images } from '../images/index.js';
import type { Snapshots } from '../snapshots/index.js';
import { differenceOf, entryOf, findOf, statOf, sumsOf } from './describe.js';
import { compareInsights, insightsOf } from './insights.js';
import { pairsOf } from './pairs.js';
import { containerStack, imageStack, stepsOf, upTo, type Stack } from './stacks.js';

export interface ExploreOptions {
  /** The data root. */
  root: string;
  helper: Pick<
    Helper,
    'layerIndex' | 'layerSums' | 'layerList' | 'layerRead' | 'layerSearch' | 'layerCompare' | 'layerDifferences'
  >;
  snapshots: Pick<Snapshots, 'get' | 'lowers' | 'mountsOf'>;
  images: Pick<Images, 'resolve'>;
  containers: Pick<Containers, 'resolve' | 'glance'>;
}

export interface ListRequest {
  path: string;
  layer?: number | undefined;
  limit?: number | undefined;
  after?: string | undefined;
  /** Only what that layer changes. */
  changed?: boolean;
  /** No caches, logs and package lists. */
  quiet?: boolean;
}

type Bytes = AsyncIterable<Uint8Array>;

const PAGE = 1000;
const LARGEST_PAGE = 10_000;
const MOST_FOUND = 5000;
/** Comparisons that are kept on disk: at least as long as somebody looks at one. */
const KEPT = 8;
/** Stacks whose sums are remembered. */
const REMEMBERED = 64;

interface Kept {
  file: string;
  seen: Promise<SeenComparison>;
}

/** Images and containers layer by layer, and how they differ. Nothing is mounted, and nothing of them is run. */
export class Explore {
  readonly #options: ExploreOptions;
  readonly #directory: string;
  readonly #sums = new Map<string, Promise<SeenLayer[]>>();
  readonly #compared = new Map<string, Kept>();
  /** Paths of layers that have been read. */
  readonly #indexed = new Set<string>();

  static async open(options: ExploreOptions): Promise<Explore> {
    const explore = new Explore(options);
    // Of an engine before.
    await rm(explore.#directory, { recursive: true, force: true });
    await mkdir(explore.#directory, { mode: 0o700 });
    return explore;
  }

  private constructor(options: ExploreOptions) {
    this.#options = options;
    this.#directory = join(options.root, 'compared');
  }

  /** All layers of an image or a container, with what each does. */
  stack(what: Compared): Promise<LayerStack> {
    return this.#with(what, (stack) => this.#describe(stack));
  }

  /** One page of a directory as it is at a layer. */
  list(what: Compared, request: ListRequest): Promise<LayerListing> {
    const { path, layer, limit = PAGE, after, changed = false, quiet = false } = request;
    checkPage(limit);
    return this.#with(what, async (stack) => {
      const layers = upTo(stack, layer);
      const page = { path: checkedPath(path), limit, after: after ?? null, changed, quiet };
      const { entries, more } = await this.#options.helper.layerList({ layers, ...page });
      return { Entries: entries.map(entryOf), ...(more !== undefined && { More: more }) };
    });
  }

  /** A file's bytes as they are at a layer, from `offset` on, at most `length` of them. No link is followed. */
  async read(
    what: Compared,
    request: { path: string; layer?: number | undefined; offset?: number | undefined; length?: number | undefined },
    signal: AbortSignal,
  ): Promise<{ stat: LayerFileStat; bytes: Bytes }> {
    const { path, layer, offset = 0, length } = request;
    if (offset < 0 || (length ?? 0) < 0) throw invalid('bad parameter: offset and length cannot be negative');
    const wanted = { path: checkedPath(path), offset, ...(length !== undefined && { length }) };
    return this.#with(what, async (stack) => {
      const layers = upTo(stack, layer);
      const { stat, bytes } = await this.#options.helper.layerRead({ layers, ...wanted }, signal);
      return { stat: statOf(stat), bytes };
    });
  }

  /** Every name in every layer that has the text in it. */
  search(what: Compared, text: string, limit = 500): Promise<LayerFinds> {
    if (limit < 1 || limit > MOST_FOUND) throw invalid(`bad parameter: limit must be from 1 to ${MOST_FOUND}`);
    if (text === '' || text.includes('\0')) throw invalid('bad parameter: text cannot be empty or hold a NUL');
    return this.#with(what, async (stack) => {
      const { found, more = false } = await this.#options.helper.layerSearch({
        layers: upTo(stack, undefined),
        text,
        limit,
      });
      return { Found: found.map(findOf), More: more };
    });
  }

  /** How two differ, each up to its layer. */
  compare(before: Compared, after: Compared): Promise<Comparison> {
    return this.#with(before, (one) =>
      this.#with(after, async (other) => {
        const kept = this.#comparison([one, before.layer], [other, after.layer], { fresh: true });
        const [Before, After, seen] = await Promise.all([this.#describe(one), this.#describe(other), kept.seen]);
        const known = new Set(one.layers.flatMap(({ record }) => record?.chainId ?? []));
        const missing = other.layers.filter(({ record }) => record && !known.has(record.chainId)); // a container's own is not pulled
        return {
          ...{
            Before,
            After,
            BeforeLayer: before.layer ?? one.layers.length,
            AfterLayer: after.layer ?? other.layers.length,
          },
          Pairs: pairsOf(Before.Steps, After.Steps),
          All: sumsOf(seen.all),
          Quiet: sumsOf(seen.quiet),
          Download: { Bytes: missing.reduce((sum, { download }) => sum + download, 0), Layers: missing.length },
          Insights: compareInsights(seen, After, known),
          Unsure: seen.unsure,
        };
      }),
    );
  }

  /** One page of a directory of what differs. */
  differences(
    before: Compared,
    after: Compared,
    { path, limit = PAGE, after: cursor, quiet = false }: Omit<ListRequest, 'layer' | 'changed'>,
  ): Promise<DifferenceListing> {
    checkPage(limit);
    const page = { path: checkedPath(path), limit, after: cursor ?? null, quiet };
    return this.#with(before, (one) =>
      this.#with(after, async (other) => {
        const kept = this.#comparison([one, before.layer], [other, after.layer], { fresh: false });
        await kept.seen;
        const { entries, more } = await this.#options.helper.layerDifferences({ from: kept.file, ...page });
        return { Entries: entries.map(differenceOf), ...(more !== undefined && { More: more }) };
      }),
    );
  }

  async #describe(stack: Stack): Promise<LayerStack> {
    const seen = await this.#sumsOf(stack);
    const Steps = stepsOf(stack, seen);
    const layers = Steps.flatMap(({ Layer }) => Layer ?? []);
    return {
      ...{ Id: stack.imageId, Name: stack.name, Steps },
      Size: layers.reduce((sum, { Size }) => sum + Size, 0),
      Wasted: layers.reduce((sum, { Wasted }) => sum + Wasted, 0),
      Insights: insightsOf(
        seen.map((each, index) => ({ writable: stack.layers[index]?.directory.own === true, seen: each })),
      ),
    };
  }

  #sumsOf(stack: Stack): Promise<SeenLayer[]> {
    const read = async () => {
      const layers = upTo(stack, undefined);
      await this.#index(layers);
      return this.#options.helper.layerSums(layers);
    };
    return stack.key === undefined ? read() : remembered(this.#sums, stack.key, REMEMBERED, read);
  }

  /** Two at once: each walk keeps one core busy. */
  async #index(layers: LayerDirectory[]): Promise<void> {
    const missing = layers.filter(({ path, own }) => !own && !this.#indexed.has(path));
    if (missing.length < 2) return;
    const halves = [missing.filter((_, index) => index % 2 === 0), missing.filter((_, index) => index % 2 === 1)];
    await Promise.all(halves.map((half) => this.#options.helper.layerIndex(half)));
    for (const { path } of missing) this.#indexed.add(path);
  }

  /** `fresh`: of a container it is made anew, for it may have changed. */
  #comparison(
    before: [Stack, number | undefined],
    after: [Stack, number | undefined],
    { fresh }: { fresh: boolean },
  ): Kept {
    const sides = [before, after].map(([stack, layer]) => ({ stack, layers: upTo(stack, layer) }));
    const key = sides.map(({ layers }) => layers.map(({ path }) => path).join(':')).join(' ');
    const live = sides.some(({ layers }) => layers.some(({ own }) => own));
    const known = this.#compared.get(key);
    if (known && !(fresh && live)) {
      this.#compared.delete(key);
      this.#compared.set(key, known);
      return known;
    }
    const [one = [], other = []] = sides.map(({ layers }) => layers);
    const file = join(this.#directory, newId().slice(0, 16));
    const seen = this.#index([...one, ...other]).then(() =>
      this.#options.helper.layerCompare({ before: one, after: other, into: file }),
    );
    const kept = { file, seen };
    if (known) this.#forget(key, known);
    this.#compared.set(key, kept);
    seen.catch(() => this.#compared.get(key) === kept && this.#forget(key, kept));
    for (const [oldest, entry] of this.#compared) {
      if (this.#compared.size <= KEPT) break;
      this.#forget(oldest, entry);
    }
    return kept;
  }

  #forget(key: string, kept: Kept): void {
    this.#compared.delete(key);
    void kept.seen.catch(() => undefined).then(() => rm(kept.file, { force: true }));
  }

  /** Nothing is held meanwhile: whoever removes it, or starts it, need not wait for who looks. */
  #find({ kind, name }: Compared): Stack {
    const { snapshots, images, containers } = this.#options;
    if (kind === 'image') return imageStack(snapshots, images.resolve(name), name);
    const id = containers.resolve(name);
    const glance = containers.glance(id);
    if (!glance) throw notFound(`No such container: ${name}`);
    return containerStack(snapshots, glance, snapshots.mountsOf(id), this.#imageOf(glance.image.id));
  }

  /** Undefined where it was removed by force; its layers are here as long as the container is. */
  #imageOf(id: string) {
    try {
      return this.#options.images.resolve(id);
    } catch {
      return undefined;
    }
  }

  async #with<Result>(what: Compared, work: (stack: Stack) => Promise<Result>): Promise<Result> {
    const stack = this.#find(what);
    try {
      return await work(stack);
    } catch (error) {
      // Removed in the middle of it: then that is what is to be said.
      if (error instanceof EngineError && error.kind === 'not-found') this.#find(what);
      throw error;
    }
  }
}

function checkPage(limit: number): void {
  if (limit < 1 || limit > LARGEST_PAGE) throw invalid(`bad parameter: limit must be from 1 to ${LARGEST_PAGE}`);
}

function checkedPath(path: string): string {
  if (!path.startsWith('/') || path.includes('\0')) throw invalid('bad parameter: path must be absolute');
  return path;
}

/** Made once for each key; a failure is not remembered. */
function remembered<Value>(
  values: Map<string, Promise<Value>>,
  key: string,
  most: number,
  make: () => Promise<Value>,
): Promise<Value> {
  const known = values.get(key);
  if (known) return known;
  const value = make();
  values.set(key, value);
  value.catch(() => values.delete(key));
  for (const oldest of values.keys()) {
    if (values.size <= most) break;
    values.delete(oldest);
  }
  return value;
}
