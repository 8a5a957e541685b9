import { useEffect } from 'react';
import type { Theme } from '../../main/contract/bridge.js';

/** The theme that a wish comes to: `system` follows the desktop, contrast included. */
export function themeFor(wish: Theme): 'dark' | 'light' | 'contrast' {
  if (wish !== 'system') return wish;
  if (matchMedia('(prefers-contrast: more)').matches) return 'contrast';
  return matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark';
}

export function useTheme(wish: Theme): void {
  useEffect(() => {
    const apply = () => void (document.documentElement.dataset['theme'] = themeFor(wish));
    apply();
    const media = [matchMedia('(prefers-contrast: more)'), matchMedia('(prefers-color-scheme: light)')];
    for (const one of media) one.addEventListener('change', apply);
    return () => {
      for (const one of media) one.removeEventListener('change', apply);
    };
  }, [wish]);
}
