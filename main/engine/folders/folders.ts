import { readdir, realpath, stat } from 'node:fs/promises';
import { codeOf } from '../../base/errors.js';
import type { FolderFacts } from '../../contract/mounts.js';
import { archiveKind } from './archive.js';
import { tallyUp, type Tally } from './count.js';
import { Surroundings } from './warnings.js';

export interface FoldersOptions {
  surroundings: Surroundings;
  /** Milliseconds that are spent on counting, over all paths. */
  patience?: number;
}

const PATIENCE_MS = 2000;
/** A dead file system never answers: it must not take every thread that reads files. */
const MOST_STUCK = 2;
const BUILD_FILES = ['Dockerfile', 'Containerfile', 'dockerfile', 'containerfile'];

/** Folders and files of this machine that are about to be given to containers. */
export class Folders {
  readonly #surroundings: Surroundings;
  readonly #patience: number;
  #stuck = 0;

  constructor({ surroundings, patience = PATIENCE_MS }: FoldersOptions) {
    this.#surroundings = surroundings;
    this.#patience = patience;
  }

  /** What is there, in the order it was asked for. */
  async facts(paths: readonly string[], signal?: AbortSignal): Promise<FolderFacts[]> {
    const late = new AbortController();
    const stop = () => late.abort();
    const timer = setTimeout(stop, this.#patience);
    signal?.addEventListener('abort', stop);
    if (signal?.aborted) stop();
    try {
      return await Promise.all(paths.map((path) => this.#factsOf(path, late.signal)));
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    }
  }

  async #factsOf(path: string, late: AbortSignal): Promise<FolderFacts> {
    const facts: FolderFacts = {
      ...{ Path: path, Kind: 'unreadable', Files: 0, Size: 0, Counted: false },
      ...{ Dockerfile: null, Archive: null, Owner: null, Warnings: [] },
    };
    if (this.#stuck >= MOST_STUCK) return facts;
    const tally: Tally = { files: 0, size: 0, whole: true };
    let over = false;
    const looking = this.#look(path, facts, tally, late).finally(() => (over = true));
    await Promise.race([looking, aborted(late).then(() => soon(looking))]);
    const told = { ...facts, Files: tally.files, Size: tally.size, Counted: over && tally.whole && facts.Counted };
    if (!over) {
      this.#stuck += 1;
      void looking.catch(() => undefined).finally(() => (this.#stuck -= 1));
    }
    return told;
  }

  /** Writes down what it finds as it finds it: whoever waits for it may stop waiting. */
  async #look(path: string, facts: FolderFacts, tally: Tally, late: AbortSignal): Promise<void> {
    try {
      const about = await stat(path);
      facts.Owner = { Uid: about.uid, Gid: about.gid, User: await this.#surroundings.userOf(about.uid) };
      facts.Warnings = await this.#surroundings.warningsOf(await realpath(path));
      if (about.isDirectory()) {
        const names = new Set(await readdir(path));
        facts.Kind = 'directory';
        facts.Dockerfile = BUILD_FILES.find((name) => names.has(name)) ?? null;
        await tallyUp(path, tally, late);
      } else if (about.isFile()) {
        facts.Archive = await archiveKind(path, late);
        facts.Kind = 'file';
        Object.assign(tally, { files: 1, size: about.size });
      } else facts.Kind = about.isSocket() ? 'socket' : 'other';
      facts.Counted = true;
    } catch (error) {
      facts.Kind = /^(?:ENOENT|ENOTDIR)$/.test(codeOf(error) ?? '') ? 'missing' : 'unreadable';
    }
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** What has been told to stop does so at once, unless its file system is dead. */
const soon = (ending: Promise<unknown>): Promise<unknown> => {
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise((resolve) => (timer = setTimeout(resolve, 200)));
  return Promise.race([ending, enough]).finally(() => clearTimeout(timer));
};
