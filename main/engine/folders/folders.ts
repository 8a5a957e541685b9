import { readdir, realpath, stat } from 'node:fs/promises';
import { codeOf } from '../../base/errors.js';
import { aborted, lookUntil } from '../../base/looks.js';
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
/** What has been told to stop does so by then, unless its file system is dead. */
const GRACE_MS = 200;
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
    const over = new AbortController();
    let grace: NodeJS.Timeout | undefined;
    const stop = () => {
      late.abort();
      grace ??= setTimeout(() => over.abort(), GRACE_MS);
    };
    const timer = setTimeout(stop, this.#patience);
    signal?.addEventListener('abort', stop);
    if (signal?.aborted) stop();
    try {
      return await Promise.all(paths.map((path) => this.#factsOf(path, { late: late.signal, over: over.signal })));
    } finally {
      clearTimeout(timer);
      clearTimeout(grace);
      signal?.removeEventListener('abort', stop);
    }
  }

  async #factsOf(path: string, time: Time): Promise<FolderFacts> {
    const facts: FolderFacts = {
      ...{ Path: path, Kind: 'unreadable', Files: 0, Size: 0, Counted: false },
      ...{ Dockerfile: null, Archive: null, Owner: null, Warnings: [] },
    };
    if (this.#stuck >= MOST_STUCK) return facts;
    const tally: Tally = { files: 0, size: 0, whole: true };
    let done = false;
    const looking = this.#look(path, facts, tally, time).finally(() => (done = true));
    await Promise.race([looking, aborted(time.over)]);
    const told = { ...facts, Files: tally.files, Size: tally.size, Counted: done && tally.whole && facts.Counted };
    if (!done) {
      this.#stuck += 1;
      void looking.catch(() => undefined).finally(() => (this.#stuck -= 1));
    }
    return told;
  }

  /** Writes down what it finds as it finds it: whoever waits for it may stop waiting. */
  async #look(path: string, facts: FolderFacts, tally: Tally, { late, over }: Time): Promise<void> {
    try {
      const seen = await lookUntil(over, () => this.#see(path, facts, late));
      if (!seen) return;
      if (facts.Kind === 'directory') await tallyUp(path, tally, late);
      else if (facts.Kind === 'file') Object.assign(tally, { files: 1, size: seen.size });
      facts.Counted = true;
    } catch (error) {
      facts.Kind = /^(?:ENOENT|ENOTDIR)$/.test(codeOf(error) ?? '') ? 'missing' : 'unreadable';
    }
  }

  /** All but how much there is below it. */
  async #see(path: string, facts: FolderFacts, late: AbortSignal): Promise<{ size: number }> {
    const about = await stat(path);
    facts.Owner = { Uid: about.uid, Gid: about.gid, User: await this.#surroundings.userOf(about.uid) };
    facts.Warnings = await this.#surroundings.warningsOf(await realpath(path));
    if (about.isDirectory()) {
      const names = new Set(await readdir(path));
      facts.Kind = 'directory';
      facts.Dockerfile = BUILD_FILES.find((name) => names.has(name)) ?? null;
    } else if (about.isFile()) {
      facts.Archive = await archiveKind(path, late);
      facts.Kind = 'file';
    } else facts.Kind = about.isSocket() ? 'socket' : 'other';
    return about;
  }
}

/** `late`: what is under way stops; `over`: nobody waits for it any more. */
interface Time {
  late: AbortSignal;
  over: AbortSignal;
}
