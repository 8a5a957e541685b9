import { useSyncExternalStore } from 'react';

/**
 * The address of what is shown: `/containers/<id>/<tab>`. It lives in the hash, so links, Back, Forward and deep links work. Whichever way
 * it changes, what would be lost with what is shown is asked about first.
 */
const read = () => location.hash.replace(/^#/, '') || '/';

/** What the page has; while it is asked about an address, still the one before. */
let shown: string | undefined;
/** Where that stands among the steps that Back goes. */
let step = 0;
/** An address that needs no question any more. */
let expected: string | undefined;

const watchers = new Set<(path: string) => void>();
const current = () => (shown ??= read());
const stepHere = (): number | undefined => (history.state as { step?: number } | null)?.step;

/** Is told from now on of every other address that is shown. Returns the way to stop. */
export function watchAddress(changed: (path: string) => void): () => void {
  if (watchers.size === 0) {
    current();
    step = stepHere() ?? 0;
    if (stepHere() === undefined) history.replaceState({ step }, '');
    addEventListener('hashchange', moved);
  }
  watchers.add(changed);
  return () => {
    watchers.delete(changed);
    if (watchers.size === 0) removeEventListener('hashchange', moved);
  };
}

function moved(): void {
  const path = read();
  if (path === current()) return;
  // A link makes a step of its own, which nobody has numbered.
  const to = stepHere() ?? step + 1;
  if (path !== expected && holds.some(({ of }) => of === 'page')) {
    const way = to - step;
    history.go(-way);
    leave(() => {
      expected = path;
      history.go(way);
    });
    return;
  }
  expected = undefined;
  shown = path;
  step = to;
  if (stepHere() === undefined) history.replaceState({ step }, '');
  for (const changed of watchers) changed(path);
}

/** The parts of the address, decoded: `['containers', id, tab]`. */
export const useRoute = (): string[] => partsOf(useSyncExternalStore(watchAddress, current));

export const partsOf = (path: string): string[] => path.split('/').filter(Boolean).map(decodeURIComponent);

export const pathTo = (...parts: string[]): string => `/${parts.map(encodeURIComponent).join('/')}`;

/** Asks, and says when that is agreed to how it is discarded: nothing is before all have agreed. */
type Ask = (agree: (discard: () => void) => void) => void;

/** What goes away with the page that is shown, or only with the whole window. */
type Of = 'page' | 'window';

/** The last one stands before the others. */
let holds: { of: Of; ask: Ask }[] = [];
let tellHeld: (held: boolean) => void = () => undefined;
/** It may go: what is on the way there does not ask again. */
let agreed = false;

export const isHeld = (): boolean => holds.length > 0;

/** Is told from now on whether anything would be lost with the window. */
export function watchHeld(tell: (held: boolean) => void): void {
  tellHeld = tell;
  tell(isHeld());
}

/** While something would be lost: it is asked instead of leaving. Returns the way to let go. */
export function holdLeaving(ask: Ask, of: Of = 'page'): () => void {
  const hold = { of, ask };
  holds = [...holds, hold];
  tellHeld(true);
  return () => {
    holds = holds.filter((one) => one !== hold);
    tellHeld(isHeld());
  };
}

/** Leaves what is shown, or lets it ask first. */
export function leave(go: () => void, of: Of = 'page'): void {
  if (agreed) return go();
  const others = holds.filter((hold) => of === 'window' || hold.of === of);
  const discards: (() => void)[] = [];
  const next = (): void => {
    const hold = others.pop();
    if (hold)
      return hold.ask((discard) => {
        discards.push(discard);
        next();
      });
    for (const discard of discards) discard();
    agreed = true;
    go();
    agreed = false;
  };
  next();
}

/** Goes to an address; `replace` leaves no step behind for Back. */
export function navigate(path: string, options: { replace?: boolean } = {}): void {
  if (path !== read()) leave(() => go(path, options));
}

function go(path: string, { replace = false }: { replace?: boolean }): void {
  const here = stepHere() ?? step;
  if (replace) history.replaceState({ step: here }, '', `#${path}`);
  else {
    location.hash = path;
    history.replaceState({ step: here + 1 }, '');
  }
  expected = read();
  if (replace) dispatchEvent(new HashChangeEvent('hashchange'));
}
