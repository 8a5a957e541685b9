import type { Screen as XtermScreen, ScreenListener, ScreenSettings } from './screen.js';

/** What a session needs of a screen. */
export type Screen = Omit<XtermScreen, 'paint'>;
export type OpenScreen = (settings: ScreenSettings, listener: ScreenListener) => Promise<Screen>;

const openXterm: OpenScreen = async (...given) => (await import('./screen.js')).openScreen(...given);

/** Bytes to and from a process, and what can be asked of its terminal. */
export interface Wire {
  readonly output: AsyncIterable<Uint8Array>;
  /** Without a tty nobody echoes or edits what is typed: the session does. */
  readonly tty: boolean;
  /** Absent when the process reads nothing. */
  write?(bytes: Uint8Array): Promise<void>;
  /** No more input. */
  end(): void;
  close(): void;
  resize(rows: number, cols: number): Promise<void>;
  /** Asked once the output has ended: the process's exit code, undefined while it still runs (somebody detached). */
  exitCode(): Promise<number | undefined>;
}

export interface Size {
  rows: number;
  cols: number;
}

export type Phase =
  | { name: 'idle' }
  | { name: 'connecting' }
  | { name: 'open' }
  | { name: 'ended'; exitCode: number | undefined }
  | { name: 'failed'; problem: string; /** It was open before: the way to the process broke. */ lost: boolean };

/** What a paste that the program would run line by line holds until the person decides. */
export interface Paste {
  text: string;
  lines: number;
}

export interface Snapshot {
  phase: Phase;
  size: Size | undefined;
  paste: Paste | undefined;
  /** The title that the program gave its terminal. */
  title: string;
  finding: boolean;
  readsInput: boolean;
}

/** Output the screen may still have to draw before the source is held back. */
const drawWindow = 256 * 1024;
/** A screen draws so much in one go: between two the window hears clicks and keys. */
const PIECE = 16 * 1024;
/** So much of a screen that nobody sees is one turn. */
const TURN = 4 * PIECE;

let lastTurn: Promise<unknown> = Promise.resolve();

/** Screens that nobody sees draw one after the other, and rest as long as they have drawn: the other half of the time is for what is seen. */
function inTurn(draw: () => Promise<unknown>): Promise<unknown> {
  const turn = lastTurn.then(async () => {
    const began = performance.now();
    await draw();
    await new Promise((resolve) => setTimeout(resolve, performance.now() - began));
  });
  lastTurn = turn.catch(() => undefined);
  return turn;
}

/** Brings the screen's code in before it is needed: a click to a prompt then waits for the process alone. */
export const prepareScreen = (): void => void import('./screen.js');

/**
 * A terminal that lives outside the view: pages come and go, the process, its output and the scrollback stay. The view lends it a place
 * in the document.
 */
