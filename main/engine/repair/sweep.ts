import '../../base/scopes.js';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../base/errors.js';
import { createLog } from '../../base/log.js';
import type { Content } from '../content/index.js';
import type { Snapshots } from '../snapshots/index.js';

export interface SweepOptions {
  root: string;
  store: { readonly warnings: readonly string[] };
  helper: { discard(path: string): Promise<void> };
  content: Content;
  snapshots: Snapshots;
  images: { needs(digest: string): boolean };
}

export interface Swept {
  blobs: number;
  strays: string[];
  bytes: number;
}

const EVERY_MS = 6 * 3600 * 1000;
/** What an engine that was killed while it took the data root left of it. */
const LOCK_LEFTOVER = /^LOCK\.(?:[a-f0-9]{12}|turn)$/;
const LOCK_PATIENCE_MS = 60_000;

const log = createLog('sweep');

/**
 * Takes away what nothing accounts for: blobs of no image that no pull has come back for, downloads that were given up, directories of no layer.
 * At start and every few hours; what somebody works with at this moment is leased and stays.
 */
export class Sweep {
  readonly #options: SweepOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<Swept> | undefined;

  constructor(options: SweepOptions) {
    this.#options = options;
  }

  /** From here on it comes round by itself, the first time at once. */
  start(): void {
    const sweep = () => void this.run().catch((error: unknown) => log.warn(messageOf(error)));
    this.#timer = setInterval(sweep, EVERY_MS);
    this.#timer.unref();
    sweep();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** `graceMs`: how old what is nobody's must be. Of two at once the second has what the first comes to. */
  run(graceMs?: number): Promise<Swept> {
    return (this.#running ??= this.#run(graceMs).finally(() => (this.#running = undefined)));
  }

  /** Directories and files below the data root that are nobody's. */
  async strays(): Promise<string[]> {
    const { root, store, snapshots } = this.#options;
    // A database that was set aside knows nothing of what is still good.
    if (store.warnings.length > 0) return [];
    const strays = await snapshots.strays();
    for (const name of await readdir(root)) {
      if (!LOCK_LEFTOVER.test(name)) continue;
      const found = await stat(join(root, name)).catch(() => undefined);
      if (found && Date.now() - found.mtimeMs > LOCK_PATIENCE_MS) strays.push(name);
    }
    return strays;
  }

  async discard(stray: string): Promise<void> {
    const { root, helper } = this.#options;
    if (LOCK_LEFTOVER.test(stray)) await rm(join(root, stray), { force: true });
    else await helper.discard(join(root, stray));
  }

  async #run(graceMs: number | undefined): Promise<Swept> {
    const { store, content, images } = this.#options;
    if (store.warnings.length > 0) return { blobs: 0, strays: [], bytes: 0 };
    const { blobs, bytes } = await content.collect((digest) => images.needs(digest), graceMs);
    const strays = await this.strays();
    for (const stray of strays) {
      log.info(`${stray} belongs to nothing: it goes to the trash`);
      await this.discard(stray);
    }
    return { blobs, strays, bytes };
  }
}
