import { Terminal, type ITheme } from '@xterm/xterm';
import { FitAddon } from '@xterm/addon-fit';
import { SearchAddon } from '@xterm/addon-search';
import { Unicode11Addon } from '@xterm/addon-unicode11';
import { WebLinksAddon } from '@xterm/addon-web-links';
import '@xterm/xterm/css/xterm.css';
import { copyText, openExternal, readText } from '../ui/desktop.js';
import type { Paste, Size } from './session.js';

export interface ScreenSettings {
  fontSize: number;
  scrollback: number;
  screenReader: boolean;
  /** The accessible name of the input. */
  label: string;
}

export interface ScreenListener {
  onInput(text: string): void;
  /** What is no text: where the mouse is, as old programs ask for it. */
  onBytes(bytes: Uint8Array): void;
  onResize(size: Size): void;
  onTitle(title: string): void;
  onFind(): void;
  onPaste(paste: Paste): void;
  /** Letters one step larger or smaller, or as they were. */
  onZoom(step: 1 | -1 | 0): void;
}

/** Screens being shown, so that a change of theme reaches them all. */
const screens = new Set<Screen>();
new MutationObserver(() => screens.forEach((screen) => screen.paint())).observe(document.documentElement, {
  attributeFilter: ['data-theme'],
});

export async function openScreen(settings: ScreenSettings, listener: ScreenListener): Promise<Screen> {
  // The cell is measured once: with the real font.
  await document.fonts.load(`${settings.fontSize}px "JetBrains Mono Variable"`).catch(() => undefined);
  return new Screen(settings, listener);
}

/** xterm with what we want of it: the DOM renderer, our colours, our keys. Its element moves between places in the document. */
export class Screen {
  readonly #terminal: Terminal;
  readonly #fit = new FitAddon();
  readonly #search = new SearchAddon();
  readonly #element = document.createElement('div');
  #opened = false;

  constructor(
    settings: ScreenSettings,
    private readonly listener: ScreenListener,
  ) {
    this.#element.style.height = '100%';
    this.#terminal = new Terminal({
      allowProposedApi: true,
      cursorBlink: false,
      cursorInactiveStyle: 'outline',
      fontFamily: getComputedStyle(document.documentElement).getPropertyValue('--font-code').trim(),
      lineHeight: 1.15,
      minimumContrastRatio: 4.5,
      rightClickSelectsWord: true,
      ...optionsOf(settings),
    });
    for (const addon of [this.#fit, this.#search, new Unicode11Addon()]) this.#terminal.loadAddon(addon);
    this.#terminal.loadAddon(new WebLinksAddon((_, url) => void openExternal(url)));
    this.#terminal.unicode.activeVersion = '11';
    this.#terminal.onData((text) => listener.onInput(text));
    this.#terminal.onBinary((bytes) => listener.onBytes(Uint8Array.from(bytes, (char) => char.charCodeAt(0))));
    this.#terminal.onResize(({ rows, cols }) => listener.onResize({ rows, cols }));
    this.#terminal.onTitleChange((title) => listener.onTitle(title));
    this.#terminal.attachCustomKeyEventHandler((event) => this.#onKey(event));
    this.#element.addEventListener('paste', (event) => this.#onPaste(event), { capture: true });
    this.paint();
    screens.add(this);
  }

  get size(): Size {
    return { rows: this.#terminal.rows, cols: this.#terminal.cols };
  }

  /** Shows the screen in `host` and keeps it as large as that. */
  enter(host: HTMLElement): () => void {
    host.append(this.#element);
    if (!this.#opened) this.#terminal.open(this.#element);
    this.#opened = true;
    const fit = () => {
      if (host.clientWidth > 0 && host.clientHeight > 0) this.#fit.fit();
    };
    fit();
    this.listener.onResize(this.size);
    let frame = 0;
    const observer = new ResizeObserver(() => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(fit);
    });
    observer.observe(host);
    return () => {
      observer.disconnect();
      cancelAnimationFrame(frame);
      this.#element.remove();
    };
  }

  apply(settings: ScreenSettings): void {
    this.#terminal.options = optionsOf(settings);
    this.#terminal.textarea?.setAttribute('aria-label', settings.label);
    if (this.#element.isConnected) this.#fit.fit();
  }

  write(bytes: Uint8Array, drawn: () => void): void {
    this.#terminal.write(bytes, drawn);
  }

  /** A line across the screen with words in it. */
  rule(words: string): Promise<void> {
    const fresh = this.#terminal.buffer.active.cursorX > 0 ? '\r\n' : '';
    // Han letters are two columns wide. A column is left free: a line that fills the screen would wrap when it gets narrower.
    const taken = [...words].reduce((sum, letter) => sum + (letter > '\u2e80' ? 2 : 1), 4);
    const line = `── ${words} ${'─'.repeat(Math.max(2, this.#terminal.cols - taken - 1))}`;
    // Leaves what a full-screen program that was cut off had set: other screen, mouse, hidden cursor.
    // Leaving the other screen without being there would take the cursor home.
    const other = this.#terminal.buffer.active.type === 'alternate' ? '\x1b[?1049l' : '';
    const plain = `${other}\x1b[?1000;1002;1003;1006;2004l\x1b[?25h\x1b[0m`;
    return new Promise((resolve) =>
      this.#terminal.write(`${plain}${fresh}\x1b[34m${line}\x1b[0m\r\n`, () => resolve()),
    );
  }

  reset(): void {
    this.#terminal.reset();
  }

  /** Without a tty nobody turns a line feed into a new line. */
  setCooked(cooked: boolean): void {
    this.#terminal.options.convertEol = cooked;
  }

  focus(): void {
    this.#terminal.focus();
  }

  paste(text: string): void {
    this.#terminal.paste(text);
  }

  find(text: string, direction: 'next' | 'previous'): boolean {
    const colors = {
      matchOverviewRuler: color('--pause'),
      activeMatchColorOverviewRuler: color('--accent'),
      matchBackground: color('--line-2', '--term'),
      activeMatchBackground: color('--accent-faint', '--term'),
    };
    const options = { decorations: colors, incremental: false };
    return direction === 'next' ? this.#search.findNext(text, options) : this.#search.findPrevious(text, options);
  }

  endFind(): void {
    this.#search.clearDecorations();
  }

  text(): string {
    const { active } = this.#terminal.buffer;
    const lines: string[] = [];
    for (let row = 0; row < active.length; row += 1) {
      const line = active.getLine(row);
      const text = line?.translateToString(true) ?? '';
      if (line?.isWrapped) lines.push((lines.pop() ?? '') + text);
      else lines.push(text);
    }
    return lines.join('\n').trimEnd();
  }

  paint(): void {
    this.#terminal.options.theme = theme();
  }

  dispose(): void {
    screens.delete(this);
    this.#element.remove();
    this.#terminal.dispose();
  }

  /** False: not for the program. F6 and Ctrl+Shift+Escape go on to the window, which moves the focus out. */
  #onKey(event: KeyboardEvent): boolean {
    if (event.key === 'F6' || (event.key === 'Escape' && event.ctrlKey && event.shiftKey)) return false;
    const zoom = { '+': 1, '=': 1, '-': -1, _: -1, '0': 0 }[event.key];
    if (event.ctrlKey && !event.altKey && zoom !== undefined) {
      event.preventDefault();
      if (event.type === 'keydown') this.listener.onZoom(zoom as 1 | -1 | 0);
      return false;
    }
    if (!(event.ctrlKey && event.shiftKey && !event.altKey)) return true;
    const act = { C: () => this.#copy(), V: () => this.#pasteFromDesktop(), F: () => this.listener.onFind() }[
      event.key.toUpperCase()
    ];
    if (!act) return true;
    event.preventDefault();
    if (event.type === 'keydown') act();
    return false;
  }

  #copy(): void {
    const text = this.#terminal.getSelection();
    if (text !== '') void copyText(text);
  }

  #pasteFromDesktop(): void {
    void readText().then((text) => this.#askedPaste(text));
  }

  #onPaste(event: ClipboardEvent): void {
    event.preventDefault();
    event.stopPropagation();
    this.#askedPaste(event.clipboardData?.getData('text/plain') ?? '');
  }

  /** Several lines into a program that cannot tell a paste from typing would run at once: ask first. */
  #askedPaste(text: string): void {
    if (text === '') return;
    const lines = text.replace(/\n$/, '').split('\n').length;
    if (text.includes('\n') && !this.#terminal.modes.bracketedPasteMode) this.listener.onPaste({ text, lines });
    else this.#terminal.paste(text);
  }
}

