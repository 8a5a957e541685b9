import '../../base/scopes.js';
import { conflict } from '../../base/errors.js';
import { shortId } from '../../base/ids.js';
import { Locks } from '../../base/locks.js';
import { momentOf } from '../../base/moments.js';
import type { Change, Store } from '../../base/store.js';
import type { Filters } from '../../contract/filters.js';
import type { ImageRemoved } from '../../contract/images.js';
import type { Content } from '../content/index.js';
import { familiar, parseReference, repositoryOf, withDefaultTag, type Reference } from '../registry/index.js';
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
}

/** How images go: by name, by ID, and all that nobody uses. */
export class Removal {
  readonly #store: Store;
  readonly #content: Content;
  readonly #snapshots: Snapshots;
  readonly #library: Library;
  readonly #announce: (action: string, image: ImageRecord) => void;
  readonly #locks = new Locks();

  constructor({ store, content, snapshots, library, announce }: RemovalOptions) {
    this.#store = store;
    this.#content = content;
    this.#snapshots = snapshots;
    this.#library = library;
    this.#announce = announce;
  }

  /** Untags and, when that was the last name, deletes; or deletes by ID. Docker's rules and words. */
  async remove(text: string, { force = false }: { force?: boolean; noprune?: boolean } = {}): Promise<ImageRemoved[]> {
    using _ = await this.#locks.take('remove');
    const image = this.#library.find(text);
    const removed: ImageRemoved[] = [];
    const untagged: Reference[] = [];
    let gone: { layers: SnapshotRecord[]; content: string[] } | undefined;
    await this.#store.commit((change) => {
      change.urgent();
      const untag = (reference: Reference) => {
        this.#library.unname(change, reference);
        untagged.push(reference);
        removed.push({ Untagged: familiar(reference) });
      };
      const byId = image.id.replace('sha256:', '').startsWith(text.replace('sha256:', ''));
      if (byId) {
        if (this.#library.hasSingleName(image.id)) {
          this.#library.checkDeletable(image, { force, ignoreReferences: true });
          this.#library.referencesOf(image.id).forEach(untag);
        }
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
        if (
          this.#library.holders(image.id).length > 0 &&
          !isDeletable(() => this.#library.checkDeletable(image, { force, ignoreReferences: true }))
        )
          return;
      }
      if (byId) this.#library.checkDeletable(image, { force, ignoreReferences: false });
      this.#library.referencesOf(image.id).forEach(untag);
      gone = this.#delete(change, image);
      removed.push({ Deleted: image.id });
      removed.push(...gone.layers.map(({ chainId }) => ({ Deleted: chainId })));
    });
    for (const _reference of untagged) this.#announce('untag', image);
    if (gone) {
      this.#announce('delete', image);
      await this.#clear(gone);
    }
    return removed;
  }

  /** Removes images that nobody uses: those without a name, or (`dangling` false) all of them. */
  async prune(filters: Filters = {}): Promise<{ ImagesDeleted: ImageRemoved[]; SpaceReclaimed: number }> {
    const danglingOnly = (filters['dangling'] ?? []).map(isDangling).every(Boolean);
    const until = filters['until']?.[0];
    const limit = until === undefined ? Infinity : momentOf(until);
    const { dangling: _d, until: _u, ...rest } = filters;
    const candidates = listed(this.#library, { ...rest, ...(danglingOnly && { dangling: ['true'] }) });
    const result = { ImagesDeleted: [] as ImageRemoved[], SpaceReclaimed: 0 };
    for (const { Id, Created } of candidates) {
      if (Created * 1000 > limit || this.#library.holders(Id).length > 0) continue;
      const before = this.#stored();
      result.ImagesDeleted.push(...(await this.remove(Id, { force: true })));
      result.SpaceReclaimed += before - this.#stored();
    }
    return result;
  }

  #forgetDigestsOf(id: string, { domain, path }: Reference, untag: (reference: Reference) => void): void {
    const same = this.#library.referencesOf(id).filter((reference) => repositoryOf(reference) === `${domain}/${path}`);
    if (same.every(({ digest }) => digest)) same.forEach(untag);
  }

  #delete(change: Change, image: ImageRecord): { layers: SnapshotRecord[]; content: string[] } {
    this.#library.drop(change, image);
    this.#snapshots.release(image.chainId, image.id);
    change.undo(() => this.#snapshots.hold(image.chainId, image.id));
    const used = new Set(this.#library.all().flatMap(contentOf));
    return {
      layers: this.#snapshots.collect(change),
      content: contentOf(image).filter((digest) => !used.has(digest)),
    };
  }

  /** Records first, then the data: a crash in between leaves directories without a record, which the next start clears. */
  async #clear({ layers, content }: { layers: SnapshotRecord[]; content: string[] }): Promise<void> {
    await this.#content.remove(content);
    await this.#snapshots.dropAll(layers);
  }

  #stored(): number {
    const chains = new Set(this.#library.all().flatMap(({ chain }) => chain));
    return [...chains].reduce((sum, chainId) => sum + (this.#snapshots.get(chainId)?.size ?? 0), 0);
  }
}

function isDeletable(check: () => void): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}
