/** Puts main/contract/bridge.ts on `window.slipway`, and nothing else. Runs sandboxed: each request has a port to the relay in the main process. */
import { contextBridge, ipcRenderer, webUtils } from 'electron';
import type { Bridge, BridgeMessage, ConnectionInfo, Handed, TransferMessage } from '../../main/contract/bridge.js';
import { CHANNEL, type PortAnswer, type PortMessage, type TransferAnswer } from './port.js';

const ports = new Map<number, MessagePort>();
const listeners = new Set<(message: BridgeMessage) => void>();

function open(id: number, request: Parameters<Bridge['open']>[1]): void {
  if (ports.has(id)) throw new Error(`request ${id} is already open`);
  const { port1, port2 } = new MessageChannel();
  ports.set(id, port1);
  port1.onmessage = ({ data }: MessageEvent<PortAnswer>) => {
    if (!ports.has(id)) return;
    if (data.type === 'end' || data.type === 'error') close(id);
    for (const listener of listeners) listener({ id, ...data });
  };
  ipcRenderer.postMessage(CHANNEL.open, request, [port2]);
}

function close(id: number): void {
  ports.get(id)?.close();
  ports.delete(id);
}

const post = (id: number, message: PortMessage) => ports.get(id)?.postMessage(message);

// Electron 32 took File.path away; before 29 there is no webUtils.
const pathForFile = (file: File): string =>
  webUtils ? webUtils.getPathForFile(file) : (file as File & { path: string }).path;

/** Paths that a person handed over, by dropping or picking: no others are taken from the page. */
const handed = new Set<string>();

const pathOf = (file: Handed): string => (typeof file !== 'string' ? pathForFile(file) : handed.has(file) ? file : '');

const take = (paths: string[]): string[] => {
  for (const path of paths) handed.add(path);
  return paths;
};

const transfers = new Map<number, MessagePort>();
const watchers = new Set<(message: TransferMessage) => void>();

function transfer(id: number, request: object): void {
  const { port1, port2 } = new MessageChannel();
  transfers.set(id, port1);
  port1.onmessage = ({ data }: MessageEvent<TransferAnswer>) => {
    if (!/^(?:progress|line|stage)$/.test(data.type)) {
      port1.close();
      transfers.delete(id);
    }
    for (const watcher of watchers) watcher({ id, ...data });
  };
  ipcRenderer.postMessage(CHANNEL.transfer, request, [port2]);
}

const bridge: Bridge = {
  open,
  write: (id, bytes) => post(id, { type: 'write', bytes }),
  end: (id) => post(id, { type: 'end' }),
  credit: (id, bytes) => post(id, { type: 'credit', bytes }),
  cancel: (id) => {
    post(id, { type: 'cancel' });
    close(id);
  },
  on: (listener) => void listeners.add(listener),
  shell: {
    platform: () => ipcRenderer.invoke(CHANNEL.platform),
    onConnection: (listener) =>
      void ipcRenderer.on(CHANNEL.connection, (_event, info: ConnectionInfo) => listener(info)),
    openExternal: (url) => ipcRenderer.invoke(CHANNEL.openExternal, url),
    copyText: (text) => ipcRenderer.invoke(CHANNEL.copyText, text),
    readText: () => ipcRenderer.invoke(CHANNEL.readText),
    saveText: (name, text) => ipcRenderer.invoke(CHANNEL.saveText, { name, text }),
    window: (action) => ipcRenderer.invoke(CHANNEL.window, action),
    hold: (held) => ipcRenderer.invoke(CHANNEL.hold, held),
    onLeave: (listener) =>
      void ipcRenderer.on(CHANNEL.leave, (_event, how: Parameters<typeof listener>[0]) => listener(how)),
    fonts: () => ipcRenderer.invoke(CHANNEL.fonts),
    setTheme: (theme) => ipcRenderer.invoke(CHANNEL.setTheme, theme),
    notify: (title, text) => ipcRenderer.invoke(CHANNEL.notify, { title, text }),
  },
  files: {
    download: (id, what) => transfer(id, { act: 'layer' in what ? 'download-layer' : 'download', ...what }),
    fetch: (id, what) => transfer(id, { act: 'fetch', id, ...what }),
    pathsOf: (files) => take(files.map(pathForFile)),
    pick: async (what) => take((await ipcRenderer.invoke(CHANNEL.pick, what)) as string[]),
    upload: (id, into, files) => {
      const paths = files.map(pathOf);
      if (paths.includes('')) return false;
      transfer(id, { act: 'upload', ...into, files: paths });
      return true;
    },
    saveImages: (id, what) => transfer(id, { act: 'save-images', ...what }),
    loadImages: (id, archive, as) => {
      const file = pathOf(archive);
      if (file === '') return false;
      transfer(id, { act: 'load-images', file, ...(as && { as }) });
      return true;
    },
    buildImage: (id, handed, how) => {
      const folder = pathOf(handed);
      if (folder === '') return false;
      transfer(id, { act: 'build-image', folder, ...how });
      return true;
    },
    saveVolume: (id, what) => transfer(id, { act: 'backup' in what ? 'save-backup' : 'save-volume', ...what }),
    fillVolume: (id, archive, into) => {
      const file = pathOf(archive);
      if (file === '') return false;
      transfer(id, { act: 'fill-volume', file, ...into });
      return true;
    },
    drag: (id) => ipcRenderer.invoke(CHANNEL.drag, id),
    cancel: (id) => transfers.get(id)?.postMessage({ type: 'cancel' }),
    on: (listener) => void watchers.add(listener),
  },
};

contextBridge.exposeInMainWorld('slipway', bridge);
