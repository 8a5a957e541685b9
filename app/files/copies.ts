/** Files on their way between a container or a volume and this machine's disk; nothing of them stays in memory. */
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { normalize } from 'node:path/posix';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { codeOf, forbidden, invalid, notFound } from '../../main/base/errors.js';
import {
  counted,
  packFiles,
  sizeOfTar,
  unpackFiles,
  type Bytes,
  type LeftOut,
  type Source,
} from '../../main/base/file-tar.js';
import type { Client } from '../../main/client/index.js';
import type { ApiResponse, FilePlace, FilesOf, LayerFile, UploadTarget } from '../../main/contract/bridge.js';

export interface Watch {
  signal: AbortSignal;
  /** Bytes so far, and how many there will be where that is known. */
  tell(bytes: number, total?: number): void;
}

/** More than it was to be. */
export class TooLarge extends Error {}

/** Saves a file, or a folder's tar, under a name of this machine. */
export const download = (client: Client, what: FilePlace | LayerFile, to: string, watch: Watch): Promise<void> =>
  save(() => open(client, what, watch.signal), to, watch);

/** Under a name of this machine: the whole of it, or what was there before. */
export async function save(
  source: () => Promise<{ bytes: Bytes; total?: number }>,
  to: string,
  watch: Watch,
): Promise<void> {
  const part = `${to}.${randomBytes(3).toString('hex')}.part`;
  try {
    const { bytes, total } = await source();
    await pipeline(Readable.from(watched(bytes, watch, total)), createWriteStream(part, { flags: 'wx' }), {
      signal: watch.signal,
    });
    await rename(part, to);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

/** Files and folders into a directory. What has arrived when it fails or is cancelled stays there: an archive is extracted as it comes. */
export async function upload(
  client: Client,
  { path, uid, gid, content = false, fresh = false, ...of }: UploadTarget,
  files: readonly string[],
  watch: Watch,
): Promise<void> {
  const sources = content ? await contentOf(files) : files.map((each) => ({ path: each, name: basename(each) }));
  const names = new Set<string>();
  const twice = sources.find(({ name }) => names.size === names.add(name).size)?.name;
  if (twice !== undefined) throw invalid(`two of them are called ${twice}: upload them to different folders`);
  const owner = uid !== undefined && gid !== undefined ? { owner: { uid, gid } } : {};
  await pass(sources, { ...owner, followSources: !content }, watch, async (tar) => {
    const { archive, id } = placeIn(client, of);
    const { signal } = watch;
    if (fresh) await client.backups.importTar(id, tar, { signal });
    else await archive.copyTo(id, path, tar, {}, { signal });
  });
}

/** Measures files and folders, and passes their tar on. */
export async function pass(
  sources: readonly Source[],
  how: { owner?: { uid: number; gid: number }; followSources?: boolean; leftOut?: LeftOut | undefined },
  watch: Watch,
  to: (tar: Bytes) => Promise<void>,
): Promise<void> {
  watch.tell(0); // a task from here on, which can be cancelled: a large folder takes its time to be measured
  const total = await sizeOfTar(sources, { ...how, signal: watch.signal }).catch(explained);
  watch.signal.throwIfAborted();
  const tar = packFiles(sources, how);
  const stop = () => tar.destroy();
  watch.signal.addEventListener('abort', stop);
  try {
    await to(watched(tar, watch, total));
  } catch (error) {
    explained(error);
  } finally {
    watch.signal.removeEventListener('abort', stop);
    tar.destroy();
  }
}

/** What is in them, for folders; a file is itself. */
export async function contentOf(files: readonly string[]): Promise<Source[]> {
  const each = files.map(async (file) => {
    if (!(await stat(file)).isDirectory()) return [{ path: file, name: basename(file) }];
    return (await readdir(file)).sort().map((name) => ({ path: join(file, name), name }));
  });
  return (await Promise.all(each).catch(explained)).flat();
}

/** A file of this machine that went away or may not be read is said as that. */
export function explained(error: unknown): never {
  const path = error instanceof Error ? (error as NodeJS.ErrnoException).path : undefined;
  if (path !== undefined) {
    const code = codeOf(error);
    if (code === 'ENOENT') throw notFound(`${path} is not there any more`, { cause: error });
    if (code === 'EACCES' || code === 'EPERM')
      throw forbidden(`${path} may not be read: permission denied`, { cause: error });
  }
  throw error;
}

/**
 * Makes it in a directory of this machine, a folder with everything in it, unless it is larger than `limit` bytes. Links that lead out of it and devices are left out; returns
 * how many.
 */
export async function fetch(
  client: Client,
  what: FilePlace,
  directory: string,
  limit: number,
  watch: Watch,
): Promise<number> {
  if (normalize(what.path) === '/')
    throw invalid(
      `the whole root of a ${'volume' in what ? 'volume' : 'container'} cannot be dragged: drag what is in it`,
    );
  const { bytes, total } = await open(client, what, watch.signal);
  if (total !== undefined && total > limit) {
    bytes.cancel();
    throw new TooLarge();
  }
  const limited = async function* () {
    let size = 0;
    for await (const chunk of watched(bytes, watch, total)) {
      size += chunk.length;
      if (size > limit) throw new TooLarge();
      yield chunk;
    }
  };
  let leftOut = 0;
  if (what.folder) await unpackFiles(limited(), directory, { confined: true, leftOut: () => leftOut++ });
  else
    await pipeline(Readable.from(limited()), createWriteStream(`${directory}/${basename(what.path)}`, { flags: 'wx' }));
  return leftOut;
}

async function open(
  client: Client,
  what: FilePlace | LayerFile,
  signal: AbortSignal,
): Promise<{ bytes: ApiResponse['body']; total?: number }> {
  if ('layer' in what) {
    const { of: kind, name, layer, path } = what;
    const { stat, bytes } = await client.slipway.layers.read({ kind, name, layer }, { path }, { signal });
    return { bytes, total: stat.Size };
  }
  const { path, folder, ...of } = what;
  const { archive, files, id } = placeIn(client, of);
  if (folder) return { bytes: (await archive.copyFrom(id, path, { signal })).tar };
  const { stat, bytes } = await files.read(id, { path }, { signal });
  return { bytes, total: stat.Size };
}

/** A container's files or a volume's: they are asked for in the same way. */
const placeIn = (client: Client, of: FilesOf) =>
  'volume' in of
    ? { archive: client.volumes, files: client.volumes.files, id: of.volume }
    : { archive: client.containers, files: client.slipway.files, id: of.container };

/** The same bytes, told of as they pass. */
export function watched(bytes: Bytes, { tell }: Watch, total: number | undefined): AsyncGenerator<Uint8Array> {
  let size = 0;
  tell(0, total);
  return counted(bytes, (count) => tell((size += count), total));
}
