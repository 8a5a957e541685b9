/** The tray, where the desktop has one. Nothing is only there: the window's menu has the same. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Menu, Tray, type NativeImage } from 'electron';
import type { wordsFor } from '../words.js';

/** Does something on this desktop show status-notifier items? GNOME without an extension does not. */
export async function hasTrayHost(): Promise<boolean> {
  const question = ['org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'NameHasOwner'];
  const args = ['--user', '--timeout=2', 'call', ...question, 's', 'org.kde.StatusNotifierWatcher'];
  try {
    const { stdout } = await promisify(execFile)('busctl', args, { timeout: 3000 });
    return stdout.trim() === 'b true';
  } catch {
    return false;
  }
}

interface TrayOptions {
  icon: NativeImage;
  words: ReturnType<typeof wordsFor>;
  show: () => void;
  quit: () => void;
}

/** Keep the returned tray: one that is collected disappears. */
export function showTray({ icon, words, show, quit }: TrayOptions): Tray {
  const tray = new Tray(icon);
  tray.setToolTip('Slipway');
  tray.setContextMenu(
    Menu.buildFromTemplate([
      { label: words.show, click: show },
      { type: 'separator' },
      { label: words.quit, click: quit },
    ]),
  );
  tray.on('click', show);
  return tray;
}
