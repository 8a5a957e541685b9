import type { Engine } from '../../engine/index.js';
import { invalid, notFound } from '../../base/errors.js';
import type { Filters } from '../../contract/filters.js';
import { diskTypesAt, diskUsageAt, infoAt } from '../by-version.js';
import { anyFiltersOf, filtersOf } from '../filters.js';
import { nanoseconds } from '../parameters.js';
import { empty, json, jsonLines, text } from '../replies.js';
import { get, head, post, type Route } from '../router.js';

const eventFilters = [
  ...['config', 'container', 'daemon', 'event', 'image', 'label', 'network', 'node', 'plugin', 'scope', 'secret'],
  ...['service', 'type', 'volume'],
];

const cacheFilters = 'description id inuse label label! parent private shared type until unused-for'.split(' ');

/** As with dockerd, a filter that events do not have does not narrow them. */
const eventFiltersOf = (query: URLSearchParams): Filters =>
  Object.fromEntries(Object.entries(anyFiltersOf(query)).filter(([key]) => eventFilters.includes(key)));

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
  // `docker inspect` asks here for what it has found nowhere else.
  get('/plugins', () => json([])),
  get('/plugins/:name+/json', ({ params }) => Promise.reject(notFound(`plugin "${params.name}" not found`))),
  get('/info', ({ version }) => json(infoAt(version, system.info()))),
  get('/system/df', async ({ query, version }) => {
    const types = diskTypesAt(version, query.getAll('type'));
    return json(diskUsageAt(version, await system.diskUsage(types), types));
  }),
  post('/build/prune', ({ query }) => {
    filtersOf(query, cacheFilters);
    return json(system.pruneBuildCache());
  }),
  get('/events', ({ query, signal }) => {
    const range = { since: nanoseconds(query, 'since'), until: nanoseconds(query, 'until') };
    if (range.since && range.until && range.since > range.until)
      throw invalid(`\`since\` time (${query.get('since')}) cannot be after \`until\` time (${query.get('until')})`);
    return jsonLines(events.stream({ ...range, filters: eventFiltersOf(query) }, signal));
  }),
];
