import type { HistoryEntry, HistoryKind } from '../../../main/contract/changes.js';

const CONFIGURATION: readonly HistoryKind[] = ['created', 'changed', 'reverted', 'rolled-back'];

/** Whether an entry is about what the container is, and not about how it does. */
export const isConfiguration = ({ Kind }: HistoryEntry): boolean => CONFIGURATION.includes(Kind);

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** The entries, of those that made the container what it was then, at which it was another than it is now. `history`: newest first. */
export function revertible(history: readonly HistoryEntry[]): Set<number> {
  const now = new Map<string, unknown>();
  const then = new Map<string, unknown>();
  const found = new Set<number>();
  for (const { Seq, Kind, Changes = [] } of history) {
    if (Kind !== 'created' && Kind !== 'changed' && Kind !== 'reverted') continue;
    if ([...then].some(([field, value]) => !same(value, now.get(field)))) found.add(Seq);
    for (const { Field, From, To } of Changes) {
      if (!now.has(Field)) now.set(Field, To);
      then.set(Field, From);
    }
  }
  return found;
}
