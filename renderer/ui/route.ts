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

/** Goes to an address; `replace` leaves no step behind for Back. */
export function navigate(path: string, { replace = false } = {}): void {
  if (path === current()) return;
  if (!replace) {
    location.hash = path;
    return;
  }
  history.replaceState(null, '', `#${path}`);
  dispatchEvent(new HashChangeEvent('hashchange'));
}
