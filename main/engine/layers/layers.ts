import '../../base/scopes.js';
import { invalid } from '../../base/errors.js';
import { Flights } from '../../base/flights.js';
import { newId, shortId } from '../../base/ids.js';
import { Slots } from '../../base/slots.js';
import type { Change } from '../../base/store.js';
import type { Content } from '../content/index.js';
import type { SnapshotDraft, SnapshotRecord, Snapshots } from '../snapshots/index.js';

export interface LayersHelper {
  unpack(
    request: { blob: string; target: string; sync: false },
    options: { onProgress?: (progress: { bytes: number }) => void; signal?: AbortSignal },
  ): Promise<{ diffId: string; size: number; entries: number; implied: string[] }>;
  adopt(request: { target: string; lower: string[]; directories: string[] }): Promise<void>;
  sync(): Promise<void>;
}

export interface LayerRequest {
  chainId: string;
  /** The chain ID below; null at the bottom. */
  parent: string | null;
  diffId: string;
  /** The layer's blob, in the content store by now. */
  blob: string;
  /** Settled once the layer below is unpacked. */
  below: Promise<unknown>;
}

interface Draft {
  draft: SnapshotDraft;
  record: SnapshotRecord;
}

/** More at once only makes them wait for each other's core. */
const AT_ONCE = 2;

/** Paths in one request to the helper. */
const BATCH = 10_000;

/** Tar to snapshot: unpacks each layer once, whoever wants it, and makes it visible when its first image is complete. */
export class Layers {
  readonly #content: Content;
  readonly #snapshots: Snapshots;
  readonly #helper: LayersHelper;
  readonly #flights = new Flights<void, { bytes: number }>();
  readonly #slots = new Slots(AT_ONCE);
  /** Unpacked, not committed yet. */
  readonly #drafts = new Map<string, Draft>();
  readonly #wanted = new Map<string, number>();

  constructor({ content, snapshots, helper }: { content: Content; snapshots: Snapshots; helper: LayersHelper }) {
    this.#content = content;
    this.#snapshots = snapshots;
    this.#helper = helper;
  }

  /** Somebody who puts an image together. What was unpacked for it and not committed goes when the last such lease ends. */
  lease(): LayerLease {
    const holder = `lease ${newId().slice(0, 16)}`;
    const mine = new Set<string>();
    const want = (chainId: string) => {
      if (mine.has(chainId)) return;
      mine.add(chainId);
      this.#snapshots.hold(chainId, holder);
      this.#wanted.set(chainId, (this.#wanted.get(chainId) ?? 0) + 1);
    };
    return {
      has: (chainId) => {
        want(chainId);
        return this.#snapshots.get(chainId) !== undefined;
      },
      obtain: async (request, options = {}) => {
        want(request.chainId);
        if (this.#snapshots.get(request.chainId) || this.#drafts.has(request.chainId)) return;
        await this.#flights.join(request.chainId, (signal, report) => this.#unpack(request, signal, report), {
          signal: options.signal,
          onReport: options.onProgress,
        });
      },
      sync: async () => {
        const drafts = [...mine].flatMap((chainId) => this.#drafts.get(chainId)?.draft ?? []);
        if (drafts.length === 0) return;
        await this.#helper.sync();
        await this.#snapshots.syncNames(drafts);
      },
      commit: (change) => {
        for (const chainId of mine) {
          const draft = this.#drafts.get(chainId);
          if (draft) this.#snapshots.commit(change, draft.record);
        }
      },
      [Symbol.asyncDispose]: async () => {
        for (const chainId of mine) {
          this.#snapshots.release(chainId, holder);
          const left = (this.#wanted.get(chainId) ?? 1) - 1;
          if (left > 0) {
            this.#wanted.set(chainId, left);
            continue;
          }
          this.#wanted.delete(chainId);
          await this.#forget(chainId);
        }
        mine.clear();
      },
    };
  }

  async #forget(chainId: string): Promise<void> {
    const draft = this.#drafts.get(chainId);
    this.#drafts.delete(chainId);
    const committed = this.#snapshots.get(chainId);
    if (draft && committed?.number !== draft.draft.number) await this.#snapshots.drop(draft.draft);
  }

  async #unpack(
    request: LayerRequest,
    signal: AbortSignal,
    report: (progress: { bytes: number }) => void,
  ): Promise<void> {
    const { chainId, parent, diffId } = request;
    const draft = await this.#snapshots.draft();
    try {
      const unpacked = await this.#unpackInto(draft.path, request.blob, signal, report);
      if (unpacked.diffId !== diffId) {
        throw invalid(
          `layer ${shortId(request.blob)} does not match the image's configuration and was refused: expected ${diffId}, got ${unpacked.diffId}`,
        );
      }
      // Directories that the tar only implies look as they do in the layers below, so those have to be there first.
      if (unpacked.implied.length > 0 && parent !== null) {
        await request.below;
        signal.throwIfAborted();
        const lower = this.#lowers(parent);
        for (let at = 0; at < unpacked.implied.length; at += BATCH) {
          const directories = unpacked.implied.slice(at, at + BATCH);
          await this.#helper.adopt({ target: draft.path, lower, directories });
        }
      }
      signal.throwIfAborted();
      const record = { chainId, parent, diffId, number: draft.number, size: unpacked.size };
      // Whoever waited may have left in the very last moment.
      if (!this.#wanted.has(chainId)) throw invalid('nobody waits for this layer any more');
      this.#drafts.set(chainId, { draft, record });
    } catch (error) {
      await this.#snapshots.drop(draft);
      throw error;
    }
  }

  async #unpackInto(
    target: string,
    blob: string,
    signal: AbortSignal,
    onProgress: (progress: { bytes: number }) => void,
  ) {
    using _ = await this.#slots.take(signal);
    return await this.#helper.unpack({ blob: this.#content.path(blob), target, sync: false }, { onProgress, signal });
  }

  /** The directories of a stack whose upper part may not be committed yet. */
  #lowers(chainId: string): string[] {
    const paths: string[] = [];
    for (let id: string | null = chainId; id;) {
      const draft: Draft | undefined = this.#drafts.get(id);
      if (!draft) return [...paths, ...this.#snapshots.lowers(id)];
      paths.push(draft.draft.path);
      id = draft.record.parent;
    }
    return paths;
  }
}

export interface LayerLease extends AsyncDisposable {
  /** Whether a stack is there already; from here on it stays. */
  has(chainId: string): boolean;
  obtain(
    request: LayerRequest,
    options?: { onProgress?: (progress: { bytes: number }) => void; signal?: AbortSignal | undefined },
  ): Promise<void>;
  /** Everything unpacked for this lease reaches the disk: once per image, not once per file. */
  sync(): Promise<void>;
  /** Makes the layers visible, in the caller's transaction. */
  commit(change: Change): void;
}
