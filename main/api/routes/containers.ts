import { invalid } from '../../base/errors.js';
import type { Engine } from '../../engine/index.js';
import { containerAt, createAskedAt, summaryAt, waitAt } from '../by-version.js';
import { containerCreate } from '../documents.js';
import { filtersOf, pruneFiltersOf } from '../filters.js';
import { flag, integer, requiredInteger, text } from '../parameters.js';
import { created, empty, hijack, json, noContent, orNull, stream, websocket } from '../replies.js';
import { del, get, post, type Call, type Route } from '../router.js';
import { streamType } from '../stream-type.js';
import { atLeast } from '../versions.js';

const listFilters = [
  ...['ancestor', 'before', 'exited', 'expose', 'health', 'id', 'is-task', 'isolation', 'label', 'name', 'network'],
  ...['publish', 'since', 'status', 'volume'],
];

/** A JSON object that says anything has more bytes. */
const LONGEST_NOTHING = 7;

export const containerRoutes = ({ containers, system }: Engine): Route[] => [
  get('/containers/json', async ({ query, version }) => {
    const found = await containers.list({
      all: flag(query, 'all'),
      limit: integer(query, 'limit'),
      size: flag(query, 'size'),
      filters: filtersOf(query, listFilters),
    });
    return json(found.map((summary) => summaryAt(version, summary)));
  }),
  post('/containers/create', async ({ query, body, version }) => {
    const cgroupVersion = system.info().CgroupVersion === '1' ? 1 : 2;
    const wish = createAskedAt(version, containerCreate(await body.json()), cgroupVersion);
    const platform = atLeast(version, '1.41') ? text(query, 'platform') : undefined;
    return created(await containers.create(wish, text(query, 'name'), platform));
  }),
  post('/containers/prune', async ({ query }) => {
    const { ContainersDeleted, SpaceReclaimed } = await containers.prune(
      pruneFiltersOf(query, ['until', 'label', 'label!']),
    );
    return json({ ContainersDeleted: orNull(ContainersDeleted), SpaceReclaimed });
  }),
  get('/containers/:id/json', async ({ params, query, version }) =>
    json(containerAt(version, await containers.inspect(params.id, flag(query, 'size')))),
  ),
  post('/containers/:id/start', async ({ params, headers }) => {
    // Once, a start could bring a host config; a client that still sends one must learn that nobody reads it.
    if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > LONGEST_NOTHING)
      throw invalid(
        'starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24',
      );
    await containers.start(params.id);
    return noContent();
  }),
  post('/containers/:id/stop', async ({ params, query, version }) => {
    await containers.stop(params.id, ending(query, atLeast(version, '1.42')));
    return noContent();
  }),
  post('/containers/:id/restart', async ({ params, query, version }) => {
    await containers.restart(params.id, ending(query, atLeast(version, '1.42')));
    return noContent();
  }),
  post('/containers/:id/kill', async ({ params, query }) => {
    await containers.kill(params.id, text(query, 'signal') ?? 'KILL');
    return noContent();
  }),
  post('/containers/:id/pause', async ({ params }) => {
    await containers.pause(params.id);
    return noContent();
  }),
  post('/containers/:id/unpause', async ({ params }) => {
    await containers.unpause(params.id);
    return noContent();
  }),
  post('/containers/:id/rename', async ({ params, query }) => {
    await containers.rename(params.id, query.get('name') ?? '');
    return noContent();
  }),
  post('/containers/:id/resize', async ({ params, query }) => {
    await containers.resize(params.id, requiredInteger(query, 'h'), requiredInteger(query, 'w'));
    return empty(200);
  }),
  del('/containers/:id', async ({ params, query }) => {
    await containers.remove(params.id, { force: flag(query, 'force'), v: flag(query, 'v'), link: flag(query, 'link') });
    return noContent();
  }),
  get('/containers/:id/top', async ({ params, query }) =>
    json(await containers.top(params.id, query.get('ps_args') ?? '-ef')),
  ),
  // The answer's head goes out at once: it tells the client that it may start the container now. Before 1.30 there were no conditions.
  post('/containers/:id/wait', ({ params, query, version, signal }) => {
    const modern = atLeast(version, '1.30');
    const ended = containers.wait(params.id, modern ? text(query, 'condition') : undefined, signal);
    const answer = ended.then((how) => waitAt(version, how));
    return stream(answering(answer), { 'Content-Type': 'application/json' }, modern);
  }),
  post('/containers/:id/attach', async (call) => {
    const attached = await containers.attach(call.params.id, attachment(call));
    return hijack(attached, streamType(call, !attached.framed));
  }),
  get('/containers/:id/attach/ws', async (call) => {
    const attached = await containers.attach(call.params.id, attachment(call));
    return websocket(attached, atLeast(call.version, '1.28'));
  }),
  get('/containers/:id/logs', ({ params, query, version, signal }) => {
    const { tty, chunks } = containers.logs(params.id, {
      follow: flag(query, 'follow'),
      stdout: flag(query, 'stdout'),
      stderr: flag(query, 'stderr'),
      since: text(query, 'since'),
      until: text(query, 'until'),
      tail: text(query, 'tail'),
      timestamps: flag(query, 'timestamps'),
      details: flag(query, 'details'),
      signal,
    });
    return stream(chunks, { 'Content-Type': streamType({ version, headers: { upgrade: 'tcp' } }, tty) });
  }),
];

const ending = (query: URLSearchParams, withSignal: boolean) => ({
  t: integer(query, 't'),
  ...(withSignal && { signal: text(query, 'signal') }),
});

const attachment = ({ query }: Pick<Call, 'query'>) => ({
  stdin: flag(query, 'stdin'),
  stdout: flag(query, 'stdout'),
  stderr: flag(query, 'stderr'),
  stream: flag(query, 'stream'),
  logs: flag(query, 'logs'),
  tail: text(query, 'tail'),
  detachKeys: text(query, 'detachKeys'),
});

async function* answering(value: Promise<unknown>) {
  yield `${JSON.stringify(await value)}\n`;
}
