import type { TFunction } from 'i18next';

/** Why an engine does not remove an image: who holds it, and whether force would. */
export interface Conflict {
  kind: 'binned' | 'running' | 'stopped' | 'names' | 'children' | 'named' | 'other';
  forceable: boolean;
}

const kinds = [
  [/in the bin/, 'binned'],
  [/used by running container/, 'running'],
  [/used by stopped container/, 'stopped'],
  [/referenced in (?:multiple|one or more) repositories/, 'names'],
  [/dependent child images/, 'children'],
  [/is using its referenced image/, 'named'],
] as const;

/** Docker's sentence about an image that it does not remove, taken apart; undefined: it is none. */
export function conflictOf(message: string): Conflict | undefined {
  if (!/^conflict: unable to/.test(message)) return undefined;
  const kind = kinds.find(([pattern]) => pattern.test(message))?.[1] ?? 'other';
  return { kind, forceable: /\(must (?:be )?forced?\)/.test(message) };
}

/** The same in the window's language; everything else as the engine says it. */
export function explainConflict(t: TFunction, message: string): string {
  const kind = conflictOf(message)?.kind;
  return kind === undefined || kind === 'other' ? message : t(`remove.because.${kind}`);
}
