import type { Change } from '../../base/store.js';
import type { HistoryEntry, HistoryKind } from '../../contract/changes.js';
import { now } from './clock.js';
import type { ContainerRecord } from './record.js';
import type { StoreRoom } from './rooms.js';

/** What there is to say of an entry; its number and moment are given to it. */
export type HistoryNote = Omit<HistoryEntry, 'Seq' | 'At'>;

/** As many starts, ends and the like are remembered of each container; changes of its configuration all are. */
const REMEMBERED = 100;
const CONFIGURATION: readonly HistoryKind[] = ['changed', 'reverted', 'rolled-back'];

/**
 * What happened to containers. Changes are written where they are made; starts and ends go along with the transactions that these have anyway, and
 * what has none (health, a lack of memory) waits in memory for the next.
 */
export class History {
  static readonly table = 'container_history';

  /** By container, oldest first. */
  readonly #entries = new Map<string, HistoryEntry[]>();
  readonly #unwritten = new WeakSet<HistoryEntry>();

  constructor(store: StoreRoom) {
    for (const [key, entry] of store.rows<HistoryEntry>(History.table))
      this.#of(key.split(' ', 1)[0] as string).push(entry);
    for (const entries of this.#entries.values()) entries.sort((a, b) => a.Seq - b.Seq);
  }

  /** Newest first, down to its creation. */
  list({ id, created }: ContainerRecord): HistoryEntry[] {
    return [...(this.#entries.get(id) ?? [])].reverse().concat({ Seq: 0, At: created, Kind: 'created' });
  }

  /** Goes along with the next transaction of its container. */
  note(id: string, what: HistoryNote): void {
    this.#unwritten.add(this.#append(id, what));
  }

  /** In the caller's transaction, with all that waits. */
  put(change: Change, id: string, what: HistoryNote): HistoryEntry {
    const entry = this.#append(id, what);
    change.undo(() =>
      this.#entries.set(
        id,
        this.#of(id).filter((one) => one !== entry),
      ),
    );
    change.put(History.table, keyOf(id, entry), entry);
    this.write(change, id);
    return entry;
  }

  /** It turned out otherwise: goes along with the next transaction. */
  amend(entry: HistoryEntry, what: HistoryNote): void {
    Object.assign(entry, what);
    this.#unwritten.add(entry);
  }

  /** The start that an engine did not live to make: it never was, or `failed` says why. */
  takeBackStart(change: Change, id: string, failed?: string): void {
    const last = this.#of(id).at(-1);
    if (last?.Kind !== 'started') return;
    if (failed !== undefined) {
      Object.assign(last, { Kind: 'start-failed', Error: failed });
      return change.put(History.table, keyOf(id, last), last);
    }
    this.#of(id).pop();
    change.remove(History.table, keyOf(id, last));
  }

  /** What waits, in the caller's transaction. */
  write(change: Change, id: string): void {
    const entries = this.#of(id);
    for (const entry of entries.filter((one) => this.#unwritten.delete(one))) {
      change.undo(() => this.#unwritten.add(entry));
      change.put(History.table, keyOf(id, entry), entry);
    }
    const lives = entries.filter(({ Kind }) => !CONFIGURATION.includes(Kind));
    for (const old of lives.slice(0, Math.max(0, lives.length - REMEMBERED))) {
      entries.splice(entries.indexOf(old), 1);
      change.remove(History.table, keyOf(id, old));
    }
  }

  /** The container is gone for good. */
  forget(change: Change, id: string): void {
    const entries = this.#entries.get(id);
    if (!entries) return;
    this.#entries.delete(id);
    change.undo(() => this.#entries.set(id, entries));
    for (const entry of entries) change.remove(History.table, keyOf(id, entry));
  }

  #append(id: string, what: HistoryNote): HistoryEntry {
    const entries = this.#of(id);
    const entry = { Seq: (entries.at(-1)?.Seq ?? 0) + 1, At: now(), ...what };
    entries.push(entry);
    return entry;
  }

  #of(id: string): HistoryEntry[] {
    let entries = this.#entries.get(id);
    if (!entries) this.#entries.set(id, (entries = []));
    return entries;
  }
}

const keyOf = (id: string, { Seq }: HistoryEntry): string => `${id} ${Seq}`;
