/** Folders of this machine that images are built of; nothing of them stays in memory. */
import ignore from '@balena/dockerignore';
import { readFile } from 'node:fs/promises';
import { join, normalize } from 'node:path/posix';
import { codeOf, invalid, messageOf } from '../../main/base/errors.js';
import type { LeftOut } from '../../main/base/file-tar.js';
import type { Client } from '../../main/client/index.js';
import type { ImageBuild } from '../../main/contract/bridge.js';
import type { Progress } from '../../main/contract/images.js';
import { contentOf, explained, pass, type Watch } from './copies.js';

/** Milliseconds in which output is gathered, and how much of it is passed on at most: a build may say more than anybody reads. */
const GATHERED_MS = 100;
const MOST_OUTPUT = 256 * 1024;

/** Gives a folder to the engine, but for what its .dockerignore names, and passes on what the engine says. */
export async function buildImage(
  client: Client,
  folder: string,
  how: ImageBuild,
  watch: Watch & { say(line: Progress): void },
): Promise<void> {
  const leftOut = await leftOutOf(folder, how.dockerfile).catch(explained);
  const sources = await contentOf([folder]);
  await pass(sources, { owner: { uid: 0, gid: 0 }, leftOut }, watch, (tar) =>
    gathered(client.images.build(tar, { ...how, signal: watch.signal }), watch.say),
  );
}

/** Passes on what is said, with output that comes in many pieces in few. */
async function gathered(lines: AsyncIterable<Progress>, say: (line: Progress) => void): Promise<void> {
  let text = '';
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (text !== '') say({ stream: text });
    text = '';
  };
  try {
    for await (const line of lines) {
      if (line.stream === undefined) {
        flush();
        say(line);
        continue;
      }
      text = (text + line.stream).slice(-MOST_OUTPUT);
      timer ??= setTimeout(flush, GATHERED_MS);
    }
  } finally {
    flush();
  }
}

/** What `docker build` leaves out: by the Dockerfile's own list where it has one. The Dockerfile and the list always go along: the engine wants to read them. */
export async function leftOutOf(folder: string, dockerfile: string): Promise<LeftOut | undefined> {
  for (const name of [`${dockerfile}.dockerignore`, '.dockerignore']) {
    const text = await readFile(join(folder, name), 'utf8').catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (text === undefined) continue;
    const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
    const list = ignore({ ignorecase: false }).add([...lines, `!${dockerfile}`, '!.dockerignore']);
    // Its cache would keep every path, and finds in itself what every object has (`constructor`).
    Object.assign(list, { _cache: new Proxy({}, { has: () => false, set: () => true }) });
    try {
      list.ignores(name); // compiles its patterns
    } catch (error) {
      throw invalid(`${name} has a pattern that cannot be read: ${messageOf(error)}`, { cause: error });
    }
    const exceptions = lines
      .filter((line) => line.startsWith('!'))
      .map((line) =>
        normalize(line.slice(1).trim())
          .replace(/^\/|\/$/g, '')
          .split('/'),
      );
    return { ignores: (path) => list.ignores(path), reaches: (path) => reaches(exceptions, path.split('/')) };
  }
  return undefined;
}

/** Whether one of the exceptions may be of something below a folder: what comes after a wildcard may be anywhere. */
const reaches = (exceptions: string[][], folder: string[]): boolean =>
  exceptions.some((parts) => {
    const wild = parts.findIndex((part) => /[*?[\\]/.test(part));
    const plain = wild < 0 ? parts : parts.slice(0, wild);
    return plain.every((part, at) => at >= folder.length || part === folder[at]);
  });
