import { totalmem } from 'node:os';
import { disposable } from '../../base/scopes.js';
import type { StatsTick, Usage } from '../../contract/stats.js';
import type { Glance } from '../containers/index.js';
import { KernelFile, readBuffer } from './kernel-file.js';
import { Meter, type Reading, type Round, type Run } from './meter.js';
import { ProcessTree } from './process-tree.js';

/** What is asked of the containers. */
export interface CrowdContainers {
  /** Full ids of those that run. */
  runningIds(): string[];
  glance(id: string): Glance | undefined;
}

export interface CrowdRequest {
  /** Only these; all that run when not given. */
  ids?: ReadonlySet<string> | undefined;
  /** Milliseconds. */
  every: number;
  signal?: AbortSignal | undefined;
}

/** How many looks are under way at once: others want the thread pool too. */
const LANES = 4;
/** Meters that keep their files open. */
const HELD = 200;
/** Whoever is due within this time is served along. */
const TOGETHER_MS = 40;
/** Over less time than this the share of a processor would be noise. */
const SHORTEST_MS = 80;

/** Somebody who watches, and the looks that were told before. */
interface Seat {
  ids: ReadonlySet<string> | undefined;
  every: number;
  /** Monotonic milliseconds. */
  due: number;
  before: ReadonlyMap<string, Reading>;
  /** Set while it waits: who does not ask for more costs nothing. */
  tell: ((round: Told) => void) | undefined;
}

interface Told {
  at: number;
  readings: ReadonlyMap<string, Reading>;
}

/** Looks at all running containers together, once for all who are due at a time, and never while nobody waits. */
export class Crowd {
  readonly #containers: CrowdContainers;
  readonly #seats = new Set<Seat>();
  readonly #meters = new Map<string, Meter>();
  readonly #buffers = Array.from({ length: LANES }, readBuffer);
  #timer: NodeJS.Timeout | undefined;
  #looking = false;

  constructor(containers: CrowdContainers) {
    this.#containers = containers;
  }

  /** A look at once, then one at every whole multiple of `every`; who reads slowly misses some. */
  async *watch({ ids, every, signal }: CrowdRequest): AsyncGenerator<StatsTick> {
    const seat: Seat = { ids, every, due: performance.now(), before: this.#latest(), tell: undefined };
    this.#seats.add(seat);
    using _ = disposable(() => this.#leave(seat));
    for (;;) {
      const told = await this.#next(seat, signal);
      if (!told) return;
      const containers = Object.fromEntries(
        [...told.readings].map(([id, reading]) => [id, usageOf(reading, seat.before.get(id))]),
      );
      seat.before = told.readings;
      yield { at: told.at, containers };
    }
  }

  #next(seat: Seat, signal: AbortSignal | undefined): Promise<Told | undefined> {
    if (signal?.aborted) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const done = (told: Told | undefined): void => {
        seat.tell = undefined;
        signal?.removeEventListener('abort', gone);
        resolve(told);
      };
      const gone = (): void => done(undefined);
      signal?.addEventListener('abort', gone, { once: true });
      seat.tell = done;
      this.#plan();
    });
  }

  #leave(seat: Seat): void {
    this.#seats.delete(seat);
    if (!this.#looking) this.#plan();
  }

  #latest(): Map<string, Reading> {
    return new Map([...this.#meters].flatMap(([id, { latest }]) => (latest ? [[id, latest] as const] : [])));
  }

  #plan(): void {
    if (this.#looking) return; // it plans itself when it is done
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#seats.size === 0) return this.#closeBut(new Set());
    const due = Math.min(...[...this.#seats].map((seat) => (seat.tell ? seat.due : Infinity)));
    if (due !== Infinity) this.#timer = setTimeout(() => void this.#look(), Math.max(0, due - performance.now()));
  }

  async #look(): Promise<void> {
    this.#looking = true;
    const limit = performance.now() + TOGETHER_MS;
    const seats = [...this.#seats].filter((seat) => seat.tell && seat.due <= limit);
    const running = this.#containers.runningIds();
    const wanted = running.filter((id) => seats.some(({ ids }) => ids === undefined || ids.has(id)));
    const readings = await this.#read(wanted);
    const now = performance.now();
    const at = Date.now();
    for (const seat of seats) {
      const { ids, every } = seat;
      const own = ids ? new Map([...readings].filter(([id]) => ids.has(id))) : readings;
      // On the grid that all with this pace share; what was missed is not made up for.
      const next = (Math.floor(now / every) + 1) * every;
      seat.due = next - now < every / 3 ? next + every : next;
      seat.tell?.({ at, readings: own });
    }
    this.#looking = false;
    this.#closeBut(this.#seats.size > 0 ? new Set(running) : new Set());
    this.#plan();
  }

  async #read(ids: string[]): Promise<Map<string, Reading>> {
    const found = new Map<string, Reading>();
    const queue = ids.values();
    let processes: Promise<ProcessTree> | undefined;
    const texts = new Map<string, Promise<string>>();
    const shared: Omit<Round, 'buffer'> = {
      memory: totalmem(), // a whole file of /proc each time
      text: (path, buffer) => {
        const known = texts.get(path) ?? new KernelFile(path, false).text(buffer);
        texts.set(path, known);
        return known;
      },
      processes: () => (processes ??= ProcessTree.read()),
    };
    const lane = async (buffer: Buffer): Promise<void> => {
      const round: Round = { ...shared, buffer };
      for (const id of queue) {
        const reading = await this.#readOne(id, round);
        if (reading) found.set(id, reading);
      }
    };
    await Promise.all(this.#buffers.map(lane));
    return found;
  }

  async #readOne(id: string, round: Round): Promise<Reading | undefined> {
    const glance = this.#containers.glance(id);
    if (glance?.pid === undefined) return undefined;
    const run: Run = { ...glance, pid: glance.pid };
    let meter = this.#meters.get(id);
    if (meter?.pid !== run.pid) {
      meter?.close();
      this.#meters.delete(id);
      meter = await Meter.of(run, this.#meters.size < HELD);
      if (!meter) return undefined;
      this.#meters.set(id, meter);
    }
    const reading = await meter.read(run, round);
    // It may have ended while we looked: then half of it would be zeros.
    return this.#containers.glance(id)?.pid === run.pid ? reading : undefined;
  }

  #closeBut(kept: ReadonlySet<string>): void {
    for (const [id, meter] of this.#meters) {
      if (kept.has(id)) continue;
      meter.close();
      this.#meters.delete(id);
    }
  }
}

function usageOf(reading: Reading, before: Reading | undefined): Usage {
  const { pid, at, cpu, ...usage } = reading;
  if (before?.pid !== pid || at - before.at < SHORTEST_MS) return usage;
  const percent = (cpu - before.cpu) / (at - before.at) / 1e4;
  return { cpu: Math.max(0, Math.round(percent * 100) / 100), ...usage };
}
