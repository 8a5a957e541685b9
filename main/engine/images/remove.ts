import '../../base/scopes.js';
import { conflict, messageOf } from '../../base/errors.js';
import { shortId } from '../../base/ids.js';
import { Locks } from '../../base/locks.js';
import { createLog } from '../../base/log.js';
import { momentOf } from '../../base/moments.js';
import type { Change, Store } from '../../base/store.js';
import type { Filters } from '../../contract/filters.js';
import type { ImageRemoved, ImagesPruned } from '../../contract/images.js';
import type { Content } from '../content/index.js';
import {
  canonical,
  familiar,
  parseReference,
  repositoryOf,
  withDefaultTag,
  type Reference,
} from '../registry/index.js';
import type { SnapshotRecord, Snapshots } from '../snapshots/index.js';
import type { Library } from './library.js';
import { isDangling, listed } from './list.js';
import { contentOf, type ImageRecord } from './record.js';

export interface RemovalOptions {
  store: Store;
  content: Content;
  snapshots: Snapshots;
  library: Library;
  announce: (action: string, image: ImageRecord) => void;
  announcePrune: (reclaimed: number) => void;
}

export interface RemoveOptions {
  force?: boolean;
  noprune?: boolean;
}

/** An image that is in no record any more, and the layers that went with it. */
interface Gone {
  image: ImageRecord;
  layers: SnapshotRecord[];
}

const log = createLog('images');

/** How images go: by name, by ID, and all that nobody uses. */
export class Removal {
  readonly #store: Store;
  readonly #content: Content;
  readonly #snapshots: Snapshots;
  readonly #library: Library;
  readonly #announce: (action: string, image: ImageRecord) => void;
  readonly #announcePrune: (reclaimed: number) => void;
  readonly #locks = new Locks();
  readonly #background = new Set<Promise<void>>();

  constructor({ store, content, snapshots, library, announce, announcePrune }: RemovalOptions) {
    this.#store = store;
    this.#content = content;
    this.#snapshots = snapshots;
    this.#library = library;
    this.#announce = announce;
    this.#announcePrune = announcePrune;
  }

  /**
   * Untags and, when that was the last name, deletes; or deletes by ID. Docker's rules and words. Unless `noprune`, what it was made from goes along
   * where nothing else has it. Records go before the answer, the data behind it: a crash in between leaves what the sweep finds.
   */
  async remove(text: string, options: RemoveOptions = {}): Promise<ImageRemoved[]> {
    using _ = await this.#locks.take('remove');
    return await this.#remove(text, options);
  }

  async #remove(text: string, { force = false, noprune = false }: RemoveOptions): Promise<ImageRemoved[]> {
    const image = this.#library.find(text);
    const removed: ImageRemoved[] = [];
    const untagged: Reference[] = [];
    const gone: Gone[] = [];
    await this.#store.commit((change) => {
      change.urgent();
      const untag = (reference: Reference) => {
        this.#library.unname(change, reference);
        untagged.push(reference);
        removed.push({ Untagged: familiar(reference) });
      };
      const remove = (victim: ImageRecord) => {
        this.#library.referencesOf(victim.id).forEach(untag);
        const left = this.#delete(change, victim);
        gone.push(left);
        removed.push({ Deleted: victim.id }, ...left.layers.map(({ chainId }) => ({ Deleted: chainId })));
      };
      const byId = image.id.replace('sha256:', '').startsWith(text.replace('sha256:', ''));
      if (byId) {
        if (this.#library.hasSingleName(image.id)) {
          this.#library.checkDeletable(image, { force, ignoreReferences: true });
          this.#library.referencesOf(image.id).forEach(untag);
        }
        this.#library.checkDeletable(image, { force, ignoreReferences: false });
      } else {
        const holder = this.#library.holders(image.id)[0];
        if (!force && holder && this.#library.hasSingleName(image.id)) {
          throw conflict(
            `conflict: unable to remove repository reference "${text}" (must force) - ${this.#library.inWords(holder)} is using its referenced image ${shortId(image.id)}`,
          );
        }
        const reference = withDefaultTag(parseReference(text));
        const { tag: _tag, ...withoutTag } = reference;
        untag(reference.digest ? withoutTag : reference);
        if (!reference.digest) this.#forgetDigestsOf(image.id, reference, untag);
        if (this.#library.referencesOf(image.id).length > 0) return;
        // A name was asked to go and went; that the image stays in use is then no failure.
        if (!this.#isDeletable(image, force)) return;
      }
      remove(image);
      for (let above = image; !noprune && above.parent !== undefined;) {
        const parent = this.#library.get(above.parent);
        if (!parent || !this.#isDeletable(parent, false)) return;
        remove(parent);
        above = parent;
      }
    });
    for (const _reference of untagged) this.#announce('untag', image);
    for (const { image: victim } of gone) this.#announce('delete', victim);
    this.#inBackground(gone);
    return removed;
  }

