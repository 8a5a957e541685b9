import type { Client, LogsOptions, Output } from '../../../../main/client/index.js';
import { LogView, type LogLayout, type LogQuery } from './log-view.js';
import { LogLines, momentOf, secondsOf, type LogLine, type StampRun } from './log-lines.js';

/** How much of the past is read when the logs open, and with each step up. */
const page = 2000;

/** How much is taken in between two frames before the source is held back. */
const frameBytes = 1_000_000;

export interface FeedState {
  /** Rises with everything that is to be drawn. */
  version: number;
  phase: 'reading' | 'ended' | 'failed';
  problem: string | undefined;
  /** One who reads further up has as much as is kept: nothing more is taken in until the end is asked for. */
  held: boolean;
  earlier: 'unknown' | 'loading' | 'none';
}

/** One frame of the screen; a window that cannot be seen has none, and then nothing is read. */
const frame = () => new Promise<void>((resolve) => requestAnimationFrame(() => resolve()));

/** A container's log as it comes: taken in once a frame, held back by the screen, bounded, and continued after a restart without a gap. */
export class LogFeed {
  readonly log = new LogLines();
  /** What of it is shown, and where. It changes with the state's version. */
  readonly view = new LogView(this.log);
  #state: FeedState = { version: 0, phase: 'reading', problem: undefined, held: false, earlier: 'unknown' };
  readonly #listeners = new Set<() => void>();
  #abort = new AbortController();
  #following = true;
  #resume: (() => void) | undefined;
  /** Rises with each stream: what an older one still says is not heard. */
  #round = 0;

  constructor(
    private readonly client: Client,
    private readonly container: string,
    private readonly nextFrame = frame,
  ) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): FeedState => this.#state;

  /** Reads the end of the log and follows it. `run`: when the container was last started, and when it had ended before. */
  open(run?: { startedAt: string; finishedAt: string }): void {
    const between = run && momentBetween(run.finishedAt, run.startedAt);
    if (run && between) this.log.expectStart(run.startedAt, between);
    void this.#follow({ tail: page });
  }

  /** Goes on where it stopped: the container runs again, or the engine is back. */
  resume(startedAt?: string): void {
    const last = this.log.lastStamp;
    if (startedAt !== undefined && this.log.lines.length > 0 && (!last || momentOf(startedAt) > momentOf(last.time)))
      this.log.rule('started', startedAt);
    void this.#follow(last ? { since: secondsOf(last.time) } : { tail: page }, last);
  }

  close(): void {
    this.#round += 1;
    this.#abort.abort();
    this.#resume?.();
  }

  /** One who follows keeps the newest; one who does not keeps what is being read. */
  setFollowing(following: boolean): void {
    this.#following = following;
    if (following && this.#state.held) this.#skip();
    else if (following) {
      this.log.trim();
      this.#change({});
    }
  }

  ask(query: LogQuery): void {
    this.view.setQuery(query);
    this.#change({});
  }

  lay(layout: LogLayout): void {
    if (this.view.setLayout(layout)) this.#change({});
  }

  /** Opens a JSON row, or closes it. */
  toggle(number: number): void {
    this.view.toggle(number);
    this.#change({});
  }

  expandAll(all: boolean): void {
    this.view.expandAll(all);
    this.#change({});
  }

  /** Older lines, put before the ones that are here. */
  async loadEarlier(): Promise<void> {
    const { log } = this;
    const first = log.firstStamp;
    if (this.#state.earlier !== 'unknown' || !first || log.full || this.#following) return;
    this.#change({ earlier: 'loading' });
    const signal = this.#abort.signal;
    const last = log.lastStamp;
    // As dense as what is here; where nothing is found, ever further back.
    const span = last ? Date.parse(last.time) - Date.parse(first.time) : 0;
    let back = Math.max(2000, (span / Math.max(1, log.lines.length)) * page * 1.5);
    try {
      for (;;) {
        const older = new LogLines(page);
        const since = secondsOf(first.time, back);
        const options = { since, until: secondsOf(first.time), timestamps: true };
        for await (const output of this.client.containers.logs(this.container, options, { signal })) {
          older.add([output]);
          older.trim();
        }
        const lines = withoutRun(older.lines, first);
        if (lines.length > 0 && signal === this.#abort.signal) log.prepend(lines.slice(-page));
        const begun = since.startsWith('0.');
        if (lines.length > 0 || begun) {
          this.#change({ earlier: begun && lines.length <= page ? 'none' : 'unknown' });
          return;
        }
        back = back > 1e9 ? Date.now() : back * 16;
      }
    } catch {
      // It is asked again with the next step up.
      this.#change({ earlier: 'unknown' });
    }
  }

  /** From where one has read to the end as it is now, passing over what lies between. */
  #skip(): void {
    this.#round += 1;
    this.#abort.abort();
    this.#resume?.();
    this.log.clear();
    this.log.rule('skipped');
    void this.#follow({ tail: page });
  }

  async #follow(from: LogsOptions, known?: StampRun): Promise<void> {
    const round = (this.#round += 1);
    this.#abort.abort();
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    const current = () => round === this.#round;
    this.#change({ phase: 'reading', problem: undefined, held: false, earlier: 'unknown' });
    if (known) this.log.expectAgain(known);
    let queue: Output[] = [];
    let due = false;
    const draw = () => {
      due = false;
      if (!current()) return;
      this.log.add(queue);
      queue = [];
      if (this.#following) this.log.trim();
      this.#change({});
    };
    try {
      const outputs = this.client.containers.logs(
        this.container,
        { follow: true, timestamps: true, ...from },
        { signal },
      );
      let size = 0;
      for await (const output of outputs) {
        if (!current()) return;
        queue.push(output);
        size += output.bytes.length;
        if (!due) {
          due = true;
          void this.nextFrame().then(draw);
        }
        // A flood waits for the screen: the source is held back meanwhile.
        if (size > frameBytes) {
          size = 0;
          await this.nextFrame();
        }
        if (!this.#following && this.log.full) await this.#hold();
      }
      draw();
      if (current()) this.#change({ phase: 'ended' });
    } catch (error) {
      if (!current()) return;
      draw();
      this.#change({ phase: 'failed', problem: error instanceof Error ? error.message : String(error) });
    }
  }

  async #hold(): Promise<void> {
    this.#change({ held: true });
    await new Promise<void>((resolve) => (this.#resume = resolve));
    this.#resume = undefined;
  }

  #change(part: Partial<FeedState>): void {
    this.view.sync();
    this.#state = { ...this.#state, ...part, version: this.#state.version + 1 };
    for (const listener of this.#listeners) listener();
  }
}

/**
 * What a run writes first may be stamped a little before the engine says that it started, and what it writes last after its end: the two runs are told
 * apart in the middle. Undefined where there was no run before.
 */
function momentBetween(finishedAt: string, startedAt: string): string | undefined {
  const [ended, started] = [Date.parse(finishedAt), Date.parse(startedAt)];
  return finishedAt.startsWith('0001-') || !(ended < started)
    ? undefined
    : new Date((ended + started) / 2).toISOString();
}

/** Lines up to a moment, without those of that very moment that are already here. */
function withoutRun(lines: LogLine[], { time, count }: StampRun): LogLine[] {
  let end = lines.length;
  for (let left = count; left > 0 && end > 0 && lines[end - 1]?.time === time; left -= 1) end -= 1;
  return lines.slice(0, end);
}
