/**
 * The window's only doorway (exposed as `window.slipway` by app/bridge/preload.ts). It carries the client's transport verbs and a few
 * shell dialogs. Bodies are bytes; streams have byte credits, so a slow screen holds the source back instead of losing or piling up.
 */
import type { ErrorKind } from './error.js';
import type { Progress } from './images.js';
import type { VolumeCompression, VolumeProgress } from './volume-data.js';

export interface ApiRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** Path and query, without the version prefix: `/containers/json?all=1`. */
  path: string;
  headers?: Record<string, string>;
  /** Strings are sent as UTF-8 (JSON). A stream can be sent by transports that hold a socket, not through the window's doorway. */
  body?: Uint8Array | string | ByteStream;
}

/** A byte source with back-pressure: the next chunk comes when the previous has been taken. */
export type ByteStream = AsyncIterable<Uint8Array>;

export interface ApiResponse {
  status: number;
  headers: Record<string, string>;
  /** Reading stops the source when not consumed; `cancel` closes the connection. */
  body: ByteStream & { cancel(): void };
}

/** A connection that became raw bytes (attach, exec). */
export interface ByteDuplex {
  readonly readable: ByteStream;
  write(bytes: Uint8Array): Promise<void>;
  /** Half-close: no more input, output goes on. */
  end(): void;
  close(): void;
}

/** One way to reach an engine. Unix socket, TCP+TLS, SSH and the window's bridge differ only in this. */
export interface Transport {
  send(request: ApiRequest, options?: { signal?: AbortSignal }): Promise<ApiResponse>;
  upgrade(request: ApiRequest): Promise<ByteDuplex>;
  close(): Promise<void>;
}

/** Bytes of one stream that may be under way without the taker's word (`credit` from the window, `written` to it), each way. */
export const STREAM_WINDOW = 512 * 1024;

export type Theme = 'system' | 'light' | 'dark' | 'contrast';

/** What the window should know before its first paint. */
export interface Platform {
  version: string;
  electron: string;
  /** BCP 47, the desktop's: `zh-CN`. */
  locale: string;
  theme: Theme;
  /** There is a tray to hide in; without one, the window's own menu has to offer Quit. */
  tray: boolean;
  /** Who uses the window, on this machine. */
  person: { uid: number; home: string };
  connection: ConnectionInfo;
}

/**
 * What the preload puts on `window.slipway`. Structured-clone only, no functions with state across. A request is answered by `head`, any number of `data`, then `end` or `error`;
 * after `cancel` nothing more comes. A request made while the connection is not `ready` fails with `unavailable`.
 */
export interface Bridge {
  /** Opens a request; its events arrive at `on`. Returns an id chosen by the caller's counter. */
  open(id: number, request: ApiRequest & { upgrade?: boolean }): void;
  write(id: number, bytes: Uint8Array): void;
  end(id: number): void;
  cancel(id: number): void;
  /** The consumer took this many bytes: more may come. */
  credit(id: number, bytes: number): void;
  on(listener: (message: BridgeMessage) => void): void;
  shell: {
    platform(): Promise<Platform>;
    onConnection(listener: (info: ConnectionInfo) => void): void;
    openExternal(url: string): Promise<void>;
    copyText(text: string): Promise<void>;
    readText(): Promise<string>;
    /** Asks where to, with a name to begin with, and writes the text there. The place, or undefined when the person changed their mind. */
    saveText(name: string, text: string): Promise<string | undefined>;
    window(action: 'minimize' | 'maximize' | 'close' | 'quit'): Promise<void>;
    /** Whether something would be lost with the page. While it holds, the window neither closes nor does the app end by a person's hand: `onLeave` hears of it instead. */
    hold(held: boolean): Promise<void>;
    /** The page says at once that it heard (`hold`), asks, lets go, and does it then. Of one that does not hear the window closes without it. */
    onLeave(listener: (how: 'close' | 'quit') => void): void;
    /** Says it on the desktop, unless the window is in front and in use. */
    notify(title: string, text: string): Promise<void>;
    /** `han`: an installed font has Han glyphs. Where none has, `hint` names the package to install. */
    fonts(): Promise<{ han: boolean; hint: string }>;
    /** Remembered by the app, so the next window has the right ground before its first paint. */
    setTheme(theme: Theme): Promise<void>;
  };
  /**
   * Files between the engine and this machine. Their bytes go past the window, which names what is in the engine and never a path of the machine. What becomes
   * of one arrives at `on` under the id that the caller chose: any number of `progress`, then one last word. A window that is gone has cancelled.
   */
  files: {
    /** Asks the person where to, and saves it there, a folder as a tar. */
    download(id: number, what: FilePlace | LayerFile): void;
    /** Where files that a person dropped are on this machine; empty for one that is on no disk. From then on these paths may stand for the files. */
    pathsOf(files: File[]): string[];
    /** Asks the person for folders or files of this machine, whose paths may stand for them from then on. None: they changed their mind. */
    pick(what: 'folders' | 'files'): Promise<string[]>;
    /** Into a directory. False, and nothing begins, where one of the files is not on this machine's disk, or is a path that no person handed over. */
    upload(id: number, into: UploadTarget, files: Handed[]): boolean;
    /** Brings what is small enough to where it can be dragged from; after `done`, `drag` may be called for a while. */
    fetch(id: number, what: FilePlace): void;
    /** The drag that the pressed button holds is one of what `fetch` brought. Resolves when it is over. */
    drag(id: number): Promise<void>;
    /** Asks the person where to, and saves images there as one archive. */
    saveImages(id: number, what: ImageArchive): void;
    /** An archive of images for the engine; with `as`, a root file system's tar that becomes one image. False, and nothing begins, where the file is not on this machine's disk. */
    loadImages(id: number, archive: Handed, as?: { reference?: string }): boolean;
    /** Makes an image of a folder with a Dockerfile. False, and nothing begins, where it is not on this machine's disk. */
    buildImage(id: number, folder: Handed, how: ImageBuild): boolean;
    /** Asks the person where to, and saves a volume there as a tar. */
    saveVolume(id: number, what: VolumeArchive): void;
    /** A tar becomes what is in a volume: a new one, or with `replace` in place of what is in it. False, and nothing begins, where the file is not on this machine's disk. */
    fillVolume(id: number, archive: Handed, into: { volume: string; replace: boolean }): boolean;
    cancel(id: number): void;
    on(listener: (message: TransferMessage) => void): void;
  };
}

