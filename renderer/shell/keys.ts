import { useEffect } from 'react';
import { usePreferences } from '../store/preferences.js';
import { useSurface } from '../store/surface.js';
import { navigate, partsOf, pathTo } from '../ui/route.js';
import { tabStop } from '../ui/tab-stop.js';
import { pages } from './pages.js';

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) &&
  (target as HTMLInputElement).type !== 'checkbox';

const inTerminal = (target: EventTarget | null): boolean =>
  target instanceof Element && target.closest('[data-terminal]') !== null;

/** From one region of the window to the next; the focus lands on what one would use there. */
function cycleRegions(step: number): void {
  const regions = [...document.querySelectorAll<HTMLElement>('[data-region]')].filter(
    (one) => one.offsetParent !== null,
  );
  const at = regions.findIndex((region) => region.contains(document.activeElement));
  // Regions may lie in one another: the innermost counts.
  const inner = regions.findLastIndex((region) => region.contains(document.activeElement));
  const next = regions[((inner < 0 ? at : inner) + step + regions.length) % regions.length];
  if (!next) return;
  const target =
    tabStop(next) ??
    next.querySelector<HTMLElement>('[aria-current="page"]') ??
    [...next.querySelectorAll<HTMLElement>('button:not(:disabled), a[href], input, [tabindex="0"]')].find(
      (one) => one.closest('[data-region]') === next && !one.closest('[data-terminal]') && one.tabIndex >= 0,
    ) ??
    next;
  target.focus();
}

function focusField(selector: string): boolean {
  const field = document.querySelector<HTMLInputElement>(selector);
  field?.focus();
  field?.select();
  return field !== null;
}

/** The row of the list that has its tab stop. */
function focusRow(): boolean {
  const row = tabStop();
  row?.focus();
  return row !== undefined;
}

/** Escape outside of dialogs and menus: the selection first, then what is open over the page, then the drawer. */
function goBack(): boolean {
  const { tasks, show } = useSurface.getState();
  const clear = document.querySelector<HTMLButtonElement>('[data-clear]');
  if (tasks) show({ tasks: false });
  else if (clear) clear.click();
  else {
    const [page, object] = partsOf(location.hash.slice(1));
    if (page === undefined || object === undefined) return false;
    navigate(pathTo(page));
  }
  return true;
}

/** The window's own keys. What a field, a terminal, a dialog or a row takes for itself does not come here. */
export function useKeys(): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented) return;
      const { dialog, palette, open, show } = useSurface.getState();
      const plain = !event.ctrlKey && !event.altKey && !event.metaKey;
      const control = event.ctrlKey && !event.altKey && !event.metaKey;
      const modal = dialog !== undefined || palette;
      const leaves = event.key === 'F6' || (event.key === 'Escape' && control && event.shiftKey);
      const handle = (): boolean => {
        if (leaves && !modal) {
          cycleRegions(event.shiftKey && event.key === 'F6' ? -1 : 1);
          return true;
        }
        if (inTerminal(event.target)) return false;
        if (control && event.key === 'k') {
          if (!dialog) show({ palette: !palette });
          return true;
        }
        if (modal) return false;
        const page = control && /^[1-9]$/.test(event.key) ? pages[Number(event.key) - 1] : undefined;
        if (page) {
          navigate(pathTo(page.id));
          return true;
        }
        if (control && event.key === 'f') return focusField('[data-find]') || focusField('[data-filter]');
        if (event.altKey && event.key === 'ArrowLeft') {
          history.back();
          return true;
        }
        // From the filter down into what it found.
        const filters = event.target instanceof Element && event.target.matches('[data-filter]');
        if (event.key === 'ArrowDown' && plain && filters) return focusRow();
        if (typing(event.target) || !plain) return false;
        if (event.key === 'Escape') return goBack();
        if (event.key === '/') return focusField('[data-filter]');
        if (event.key === '?' && usePreferences.getState().letterKeys) {
          open({ kind: 'shortcuts' });
          return true;
        }
        const nowhere = document.activeElement === document.body || !document.activeElement;
        return event.key === 'ArrowDown' && nowhere && focusRow();
      };
      if (handle()) event.preventDefault();
    };
    addEventListener('keydown', onKeyDown);
    return () => removeEventListener('keydown', onKeyDown);
  }, []);
}
