/** Files of this machine as a tar, and a tar as files of this machine. */
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, link, lstat, lutimes, mkdir, opendir, readlink, rm, stat, symlink, utimes } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, pack, type Extract, type Header, type Pack } from 'tar-stream';

export type Bytes = AsyncIterable<Uint8Array>;

/** Something to pack: where it is, and what it is called in the tar. */
export interface Source {
  path: string;
  name: string;
}

/** What of folders stays where it is, by the names that it would have in the tar. */
export interface LeftOut {
  ignores(name: string): boolean;
  /** Something below a folder that is ignored may be packed all the same. */
  reaches(name: string): boolean;
}

interface PackOptions {
  /** Whose everything in the tar is; what the files say when not given. */
  owner?: { uid: number; gid: number };
  /** A source that is a link stands for what it leads to. Links below it stay links. */
  followSources?: boolean;
  leftOut?: LeftOut | undefined;
}

/** A tar on its way. Who stops reading before its end has to destroy it: it holds a file open. */
export type FileTar = Bytes & { destroy(): void };

/** Files, and directories with what is below them. */
export function packFiles(
  sources: readonly Source[],
  { owner, followSources = false, leftOut }: PackOptions = {},
): FileTar {
  const tar = pack();
  const linked = new Map<string, string>();
  const all = async () => {
    for (const { path: at, name } of sources)
      await add(tar, { at, name, found: await (followSources ? stat(at) : lstat(at)), linked, owner, leftOut });
    tar.finalize();
  };
  all().catch((error: Error) => tar.destroy(error));
  return tar as unknown as FileTar;
}

/** About how long their tar is, in bytes. Sources are followed where `packFiles` is told to. */
export async function sizeOfTar(
  sources: readonly Source[],
  { signal, followSources = false, leftOut }: { signal?: AbortSignal } & Omit<PackOptions, 'owner'> = {},
): Promise<number> {
  const sizeOf = async (at: string, name: string, found: Awaited<ReturnType<typeof lstat>>): Promise<number> => {
    signal?.throwIfAborted();
    const stays = leftOut?.ignores(name) ?? false;
    if (stays && !(found.isDirectory() && leftOut?.reaches(name))) return 0;
    if (!found.isDirectory()) return 512 + (found.isFile() ? Math.ceil(Number(found.size) / 512) * 512 : 0);
    let sum = stays ? 0 : 512;
    for await (const { name: child } of await opendir(at)) {
      const below = path.join(at, child);
      sum += await sizeOf(below, `${name}/${child}`, await lstat(below));
    }
    return sum;
  };
  let sum = 1024;
  for (const { path: at, name } of sources) sum += await sizeOf(at, name, await (followSources ? stat(at) : lstat(at)));
  return sum;
}

interface Adding {
  at: string;
  name: string;
  found: Awaited<ReturnType<typeof lstat>>;
  linked: Map<string, string>;
  owner: PackOptions['owner'];
  leftOut: LeftOut | undefined;
}

async function add(tar: Pack, { at, name, found, linked, owner, leftOut }: Adding): Promise<void> {
  const stays = leftOut?.ignores(name) ?? false;
  if (stays && !(found.isDirectory() && leftOut?.reaches(name))) return;
  const { uid, gid } = owner ?? { uid: Number(found.uid), gid: Number(found.gid) };
  const [size, rdev] = [Number(found.size), Number(found.rdev)];
  const about = { name, mode: Number(found.mode) & 0o7777, uid, gid, mtime: found.mtime };
  if (found.isDirectory()) {
    if (!stays) await entry(tar, { ...about, name: name.endsWith('/') ? name : `${name}/`, type: 'directory' });
    const names: string[] = [];
    for await (const { name: child } of await opendir(at)) names.push(child);
    for (const child of names.sort()) {
      const below = path.join(at, child);
      const called = `${name.replace(/\/$/, '')}/${child}`;
      await add(tar, { at: below, name: called, found: await lstat(below), linked, owner, leftOut });
    }
  } else if (found.isSymbolicLink()) {
    await entry(tar, { ...about, type: 'symlink', linkname: await readlink(at) });
  } else if (found.isFile()) {
    const identity = `${found.dev}:${found.ino}`;
    if (found.nlink > 1) {
      const first = linked.get(identity);
      if (first !== undefined) return entry(tar, { ...about, type: 'link', linkname: first });
      linked.set(identity, name);
    }
    const into = tar.entry({ ...about, size });
    // What grows meanwhile is copied as far as it went when we looked.
    const from = size > 0 ? createReadStream(at, { end: size - 1 }) : Readable.from([]);
    await pipeline(from, into as unknown as NodeJS.WritableStream);
  } else if (found.isFIFO()) {
    await entry(tar, { ...about, type: 'fifo' });
  } else if (found.isSocket()) {
    return; // a tar has none
  } else {
    const type = found.isBlockDevice() ? 'block-device' : 'character-device';
    const [devmajor, devminor] = [(rdev >> 8) & 0xfff, (rdev & 0xff) | ((rdev >> 12) & 0xfff00)];
    await entry(tar, { ...about, type, devmajor, devminor });
  }
}

const entry = (tar: Pack, headers: Partial<Header> & { name: string }): Promise<void> =>
  new Promise((resolve, reject) => tar.entry(headers, (error) => (error ? reject(error) : resolve())));

