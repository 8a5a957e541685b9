import type { FileStat } from '../../contract/files.js';
import type { Engine } from '../../engine/index.js';
import { debugCreate, fileRename } from '../documents.js';
import { integer, text } from '../parameters.js';
import { created, empty, json, noContent, stream } from '../replies.js';
import { del, get, post, put, type Route } from '../router.js';
import { atLeast } from '../versions.js';

/** A container's files one at a time, and a shell for images that have none: beyond Docker's API. */
export const fileTreeRoutes = ({ fileTree, execs }: Engine): Route[] => [
  ...treeRoutes('/slipway/containers/:id', fileTree),
  get('/slipway/containers/:id/shells', async ({ params }) => {
    const [Shells, Toolbox] = await Promise.all([fileTree.shells(params.id), execs.hasToolbox()]);
    return json({ Shells, Default: Shells[0] ?? null, Toolbox });
  }),
  post('/slipway/containers/:id/debug', async ({ params, body, version }) => {
    const { ConsoleSize, ...wish } = debugCreate(await body.json());
    const size = wish.Tty && atLeast(version, '1.42') ? ConsoleSize : undefined;
    return created(await execs.createDebug(params.id, { ...wish, ...(size && { ConsoleSize: size }) }));
  }),
];

/** Files one at a time, of whatever has some. */
export const treeRoutes = (
  at: '/slipway/containers/:id' | '/slipway/volumes/:id',
  tree: Pick<Engine['volumeTree'], 'list' | 'read' | 'write' | 'remove' | 'makeDirectory' | 'rename'>,
): Route[] => [
  get(`${at}/files`, async ({ params, query }) =>
    json(
      await tree.list(params.id, {
        path: query.get('path') ?? '/',
        limit: integer(query, 'limit'),
        after: text(query, 'after'),
      }),
    ),
  ),
  get(`${at}/file`, async ({ params, query, signal }) => {
    const request = {
      path: query.get('path') ?? '',
      offset: integer(query, 'offset'),
      length: integer(query, 'length'),
    };
    const { stat, bytes } = await tree.read(params.id, request, signal);
    return stream(bytes, { 'Content-Type': 'application/octet-stream', ...headersOf(stat) });
  }),
  put(`${at}/file`, async ({ params, query, headers, body }) => {
    const version = headers['if-match']?.replace(/^"|"$/g, '');
    return json(await tree.write(params.id, { path: query.get('path') ?? '', version }, body.stream()));
  }),
  del(`${at}/file`, async ({ params, query }) => {
    await tree.remove(params.id, query.get('path') ?? '');
    return noContent();
  }),
  post(`${at}/directory`, async ({ params, query }) => {
    await tree.makeDirectory(params.id, query.get('path') ?? '');
    return empty(201, { 'Content-Length': '0' });
  }),
  post(`${at}/rename`, async ({ params, body }) => {
    const { From, To } = fileRename(await body.json());
    await tree.rename(params.id, From, To);
    return noContent();
  }),
];

/** What a path names, as Docker's archive endpoints say it: a document in a header. */
const headersOf = (stat: FileStat): Record<string, string> => ({
  ETag: `"${stat.Version}"`,
  'X-Slipway-File': Buffer.from(JSON.stringify(stat)).toString('base64'),
});
