/** Answers the window's wishes for files that go between a container and this machine, each over a port of its own. */
import { z } from 'zod';
import type { FilePlace, ImageArchive, LayerFile, UploadTarget } from '../../main/contract/bridge.js';
import type { Progress } from '../../main/contract/images.js';
import { messageOf } from '../../main/base/errors.js';
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
}

interface TransferWatch {
  signal: AbortSignal;
  tell(bytes: number, total?: number): void;
  /** What the engine says meanwhile. */
  say(line: Progress): void;
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
const place = { container, path, folder: z.boolean() };

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
    ...{ container, path, uid: user, gid: user },
    /** The preload's own doing: what a person dropped or picked. */
    files: z.array(path).min(1).max(100_000),
  }),
  z.strictObject({
    act: z.literal('save-images'),
    images: z.array(imageName).min(1).max(100_000),
    /** A name, not a path: where to is the person's to say. */
    name: z
      .string()
      .max(200)
      .regex(/^[^/\\\0]+$/),
  }),
  z.strictObject({
    act: z.literal('load-images'),
    file: path,
    as: z.strictObject({ reference: imageName.optional() }).optional(),
  }),
]);

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
    case 'download':
    case 'download-layer': {
      const { act: _, ...what } = wish;
      return (await verbs.download(what, watch)) ? { type: 'done', leftOut: 0 } : { type: 'cancelled' };
    }
    case 'upload': {
      const { act: _, files, ...into } = wish;
      return (await verbs.upload(into, files, watch)) ? { type: 'done', leftOut: 0 } : { type: 'cancelled' };
    }
    case 'fetch': {
      const { act: _, id, ...what } = wish;
      return { type: 'done', leftOut: await verbs.fetch(id, what, watch) };
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
  }
}
