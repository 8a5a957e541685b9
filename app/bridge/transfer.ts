/** Answers the window's wishes for files that go between the engine and this machine, each over a port of its own. */
import { z } from 'zod';
import type {
  FilePlace,
  FilesOf,
  ImageArchive,
  ImageBuild,
  LayerFile,
  UploadTarget,
  VolumeArchive,
} from '../../main/contract/bridge.js';
import type { Progress } from '../../main/contract/images.js';
import type { VolumeProgress } from '../../main/contract/volume-data.js';
import { invalid, messageOf } from '../../main/base/errors.js';
import type { TransferAnswer } from './port.js';
import { kindOf, reasonOf, type Port } from './relay.js';

/** What the app does with them; app/files knows how. */
export interface FileVerbs {
  /** False: the person changed their mind. */
  download(what: FilePlace | LayerFile, watch: TransferWatch): Promise<boolean>;
  /** False: there was nothing to do. */
  upload(into: UploadTarget, files: string[], watch: TransferWatch): Promise<boolean>;
  /** How many links and devices were left out. */
  fetch(id: number, what: FilePlace, watch: TransferWatch): Promise<number>;
  /** False: the person changed their mind. */
  saveImages(what: ImageArchive, watch: TransferWatch): Promise<boolean>;
  /** `as`: it is a root file system's tar. */
  loadImages(file: string, as: { reference?: string } | undefined, watch: TransferWatch): Promise<void>;
  buildImage(folder: string, how: ImageBuild, watch: TransferWatch): Promise<void>;
  /** False: the person changed their mind. */
  saveVolume(what: VolumeArchive, watch: TransferWatch): Promise<boolean>;
  fillVolume(file: string, into: { volume: string; replace: boolean }, watch: TransferWatch): Promise<void>;
}

interface TransferWatch {
  signal: AbortSignal;
  tell(bytes: number, total?: number): void;
  /** What the engine says meanwhile. */
  say(line: Progress): void;
  stage(progress: VolumeProgress): void;
}

/** Is thrown by `fetch` for more than can be dragged. */
export class TooLargeToDrag extends Error {
  constructor(readonly limit: number) {
    super(`more than ${limit} bytes cannot be dragged`);
  }
}

const container = z.string().regex(/^[0-9a-f]{64}$/);
const path = z
  .string()
  .max(4096)
  .regex(/^\/[^\0]*$/);
const id = z.number().int().nonnegative();
const user = z.number().int().min(0).max(0xfffffffe);
const imageName = z
  .string()
  .max(4096)
  .regex(/^[\w][\w./:@-]*$/);
/** Docker's rule. */
const volume = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}$/);
/** A name, not a path: where to is the person's to say. */
const fileName = z
  .string()
  .max(200)
  .regex(/^[^/\\\0]+$/);
/** One of them. */
const filesOf = { container: container.optional(), volume: volume.optional() };
const place = { ...filesOf, path, folder: z.boolean() };

const requestSchema = z.discriminatedUnion('act', [
  z.strictObject({ act: z.literal('download'), ...place }),
  z.strictObject({
    act: z.literal('download-layer'),
    of: z.enum(['image', 'container']),
    name: z
      .string()
      .min(1)
      .max(4096)
      .regex(/^[\w./:@-]+$/),
    layer: z.number().int().min(1).max(500),
    path,
  }),
  z.strictObject({ act: z.literal('fetch'), id, ...place }),
  z.strictObject({
    act: z.literal('upload'),
    ...{
      ...filesOf,
      path,
      uid: user.optional(),
      gid: user.optional(),
      content: z.boolean().optional(),
      fresh: z.boolean().optional(),
    },
    /** The preload's own doing: what a person dropped or picked. */
    files: z.array(path).min(1).max(100_000),
  }),
  z.strictObject({
    act: z.literal('save-images'),
    images: z.array(imageName).min(1).max(100_000),
    name: fileName,
  }),
  z.strictObject({
    act: z.literal('load-images'),
    file: path,
    as: z.strictObject({ reference: imageName.optional() }).optional(),
  }),
  z.strictObject({ act: z.literal('build-image'), folder: path, reference: imageName, dockerfile: fileName }),
  z.strictObject({
    act: z.literal('save-volume'),
    volume,
    compress: z.enum(['gzip', 'zstd', 'none']),
    pause: z.boolean(),
    name: fileName,
  }),
  z.strictObject({ act: z.literal('save-backup'), backup: z.string().regex(/^[\w-]{1,128}$/), name: fileName }),
  z.strictObject({ act: z.literal('fill-volume'), file: path, volume, replace: z.boolean() }),
]);

