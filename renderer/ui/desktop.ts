import type { Bridge } from '../../main/contract/bridge.js';

/** What the desktop does for the window; the shell provides it by way of the bridge. */
export interface Desktop {
  copyText(text: string): Promise<void>;
  readText(): Promise<string>;
  /** Asks where, and writes it there. Returns the place, or nothing when the person changed their mind. */
  saveText(name: string, text: string): Promise<string | undefined>;
  openExternal(url: string): Promise<void>;
  /** Says it on the desktop, unless the window is in front and in use. */
  notify(title: string, text: string): Promise<void>;
  /** Who uses the window, on this machine. */
  person: { uid: number; home: string };
  /** Files between the engine and this machine. */
  files: Bridge['files'];
}

let desktop: Desktop | undefined;

const provided = (): Desktop => {
  if (!desktop) throw new Error('no desktop is provided');
  return desktop;
};

export const provideDesktop = (other: Desktop): void => void (desktop = other);
export const copyText = (text: string): Promise<void> => provided().copyText(text);
export const readText = (): Promise<string> => provided().readText();
export const saveText = (name: string, text: string): Promise<string | undefined> => provided().saveText(name, text);
export const fileDesk = (): Bridge['files'] => provided().files;
/** Who uses the window, on this machine. */
export const person = (): Desktop['person'] => provided().person;
export const openExternal = (url: string): Promise<void> => provided().openExternal(url);
export const notifyDesktop = (title: string, text: string): Promise<void> => provided().notify(title, text);
