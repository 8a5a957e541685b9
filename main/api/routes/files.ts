import { invalid, notFound } from '../../base/errors.js';
import type { Engine } from '../../engine/index.js';
import { containerCreate } from '../documents.js';
import { flag, text } from '../parameters.js';
import { created, empty, stream } from '../replies.js';
import { get, head, post, put, type Route } from '../router.js';

const STAT = 'X-Docker-Container-Path-Stat';
const WITHOUT_BODY = { 'Content-Length': '0' };

/** Copies into and out of containers, what they changed, the whole of them as a tar or an image. */
export const fileRoutes = ({ files }: Engine): Route[] => [
  ...archiveRoutes('/containers/:id', files),
  get('/containers/:id/changes', async ({ params }) =>
    stream(listed(await files.changes(params.id)), { 'Content-Type': 'application/json' }, false),
  ),
  get('/containers/:id/export', async ({ params, signal }) =>
    stream(await files.export(params.id, signal), { 'Content-Type': 'application/octet-stream' }, false),
  ),
  post('/commit', async ({ query, body }) => {
    const container = text(query, 'container');
    if (!container)
      throw query.has('container') ? notFound('No such container: ') : invalid('invalid name or ID supplied: ""');
    const config = await body.json();
    const Id = await files.commit({
      container,
      repo: query.get('repo') ?? '',
      tag: query.get('tag') ?? '',
      comment: query.get('comment') ?? '',
      author: query.get('author') ?? '',
      pause: query.get('pause') ? flag(query, 'pause') : true,
      changes: query.getAll('changes'),
      config: config === undefined || config === null ? undefined : containerCreate(config),
    });
    return created({ Id });
  }),
];

/** Trees of files as tars, of whatever has some. */
export const archiveRoutes = (
  at: '/containers/:id' | '/slipway/volumes/:id',
  archives: Pick<Engine['volumeArchives'], 'stat' | 'read' | 'write'>,
): Route[] => [
  head(`${at}/archive`, async ({ params, query }) =>
    empty(200, { ...WITHOUT_BODY, [STAT]: await archives.stat(params.id, query.get('path') ?? '') }),
  ),
  get(`${at}/archive`, async ({ params, query, signal }) => {
    const { stat, tar } = await archives.read(params.id, query.get('path') ?? '', signal);
    return stream(tar, { 'Content-Type': 'application/x-tar', [STAT]: stat }, false);
  }),
  put(`${at}/archive`, async ({ params, query, body, signal }) => {
    const request = {
      path: query.get('path') ?? '',
      noOverwriteDirNonDir: flag(query, 'noOverwriteDirNonDir'),
      copyUIDGID: flag(query, 'copyUIDGID'),
    };
    await archives.write(params.id, request, body.stream(), signal);
    return empty(200, WITHOUT_BODY);
  }),
];

/** A JSON list as it comes; `null` where there is nothing, as Docker has it. */
async function* listed(items: AsyncIterable<unknown>): AsyncGenerator<string> {
  let before = '[';
  for await (const item of items) {
    yield before + JSON.stringify(item);
    before = ',';
  }
  yield before === '[' ? 'null\n' : ']\n';
}
