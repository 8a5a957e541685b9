/** What happened, in order. Rooms publish what is already done; the API streams it and the window refreshes from it. */
import { disposable } from '../../base/scopes.js';
import { messageOf } from '../../base/errors.js';
import { createLog } from '../../base/log.js';
import type { EngineEvent } from '../../contract/events.js';
import type { Filters } from '../../contract/filters.js';

export type EventListener = (event: EngineEvent) => void;

export interface EventRange {
  /** Unix nanoseconds, inclusive. */
  since?: number;
  until?: number;
  filters?: Filters;
}

/** As many as dockerd remembers. */
const remembered = 256;

export class Events {
  readonly #past: EngineEvent[] = [];
  readonly #listeners = new Set<{ hear: EventListener }>();

  publish(type: EngineEvent['Type'], action: string, id: string, attributes: Record<string, string> = {}): void {
    const timeNano = now();
    const event: EngineEvent = {
      ...legacyFields(type, action, id, attributes),
      Type: type,
      Action: action,
      Actor: { ID: id, Attributes: attributes },
      scope: 'local',
      time: Math.floor(timeNano / 1e9),
      timeNano,
    };
    this.#past.push(event);
    if (this.#past.length > remembered) this.#past.shift();
    for (const listener of [...this.#listeners]) tell(listener.hear, event);
  }

  /** What is still remembered of a range. Without `since` there is no past, as with dockerd. */
  since({ since, until, filters = {} }: EventRange): EngineEvent[] {
    if (since === undefined && until === undefined) return [];
    return this.#past.filter(
      (event) =>
        event.timeNano >= (since ?? 0) &&
        event.timeNano <= (until ?? Number.POSITIVE_INFINITY) &&
        matches(event, filters),
    );
  }

  subscribe(listener: EventListener): Disposable {
    const entry = { hear: listener };
    this.#listeners.add(entry);
    return disposable(() => this.#listeners.delete(entry));
  }

  /** The remembered part of a range, then what happens, until `until` or the signal. Nothing is lost in between. */
  async *stream({ since, until, filters = {} }: EventRange, signal: AbortSignal): AsyncGenerator<EngineEvent> {
    const waiting = this.since({ since, until, filters });
    let wake: () => void = () => undefined;
    let over = signal.aborted;
    const end = () => {
      over = true;
      wake();
    };
    const subscription = this.subscribe((event) => {
      if (!matches(event, filters)) return;
      waiting.push(event);
      wake();
    });
    const timer =
      until === undefined ? undefined : setTimeout(end, Math.min(Math.max(0, (until - now()) / 1e6), 2 ** 31 - 1));
    signal.addEventListener('abort', end);
    try {
      for (;;) {
        for (let event = waiting.shift(); event; event = waiting.shift()) yield event;
        if (over) return;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      subscription[Symbol.dispose]();
      signal.removeEventListener('abort', end);
      clearTimeout(timer);
    }
  }
}

const log = createLog('events');

/** One broken listener must not keep the event from the others, nor undo what the publisher has done. */
function tell(listener: EventListener, event: EngineEvent): void {
  try {
    listener(event);
  } catch (error) {
    log.error(`a listener failed on ${event.Type} ${event.Action}: ${messageOf(error)}`);
  }
}

const wallClock = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();
let latest = 0;

/** Unix nanoseconds, never the same twice and never going back. A double holds them to 256 ns, so that is the step. */
function now(): number {
  const wall = Number(BigInt(Date.now()) * 1_000_000n);
  const fine = Number(wallClock + process.hrtime.bigint());
  // The fine clock follows the wall clock, but does not know of a clock that was set since the start.
  const time = Math.abs(fine - wall) < 5e9 ? fine : wall;
  latest = Math.max(time, latest + 256);
  return latest;
}

/** What clients older than API 1.22 read. */
function legacyFields(type: EngineEvent['Type'], action: string, id: string, attributes: Record<string, string>) {
  if (type !== 'container' && type !== 'image') return {};
  const from = type === 'container' && attributes.image;
  // Pruning is of none in particular.
  return { status: action, ...(id && { id }), ...(from && { from }) };
}

function matches(event: EngineEvent, filters: Filters): boolean {
  return Object.entries(filters).every(([key, values]) => {
    if (key === 'label') return values.every((label) => hasLabel(event.Actor.Attributes, label));
    return values.length === 0 || values.some((value) => matchesOne(event, key, value));
  });
}

function matchesOne(event: EngineEvent, key: string, value: string): boolean {
  switch (key) {
    case 'type':
      return event.Type === value;
    case 'event':
      // `exec_start: sh -c …` and `health_status: healthy` are found by their first word too.
      return event.Action === value || event.Action.startsWith(`${value}:`);
    case 'scope':
      return event.scope === value;
    case 'image':
      return event.Type === 'image'
        ? isActor(event, value) || withoutTag(event.Actor.Attributes.name) === value
        : event.Actor.Attributes.image === value || withoutTag(event.Actor.Attributes.image) === value;
    default:
      return event.Type === key && isActor(event, value);
  }
}

/** By id or name, or how either begins. */
const isActor = ({ Actor }: EngineEvent, value: string) =>
  value !== '' && (Actor.ID.startsWith(value) || (Actor.Attributes.name ?? '').startsWith(value));

const withoutTag = (reference = '') => reference.replace(/:[^/:]*$/, '');

function hasLabel(attributes: Record<string, string>, label: string): boolean {
  const [name = '', ...value] = label.split('=');
  return name in attributes && (value.length === 0 || attributes[name] === value.join('='));
}
