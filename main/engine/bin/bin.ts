import { invalid, messageOf, notFound } from '../../base/errors.js';
import { shortId } from '../../base/ids.js';
import { createLog } from '../../base/log.js';
import type { Bin as Contents, BinEmptied, Restored } from '../../contract/bin.js';

/** Something that was removed and can be brought back. */
export interface Binned {
  id: string;
  name: string;
  removed: string;
  /** When it goes for good. */
  until: string;
  /** Bytes; absent until they are counted. */
  size?: number | undefined;
}

/** What a room keeps in the bin, and how that comes back or goes. */
export interface BinPart {
  binned(): Binned[];
  contents(): Partial<Pick<Contents, 'Containers' | 'Volumes'>>;
  restore(id: string, name?: string): Promise<Restored>;
  /** For good. Whether it was still here; `quiet`: or else nothing is wrong. */
  purge(id: string, quiet?: boolean): Promise<boolean>;
}

export interface BinOptions {
  /** How long it keeps what is in it (ms), and above how many bytes the oldest go. */
  keepMs?: number | undefined;
  limit?: number | undefined;
  /** How long it waits after something that was due could not go (ms). */
  retryMs?: number | undefined;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * 60 * 1000;
/** What it may take where nobody says: a part of the disk, and on a small one so much. */
const PART = 10;
const LEAST_LIMIT = 2 * 2 ** 30;
/** The longest that a timer can wait. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

const log = createLog('bin');

/** Bytes that it may take on a disk of `size` bytes of which `free` are free: no more than half of these. */
export const limitOn = ({ size, free }: { size: number; free: number }): number =>
  Math.max(LEAST_LIMIT, Math.floor(Math.min(size / PART, free / 2)));

/** What rooms have removed and can bring back: one place to look for it, one time that it stays, one limit for all of it. */
export class Bin {
  readonly #keepMs: number;
  readonly #limit: number;
  readonly #retryMs: number;
  readonly #parts: BinPart[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** Until when nothing that is due is tried again, by the clock that nobody sets (ms). */
  #restUntil = 0;
  #state: 'opening' | 'open' | 'closed' = 'opening';

  constructor({ keepMs = DAY_MS, limit = LEAST_LIMIT, retryMs = MINUTE_MS }: BinOptions = {}) {
    this.#keepMs = keepMs;
    this.#retryMs = retryMs;
    this.#limit = limit;
  }

  add(part: BinPart): void {
    this.#parts.push(part);
  }

  /** What became due while no engine ran goes now; from here on what is due goes by itself. */
  open(): void {
    this.#state = 'open';
    this.wind();
  }

  /** Nothing goes any more: that is for the next engine to see to. */
  close(): void {
    this.#state = 'closed';
    clearTimeout(this.#timer);
  }

  get closed(): boolean {
    return this.#state === 'closed';
  }

  get limit(): number {
    return this.#limit;
  }

  /** Bytes that are counted so far. */
  get size(): number {
    return this.#all().reduce((sum, { size = 0 }) => sum + size, 0);
  }

  /** Until when something stays that is removed at this moment. */
  untilFrom(removed: Date): string {
    return new Date(removed.getTime() + this.#keepMs).toISOString();
  }

  contents(): Contents {
    const all = this.#parts.reduce<Partial<Contents>>((sum, part) => ({ ...sum, ...part.contents() }), {});
    return { Containers: [], ...all, Size: this.size, Limit: this.#limit };
  }

  async restore(reference: string, name?: string): Promise<Restored> {
    const { part, id } = this.#find(reference);
    return part.restore(id, name);
  }

  /** For good. */
  async remove(reference: string): Promise<void> {
    const { part, id } = this.#find(reference);
    await part.purge(id);
  }

  async empty(): Promise<BinEmptied> {
    const failures: unknown[] = [];
    const emptied: BinEmptied = { Deleted: [], SpaceReclaimed: 0 };
    for (const part of this.#parts)
      for (const { id, size = 0 } of part.binned()) {
        try {
          if (!(await part.purge(id, true))) continue;
          emptied.Deleted.push(id);
          emptied.SpaceReclaimed += size;
        } catch (error) {
          failures.push(error);
        }
      }
    // All that could go has gone.
    if (failures.length > 0) throw failures[0];
    return emptied;
  }

  /** One timer, for what is due next. Called when something came or went. */
  wind(): void {
    clearTimeout(this.#timer);
    const next = Math.min(...this.#all().map(({ until }) => Date.parse(until)));
    if (this.#state !== 'open' || next === Infinity) return;
    const wait = Math.min(Math.max(0, next - Date.now(), this.#restUntil - performance.now()), LONGEST_WAIT_MS);
    this.#timer = setTimeout(() => this.inBackground(this.#expire()), wait);
    this.#timer.unref();
  }

  /** Above the limit the oldest go; what was removed last can always be brought back. Called when something was counted. */
  async trim(): Promise<void> {
    const oldestFirst = this.#all().sort((a, b) => (a.removed < b.removed ? -1 : 1));
    for (const { id, part } of oldestFirst.slice(0, -1)) {
      if (this.#state !== 'open' || this.size <= this.#limit) return;
      await this.#tryPurge(part, id);
    }
  }

  inBackground(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      if (!this.closed) log.warn(`the bin: ${messageOf(error)}`);
    });
  }

  async #expire(): Promise<void> {
    const due = this.#all().filter(({ until }) => Date.parse(until) <= Date.now());
    for (const { id, part } of due)
      if (!(await this.#tryPurge(part, id))) this.#restUntil = performance.now() + this.#retryMs;
    this.wind();
  }

  /** False: it could not go. What comes after it can. */
  async #tryPurge(part: BinPart, id: string): Promise<boolean> {
    try {
      await part.purge(id, true);
      return true;
    } catch (error) {
      if (!this.closed) log.warn(`the bin: ${shortId(id)} could not be deleted: ${messageOf(error)}`);
      return false;
    }
  }

  #all(): (Binned & { part: BinPart })[] {
    return this.#parts.flatMap((part) => part.binned().map((binned) => ({ ...binned, part })));
  }

  /** By full id, by an unambiguous beginning of it, or by a name that only one had. */
  #find(reference: string): { part: BinPart; id: string } {
    const all = this.#all();
    const exact = all.find(({ id }) => id === reference);
    if (exact) return exact;
    const byId = /^[0-9a-f]{1,64}$/.test(reference) ? all.filter(({ id }) => id.startsWith(reference)) : [];
    const found = byId.length > 0 ? byId : all.filter(({ name }) => name === reference);
    if (found.length > 1) throw invalid(`more than one thing in the bin is called ${reference}: say its id`);
    if (!found[0]) throw notFound(`Nothing in the bin is called ${reference}`);
    return found[0];
  }
}
