import { useState } from 'react';
import { tabStop } from './tab-stop.js';

/**
 * Gives the focus back to what had it before, when that is still there, else to the dialog that is open or the page. For dialogs that
 * nothing on the page triggers by itself.
 */
export function useReturnFocus(): (event: Event) => void {
  const [before] = useState(() => document.activeElement);
  return (event) => {
    event.preventDefault();
    const dialog = [...document.querySelectorAll('[role="dialog"]')].at(-1);
    if (!before?.isConnected && dialog?.contains(document.activeElement)) return;
    const target = before?.isConnected ? before : (dialog ?? tabStop() ?? document.querySelector('main'));
    if (target instanceof HTMLElement) target.focus();
  };
}
