import type { Engine } from '../../engine/index.js';
import { filtersOf } from '../filters.js';
import { nanoseconds } from '../parameters.js';
import { empty, json, jsonLines, text } from '../replies.js';
import { get, head, type Route } from '../router.js';

const eventFilters = [
  ...['config', 'container', 'daemon', 'event', 'image', 'label', 'network', 'node', 'plugin', 'scope', 'secret'],
  ...['service', 'type', 'volume'],
];

/** What a ping says besides the headers of every answer. `Builder-Version` 1: no BuildKit here, so clients do not look for it. */
const pingHeaders = {
  'Cache-Control': 'no-cache, no-store, must-revalidate',
  Pragma: 'no-cache',
  'Builder-Version': '1',
  Swarm: 'inactive',
  'Content-Type': 'text/plain; charset=utf-8',
};

export const systemRoutes = ({ system, events }: Engine): Route[] => [
  get('/_ping', () => text('OK', pingHeaders)),
  head('/_ping', () => empty(200, { ...pingHeaders, 'Content-Length': '0' })),
  get('/version', () => json(system.version())),
  get('/info', () => json(system.info())),
  get('/system/df', async () => json(await system.diskUsage())),
  get('/events', ({ query, signal }) => {
    const range = { since: nanoseconds(query, 'since'), until: nanoseconds(query, 'until') };
    return jsonLines(events.stream({ ...range, filters: filtersOf(query, eventFilters) }, signal));
  }),
];
