import '../../base/scopes.js';
import { setMaxListeners } from 'node:events';
import { EngineError, invalid } from '../../base/errors.js';
import { Flights } from '../../base/flights.js';
import { newId, shortId } from '../../base/ids.js';
import { NoRoom } from '../../base/room.js';
import { Slots } from '../../base/slots.js';
import type { Change } from '../../base/store.js';
import { type Arrival, type Content, StartsOver } from '../content/index.js';
import type { SnapshotDraft, SnapshotRecord, Snapshots } from '../snapshots/index.js';

export interface LayersHelper {
  /** `growth`: how much of the blob is there by now; it ends when that is all. */
  unpack(
    request: {
      blob: string;
      target: string;
      sync: false;
      growth?: AsyncIterable<number> | undefined;
      /** False: the answer has no diff ID. */
      digest?: boolean;
    },
    options: { onProgress?: (progress: { bytes: number }) => void; signal?: AbortSignal },
  ): Promise<{ diffId?: string; size: number; entries: number; implied: string[] }>;
  adopt(request: { target: string; lower: string[]; directories: string[] }): Promise<void>;
  sync(): Promise<void>;
}

export interface LayerRequest {
  chainId: string;
  /** The chain ID below; null at the bottom. */
  parent: string | null;
  diffId: string;
  /** The layer's blob: in the content store by now, or on its way there. */
  blob: string;
  /** Settled once the layer below is unpacked. */
  below: Promise<unknown>;
}

type Unpacked = Awaited<ReturnType<LayersHelper['unpack']>>;

/** A draft with a layer in it, of which nobody has said yet whose it is. */
interface Made {
  draft: SnapshotDraft;
  unpacked: Unpacked;
}

interface Early {
  readonly made: Promise<Made>;
  /** A tar as it is: the blob's digest is its diff ID. */
  readonly plain: boolean;
  taken: boolean;
  digest?: string;
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
  /** What was unpacked before anybody asked for it, by its blob. */
  readonly #early = new Map<string, Early>();
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
        const { chainId } = request;
        want(chainId);
        for (let ours = false; !ours && !this.#snapshots.get(chainId) && !this.#drafts.has(chainId);) {
          const unpack = (signal: AbortSignal, report: (progress: { bytes: number }) => void) => {
            ours = true;
            return this.#unpack(request, signal, report);
          };
          try {
            await this.#flights.join(chainId, unpack, { signal: options.signal, onReport: options.onProgress });
            return;
          } catch (error) {
            options.signal?.throwIfAborted();
            // What somebody else unpacked of another blob says nothing about ours.
            if (ours) throw error;
          }
        }
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

  /** For blobs of which nobody can say yet whose layers they are, nor whether they are any: what turns out to be one is there when it is asked for. */
  ahead(): LayersAhead {
    const control = new AbortController();
    setMaxListeners(0, control.signal); // each layer listens
    const mine: Early[] = [];
    // Of its own: whoever sends an archive slowly holds nobody else up.
    const slots = new Slots(AT_ONCE);
    return {
      begin: (arrival, { plain }) => {
        const early: Early = { made: this.#makeAhead(arrival, plain, slots, control.signal), plain, taken: false };
        early.made.catch(() => undefined);
        mine.push(early);
        return (digest) => {
          early.digest = digest;
          if (!this.#early.has(digest)) this.#early.set(digest, early);
        };
      },
      [Symbol.asyncDispose]: async () => {
        control.abort();
        for (const early of mine) {
          if (early.digest && this.#early.get(early.digest) === early) this.#early.delete(early.digest);
          const made = await early.made.catch(() => undefined);
          if (made && !early.taken) await this.#snapshots.drop(made.draft);
        }
      },
    };
  }

  async #makeAhead(arrival: Arrival, plain: boolean, slots: Slots, signal: AbortSignal): Promise<Made> {
    using _ = await slots.take(signal);
    const growth = arrival.growth();
    return await this.#inDraft('the archive', signal, (target, guarded) =>
      this.#helper.unpack({ blob: arrival.path, target, sync: false, growth, digest: !plain }, { signal: guarded }),
    );
  }

  /** What was unpacked ahead; undefined where nothing was, or where it failed: trying again says why. */
  async #madeAhead(blob: string): Promise<Made | undefined> {
    const early = this.#early.get(blob);
    if (!early) return undefined;
    this.#early.delete(blob);
    early.taken = true;
    const made = await early.made.catch(() => undefined);
    return made && early.plain ? { ...made, unpacked: { ...made.unpacked, diffId: blob } } : made;
  }

