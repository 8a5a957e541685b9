import type { StatsTick, Usage, UsageHistory } from '../../contract/stats.js';

const COLUMNS = ['at', 'cpu', 'memory', 'netRx', 'netTx', 'blockRead', 'blockWrite', 'pids'] as const;

/** Full when there are this many of them; the one that is quiet for longest goes first. */
const MOST_CONTAINERS = 500;

/** The last samples of one container in columns; room grows with what is there. */
class Ring {
  #columns = COLUMNS.map(() => new Float64Array(32));
  /** Of all samples ever: where the next one goes. */
  #count = 0;

  constructor(private readonly size: number) {}

  push(at: number, usage: Usage & { cpu: number }): void {
    const room = this.#columns[0]?.length ?? 0;
    if (this.#count === room && room < this.size) {
      this.#columns = this.#columns.map((column) => {
        const larger = new Float64Array(Math.min(this.size, room * 2));
        larger.set(column);
        return larger;
      });
    }
    const values = { at, ...usage };
    const place = this.#count++ % this.size;
    COLUMNS.forEach((name, index) => ((this.#columns[index] as Float64Array)[place] = values[name]));
  }

  get newest(): number {
    return this.#columns[0]?.[(this.#count - 1) % this.size] ?? 0;
  }

  /** Oldest first, from a moment on. */
  since(moment: number): Record<(typeof COLUMNS)[number], number[]> {
    const held = Math.min(this.#count, this.size);
    const places = Array.from({ length: held }, (_, index) => (this.#count - held + index) % this.size);
    const kept = places.filter((place) => (this.#columns[0]?.[place] ?? 0) >= moment);
    const column = (index: number) => kept.map((place) => this.#columns[index]?.[place] ?? 0);
    return Object.fromEntries(COLUMNS.map((name, index) => [name, column(index)])) as ReturnType<Ring['since']>;
  }
}

/** What containers used, kept in memory for a while; a container that has ended keeps its own until that time has passed. */
export class History {
  readonly #rings = new Map<string, Ring>();

  constructor(
    readonly every: number,
    private readonly span: number,
  ) {}

  /** `known`: whether a container still exists. */
  record({ at, containers }: StatsTick, known: (id: string) => boolean): void {
    for (const [id, { cpu, ...usage }] of Object.entries(containers)) {
      if (cpu === undefined) continue;
      const ring = this.#rings.get(id) ?? new Ring(Math.ceil(this.span / this.every));
      ring.push(at, { cpu, ...usage });
      this.#rings.delete(id); // the order of the map is that of the newest samples
      this.#rings.set(id, ring);
    }
    for (const [id, ring] of this.#rings)
      if (!known(id) || ring.newest < at - this.span || this.#rings.size > MOST_CONTAINERS) this.#rings.delete(id);
  }

  of(id: string): UsageHistory {
    const ring = this.#rings.get(id) ?? new Ring(0);
    return { every: this.every, ...ring.since(Date.now() - this.span) };
  }
}
