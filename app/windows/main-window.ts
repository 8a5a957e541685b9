/** The window: frameless (it draws its own title bar), where it stood last time, and unable to go anywhere else. */
import {
  BrowserWindow,
  dialog,
  nativeTheme,
  screen,
  type NativeImage,
  type OpenDialogOptions,
  type WebContents,
} from 'electron';
import type { Settings } from '../settings/settings.js';

interface WindowOptions {
  preload: string;
  icon: NativeImage;
  /** Where the page lives. */
  origin: string;
  settings: Settings;
  developer: boolean;
  /** Tells the page that it is to be left, while something would be lost with it. */
  ask: (how: Leaving) => void;
  /** Called when the person closes the window; it hides then. */
  onClose: () => void;
}

/** Milliseconds that a page has to say that it heard. */
const HEARD_MS = 3000;

/** How a person leaves the page. */
type Leaving = 'close' | 'quit';

const SMALLEST = { width: 880, height: 560 };
const FIRST = { width: 1280, height: 820 };

/** No larger than the screen: without that, its buttons would be out of reach on a small one. */
const withinScreen = ({ width, height }: { width: number; height: number }) => {
  const { workAreaSize } = screen.getPrimaryDisplay();
  return { width: Math.min(width, workAreaSize.width), height: Math.min(height, workAreaSize.height) };
};

/** The page's ground before its first paint: `--rail` of the two themes. */
const ground = () => (nativeTheme.shouldUseDarkColors ? '#0b1114' : '#f2f4f6');

export class MainWindow {
  readonly #window: BrowserWindow;
  readonly #ask: WindowOptions['ask'];
  #ending = false;
  #held = false;
  #hears = true;
  #unheard: NodeJS.Timeout | undefined;

  constructor({ preload, icon, origin, settings, developer, ask, onClose }: WindowOptions) {
    this.#ask = ask;
    const last = settings.current.window;
    this.#window = new BrowserWindow({
      ...withinScreen(FIRST),
      ...(last && isOnScreen(last) ? { x: last.x, y: last.y, width: last.width, height: last.height } : {}),
      minWidth: SMALLEST.width,
      minHeight: SMALLEST.height,
      title: 'Slipway',
      icon,
      frame: false,
      show: false,
      backgroundColor: ground(),
      webPreferences: {
        preload,
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        webviewTag: false,
        navigateOnDragDrop: false,
        spellcheck: false,
        devTools: developer,
      },
    });
    if (last?.maximized) this.#window.maximize();
    this.#window.once('ready-to-show', () => this.#window.show());
    this.#window.on('close', (event) => {
      void settings.change({ window: { ...this.#window.getNormalBounds(), maximized: this.#window.isMaximized() } });
      if (this.#ending) return;
      event.preventDefault();
      this.leave('close', () => {
        this.#window.hide();
        onClose();
      });
    });
    this.#window.on('unresponsive', () => (this.#hears = false));
    this.#window.on('responsive', () => (this.#hears = true));
    nativeTheme.on('updated', () => {
      if (!this.#window.isDestroyed()) this.#window.setBackgroundColor(ground());
    });
    keepTo(this.#window.webContents, origin);
    zoomKeys(this.#window.webContents, developer);
    // A renderer that crashed comes back; everything it showed lives in the engine.
    this.#window.webContents.on('render-process-gone', (_event, { reason }) => {
      this.#held = false;
      this.#hears = true;
      if (reason !== 'clean-exit' && !this.#ending) this.#window.webContents.reload();
    });
    void this.#window.loadURL(`${origin}/`);
  }

  /** To the front, from wherever it is. */
  show(): void {
    if (this.#window.isMinimized()) this.#window.restore();
    this.#window.show();
    this.#window.focus();
  }

  /** Somebody is looking at it. */
  isInUse(): boolean {
    return this.#window.isVisible() && this.#window.isFocused();
  }

  hide(): void {
    this.#window.hide();
  }

  minimize(): void {
    this.#window.minimize();
  }

  toggleMaximized(): void {
    if (this.#window.isMaximized()) this.#window.unmaximize();
    else this.#window.maximize();
  }

  close(): void {
    this.#window.close();
  }

  /** The page would lose something. Whatever it says, it hears. */
  hold(held: boolean): void {
    this.#held = held;
    clearTimeout(this.#unheard);
  }

  /** Goes at once, where the page would lose nothing or does not hear; else that asks, and does it itself once it is agreed to. */
  leave(how: Leaving, go: () => void): void {
    if (!this.#held || !this.#hears || this.#ending) return go();
    this.show();
    this.#ask(how);
    clearTimeout(this.#unheard);
    this.#unheard = setTimeout(() => !this.#ending && go(), HEARD_MS);
  }

  /** Asks for files of this machine. The window waits for it: nothing else can be opened there meanwhile. */
  async pick(properties: NonNullable<OpenDialogOptions['properties']>): Promise<string[]> {
    return (await dialog.showOpenDialog(this.#window, { properties })).filePaths;
  }

  send(channel: string, message: unknown): void {
    if (!this.#window.isDestroyed()) this.#window.webContents.send(channel, message);
  }

  /** Closing is the end now, not hiding. */
  destroy(): void {
    this.#ending = true;
    this.#window.close();
    if (!this.#window.isDestroyed()) this.#window.destroy();
  }
}

/** No other page, no second window, no embedded one. */
function keepTo(contents: WebContents, origin: string): void {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  contents.on('will-navigate', (event, target) => {
    if (!target.startsWith(`${origin}/`)) event.preventDefault();
  });
  contents.on('will-attach-webview', (event) => event.preventDefault());
}

function zoomKeys(contents: WebContents, developer: boolean): void {
  contents.on('before-input-event', (event, { type, control, shift, alt, key }) => {
    if (type !== 'keyDown' || !control || alt) return;
    if (key === '0') contents.setZoomLevel(0);
    else if (key === '+' || key === '=') contents.setZoomLevel(Math.min(4, contents.getZoomLevel() + 0.5));
    else if (key === '-') contents.setZoomLevel(Math.max(-3, contents.getZoomLevel() - 0.5));
    else if (developer && shift && key === 'I') contents.toggleDevTools();
    else return;
    event.preventDefault();
  });
}

function isOnScreen({ x, y, width }: { x: number; y: number; width: number }): boolean {
  // The title bar has to be within reach of the pointer.
  return screen.getAllDisplays().some(({ workArea }) => {
    const right = Math.min(x + width, workArea.x + workArea.width);
    return right - Math.max(x, workArea.x) > 100 && y >= workArea.y - 8 && y < workArea.y + workArea.height - 44;
  });
}
