/** What was brought out of containers to be dragged: files in a private directory, for a while. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join, sep } from 'node:path';

/** Bytes. More than that takes longer than anybody holds a button. */
export const LARGEST_DRAG = 64_000_000;
/** Milliseconds: a program that was dropped on may read late. */
const KEPT = 60 * 60 * 1000;

export class Drags<Icon> {
  readonly #ready = new Map<number, { file: string; icon: Icon }>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #folder: Promise<string> | undefined;
  #going = Promise.resolve();

  constructor(
    /** Where temporary files go. */
    private readonly temporary: string,
    private readonly iconOf: (file: string) => Promise<Icon>,
  ) {}

  /** `fill` makes one file or folder in the directory that it is given. From then on `start` can drag it. */
  async add(id: number, fill: (directory: string) => Promise<number>): Promise<number> {
    const root = await (this.#folder ??= mkdtemp(join(this.temporary, 'slipway-drag-')));
    const directory = await mkdtemp(join(root, 'd'));
    this.#ready.delete(id);
    try {
      const leftOut = await fill(directory);
      const [name] = await readdir(directory);
      if (name === undefined) throw new Error('there is nothing in it that can be dragged');
      const file = join(directory, name);
      const ready = { file, icon: await this.iconOf(file) };
      this.#ready.set(id, ready);
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        if (this.#ready.get(id) === ready) this.#ready.delete(id);
        void rm(directory, { recursive: true, force: true });
      }, KEPT);
      timer.unref();
      this.#timers.add(timer);
      return leftOut;
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /**
   * `begin` returns when the drag is over. Until then Node takes in events but no promise goes on, and with them the engine, which lives in this process: Node only gives them
   * their turn between two timers that are due at once. So there are two.
   */
  start(id: number, begin: (item: { file: string; icon: Icon }) => void): void {
    const item = this.#ready.get(id);
    if (!item) return;
    const timers = [0, 1].map(() => setInterval(() => {}, 4));
    let over = () => {};
    this.#going = new Promise((resolve) => (over = resolve));
    try {
      begin(item);
    } finally {
      for (const timer of timers) clearInterval(timer);
      over();
    }
  }

  /** When nothing is being dragged. A window that goes away before leaves Chromium waiting for ever. */
  idle(): Promise<void> {
    return this.#going;
  }

  /** Whether a path is of what is being dragged: it comes back when it is dropped on the window itself. */
  async has(path: string): Promise<boolean> {
    return this.#folder !== undefined && path.startsWith((await this.#folder) + sep);
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#ready.clear();
    if (this.#folder) await rm(await this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }
}