const optionsOf = ({ fontSize, scrollback, screenReader }: ScreenSettings) => ({
  fontSize,
  scrollback,
  screenReaderMode: screenReader,
});

const canvas = document.createElement('canvas');
canvas.width = canvas.height = 1;
const context = canvas.getContext('2d', { willReadFrequently: true });

/** A token as the plain colour that xterm reads; a translucent one laid on its ground. */
function color(token: string, ground?: string): string {
  const style = getComputedStyle(document.documentElement);
  if (!context) return '#808080';
  context.clearRect(0, 0, 1, 1);
  for (const name of ground ? [ground, token] : [token]) {
    context.fillStyle = style.getPropertyValue(name).trim();
    context.fillRect(0, 0, 1, 1);
  }
  const [r = 0, g = 0, b = 0] = context.getImageData(0, 0, 1, 1).data;
  return `#${[r, g, b].map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

function theme(): ITheme {
  const [red, green, yellow, blue, magenta, cyan, grey] = [
    '--ansi-red',
    '--ansi-green',
    '--ansi-yellow',
    '--ansi-blue',
    '--ansi-magenta',
    '--ansi-cyan',
    '--ansi-grey',
  ].map((token) => color(token));
  const foreground = color('--term-text');
  const background = color('--term');
  const dark = getComputedStyle(document.documentElement).colorScheme.includes('dark');
  return {
    foreground,
    background,
    cursor: color('--accent'),
    cursorAccent: background,
    selectionBackground: color('--accent-faint', '--term'),
    black: dark ? color('--sunken') : foreground,
    brightBlack: grey,
    red,
    brightRed: red,
    green,
    brightGreen: green,
    yellow,
    brightYellow: yellow,
    blue,
    brightBlue: blue,
    magenta,
    brightMagenta: magenta,
    cyan,
    brightCyan: cyan,
    white: dark ? foreground : grey,
    brightWhite: dark ? color('--text') : foreground,
  };
}
