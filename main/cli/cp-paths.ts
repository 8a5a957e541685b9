/** Where `cp` copies from and to: docker's rules for what a trailing slash, a link and what is there already mean. */
import { lstat, readlink, realpath, stat } from 'node:fs/promises';
import path from 'node:path';

/** One end of a copy. */
export interface CopyEnd {
  path: string;
  exists: boolean;
  isDirectory: boolean;
  /** What the top of the copy is called, where links made of the path something else. */
  rebaseName?: string | undefined;
}

/** Into which directory the copy goes, and what its top is to be called there; undefined: as it is. */
export interface CopyPlan {
  directory: string;
  top: string | undefined;
}

export const asksForContent = (given: string): boolean => /(^|\/)\.$/.test(given);
export const asksForDirectory = (given: string): boolean => given.endsWith('/') || asksForContent(given);

/** The directory and the last component; of `x/.` that is the dot. */
export function splitPath(given: string): { directory: string; base: string } {
  const clean = path.posix.normalize(given).replace(/(?<=.)\/+$/, '');
  const whole = asksForContent(given) ? `${clean}/.` : clean;
  return { directory: path.posix.dirname(whole), base: whole.endsWith('/.') ? '.' : path.posix.basename(whole) || '/' };
}

/** Absolute and clean, but for the end that asks for a directory. */
export function absolute(given: string): string {
  const clean = path.resolve(given);
  if (asksForContent(given)) return clean === '/' ? '/.' : `${clean}/.`;
  return given.endsWith('/') && clean !== '/' ? `${clean}/` : clean;
}

const lastOf = (given: string): string => path.posix.basename(given) || '/';

/** A path that links led elsewhere keeps its end, and its name where that became another. */
export function rebased(given: string, resolved: string): { path: string; rebaseName: string | undefined } {
  let to = resolved;
  if (asksForContent(given) && !asksForContent(to)) to += '/.';
  if (given.endsWith('/') && !to.endsWith('/')) to += '/';
  const name = asksForContent(given) ? '.' : lastOf(given);
  return { path: to, rebaseName: name === (asksForContent(to) ? '.' : lastOf(to)) ? undefined : name };
}

/** A source on this machine. */
export async function localSource(given: string, followLink: boolean): Promise<CopyEnd> {
  const whole = absolute(given);
  const { path: at, rebaseName } = followLink ? rebased(whole, await followed(whole)) : await throughParent(whole);
  const found = await lstat(at).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`lstat ${at}: ${reasonOf(error)}`);
  });
  return { path: at, exists: true, isDirectory: found.isDirectory(), rebaseName };
}

/** Where links lead in the end; what is not there is told by its own name. */
async function followed(given: string): Promise<string> {
  try {
    return await realpath(given);
  } catch (error) {
    let at = given;
    for (let links = 0; links < 40; links++) {
      const target = await readlink(at).catch(() => undefined);
      if (target === undefined) break;
      at = path.resolve(path.dirname(at), target);
    }
    throw new Error(`lstat ${at}: ${reasonOf(error as NodeJS.ErrnoException)}`, { cause: error });
  }
}

async function throughParent(given: string): Promise<{ path: string; rebaseName: string | undefined }> {
  const slash = given.lastIndexOf('/');
  const parent = await realpath(given.slice(0, slash) || '/').catch((error: NodeJS.ErrnoException) => {
    throw new Error(`lstat ${given.slice(0, slash) || '/'}: ${reasonOf(error)}`);
  });
  const resolved = path.posix.join(parent, given.slice(slash + 1));
  const at = given.endsWith('/') ? `${resolved}/` : asksForContent(given) ? `${resolved}/.` : resolved;
  return { path: at, rebaseName: given.endsWith('/') && lastOf(given) !== lastOf(at) ? lastOf(given) : undefined };
}

/** A target on this machine; links are followed to their end, which need not be there. */
export async function localTarget(given: string): Promise<CopyEnd> {
  let at = absolute(given);
  for (let links = 0; ; links++) {
    const found = await lstat(at).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw new Error(`lstat ${at}: ${reasonOf(error)}`);
    });
    if (!found) break;
    if (!found.isSymbolicLink()) return { path: at, exists: true, isDirectory: found.isDirectory() };
    if (links > 10) throw new Error(`too many symlinks in ${given}`);
    at = path.resolve(path.dirname(at), await readlink(at));
  }
  const parent = await stat(splitPath(at).directory);
  if (!parent.isDirectory()) throw new Error('not a directory');
  return { path: at, exists: false, isDirectory: false };
}

/** Refuses a target whose directory is not there, or that is a device. */
export async function checkTarget(given: string): Promise<void> {
  const directory = path.posix.dirname(path.posix.normalize(given).replace(/(?<=.)\/+$/, ''));
  if (directory !== '.' && !(await stat(directory).catch(() => undefined)))
    throw new Error(`invalid output path: directory "${directory}" does not exist`);
  const found = await stat(given).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new Error(`stat ${given}: ${reasonOf(error)}`);
  });
  if (found && !found.isDirectory() && !found.isFile())
    throw new Error(`invalid output path: "${given}" must be a directory or a regular file: got a device`);
}

export function planCopy(source: CopyEnd, target: CopyEnd): CopyPlan {
  const { directory, base } = splitPath(target.path);
  if (target.exists && target.isDirectory) return { directory: target.path, top: source.rebaseName };
  if (target.exists && source.isDirectory) throw new Error('cannot copy directory');
  if (!target.exists && !source.isDirectory && asksForDirectory(target.path)) throw new Error('no such directory');
  return { directory, top: base };
}

export function reasonOf(error: NodeJS.ErrnoException): string {
  const known: Record<string, string> = {
    ENOENT: 'no such file or directory',
    ENOTDIR: 'not a directory',
    EACCES: 'permission denied',
  };
  return known[error.code ?? ''] ?? error.message;
}
