import { useSyncExternalStore } from 'react';

const subscribe = (changed: () => void) => {
  document.addEventListener('visibilitychange', changed);
  return () => document.removeEventListener('visibilitychange', changed);
};

/** Whether the window can be seen: what nobody sees is not asked for. */
export const useSeen = (): boolean => useSyncExternalStore(subscribe, () => !document.hidden);