export class TerminalSession {
  #snapshot: Snapshot = {
    phase: { name: 'idle' },
    size: undefined,
    paste: undefined,
    title: '',
    finding: false,
    readsInput: true,
  };
  readonly #listeners = new Set<() => void>();
  #screen: Screen | undefined;
  #opening: Promise<Screen> | undefined;
  #wire: Wire | undefined;
  #generation = 0;
  #disposed = false;
  /** Ends the waiting for a screen that will never draw again. */
  #release: () => void = () => undefined;
  readonly #released = new Promise<void>((resolve) => (this.#release = resolve));
  /** It has a place in the document. */
  #seen = false;
  #line = '';
  /** What was typed while the connection was still on its way: the cursor is there before the process is. */
  #early = '';

  #zoom: (step: 1 | -1 | 0) => void = () => undefined;

  constructor(private connect: (size: Size) => Promise<Wire>) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): Snapshot => this.#snapshot;

  /** Puts the screen into `host`, and connects the first time. `focus` puts the cursor in. Returns the way to take it out again. */
  mount(host: HTMLElement, settings: ScreenSettings, focus: boolean, openScreen = openXterm): () => void {
    let gone = false;
    let leave: (() => void) | undefined;
    void this.#open(settings, openScreen).then((screen) => {
      if (gone || this.#disposed) return;
      const exit = screen.enter(host);
      this.#seen = true;
      leave = () => {
        this.#seen = false;
        exit();
      };
      screen.apply(settings);
      if (focus) screen.focus();
      if (this.#snapshot.phase.name === 'idle') void this.#run(this.connect);
    });
    return () => {
      gone = true;
      leave?.();
    };
  }

  /** Connects again, in the same scrollback. `rule` is a line that says why; `fresh` begins with an empty screen. */
  async reconnect({
    connect = this.connect,
    rule,
    fresh = false,
  }: { connect?: (size: Size) => Promise<Wire>; rule?: string; fresh?: boolean } = {}): Promise<void> {
    if (!this.#screen || this.#disposed) return;
    if (fresh) this.#screen.reset();
    if (rule !== undefined) await this.#screen.rule(rule);
    await this.#run(connect);
  }

  focus(): void {
    this.#screen?.focus();
  }

  apply(settings: ScreenSettings): void {
    this.#screen?.apply(settings);
  }

  /** What Ctrl with +, − and 0 does is the view's to say. */
  hearZoom(listener: (step: 1 | -1 | 0) => void): void {
    this.#zoom = listener;
  }

  setFinding(finding: boolean): void {
    this.#change({ finding });
    if (!finding) {
      this.#screen?.endFind();
      this.focus();
    }
  }

  find(text: string, direction: 'next' | 'previous'): boolean {
    return this.#screen?.find(text, direction) ?? false;
  }

  /** Everything the screen and its scrollback hold, as text. */
  text(): string {
    return this.#screen?.text() ?? '';
  }

  answerPaste(accept: boolean): void {
    const { paste } = this.#snapshot;
    this.#change({ paste: undefined });
    if (accept && paste) this.#screen?.paste(paste.text);
    this.focus();
  }

  dispose(): void {
    this.#disposed = true;
    this.#release();
    this.#generation += 1;
    this.#wire?.close();
    this.#screen?.dispose();
    this.#listeners.clear();
  }

  #open(settings: ScreenSettings, openScreen: OpenScreen): Promise<Screen> {
    this.#opening ??= openScreen(settings, {
      onInput: (text) => this.#input(text),
      onBytes: (bytes) => void this.#wire?.write?.(bytes).catch(() => undefined),
      onResize: (size) => {
        this.#change({ size });
        this.#wire?.resize(size.rows, size.cols).catch(() => undefined);
      },
      onTitle: (title) => this.#change({ title }),
      onFind: () => this.#change({ finding: true }),
      onPaste: (paste) => this.#change({ paste }),
      onZoom: (step) => this.#zoom(step),
    }).then((screen) => {
      this.#screen = screen;
      if (this.#disposed) screen.dispose();
      return screen;
    });
    return this.#opening;
  }

  async #run(connect: (size: Size) => Promise<Wire>): Promise<void> {
    const generation = (this.#generation += 1);
    const screen = this.#screen;
    if (!screen) return;
    const current = () => generation === this.#generation;
    this.#wire?.close();
    this.#wire = undefined;
    this.#line = '';
    this.#change({ phase: { name: 'connecting' } });
    let wire: Wire;
    try {
      wire = await connect(screen.size);
    } catch (error) {
      if (!current()) return;
      this.#early = '';
      this.#change({ phase: { name: 'failed', problem: wordsOf(error), lost: false } });
      return;
    }
    if (!current()) return wire.close();
    this.#wire = wire;
    screen.setCooked(!wire.tty);
    this.#change({ phase: { name: 'open' }, readsInput: wire.write !== undefined });
    wire.resize(screen.size.rows, screen.size.cols).catch(() => undefined);
    const early = this.#early;
    this.#early = '';
    this.#input(early);
    try {
      await this.#pump(wire, screen, current);
      if (!current()) return;
      const exitCode = await wire.exitCode();
      if (current()) this.#change({ phase: { name: 'ended', exitCode } });
    } catch (error) {
      if (current()) this.#change({ phase: { name: 'failed', problem: wordsOf(error), lost: true } });
    }
    if (current()) this.#wire = undefined;
  }

  /** Takes the next bytes only while the screen keeps up: the source is credited when it has drawn. Of one that is not `current` any more nothing further is drawn. */
  async #pump(wire: Wire, screen: Screen, current: () => boolean): Promise<void> {
    let undrawn = 0;
    let wake: (() => void) | undefined;
    const draw = (bytes: Uint8Array): void => {
      for (const piece of pieces(bytes, PIECE)) {
        undrawn += piece.length;
        screen.write(piece, () => {
          undrawn -= piece.length;
          wake?.();
        });
      }
    };
    const drawn = async (but: number): Promise<void> => {
      while (undrawn > but && !this.#disposed)
        await Promise.race([this.#released, new Promise<void>((resolve) => (wake = resolve))]);
    };
    for await (const bytes of wire.output) {
      for (const part of pieces(bytes, TURN)) {
        if (!current()) return;
        if (this.#seen) draw(part);
        else await inTurn(async () => current() && (draw(part), await drawn(0)));
        await drawn(drawWindow);
      }
    }
    await drawn(0);
  }

  #input(text: string): void {
    const wire = this.#wire;
    if (['idle', 'connecting'].includes(this.#snapshot.phase.name)) this.#early += text;
    if (!wire?.write || text === '') return;
    if (wire.tty) wire.write(new TextEncoder().encode(text)).catch(() => undefined);
    else this.#cooked(text, wire);
  }

  /** A line discipline for a process without a terminal: echo, erase, a line at a time, Ctrl-D ends the input. */
  #cooked(text: string, wire: Wire): void {
    const echo = (shown: string) => this.#screen?.write(new TextEncoder().encode(shown), () => undefined);
    for (const char of text) {
      if (char === '\r' || char === '\n') {
        echo('\r\n');
        wire.write?.(new TextEncoder().encode(`${this.#line}\n`)).catch(() => undefined);
        this.#line = '';
      } else if (char === '\x7f') {
        if (this.#line !== '') echo('\b \b');
        this.#line = [...this.#line].slice(0, -1).join('');
      } else if (char === '\x04') {
        if (this.#line === '') wire.end();
      } else if (char === '\x15') {
        echo('\b \b'.repeat([...this.#line].length));
        this.#line = '';
      } else if (char >= ' ') {
        this.#line += char;
        echo(char);
      }
    }
  }

  #change(part: Partial<Snapshot>): void {
    if (this.#disposed) return;
    this.#snapshot = { ...this.#snapshot, ...part };
    for (const listener of this.#listeners) listener();
  }
}

function* pieces(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
