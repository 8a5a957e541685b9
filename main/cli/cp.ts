/** `slipway cp`: files between this machine and a container or a volume. */
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

/** Where files are: a path of this machine, of a container, of a volume. */
type Place = { path: string } & (
  { of?: undefined } | { of: 'container'; container: string } | { of: 'volume'; volume: string }
);
type Away = Exclude<Place, { of?: undefined }>;

/**
 * `CONTAINER:PATH`, `volume:NAME:PATH`, or a path of this machine: one that begins with `/` or `.` is always that. A container that is called volume
 * has its paths begin with a slash.
 */
export function splitArgument(argument: string): Place {
  const colon = argument.indexOf(':');
  if (/^[/.]/.test(argument) || colon < 0) return { path: argument };
  if (colon === 0) return { path: argument.slice(1) };
  const [, volume, inside = ''] = /^volume:([a-zA-Z0-9][\w.-]*):(.*)$/s.exec(argument) ?? [];
  if (volume !== undefined) return { of: 'volume', volume, path: inside };
  return { of: 'container', container: argument.slice(0, colon), path: argument.slice(colon + 1) };
}

export async function copy(context: Context, from: string, to: string, flags: CopyFlags): Promise<void> {
  if (from === '') throw new Error('source can not be empty');
  if (to === '') throw new Error('destination can not be empty');
  const [source, target] = [splitArgument(from), splitArgument(to)];
  if (source.of && target.of) {
    const both = source.of === 'container' && target.of === 'container';
    throw new Error(`copying between ${both ? 'containers' : 'containers or volumes'} is not supported`);
  }
  if (source.of) return copyOut(context, source, target.path, flags);
  if (target.of) return copyIn(context, source.path, target, flags);
  throw new Error('must specify at least one container source');
}

/** The files of a place, by the client's verbs. */
function filesOf({ client }: Context, place: Away) {
  const [files, id] = place.of === 'volume' ? [client.volumes, place.volume] : [client.containers, place.container];
  return {
    said: place.of === 'volume' ? `volume:${id}` : id,
    statPath: (path: string) => files.statPath(id, path),
    copyFrom: (path: string) => files.copyFrom(id, path),
    copyTo: (path: string, tar: AsyncIterable<Uint8Array>, options: Parameters<typeof files.copyTo>[3]) =>
      files.copyTo(id, path, tar, options),
  };
}

async function copyOut(context: Context, source: Away, to: string, flags: CopyFlags): Promise<void> {
  const { path } = source;
  const files = filesOf(context, source);
  const target = to === '-' ? to : absolute(to);
  if (to !== '-') await checkTarget(target);
  let from = path;
  let rebaseName: string | undefined;
  if (flags.followLink) {
    const stat = await files.statPath(path).catch(() => undefined);
    if (stat && has(stat.mode, LINK)) ({ path: from, rebaseName } = rebased(path, stat.linkTarget));
  }
  const { stat, tar } = await files.copyFrom(from);
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

async function copyIn(context: Context, from: string, target: Away, flags: CopyFlags): Promise<void> {
  const files = filesOf(context, target);
  const end = await targetIn(files, target.path);
  let directory: string;
  let tar: AsyncIterable<Uint8Array>;
  if (from === '-') {
    if (!end.isDirectory) throw new Error(`destination "${files.said}:${target.path}" must be a directory`);
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
  await files.copyTo(directory, body, { copyUIDGID: flags.archive, noOverwriteDirNonDir: true });
  await told(flags, size, `${files.said}:${end.path}`);
}

/** What is not there may still be made; its directory is for the engine to find. */
async function targetIn(
  { said, statPath }: { said: string; statPath: (path: string) => Promise<PathStat> },
  path: string,
): Promise<CopyEnd> {
  let at = path;
  let stat = await statPath(at).catch(() => undefined);
  if (stat && has(stat.mode, LINK)) {
    at = stat.linkTarget;
    stat = await statPath(at).catch(() => undefined);
  }
  if (stat && SPECIAL.some((bit) => has(stat.mode, bit)))
    throw new Error(`destination "${said}:${path}" must be a directory or a regular file: got a device`);
  return { path: at, exists: stat !== undefined, isDirectory: stat !== undefined && has(stat.mode, DIRECTORY) };
}

async function told({ quiet = !process.stdout.isTTY }: CopyFlags, size: number, to: string): Promise<void> {
  if (!quiet) await complain(`Successfully copied ${humanSize(size)} to ${to}`);
}
