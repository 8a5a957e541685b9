/** What was brought out of containers to be dragged: files in private directories, for a while. */
import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join, sep } from 'node:path';

/** Bytes. More than that takes longer than anybody holds a button. */
export const LARGEST_DRAG = 64_000_000;
/** So many at a time, and so 256 MB: the oldest makes room. */
const MOST = 4;
/** Milliseconds: a program that was dropped on may read late. */
const KEPT = 60 * 60 * 1000;
const PREFIX = 'slipway-drag-';

export class Drags<Icon> {
  readonly #ready = new Map<number, { file: string; icon: Icon }>();
  /** The directories, oldest first, with the timers that end those which are ready. */
  readonly #kept = new Map<string, NodeJS.Timeout | undefined>();
  #going: Promise<unknown> = Promise.resolve();

  constructor(
    /** Where temporary files go. */
    private readonly temporary: string,
    private readonly iconOf: (file: string) => Promise<Icon>,
  ) {}

  /** `fill` makes one file or folder in the directory that it is given. From then on `start` can drag it. */
  async add(id: number, fill: (directory: string) => Promise<number>): Promise<number> {
    this.#ready.delete(id);
    const directory = await mkdtemp(join(this.temporary, PREFIX));
    this.#kept.set(directory, undefined);
    try {
      await this.#makeRoom();
      const leftOut = await fill(directory);
      const [name, ...others] = await readdir(directory);
      if (name === undefined) throw new Error('there is nothing in it that can be dragged');
      if (others.length > 0) throw new Error('it is more than one file or folder, and cannot be dragged as one');
      const file = join(directory, name);
      this.#ready.set(id, { file, icon: await this.iconOf(file) });
      this.#kept.set(directory, setTimeout(() => void this.#drop(directory), KEPT).unref());
      return leftOut;
    } catch (error) {
      await this.#drop(directory);
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
    this.#going = Promise.all([this.#going, new Promise<void>((resolve) => (over = resolve))]);
    try {
      begin(item);
    } finally {
      for (const timer of timers) clearInterval(timer);
      over();
    }
  }

  /** When nothing is being dragged. A window that goes away before leaves Chromium waiting for ever. */
  async idle(): Promise<void> {
    await this.#going;
  }

  /** Whether a path is of what is being dragged: it comes back when it is dropped on the window itself. */
  has(path: string): boolean {
    return [...this.#kept.keys()].some((directory) => path.startsWith(directory + sep));
  }

  /** Ends what an app that is no more has left, as soon as it has been there long enough. Another one that runs does so itself. */
  async sweep(): Promise<void> {
    for (const name of await readdir(this.temporary).catch(() => [])) {
      if (!name.startsWith(PREFIX)) continue;
      const directory = join(this.temporary, name);
      const found = await lstat(directory).catch(() => undefined);
      if (!found?.isDirectory() || found.uid !== process.getuid?.() || this.#kept.has(directory)) continue;
      const left = KEPT - (Date.now() - found.mtimeMs);
      if (left <= 0) await this.#drop(directory);
      else setTimeout(() => void this.#drop(directory), Math.min(left, KEPT)).unref();
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#kept.keys()].map((directory) => this.#drop(directory)));
  }

  async #makeRoom(): Promise<void> {
    const oldest = [...this.#kept].flatMap(([directory, timer]) => (timer ? [directory] : []));
    const surplus = this.#kept.size - MOST;
    if (surplus > oldest.length)
      throw new Error(`${MOST} others are being fetched to be dragged: wait for one of them`);
    await Promise.all(oldest.slice(0, Math.max(0, surplus)).map((directory) => this.#drop(directory)));
  }

  async #drop(directory: string): Promise<void> {
    clearTimeout(this.#kept.get(directory));
    this.#kept.delete(directory);
    for (const [id, { file }] of this.#ready) if (file.startsWith(directory + sep)) this.#ready.delete(id);
    await rm(directory, { recursive: true, force: true }).catch(() => undefined);
  }
}