  /** How much a layer unfolds to only its end tells: what would fill the disk is given up before. */
  async #inDraft(
    what: string,
    signal: AbortSignal,
    unpack: (target: string, guarded: AbortSignal) => Promise<Unpacked>,
  ): Promise<Made> {
    const draft = await this.#snapshots.draft();
    using guard = this.#content.guardRoom(what, signal);
    try {
      return { draft, unpacked: await unpack(draft.path, guard.signal) };
    } catch (error) {
      await this.#snapshots.drop(draft);
      throw error;
    }
  }

  /** A layer that is there, unpacked once more beside it: to be compared with it, and to take its place. The caller drops it or makes it visible. */
  async again({ parent, diffId }: SnapshotRecord, blob: string, signal: AbortSignal): Promise<SnapshotDraft> {
    const { draft, unpacked } = await this.#make(blob, signal, () => undefined);
    try {
      if (unpacked.diffId !== diffId) throw invalid(`the blob ${shortId(blob)} is not the layer ${shortId(diffId)}`);
      await this.#adopt(draft.path, unpacked.implied, parent === null ? [] : this.#snapshots.lowers(parent));
      return draft;
    } catch (error) {
      await this.#snapshots.drop(draft);
      throw error;
    }
  }

  async #adopt(target: string, implied: string[], lower: string[]): Promise<void> {
    if (lower.length === 0) return;
    for (let at = 0; at < implied.length; at += BATCH)
      await this.#helper.adopt({ target, lower, directories: implied.slice(at, at + BATCH) });
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
    const { draft, unpacked } =
      (await this.#madeAhead(request.blob)) ?? (await this.#make(request.blob, signal, report));
    try {
      if (unpacked.diffId !== diffId) {
        throw invalid(
          `layer ${shortId(request.blob)} does not match the image's configuration and was refused: expected ${diffId}, got ${unpacked.diffId}`,
        );
      }
      // Directories that the tar only implies look as they do in the layers below, so those have to be there first.
      if (unpacked.implied.length > 0 && parent !== null) {
        await request.below;
        signal.throwIfAborted();
        await this.#adopt(draft.path, unpacked.implied, this.#lowers(parent));
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

  /** From the blob; or from its file while that is still coming in, at no cost to those that have theirs. */
  async #make(blob: string, signal: AbortSignal, onProgress: (progress: { bytes: number }) => void): Promise<Made> {
    const unpack = (file: string, arrival?: Arrival) =>
      this.#inDraft(`unpacking ${shortId(blob)}`, signal, (target, guarded) =>
        this.#helper.unpack(
          { blob: file, target, sync: false, ...(arrival && { growth: arrival.growth() }) },
          { onProgress, signal: guarded },
        ),
      );
    for (let arrival = this.#content.arriving(blob); arrival; arrival = this.#content.arriving(blob)) {
      try {
        return await unpack(arrival.path, arrival);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof StartsOver) continue;
        if (error instanceof NoRoom) throw error;
        // Why bytes make no sense their digest may say, or the next attempt to get them.
        const wasWhole = await arrived(arrival);
        if (wasWhole && !isPassing(error)) throw error;
      }
    }
    using _ = await this.#slots.take(signal);
    return await unpack(this.#content.path(blob));
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

/** Whether a blob came; false where it begins anew, and thrown why it does not come. */
async function arrived(arrival: Arrival): Promise<boolean> {
  try {
    for await (const _ of arrival.growth());
    return true;
  } catch (error) {
    if (error instanceof StartsOver) return false;
    throw error;
  }
}

/** The file had its new name already, or the helper was killed: what is there by now can be unpacked as usual. */
const isPassing = (error: unknown): boolean =>
  error instanceof EngineError && (error.kind === 'not-found' || error.kind === 'unavailable');

/** Until this ends, layers are unpacked ahead; then what nobody has asked for goes. */
export interface LayersAhead extends AsyncDisposable {
  /** Unpacks what is on its way, `plain` where it is not compressed; the answer is for its digest, once that is known. */
  begin(arrival: Arrival, about: { plain: boolean }): (digest: string) => void;
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
