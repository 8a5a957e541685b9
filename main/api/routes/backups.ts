import { invalid } from '../../base/errors.js';
import type { VolumeProgress } from '../../contract/volume-data.js';
import type { Engine } from '../../engine/index.js';
import { backupCreate, backupRestore, backupSchedule, volumeClone } from '../documents.js';
import { flag, text } from '../parameters.js';
import { json, noContent, steps, stream, type Reply } from '../replies.js';
import { del, get, post, put, type Call, type Route } from '../router.js';

type Report = (progress: VolumeProgress) => void;

/** Volumes as a whole: exported, imported, cloned, backed up, restored. */
export const backupRoutes = ({ backups }: Engine): Route[] => [
  get('/slipway/volumes/:name/export', async ({ params, query, signal }) => {
    const compress = compressionOf(query);
    const tar = await backups.export(params.name, { compress, pause: flag(query, 'pause') }, signal);
    return stream(tar, { 'Content-Type': TYPES[compress] }, false);
  }),
  post('/slipway/volumes/:name/import', ({ params, query, headers, body, signal }) =>
    done(signal, (caller) =>
      backups.import(
        params.name,
        { replace: flag(query, 'replace'), size: sizeOf(headers), body: body.stream() },
        caller,
      ),
    ),
  ),
  post('/slipway/volumes/:name/clone', async ({ params, body, signal }) => {
    const { Name, Pause } = volumeClone(await body.json());
    return done(signal, (caller) => backups.clone(params.name, { to: Name, pause: Pause ?? false }, caller));
  }),
  get('/slipway/backups', () => json(backups.list())),
  get('/slipway/volumes/:name/backups', ({ params }) => json(backups.list(params.name))),
  post('/slipway/volumes/:name/backups', async ({ params, body, signal }) => {
    const { Pause, Note } = backupCreate(await body.json());
    return done(signal, (caller) => backups.create(params.name, { pause: Pause ?? false, note: Note ?? '' }, caller));
  }),
  get('/slipway/backups/:id', async ({ params }) => {
    const { size, bytes } = await backups.read(params.id);
    return stream(bytes, { 'Content-Type': TYPES.zstd, 'Content-Length': String(size) }, false);
  }),
  post('/slipway/backups/:id/restore', async ({ params, body, signal }) => {
    const { Name } = backupRestore(await body.json());
    return done(signal, (caller) => backups.restore(params.id, Name, caller));
  }),
  del('/slipway/backups/:id', async ({ params }) => {
    await backups.remove(params.id);
    return noContent();
  }),
  put('/slipway/volumes/:name/schedule', async ({ params, body }) =>
    json(await backups.setSchedule(params.name, backupSchedule(await body.json()))),
  ),
  del('/slipway/volumes/:name/schedule', async ({ params }) => {
    await backups.removeSchedule(params.name);
    return noContent();
  }),
];

const TYPES = { none: 'application/x-tar', gzip: 'application/gzip', zstd: 'application/zstd' } as const;

function compressionOf(query: URLSearchParams): keyof typeof TYPES {
  const compress = text(query, 'compress') ?? 'none';
  if (compress === 'none' || compress === 'gzip' || compress === 'zstd') return compress;
  throw invalid(`compress must be none, gzip or zstd, not ${compress}`);
}

function sizeOf(headers: Call['headers']): number | undefined {
  const length = headers['content-length'];
  return length === undefined ? undefined : Number(length);
}

/** Lines on the way, and what it came to as `Done`. */
const done = <Result>(
  signal: AbortSignal,
  work: (caller: { signal: AbortSignal; report: Report }) => Promise<Result>,
): Reply => steps<VolumeProgress, { Done: Result }>(async (report) => ({ Done: await work({ signal, report }) }));