/** Whose files: a container's, by its whole id, or a volume's, by its name. */
export type FilesOf = { container: string } | { volume: string };

/** A file that a person dropped or picked, or the path of one that `pathsOf` or `pick` told. */
export type Handed = File | string;

/** A file of one, or a folder with all that is below it. */
export type FilePlace = FilesOf & { path: string; folder: boolean };

/** A file as it is at a layer. */
export interface LayerFile {
  of: 'image' | 'container';
  /** A reference or an id. */
  name: string;
  layer: number;
  path: string;
}

export type UploadTarget = FilesOf & {
  path: string;
  /** Whose what comes in is; without it, whose it is on this machine. */
  uid?: number;
  gid?: number;
  /** Of folders only what is in them. */
  content?: boolean;
  /** The volume is made of it, whole or not at all; only for an engine that `can` do `volume-backups`. */
  fresh?: boolean;
};

export interface ImageArchive {
  images: string[];
  /** The file's name to begin with. */
  name: string;
}

export interface ImageBuild {
  /** The name that it gets. */
  reference: string;
  /** The Dockerfile's name, in the folder. */
  dockerfile: string;
}

/** A volume as it is now, or a backup. `name`: the file's name to begin with. */
export type VolumeArchive =
  { volume: string; compress: VolumeCompression; pause: boolean; name: string } | { backup: string; name: string };

export type TransferMessage =
  /** `total` in bytes where it is known beforehand. */
  | { id: number; type: 'progress'; bytes: number; total?: number }
  /** What the engine says of it meanwhile. */
  | { id: number; type: 'line'; line: Progress }
  /** The same of a volume. */
  | { id: number; type: 'stage'; stage: VolumeProgress }
  /** `leftOut`: so many links and devices could not be dragged along. */
  | { id: number; type: 'done'; leftOut: number }
  /** By `cancel`, or the person changed their mind about where to. */
  | { id: number; type: 'cancelled' }
  /** To be dragged: the limit is in bytes. */
  | { id: number; type: 'too-large'; limit: number }
  | { id: number; type: 'error'; kind: ErrorKind; message: string };

export type BridgeMessage =
  | { id: number; type: 'head'; status: number; headers: Record<string, string> }
  | { id: number; type: 'data'; bytes: Uint8Array }
  | { id: number; type: 'written'; bytes: number }
  | { id: number; type: 'end' }
  | { id: number; type: 'error'; kind: ErrorKind; message: string };

/** Which engine the window talks to and how it is doing. */
export interface ConnectionInfo {
  name: string;
  /** `starting`: not answering yet; `gone`: was there, is not; the window keeps what it showed. */
  state: 'starting' | 'ready' | 'gone';
  /** What went wrong, as a sentence with the way out. */
  problem?: string;
  /** The DOCKER_HOST that the docker CLI would use. */
  host: string;
}
