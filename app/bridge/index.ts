/** The main process's side of the doorway: answers the preload's channels, for our own page only. */
import { ipcMain, type IpcMainEvent, type IpcMainInvokeEvent, type MessagePortMain, type NativeImage } from 'electron';
import { z } from 'zod';
import type { Bridge, Transport } from '../../main/contract/bridge.js';
import { CHANNEL } from './port.js';
import { relay, type Port } from './relay.js';
import { transfer, type FileVerbs } from './transfer.js';

type Shell = Bridge['shell'];

/** What the window may ask of the desktop; app/main.ts knows how. */
export type ShellVerbs = Omit<Shell, 'onConnection' | 'onLeave'>;

const text = z.string().max(16 * 1024 * 1024);
const file = z.strictObject({
  /** A name, not a path: where to is the person's to say. */
  name: z
    .string()
    .max(200)
    .regex(/^[^/\\\0]+$/),
  text: z.string().max(256 * 1024 * 1024),
});
const notice = z.strictObject({ title: z.string().max(200), text: z.string().max(1000) });
const httpsOnly = z
  .string()
  .max(8192)
  .refine((url) => {
    try {
      return new URL(url).protocol === 'https:';
    } catch {
      return false;
    }
  }, 'only https addresses are opened');

interface Doorway {
  /** The page that may ask: frames of any other origin are refused. */
  origin: string;
  /** The engine's transport; throws while none answers. */
  transport: () => Transport;
  shell: ShellVerbs;
  files: FileVerbs;
  /** Asks for folders or files of this machine. */
  pick: (what: 'folders' | 'files') => Promise<string[]>;
  /** Begins to drag what `fetch` brought, if it is still there. */
  drag: (id: number, begin: (item: { file: string; icon: NativeImage }) => void) => void;
}

/** Listens until the app ends. */
export function serveBridge({ origin, transport, shell, files, pick, drag }: Doorway): void {
  const isOurs = ({ senderFrame }: IpcMainEvent | IpcMainInvokeEvent) =>
    senderFrame !== null && senderFrame.parent === null && senderFrame.url.startsWith(`${origin}/`);

  const onPort = (channel: string, serve: (port: MessagePortMain, request: unknown) => Promise<void>) =>
    ipcMain.on(channel, (event, request: unknown) => {
      const [port, ...others] = event.ports;
      for (const other of others) other.close();
      if (!port) return;
      if (!isOurs(event)) return port.close();
      void serve(port, request);
    });
  onPort(CHANNEL.open, (port, request) => relay(portOf(port), request, transport));
  onPort(CHANNEL.transfer, (port, request) => transfer(portOf(port), request, files));

  ipcMain.handle(CHANNEL.drag, (event, id: unknown) => {
    // At once, and not after a promise: Electron returns from it when the drag is over.
    if (isOurs(event) && typeof id === 'number') drag(id, (item) => event.sender.startDrag(item));
  });

  const verb = <T>(channel: string, input: z.ZodType<T>, act: (input: T) => Promise<unknown>) =>
    ipcMain.handle(channel, (event, given: unknown) => {
      if (!isOurs(event)) throw new Error('This page may not ask the app for anything.');
      return act(input.parse(given));
    });
  verb(CHANNEL.platform, z.undefined(), shell.platform);
  verb(CHANNEL.openExternal, httpsOnly, shell.openExternal);
  verb(CHANNEL.copyText, text, shell.copyText);
  verb(CHANNEL.readText, z.undefined(), shell.readText);
  verb(CHANNEL.saveText, file, ({ name, text }) => shell.saveText(name, text));
  verb(CHANNEL.pick, z.enum(['folders', 'files']), pick);
  verb(CHANNEL.window, z.enum(['minimize', 'maximize', 'close', 'quit']), shell.window);
  verb(CHANNEL.hold, z.boolean(), shell.hold);
  verb(CHANNEL.fonts, z.undefined(), shell.fonts);
  verb(CHANNEL.notify, notice, ({ title, text }) => shell.notify(title, text));
  verb(CHANNEL.setTheme, z.enum(['system', 'light', 'dark', 'contrast']), shell.setTheme);
}

/** Electron's port as the relay likes it. */
function portOf<Answer>(port: MessagePortMain): Port<Answer> {
  return {
    post: (answer) => port.postMessage(answer),
    onMessage: (listener) => {
      port.on('message', ({ data }) => listener(data));
      port.start();
    },
    onClose: (listener) => void port.on('close', listener),
    close: () => port.close(),
  };
}
