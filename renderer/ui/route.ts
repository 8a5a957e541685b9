import { useSyncExternalStore } from 'react';

/** The address of what is shown: `/containers/<id>/<tab>`. It lives in the hash, so Back, Forward and deep links work. */
const current = () => location.hash.replace(/^#/, '') || '/';

const subscribe = (changed: () => void) => {
  addEventListener('hashchange', changed);
  return () => removeEventListener('hashchange', changed);
};

/** The parts of the address, decoded: `['containers', id, tab]`. */
export const useRoute = (): string[] => partsOf(useSyncExternalStore(subscribe, current));

export const partsOf = (path: string): string[] => path.split('/').filter(Boolean).map(decodeURIComponent);

export const pathTo = (...parts: string[]): string => `/${parts.map(encodeURIComponent).join('/')}`;

type Hold = (go: () => void) => void;
let held: Hold | undefined;
/** It may go: what is on the way there does not ask again. */
let agreed = false;

/** While something would be lost with what is shown: it is told how to go on instead of leaving. Returns the way to let go. */
export function holdLeaving(hold: Hold): () => void {
  held = hold;
  return () => {
    if (held === hold) held = undefined;
  };
}

/** Leaves what is shown, or lets it ask first. */
export function leave(go: () => void): void {
  if (!held || agreed) return go();
  held(() => {
    agreed = true;
    go();
    agreed = false;
  });
}

/** Goes to an address; `replace` leaves no step behind for Back. */
export function navigate(path: string, options: { replace?: boolean } = {}): void {
  if (path !== current()) leave(() => go(path, options));
}

function go(path: string, { replace = false }: { replace?: boolean }): void {
  if (!replace) {
    location.hash = path;
    return;
  }
  history.replaceState(null, '', `#${path}`);
  dispatchEvent(new HashChangeEvent('hashchange'));
}