function ownerOf({ container, volume }: { container?: string | undefined; volume?: string | undefined }): FilesOf {
  if (container !== undefined && volume === undefined) return { container };
  if (volume !== undefined && container === undefined) return { volume };
  throw invalid('files are of a container or of a volume');
}

/** Milliseconds between two words of progress. */
const PROGRESS = 100;

/** Serves one port until the transfer is over, cancelled, or the window is gone. The window closes the port when it has read the last word. */
export async function transfer(port: Port<TransferAnswer>, request: unknown, verbs: FileVerbs): Promise<void> {
  const abort = new AbortController();
  let told = 0;
  let last: { bytes: number; total?: number } | undefined;
  port.onMessage(() => abort.abort());
  port.onClose(() => abort.abort());
  const watch: TransferWatch = {
    signal: abort.signal,
    tell(bytes, total) {
      last = { bytes, ...(total !== undefined && { total }) };
      if (Date.now() - told < PROGRESS) return;
      told = Date.now();
      port.post({ type: 'progress', ...last });
    },
    say: (line) => port.post({ type: 'line', line }),
    stage: (stage) => port.post({ type: 'stage', stage }),
  };
  try {
    const ended = await act(request, verbs, watch);
    if (last) port.post({ type: 'progress', ...last });
    port.post(ended);
  } catch (error) {
    if (abort.signal.aborted) port.post({ type: 'cancelled' });
    else if (error instanceof TooLargeToDrag) port.post({ type: 'too-large', limit: error.limit });
    else port.post({ type: 'error', kind: kindOf(error), message: messageOf(error) });
  }
}

async function act(request: unknown, verbs: FileVerbs, watch: TransferWatch): Promise<TransferAnswer> {
  const parsed = requestSchema.safeParse(request);
  if (!parsed.success) return { type: 'error', kind: 'invalid', message: reasonOf(parsed.error) };
  const wish = parsed.data;
  switch (wish.act) {
    case 'download': {
      const { path, folder } = wish;
      return (await verbs.download({ ...ownerOf(wish), path, folder }, watch))
        ? { type: 'done', leftOut: 0 }
        : { type: 'cancelled' };
    }
    case 'download-layer': {
      const { act: _, ...what } = wish;
      return (await verbs.download(what, watch)) ? { type: 'done', leftOut: 0 } : { type: 'cancelled' };
    }
    case 'upload': {
      const { files, path, uid, gid, content, fresh } = wish;
      const into = {
        ...{ ...ownerOf(wish), path },
        ...(uid !== undefined && { uid }),
        ...(gid !== undefined && { gid }),
        ...(content && { content }),
        ...(fresh && { fresh }),
      };
      return (await verbs.upload(into, files, watch)) ? { type: 'done', leftOut: 0 } : { type: 'cancelled' };
    }
    case 'fetch': {
      const { id, path, folder } = wish;
      return { type: 'done', leftOut: await verbs.fetch(id, { ...ownerOf(wish), path, folder }, watch) };
    }
    case 'save-images': {
      const { act: _, ...what } = wish;
      return (await verbs.saveImages(what, watch)) ? { type: 'done', leftOut: 0 } : { type: 'cancelled' };
    }
    case 'load-images': {
      const as = wish.as && (wish.as.reference === undefined ? {} : { reference: wish.as.reference });
      await verbs.loadImages(wish.file, as, watch);
      return { type: 'done', leftOut: 0 };
    }
    case 'build-image': {
      const { act: _, folder, ...how } = wish;
      await verbs.buildImage(folder, how, watch);
      return { type: 'done', leftOut: 0 };
    }
    case 'save-volume':
    case 'save-backup': {
      const { act: _, ...what } = wish;
      return (await verbs.saveVolume(what, watch)) ? { type: 'done', leftOut: 0 } : { type: 'cancelled' };
    }
    case 'fill-volume':
      await verbs.fillVolume(wish.file, { volume: wish.volume, replace: wish.replace }, watch);
      return { type: 'done', leftOut: 0 };
  }
}
