import type { Transport } from '../contract/bridge.js';
import type { EngineEvent } from '../contract/events.js';
import type { Filters } from '../contract/filters.js';
import { open, withQuery, type Cancel } from './request.js';
import { readJsonLines } from './streams.js';

export interface EventsOptions {
  since?: string | number;
  until?: string | number;
  filters?: Filters;
}

export const eventsClient = (transport: Transport) => ({
  /**
   * Subscribes: once the promise resolves the engine is listening, so what is read afterwards cannot be older than an event missed.
   * The events end when the engine goes, or at `until`.
   */
  async subscribe(options: EventsOptions = {}, cancel: Cancel = {}): Promise<AsyncGenerator<EngineEvent>> {
    const { body } = await open(transport, { method: 'GET', path: withQuery('/events', { ...options }) }, cancel);
    return readJsonLines<EngineEvent>(body);
  },
});