  /** Removes images that nobody uses: those without a name, or (`dangling` false) all of them. */
  async prune(filters: Filters = {}): Promise<ImagesPruned> {
    const danglingOnly = (filters['dangling'] ?? []).map(isDangling).every(Boolean);
    const until = filters['until']?.[0];
    const limit = until === undefined ? Infinity : momentOf(until);
    const { dangling: _d, until: _u, ...rest } = filters;
    const candidates = listed(this.#library, { ...rest, ...(danglingOnly && { dangling: ['true'] }) })
      .filter(({ Created }) => Created * 1000 <= limit)
      .map(({ Id }) => ({ Id, names: this.#namesOf(Id) }));
    const pruned: ImagesPruned = { ImagesDeleted: [], SpaceReclaimed: 0 };
    const before = this.stored();
    for (const { Id, names } of candidates) {
      using _ = await this.#locks.take('remove');
      // Since the list was made it may have been named, put to use or built upon, or have gone with what was made from it.
      if (!this.#library.get(Id) || this.#namesOf(Id) !== names) continue;
      if (this.#library.holders(Id).length > 0 || this.#library.hasChildren(Id)) continue;
      pruned.ImagesDeleted.push(...(await this.#remove(Id, { force: true })));
    }
    pruned.SpaceReclaimed = Math.max(0, before - this.stored());
    this.#announcePrune(pruned.SpaceReclaimed);
    return pruned;
  }

  /** Resolves once nothing is being deleted any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#background);
  }

  #namesOf(id: string): string {
    return this.#library.referencesOf(id).map(canonical).join(' ');
  }

  #forgetDigestsOf(id: string, { domain, path }: Reference, untag: (reference: Reference) => void): void {
    const same = this.#library.referencesOf(id).filter((reference) => repositoryOf(reference) === `${domain}/${path}`);
    if (same.every(({ digest }) => digest)) same.forEach(untag);
  }

  #delete(change: Change, image: ImageRecord): Gone {
    this.#library.drop(change, image);
    this.#snapshots.release(image.chainId, image.id);
    change.undo(() => this.#snapshots.hold(image.chainId, image.id));
    return { image, layers: this.#snapshots.collect(change) };
  }

  #isDeletable(image: ImageRecord, force: boolean): boolean {
    try {
      this.#library.checkDeletable(image, { force, ignoreReferences: false });
      return true;
    } catch {
      return false;
    }
  }

  #inBackground(gone: Gone[]): void {
    const done = (async () => {
      for (const { image, layers } of gone) {
        await this.#content.remove(contentOf(image), { unless: (digest) => this.#library.needs(digest) });
        await this.#snapshots.dropAll(layers);
      }
    })()
      .catch((error: unknown) => log.warn(`what a removed image left could not be deleted: ${messageOf(error)}`))
      .finally(() => this.#background.delete(done));
    this.#background.add(done);
  }

  /** Bytes of all layers, each counted once. */
  stored(): number {
    const chains = new Set(this.#library.all().flatMap(({ chain }) => chain));
    return [...chains].reduce((sum, chainId) => sum + (this.#snapshots.get(chainId)?.size ?? 0), 0);
  }
}
