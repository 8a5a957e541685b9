import '../../base/scopes.js';
import { join } from 'node:path';
import { messageOf } from '../../base/errors.js';
import { Flights } from '../../base/flights.js';
import { createLog } from '../../base/log.js';
import { Slots } from '../../base/slots.js';
import type { Change } from '../../base/store.js';

export interface UsageOptions {
  /** The data root. */
  root: string;
  store: {
    rows<Row>(table: string): Map<string, Row>;
    commit(build: (change: Change) => void): Promise<void>;
  };
  helper: { usage(path: string): Promise<{ bytes: number; entries: number; newest?: number }> };
}

/** What a directory held when it was counted last. */
export interface Measured {
  /** Of file content; a file with several names counts once. */
  bytes: number;
  entries: number;
  /** When anything in it was changed last, as it was then: Unix milliseconds. Absent: an older engine counted it. */
  newest?: number;
  /** Unix milliseconds. */
  at: number;
}

const TABLE = 'usage';
/** What was counted within this time is not counted again because somebody looks; what takes long to count, not within so many times that. */
const FRESH_MS = 10_000;
const REST = 20;
/** How long an answer waits for what was never counted, or was changed through us since. */
const PATIENCE_MS = 1000;
/** One at a time: nobody waits for it, and disks have other things to do. */
const AT_ONCE = 1;

const log = createLog('usage');

/**
 * How much directories of the data root hold. They are counted by the helper, off the way of whoever asks, and remembered, also for the next
 * engine: an answer has what was counted last, and when that was.
 */
export class Usage {
  static readonly tables = [TABLE];
  readonly #options: UsageOptions;
  /** By path below the data root. */
  readonly #measured: Map<string, Measured>;
  readonly #flights = new Flights<Measured>();
  readonly #slots = new Slots(AT_ONCE);
  /** How long counting took, in milliseconds. */
  readonly #took = new Map<string, number>();
  readonly #turns = new Map<string, Promise<Measured | undefined>>();
  /** Changed since it was counted, as far as we know. */
  readonly #outdated = new Set<string>();
  #closed = false;

  constructor(options: UsageOptions) {
    this.#options = options;
    this.#measured = options.store.rows<Measured>(TABLE);
  }

  /** What was counted last. */
  known(path: string): Measured | undefined {
    return this.#measured.get(this.#key(path));
  }

  /** Whether something is being counted behind an answer that went out already. */
  get counting(): boolean {
    return this.#turns.size > 0;
  }

  /** Counts now, once for everybody who wants it. */
  async measure(path: string): Promise<Measured> {
    const key = this.#key(path);
    return this.#flights.join(key, async () => {
      const began = Date.now();
      this.#outdated.delete(key);
      const { bytes, entries, newest } = await this.#options.helper.usage(path);
      const measured: Measured = { bytes, entries, at: Date.now(), ...(newest !== undefined && { newest }) };
      this.#took.set(key, measured.at - began);
      const before = this.#measured.get(key);
      this.#measured.set(key, measured);
      if ((['bytes', 'entries', 'newest'] as const).some((what) => before?.[what] !== measured[what]))
        await this.#commit((change) => change.put(TABLE, key, measured));
      return measured;
    });
  }

  /**
   * What was counted last, and has it counted again behind the answer; what never was, or is outdated and soon counted, is waited for so long (ms), and
   * after that is what it was before, or undefined.
   */
  async recall(path: string, patience = PATIENCE_MS): Promise<Measured | undefined> {
    const key = this.#key(path);
    const known = this.#measured.get(key);
    const took = this.#took.get(key) ?? 0;
    const outdated = this.#outdated.has(key);
    const quick = took <= PATIENCE_MS;
    const fresh = !outdated ? Math.max(FRESH_MS, REST * took) : quick ? 0 : took;
    if (known && Date.now() - known.at < fresh) return known;
    const counted = this.#behind(path);
    if (known && !(outdated && quick)) return known;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), patience)));
    return (await Promise.race([counted, late]).finally(() => clearTimeout(timer))) ?? this.#measured.get(key);
  }

  /** These were changed through us just now. */
  outdate(paths: Iterable<string>): void {
    for (const key of [...paths].map((path) => this.#key(path)))
      if (this.#measured.has(key) || this.#turns.has(key)) this.#outdated.add(key);
  }

  /** Nobody asks for it any more. */
  async forget(paths: Iterable<string>): Promise<void> {
    const keys = [...paths].map((path) => this.#key(path)).filter((key) => this.#measured.delete(key));
    for (const key of keys) {
      this.#took.delete(key);
      this.#outdated.delete(key);
    }
    if (keys.length === 0) return;
    await this.#commit((change) => {
      for (const key of keys) change.remove(TABLE, key);
    });
  }

  /** Paths that something was counted at. */
  paths(): string[] {
    return [...this.#measured.keys()].map((key) => join(this.#options.root, key));
  }

  close(): void {
    this.#closed = true;
  }

  /** In its turn, and once however often it is asked for meanwhile. */
  #behind(path: string): Promise<Measured | undefined> {
    const key = this.#key(path);
    let turn = this.#turns.get(key);
    if (!turn) {
      turn = this.#turn(path)
        // What it belongs to may have been removed.
        .catch((error: unknown) => log.debug(`${path} was not counted: ${messageOf(error)}`) as undefined)
        .finally(() => this.#turns.delete(key));
      this.#turns.set(key, turn);
    }
    return turn;
  }

  async #turn(path: string): Promise<Measured> {
    using _ = await this.#slots.take();
    const measured = await this.measure(path);
    // Changed while it was counted.
    return this.#outdated.has(this.#key(path)) ? await this.measure(path) : measured;
  }

  async #commit(build: (change: Change) => void): Promise<void> {
    if (this.#closed) return;
    await this.#options.store
      .commit((change) => {
        // It can be counted again: no flush for its own sake.
        change.passing();
        build(change);
      })
      .catch((error: unknown) => log.debug(`what is used was not written down: ${messageOf(error)}`));
  }

  #key(path: string): string {
    return path.slice(this.#options.root.length + 1);
  }
}
