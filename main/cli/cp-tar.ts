/** Files of this machine as a tar, and a tar as files of this machine. */
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, link, lstat, lutimes, mkdir, opendir, readlink, rm, symlink, utimes } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, pack, type Header, type Pack } from 'tar-stream';
import { complain } from './output.js';
import { splitPath } from './cp-paths.js';

type Bytes = AsyncIterable<Uint8Array>;

/** A file or a directory and what is below it; `top` is what it is called in the tar. */
export function packLocal(source: string, top: string): Bytes {
  const tar = pack();
  const linked = new Map<string, string>();
  const going = add(tar, source, top, linked).then(
    () => tar.finalize(),
    (error: Error) => tar.destroy(error),
  );
  void going;
  return tar as unknown as Bytes;
}

async function add(tar: Pack, at: string, name: string, linked: Map<string, string>): Promise<void> {
  const found = await lstat(at, { bigint: false });
  const about = { name, mode: found.mode & 0o7777, uid: found.uid, gid: found.gid, mtime: found.mtime };
  if (found.isDirectory()) {
    await entry(tar, { ...about, name: name.endsWith('/') ? name : `${name}/`, type: 'directory' });
    const names: string[] = [];
    for await (const { name: child } of await opendir(at)) names.push(child);
    for (const child of names.sort())
      await add(tar, path.join(at, child), `${name.replace(/\/$/, '')}/${child}`, linked);
  } else if (found.isSymbolicLink()) {
    await entry(tar, { ...about, type: 'symlink', linkname: await readlink(at) });
  } else if (found.isFile()) {
    const identity = `${found.dev}:${found.ino}`;
    const first = found.nlink > 1 ? linked.get(identity) : undefined;
    if (first !== undefined) return entry(tar, { ...about, type: 'link', linkname: first });
    linked.set(identity, name);
    const into = tar.entry({ ...about, size: found.size });
    // What grows meanwhile is copied as far as it went when we looked.
    const from = found.size > 0 ? createReadStream(at, { end: found.size - 1 }) : Readable.from([]);
    await pipeline(from, into as unknown as NodeJS.WritableStream);
  } else if (found.isFIFO()) {
    await entry(tar, { ...about, type: 'fifo' });
  } else if (found.isSocket()) {
    return; // a tar has none
  } else {
    const type = found.isBlockDevice() ? 'block-device' : 'character-device';
    const [devmajor, devminor] = [(found.rdev >> 8) & 0xfff, (found.rdev & 0xff) | ((found.rdev >> 12) & 0xfff00)];
    await entry(tar, { ...about, type, devmajor, devminor });
  }
}

const entry = (tar: Pack, headers: Partial<Header> & { name: string }): Promise<void> =>
  new Promise((resolve, reject) => tar.entry(headers, (error) => (error ? reject(error) : resolve())));

/** The names of a tar whose top is `from` begin with `to` instead. */
const renamed = (name: string, from: string, to: string | undefined): string => {
  if (to === undefined) return name;
  const old = from === '/' ? '' : from;
  return name.startsWith(old) ? to + name.slice(old.length) : name;
};

/** Extracts into a directory that is there. `from` is the path in the container, whose last part the names begin with. */
export async function unpackLocal(
  bytes: Bytes,
  directory: string,
  from: string,
  top: string | undefined,
): Promise<number> {
  const tar = extract();
  const read = pipeline(Readable.from(bytes), tar as unknown as NodeJS.WritableStream);
  read.catch(() => undefined);
  const { base } = splitPath(from);
  const links = new Set<string>();
  const dated: [string, Date][] = [];
  let size = 0;
  for await (const each of tar) {
    const headers = each.header;
    const name = relative(renamed(headers.name, base, top));
    const at = path.join(directory, name);
    size += headers.size ?? 0;
    if (name === '') each.resume();
    else {
      throughNoLink(directory, name, links);
      const source = headers.linkname && headers.type === 'link' ? relative(renamed(headers.linkname, base, top)) : '';
      if (source) throughNoLink(directory, source, links);
      await place(
        each as unknown as AsyncIterable<Uint8Array>,
        { ...headers, linkname: source ? path.join(directory, source) : (headers.linkname ?? '') },
        at,
        directory,
      );
      if (headers.type === 'symlink') links.add(name);
      if (headers.type === 'directory' && headers.mtime) dated.push([at, headers.mtime]);
    }
  }
  await read;
  for (const [at, mtime] of dated.reverse()) await utimes(at, mtime, mtime).catch(() => undefined);
  return size;
}

/** An engine we do not know must not reach beside the target: by `..`, nor by a link that it has just sent. */
function relative(name: string): string {
  const clean = path.posix.normalize(`./${name}`).replace(/^\.?\/|\/$/g, '');
  if (clean === '..' || clean.startsWith('../')) throw new Error(`the archive's entry ${name} leads out of the target`);
  return clean === '.' ? '' : clean;
}

function throughNoLink(directory: string, name: string, links: ReadonlySet<string>): void {
  const parts = name.split('/');
  for (let count = 1; count < parts.length; count++)
    if (links.has(parts.slice(0, count).join('/')))
      throw new Error(`the archive has ${name} below a link: it would lead out of ${directory}`);
}

async function place(content: Bytes, headers: Header, at: string, directory: string): Promise<void> {
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
    return chmod(at, mode & 0o7777);
  }
  if (there) await rm(at);
  if (type === 'file' || type === 'contiguous-file') {
    await pipeline(Readable.from(content), createWriteStream(at, { flags: 'wx', mode: 0o600 }));
    await chmod(at, mode & 0o7777);
    return utimes(at, mtime, mtime);
  }
  for await (const _ of content);
  if (type === 'symlink') {
    await symlink(linkname ?? '', at);
    await lutimes(at, mtime, mtime);
  } else if (type === 'link') await link(linkname ?? '', at);
  else await complain(`${at} was left out: it is a ${type}, which this command cannot make`);
}

/** The bytes on their way, counted. */
export async function* counted(bytes: Bytes, tell: (count: number) => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    tell(chunk.length);
    yield chunk;
  }
}
