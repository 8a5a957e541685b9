import { useState } from 'react';

/** Gives the focus back to what had it before, when that is still there. For dialogs that nothing on the page triggers by itself. */
export function useReturnFocus(): (event: Event) => void {
  const [before] = useState(() => document.activeElement);
  return (event) => {
    event.preventDefault();
    const target = before?.isConnected
      ? before
      : (document.querySelector('[role="row"][tabindex="0"]') ?? document.querySelector('main'));
    if (target instanceof HTMLElement) target.focus();
  };
}