interface UnpackOptions {
  /** What an entry is called here. */
  rename?: (name: string) => string;
  /** For what will lie about where anyone may open it: no link that leads out of the directory, no set-user-ID, and all of it can be removed again. */
  confined?: boolean;
  /** Told of what cannot be made here. */
  leftOut: (at: string, type: string) => unknown;
}

/** Extracts into a directory that is there; nothing of the tar reaches beside it. Returns the size of its files. */
export async function unpackFiles(
  bytes: Bytes,
  directory: string,
  { rename = (name) => name, confined = false, leftOut }: UnpackOptions,
): Promise<number> {
  const tar = extract();
  // What broke at the source tells more than the tar that ends too early for it.
  let broken: unknown;
  const source = async function* () {
    try {
      yield* bytes;
    } catch (error) {
      broken = error;
      throw error;
    }
  };
  const read = pipeline(Readable.from(source()), tar as unknown as NodeJS.WritableStream);
  read.catch(() => undefined);
  try {
    const size = await placeAll(tar, directory, { rename, confined, leftOut });
    await read;
    return size;
  } catch (error) {
    throw broken ?? error;
  }
}

async function placeAll(
  tar: Extract,
  directory: string,
  { rename, confined, leftOut }: Required<UnpackOptions>,
): Promise<number> {
  const links = new Map<string, string>();
  const dated: [string, Date][] = [];
  let size = 0;
  for await (const each of tar) {
    const headers = each.header;
    const { type = 'file', mode = 0o644 } = headers;
    const name = relative(rename(headers.name));
    const at = path.join(directory, name);
    const source = headers.linkname && type === 'link' ? relative(rename(headers.linkname)) : '';
    // A hard link to a link is one as well, and leads elsewhere from where it lies.
    const leadsTo = type === 'symlink' ? (headers.linkname ?? '') : links.get(source);
    const unsafe = confined && leadsTo !== undefined && !leadsInside(name, leadsTo);
    size += headers.size ?? 0;
    if (name === '' || unsafe) {
      if (unsafe) await leftOut(at, type);
      each.resume();
      continue;
    }
    throughNoLink(directory, name, links);
    if (source) throughNoLink(directory, source, links);
    const placed: Header = {
      ...headers,
      linkname: source ? path.join(directory, source) : (headers.linkname ?? ''),
      mode: confined ? (mode & 0o777) | (type === 'directory' ? 0o700 : 0o600) : mode & 0o7777,
    };
    await place(each as unknown as Bytes, placed, { at, directory, leftOut });
    if (leadsTo !== undefined) links.set(name, leadsTo);
    if (type === 'directory' && headers.mtime) dated.push([at, headers.mtime]);
  }
  for (const [at, mtime] of dated.reverse()) await utimes(at, mtime, mtime).catch(() => undefined);
  return size;
}

/** An engine we do not know must not reach beside the target: by `..`, nor by a link that it has just sent. */
function relative(name: string): string {
  const clean = path.posix.normalize(`./${name}`).replace(/^\.?\/|\/$/g, '');
  if (clean === '..' || clean.startsWith('../')) throw new Error(`the archive's entry ${name} leads out of the target`);
  return clean === '.' ? '' : clean;
}

/** Inside of the folder that the tar is of, not beside it. `..` may only begin a target: after another link's name it would go up from wherever that leads. */
function leadsInside(name: string, target: string): boolean {
  const [top = ''] = name.split('/');
  const parts = target.split('/').filter((part) => part !== '' && part !== '.');
  const down = parts.findIndex((part) => part !== '..');
  const end = path.posix.join(path.posix.dirname(name), target);
  const inside = end === top || end.startsWith(`${top}/`);
  return inside && !target.startsWith('/') && (down < 0 || !parts.slice(down).includes('..'));
}

function throughNoLink(directory: string, name: string, links: ReadonlyMap<string, string>): void {
  const parts = name.split('/');
  for (let count = 1; count < parts.length; count++)
    if (links.has(parts.slice(0, count).join('/')))
      throw new Error(`the archive has ${name} below a link: it would lead out of ${directory}`);
}

interface Place {
  at: string;
  directory: string;
  leftOut: UnpackOptions['leftOut'];
}

async function place(content: Bytes, headers: Header, { at, directory, leftOut }: Place): Promise<void> {
  const { type = 'file', mode = 0o644, mtime = new Date(), linkname } = headers;
  await mkdir(path.dirname(at), { recursive: true });
  const there = await lstat(at).catch(() => undefined);
  const isDirectory = type === 'directory';
  if (there && there.isDirectory() !== isDirectory) {
    const [was, is] = isDirectory ? ['non-directory', 'directory'] : ['directory', 'non-directory'];
    throw new Error(`cannot overwrite ${was} "${at}" with ${is} "${directory}"`);
  }
  if (isDirectory) {
    if (!there) await mkdir(at);
    for await (const _ of content);
    return chmod(at, mode);
  }
  if (there) await rm(at);
  if (type === 'file' || type === 'contiguous-file') {
    await pipeline(Readable.from(content), createWriteStream(at, { flags: 'wx', mode: 0o600 }));
    await chmod(at, mode);
    return utimes(at, mtime, mtime);
  }
  for await (const _ of content);
  if (type === 'symlink') {
    await symlink(linkname ?? '', at);
    await lutimes(at, mtime, mtime);
  } else if (type === 'link') await link(linkname ?? '', at);
  else await leftOut(at, type);
}

/** The bytes on their way, counted. */
export async function* counted(bytes: Bytes, tell: (count: number) => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    tell(chunk.length);
    yield chunk;
  }
}
