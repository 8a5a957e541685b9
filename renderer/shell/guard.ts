import type { Bridge } from '../../main/contract/bridge.js';
import { isHeld, leave, watchHeld } from '../ui/route.js';

/** Neither the window's end nor the page's takes away unasked what somebody typed. */
export function guard(shell: Bridge['shell']): void {
  let reloads = false;
  watchHeld((held) => void shell.hold(held));
  shell.onLeave((how) => {
    void shell.hold(isHeld()); // it heard
    leave(() => {
      void shell.hold(false);
      void shell.window(how);
    }, 'window');
  });
  addEventListener('beforeunload', (event) => {
    if (reloads || !isHeld()) return;
    event.preventDefault();
    event.returnValue = 'held'; // Chromium before 119 hears only this
    leave(() => {
      reloads = true;
      location.reload();
    }, 'window');
  });
}
