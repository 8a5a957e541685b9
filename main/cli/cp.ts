/** `slipway cp`: files between this machine and a container. */
import { counted, packFiles, unpackFiles } from '../base/file-tar.js';
import type { PathStat } from '../client/index.js';
import type { Context } from './context.js';
import {
  absolute,
  checkTarget,
  localSource,
  localTarget,
  planCopy,
  rebased,
  splitPath,
  type CopyEnd,
} from './cp-paths.js';
import { complain, write } from './output.js';
import { humanSize } from './units.js';

export interface CopyFlags {
  archive?: boolean;
  followLink?: boolean;
  quiet?: boolean;
}

/** Bits of Go's file modes. */
const DIRECTORY = 2 ** 31;
const LINK = 2 ** 27;
const SPECIAL = [2 ** 26, 2 ** 25, 2 ** 24];
const has = (mode: number, bit: number): boolean => Math.floor(mode / bit) % 2 === 1;

/** `CONTAINER:PATH`, or a path of this machine: one that begins with `/` or `.` is always that. */
export function splitArgument(argument: string): { container: string; path: string } {
  if (argument.startsWith('/') || argument.startsWith('.')) return { container: '', path: argument };
  const colon = argument.indexOf(':');
  if (colon < 0 || argument.slice(0, colon).startsWith('.')) return { container: '', path: argument };
  return { container: argument.slice(0, colon), path: argument.slice(colon + 1) };
}

export async function copy(context: Context, from: string, to: string, flags: CopyFlags): Promise<void> {
  if (from === '') throw new Error('source can not be empty');
  if (to === '') throw new Error('destination can not be empty');
  const [source, target] = [splitArgument(from), splitArgument(to)];
  if (source.container && target.container) throw new Error('copying between containers is not supported');
  if (source.container) return copyOut(context, source, target.path, flags);
  if (target.container) return copyIn(context, source.path, target, flags);
  throw new Error('must specify at least one container source');
}

async function copyOut({ client }: Context, { container, path }: Place, to: string, flags: CopyFlags): Promise<void> {
  const target = to === '-' ? to : absolute(to);
  if (to !== '-') await checkTarget(target);
  let from = path;
  let rebaseName: string | undefined;
  if (flags.followLink) {
    const stat = await client.containers.statPath(container, path).catch(() => undefined);
    if (stat && has(stat.mode, LINK)) ({ path: from, rebaseName } = rebased(path, stat.linkTarget));
  }
  const { stat, tar } = await client.containers.copyFrom(container, from);
  if (to === '-') {
    for await (const chunk of tar) await write(process.stdout, chunk);
    return;
  }
  const isDirectory = has(stat.mode, DIRECTORY);
  let plan;
  try {
    plan = planCopy({ path: from, exists: true, isDirectory, rebaseName }, await localTarget(to));
  } catch (error) {
    tar.cancel();
    throw error;
  }
  let size = 0;
  const { base } = splitPath(from);
  await unpackFiles(
    counted(tar, (count) => (size += count)),
    plan.directory,
    {
      rename: (name) => renamed(name, base, plan.top),
      leftOut: (at, type) => complain(`${at} was left out: it is a ${type}, which this command cannot make`),
    },
  );
  await told(flags, size, target);
}

/** The names of a tar whose top is `from` begin with `to` instead. */
const renamed = (name: string, from: string, to: string | undefined): string => {
  if (to === undefined) return name;
  const old = from === '/' ? '' : from;
  return name.startsWith(old) ? to + name.slice(old.length) : name;
};

async function copyIn({ client }: Context, from: string, target: Place, flags: CopyFlags): Promise<void> {
  const { container } = target;
  const end = await containerTarget(client.containers.statPath, target);
  let directory: string;
  let tar: AsyncIterable<Uint8Array>;
  if (from === '-') {
    if (!end.isDirectory) throw new Error(`destination "${container}:${target.path}" must be a directory`);
    directory = end.path;
    tar = process.stdin;
  } else {
    const source = await localSource(from, flags.followLink === true);
    const plan = planCopy(source, end);
    directory = plan.directory;
    tar = packFiles([{ path: source.path, name: plan.top ?? splitPath(source.path).base }]);
  }
  let size = 0;
  const body = counted(tar, (count) => (size += count));
  await client.containers.copyTo(container, directory, body, { copyUIDGID: flags.archive, noOverwriteDirNonDir: true });
  await told(flags, size, `${container}:${end.path}`);
}

interface Place {
  container: string;
  path: string;
}

/** What is not there may still be made; its directory is for the engine to find. */
async function containerTarget(
  statPath: (container: string, path: string) => Promise<PathStat>,
  { container, path }: Place,
): Promise<CopyEnd> {
  let at = path;
  let stat = await statPath(container, at).catch(() => undefined);
  if (stat && has(stat.mode, LINK)) {
    at = stat.linkTarget;
    stat = await statPath(container, at).catch(() => undefined);
  }
  if (stat && SPECIAL.some((bit) => has(stat.mode, bit)))
    throw new Error(`destination "${container}:${path}" must be a directory or a regular file: got a device`);
  return { path: at, exists: stat !== undefined, isDirectory: stat !== undefined && has(stat.mode, DIRECTORY) };
}

async function told({ quiet = !process.stdout.isTTY }: CopyFlags, size: number, to: string): Promise<void> {
  if (!quiet) await complain(`Successfully copied ${humanSize(size)} to ${to}`);
}
